package live_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// documented returns what docs/rbac.md allows, "list pods" or "get
// deployments.apps" for one.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/rbac.md")
	if err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for _, document := range strings.Split(block[1], "---\n") {
			var role rbacv1.ClusterRole // as far as a Role has it, too
			if err := yaml.Unmarshal([]byte(document), &role); err != nil {
				t.Fatal(err)
			}
			for _, rule := range role.Rules {
				for _, verb := range rule.Verbs {
					for _, resource := range rule.Resources {
						allowed = append(allowed, verb+" "+strings.TrimSuffix(resource+"."+rule.APIGroups[0], "."))
					}
				}
			}
		}
	}
	return allowed
}

// The roles in the documentation are enough for all that is read, and no list is
// in them that nobody reads.
func TestDocumentedRoles(t *testing.T) {
	allowed := documented(t)
	c := serve(t)
	c.add("v1 persistentvolumeclaims PersistentVolumeClaim prod/data", `{"spec":{"volumeName":"v"}}`)
	c.add("v1 persistentvolumes PersistentVolume v")
	c.servesMore()
	relabelled := want("v1 Pod prod/a")
	for _, k := range selectors.Kinds() {
		name, group, _ := strings.Cut(k, ".")
		relabelled.LabelReaders = append(relabelled.LabelReaders, live.LabelReader{Group: group, Kind: name, Everywhere: true})
	}
	asking := want("v1 Service prod/a")
	asking.Asks = true
	sent, class := want("v1 ConfigMap prod/b"), want("scheduling.k8s.io/v1 PriorityClass b")
	sent.Sent, class.Sent = true, true
	state := c.read(live.Options{}, relabelled, asking, sent, class,
		want("apps/v1 Deployment prod/a"), want("apps/v1 StatefulSet prod/a"), want("apps/v1 DaemonSet prod/a"), want("apps/v1 ReplicaSet prod/a"),
		want("batch/v1 Job prod/a"), want("batch/v1 CronJob prod/a"), want("v1 ReplicationController prod/a"),
		gone("v1 PersistentVolumeClaim prod/data"), want("v1 Secret prod/a"), want("v1 ConfigMap prod/a"),
		want("networking.k8s.io/v1 Ingress prod/a"), want("v1 Namespace prod"), want("storage.k8s.io/v1 StorageClass a"),
		want("scheduling.k8s.io/v1 PriorityClass a"), want("node.k8s.io/v1 RuntimeClass a"), want("v1 ServiceAccount prod/a"),
		want("rbac.authorization.k8s.io/v1 Role prod/a"), want("rbac.authorization.k8s.io/v1 ClusterRole a"),
		want("apiextensions.k8s.io/v1 CustomResourceDefinition a"),
		want("policy/v1 PodDisruptionBudget prod/a"), want("autoscaling/v2 HorizontalPodAutoscaler prod/a"))
	check(t, "gaps", []live.Gap(nil), state.Unread)
	check(t, "what was not seen", []live.Gap(nil), state.Unseen)
	if _, err := c.reader(live.Options{}).Drains(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, request := range c.requests() {
		path, _, _ := strings.Cut(request, "?")
		if right := rightFor(path); right != "" {
			used[right] = true
			if !slices.Contains(allowed, right) {
				t.Errorf("docs/rbac.md does not allow to %s, which %s %s needs", right, http.MethodGet, path)
			}
		}
	}
	for _, right := range allowed {
		if strings.HasPrefix(right, "list ") && right != "list secrets" && !used[right] { // Helm lists Secrets
			t.Errorf("docs/rbac.md allows to %s, which nothing needs", right)
		}
	}
}

// rightFor returns what RBAC has to allow for a GET of a path; "" for discovery.
func rightFor(path string) string {
	part := strings.Split(strings.Trim(path, "/"), "/")
	group := ""
	if part[0] == "apis" {
		group, part = part[1], part[1:]
	}
	if len(part) < 2 {
		return "" // the versions of a group
	}
	part = part[2:]
	if len(part) > 2 && part[0] == "namespaces" {
		part = part[2:]
	}
	switch len(part) {
	case 0:
		return ""
	case 1:
		return "list " + strings.TrimSuffix(part[0]+"."+group, ".")
	}
	return "get " + strings.TrimSuffix(part[0]+"."+group, ".")
}
