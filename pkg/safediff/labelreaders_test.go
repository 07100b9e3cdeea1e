package safediff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// service is a Service with labels.
func service(labels string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: web, labels: {%s}}\nspec: {ports: [{port: 80}], selector: {app: web}}\n", labels)
}

// monitor is a ServiceMonitor of another release that selects by team.
func monitor(namespaces string) map[string]any {
	o, err := manifest.Parse("apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: all, namespace: monitoring}\n"+
		"spec: {namespaceSelector: {"+namespaces+"}, selector: {matchLabels: {team: a}}, endpoints: [{port: web}]}\n", manifest.Options{})
	if err != nil {
		return nil
	}
	value, _ := o[0].Value()
	return value
}

// Who selects by a label may be in the cluster alone. It is asked for where a label
// changes, and missed only where that would have been hidden.
func TestSelectedFromOutside(t *testing.T) {
	const forbidden = "no permission to list servicemonitors.monitoring.coreos.com"
	gap := []cluster.Gap{{Kind: "ServiceMonitor.monitoring.coreos.com", Reason: forbidden}}
	noName := "unchecked Service web: whether something in the cluster selects it by the labels that change is not known: " + forbidden
	for _, c := range []struct {
		name, old, updated string
		state              cluster.State
		asked              bool
		want               []string
	}{
		{"selected by the old value", "team: a", "team: b", cluster.State{Selecting: []map[string]any{monitor("any: true")}}, true,
			[]string{`shown .metadata.labels.team: ServiceMonitor monitoring/all no longer selects it`}},
		{"selected elsewhere", "team: a", "team: b", cluster.State{Selecting: []map[string]any{monitor("matchNames: [prod]")}}, true,
			[]string{"hidden .metadata.labels.team"}},
		{"selected by nobody", "team: a", "team: b", cluster.State{}, true, []string{"hidden .metadata.labels.team"}},
		{"a label that comes", "x: y", "x: y, team: a", cluster.State{Selecting: []map[string]any{monitor("any: true")}}, true,
			[]string{`shown .metadata.labels.team: ServiceMonitor monitoring/all now selects it`}},
		{"the version of the chart", "helm.sh/chart: web-1", "helm.sh/chart: web-2", cluster.State{Unseen: gap}, false, []string{`hidden .metadata.labels["helm.sh/chart"]`}},
		{"not seen", "team: a", "team: b", cluster.State{Unseen: gap}, true, []string{"hidden .metadata.labels.team", noName}},
		{"shown anyway", "service.kubernetes.io/headless: ''", "service.kubernetes.io/headless: 'x'", cluster.State{Unseen: gap}, true,
			[]string{`shown .metadata.labels["service.kubernetes.io/headless"]: kube-proxy decides by it whether it serves the Service`}},
		{"another kind not seen", "team: a", "team: b", cluster.State{Unseen: []cluster.Gap{{Kind: "NetworkPolicy.networking.k8s.io", Reason: "x"}}}, true,
			[]string{"hidden .metadata.labels.team"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := false
			look := func(_ context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
				asked = slices.ContainsFunc(wanted, func(w cluster.Wanted) bool {
					return slices.Contains(w.LabelReaders, cluster.LabelReader{Group: "monitoring.coreos.com", Kind: "ServiceMonitor", Everywhere: true})
				})
				c.state.Objects = map[manifest.Identity]cluster.Object{}
				for _, w := range wanted {
					c.state.Objects[w.Ref.Identity()] = cluster.Object{Value: held(t, service(c.old))}
				}
				return &c.state, nil
			}
			set, err := Compare(t.Context(), Manifest{"old.yaml", service(c.old)}, Manifest{"new.yaml", service(c.updated)}, Options{
				Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Look: look,
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, seen(&set)); diff != "" || asked != c.asked {
				t.Errorf("asked: %v, want %v; -want +got:\n%s", asked, c.asked, diff)
			}
		})
	}
}

// held is what a cluster has of a Service of the release shop in the namespace demo.
func held(t *testing.T, text string) map[string]any {
	t.Helper()
	objects, err := manifest.Parse(text, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	value, err := objects[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	metadata, _ := value["metadata"].(map[string]any)
	metadata["namespace"], metadata["uid"], metadata["resourceVersion"] = "demo", "u", "1"
	spec, _ := value["spec"].(map[string]any)
	spec["clusterIP"], spec["clusterIPs"] = "10.0.0.1", []any{"10.0.0.1"}
	return value
}

// seen says of each edit whether it is shown and who looks at it, and what is unchecked.
func seen(set *change.Set) []string {
	var lines []string
	for i := range set.Changes {
		for _, e := range set.Changes[i].Edits {
			how := "shown"
			if e.Noise != "" {
				how = "hidden"
			}
			lines = append(lines, strings.Join(append([]string{how + " " + e.Path.String()}, e.Watchers...), ": "))
		}
	}
	for _, n := range set.Unchecked {
		lines = append(lines, fmt.Sprintf("unchecked %s %s: %s", n.Ref.Kind, n.Ref.Name, n.Reason))
	}
	return lines
}
