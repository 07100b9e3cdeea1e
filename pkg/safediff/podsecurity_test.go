package safediff

import (
	"context"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
)

// The namespace of a release is not in its chart as a rule: its labels are read from
// the cluster.
func TestNamespaceInCluster(t *testing.T) {
	const (
		web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: demo, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-namespace: demo, meta.helm.sh/release-name: shop}}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n" +
			"  template: {metadata: {labels: {app: web}}, spec: {%s containers: [{name: web, image: web}]}}\n"
		guarded = "apiVersion: v1\nkind: Namespace\nmetadata: {name: demo, labels: {pod-security.kubernetes.io/enforce: baseline}}\n"
	)
	const running = "---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-1, namespace: demo, uid: r, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: \"1\", controller: true}]}\n" +
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: web-1-x, namespace: demo, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]}\n"
	old, updated := strings.Replace(web, "%s", "", 1), strings.Replace(web, "%s", "hostNetwork: true,", 1)
	stored := func(o string) string {
		return strings.Replace(o, "namespace: demo", `namespace: demo, uid: "1", resourceVersion: "7"`, 1)
	}
	none := func(context.Context, []cluster.Wanted) (*cluster.State, error) { return &cluster.State{}, nil }
	unread := func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
		state, err := clusterOf(t, "")(ctx, wanted)
		state.Objects[action.NamespaceOf(wanted[0].Ref).Identity()] = cluster.Object{Unread: "no permission to get namespaces"}
		return state, err
	}
	const unknown = "whether namespace demo lets its pods in (pod security): no permission to get namespaces"
	for _, c := range []struct {
		name         string
		old, updated string
		look         func(context.Context, []cluster.Wanted) (*cluster.State, error)
		refused      bool
		unknown      bool
	}{
		{"refused", old, updated, clusterOf(t, stored(old)+"---\n"+guarded), true, false},
		{"refused before, and made all the same: somebody has exempted them", updated, strings.Replace(updated, "image: web", "image: web:2", 1), clusterOf(t, stored(updated)+"---\n"+guarded+running), false, false},
		{"refused before, and none is made", updated, strings.Replace(updated, "image: web", "image: web:2", 1), clusterOf(t, stored(updated)+"---\n"+guarded), true, false},
		{"no labels", old, updated, clusterOf(t, stored(old)), false, false},
		{"not read", old, updated, unread, false, true},
		{"nothing read", old, updated, none, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, Options{
				Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Look: c.look,
			})
			if err != nil {
				t.Fatal(err)
			}
			refused, said := false, false
			for _, f := range set.Changes[0].Findings {
				refused = refused || f.Rule == "pods-refused"
			}
			for _, n := range set.Unchecked {
				said = said || n.Reason == unknown
			}
			if refused != c.refused || said != c.unknown {
				t.Errorf("refused: %t, unchecked: %t, in %+v and %+v", refused, said, set.Changes[0].Findings, set.Unchecked)
			}
		})
	}
}
