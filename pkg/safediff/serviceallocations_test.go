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

// nodePort is a Service with a port of the nodes; of its own choice without one.
func nodePort(name, namespace string, port int) string {
	chosen := ""
	if port > 0 {
		chosen = fmt.Sprintf(", nodePort: %d", port)
	}
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\nspec: {type: NodePort, ports: [{port: 80%s}], selector: {app: web}}\n---\n", name, namespace, chosen)
}

// Who has a port of the nodes may be in the cluster alone. It is asked for where the
// upgrade asks for a port, and missed only there.
func TestAllottedElsewhere(t *testing.T) {
	const forbidden = "no permission to list services in all namespaces"
	const refused = "rejected: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated; node port 30080 is that of "
	const unknown = "unchecked Service web: it asks for node port 30080: whether a Service outside of the release has it is not known"
	installed := stored(strings.Replace(nodePort("web", "demo", 30001), "namespace: demo",
		"namespace: demo, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: demo}", 1))
	api := nodePort("api", "demo", 0)
	assigned := stored(nodePort("api", "demo", 30080))
	for _, c := range []struct {
		name, old, updated, cluster string
		gaps                        []cluster.Gap
		asked                       bool
		want                        []string
	}{
		{"nobody has it", nodePort("web", "demo", 0), nodePort("web", "demo", 30080), installed, nil, true, nil},
		{"a Service of another namespace", nodePort("web", "demo", 0), nodePort("web", "demo", 30080), installed + nodePort("shop", "prod", 30080), nil, true,
			[]string{refused + "Service prod/shop"}},
		{"one of the release, to which it was assigned", nodePort("web", "demo", 0) + api, nodePort("web", "demo", 30080) + api, installed + assigned, nil, true,
			[]string{refused + "Service demo/api"}},
		{"not seen", nodePort("web", "demo", 0), nodePort("web", "demo", 30080), installed, []cluster.Gap{{Kind: "Service", Reason: forbidden}}, true,
			[]string{unknown + ": " + forbidden}},
		{"nothing is asked for", nodePort("web", "demo", 30001), strings.Replace(nodePort("web", "demo", 30001), "app: web", "app: shop", 1), installed, nil, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := false
			look := clusterOf(t, c.cluster)
			set, err := Compare(t.Context(), Manifest{Text: c.old}, Manifest{Text: c.updated}, Options{
				Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"},
				Look: func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
					asked = asked || slices.ContainsFunc(wanted, func(w cluster.Wanted) bool { return w.Asks })
					state, err := look(ctx, wanted)
					state.Unread = c.gaps
					return state, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if asked != c.asked {
				t.Errorf("asks for Services: %t", asked)
			}
			if diff := cmp.Diff(c.want, said(&set)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// said lists findings of the class rejected, and what was not checked.
func said(set *change.Set) (list []string) {
	for i := range set.Changes {
		for _, f := range set.Changes[i].Findings {
			if f.Risk == change.Rejected {
				list = append(list, "rejected: "+f.Message)
			}
		}
	}
	for _, n := range set.Unchecked {
		list = append(list, fmt.Sprintf("unchecked %s %s: %s", n.Ref.Kind, n.Ref.Name, n.Reason))
	}
	return list
}

func TestRequested(t *testing.T) {
	const start = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: "
	for text, want := range map[string][]string{
		start + "{clusterIP: None}": nil,
		start + "{clusterIP: ''}":   nil,
		start + "{clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, 'FD00::A']}":                                 {"10.96.0.10", "fd00::a"},
		start + "{ports: [{port: 80}, {port: 81, nodePort: 0}, {port: 82, nodePort: 30082}]}":                  {"30082"},
		start + "{healthCheckNodePort: 30001}":                                                                 {"30001"},
		"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: 1.1.1.1}": nil,
	} {
		objects, err := manifest.Parse(text, manifest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := requested(objects[0]); !slices.Equal(got, want) {
			t.Errorf("%s asks for %q", text, got)
		}
	}
}
