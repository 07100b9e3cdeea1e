package measure

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
)

// revision returns the newest revision of the release that Helm has recorded, and its
// status.
func (b *Bench) revision(ctx context.Context, namespace string) (newest int, status string, err error) {
	records, err := b.core.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + Release})
	if err != nil {
		return 0, "", err
	}
	for i := range records.Items {
		labels := records.Items[i].Labels
		n, err := strconv.Atoi(labels["version"])
		if err != nil {
			return 0, "", err
		}
		if n > newest {
			newest, status = n, labels["status"]
		}
	}
	return newest, status, nil
}

// remains is what there was of the objects before an upgrade, besides their fields.
type remains struct {
	objects []*unstructured.Unstructured
	held    []bool // whether more was in it than it says
	claims  map[string]types.UID
	left    []*unstructured.Unstructured // what there is of the objects after the upgrade
}

// remains looks at what there is.
func (b *Bench) remains(ctx context.Context, objects, live []*unstructured.Unstructured, namespace string) (remains, error) {
	was := remains{objects: live, held: make([]bool, len(objects))}
	for i, o := range live {
		held, err := b.holds(ctx, o)
		if err != nil {
			return was, err
		}
		was.held[i] = held
	}
	var err error
	was.claims, err = b.claims(ctx, namespace)
	return was, err
}

// holds reports whether there is something in an object that goes with it and that no
// manifest brings back.
func (b *Bench) holds(ctx context.Context, o *unstructured.Unstructured) (bool, error) {
	if o == nil {
		return false, nil
	}
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(o.Object, path...)
		return value
	}
	switch o.GetKind() {
	case "Namespace":
		return true, nil
	case "PersistentVolumeClaim":
		return text("spec", "volumeName") != "", nil
	case "PersistentVolume":
		return text("spec", "claimRef", "name") != "", nil
	case "CustomResourceDefinition":
		versions, _, _ := unstructured.NestedStringSlice(o.Object, "status", "storedVersions")
		if len(versions) == 0 {
			return false, nil
		}
		client, err := b.lab.Client()
		if err != nil {
			return false, err
		}
		list, err := client.Resource(schema.GroupVersionResource{Group: text("spec", "group"), Version: versions[0], Resource: text("spec", "names", "plural")}).
			List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil // it is not served yet
		}
		return err == nil && len(list.Items) > 0, err
	default:
		return false, nil
	}
}

// claims returns the claims of a namespace by name.
func (b *Bench) claims(ctx context.Context, namespace string) (map[string]types.UID, error) {
	list, err := b.core.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	claims := map[string]types.UID{}
	for i := range list.Items {
		if c := &list.Items[i]; c.DeletionTimestamp == nil {
			claims[c.Name] = c.UID
		}
	}
	return claims, nil
}

// back rolls an upgrade back and writes down what became of every object that was
// there before, hooks aside. An upgrade that Helm has not recorded is none. What
// controllers do then is not waited for: whether an object comes back shows when Helm is
// done.
func (b *Bench) back(ctx context.Context, way Way, namespace string, to int, objects []*unstructured.Unstructured, was remains, u *agreement.Upgrade) error {
	now, status, err := b.revision(ctx, namespace)
	if err != nil {
		return err
	}
	u.Upgrade.Status = status
	if now == to {
		u.Upgrade.Status = agreement.NotRecorded
		return nil
	}
	cmd := b.command(ctx, way.Upgrade, "rollback", Release, strconv.Itoa(to), "--namespace", namespace, "--timeout", "30s")
	// What the cluster serves is found out anew, as where nobody has run Helm before.
	cmd.Env = append(cmd.Env, "KUBECACHEDIR="+filepath.Join(b.home, "fresh", namespace))
	_, failed := output(cmd)
	u.Rollback = &agreement.Rollback{OK: failed == nil}
	if failed != nil {
		u.Rollback.Error = failed.Error()
	}
	b.lab.Rediscover()
	after, err1 := b.read(ctx, objects, namespace)
	claims, err2 := b.claims(ctx, namespace)
	_, u.Rollback.Status, err = b.revision(ctx, namespace)
	if err := errors.Join(err1, err2, err); err != nil {
		return err
	}
	for i, o := range objects {
		if was.objects[i] == nil || was.objects[i].GetAnnotations()["helm.sh/hook"] != "" {
			continue
		}
		r := &u.Resources[i]
		r.Back, r.BackChanged = was.returned(i, o, after[i], claims, u.Rollback.Error)
	}
	return nil
}

// returned tells how an object comes back that was there before the upgrade. failure is
// what Helm said of the rollback, if it failed.
func (was *remains) returned(i int, o, after *unstructured.Unstructured, claims map[string]types.UID, failure string) (how string, changed []string) {
	before := was.objects[i]
	verdict, changed := compare(before, after)
	switch {
	case failure != "" && names(failure, o):
		return agreement.BackRefused, changed
	case verdict == "deleted":
		return agreement.BackGone, nil
	case was.held[i] && verdict == "recreated", was.claimLost(before, claims), o.GetKind() == "Service" && (reachedBy(before) != reachedBy(after) || was.givenUp(i)):
		return agreement.BackEmpty, nil
	case verdict == "recreated" && slices.Contains(holders(), o.GetKind()):
		return agreement.BackAnew, nil
	case verdict == "modified" && slices.Equal(changed, []string{"spec.replicas"}) && was.autoscaled():
		return agreement.BackSame, nil // the autoscaler is on its way
	case verdict == "modified":
		return agreement.BackOther, changed
	default:
		return agreement.BackSame, nil
	}
}

// autoscaled reports whether an autoscaler was among the objects.
func (was *remains) autoscaled() bool {
	return slices.ContainsFunc(was.objects, func(o *unstructured.Unstructured) bool {
		return o != nil && o.GetKind() == "HorizontalPodAutoscaler"
	})
}

// holders are the kinds of objects that hold more than they say.
func holders() []string {
	return []string{"PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition"}
}

// claimLost reports whether a StatefulSet has had a claim that is gone, or is another
// one now.
func (was *remains) claimLost(o *unstructured.Unstructured, claims map[string]types.UID) bool {
	templates, _, _ := unstructured.NestedSlice(o.Object, "spec", "volumeClaimTemplates")
	for _, t := range templates {
		template, _ := t.(map[string]any)
		name, _, _ := unstructured.NestedString(template, "metadata", "name")
		for claim, uid := range was.claims {
			if strings.HasPrefix(claim, name+"-"+o.GetName()+"-") && claims[claim] != uid {
				return true
			}
		}
	}
	return false
}

// givenUp reports whether the upgrade has given up the load balancer of a Service: in a
// cloud that is what its address hangs on.
func (was *remains) givenUp(i int) bool {
	kind := func(o *unstructured.Unstructured) string {
		if o == nil {
			return ""
		}
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
		return kind
	}
	return kind(was.objects[i]) == "LoadBalancer" && kind(was.left[i]) != "LoadBalancer"
}

// reachedBy returns the node ports of a Service.
func reachedBy(service *unstructured.Unstructured) string {
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	var numbers []string
	for _, p := range ports {
		if port, _ := p.(map[string]any); port["nodePort"] != nil {
			numbers = append(numbers, fmt.Sprint(port["nodePort"]))
		}
	}
	return strings.Join(numbers, " ")
}
