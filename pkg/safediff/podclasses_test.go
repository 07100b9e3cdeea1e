package safediff

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
)

const (
	operations = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: operations, namespace: demo}\n"
	heavy      = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: heavy}\nhandler: runc\noverhead: {podFixed: {cpu: 250m}}\n"
	check      = "apiVersion: v1\nkind: Pod\nmetadata: {name: check}\nspec: {SPEC, containers: [{name: a, image: \"a:1\"}]}\n"
	migrate    = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\n" +
		"spec: {template: {spec: {SPEC, restartPolicy: Never, containers: [{name: a, image: \"a:1\"}]}}}\n"
	account = "serviceAccountName: operations"
)

// TestWhatAdmissionNeedsElsewhere holds what is said where pods name what is not of the release,
// and the cluster is asked.
func TestWhatAdmissionNeedsElsewhere(t *testing.T) {
	pod := func(spec string) string { return strings.Replace(check, "SPEC", spec, 1) }
	hook := func(spec string) string { return strings.Replace(migrate, "SPEC", spec, 1) }
	deployment := func(spec string) string {
		return strings.Replace(shopWeb, "      containers", "      "+spec+"\n      containers", 1)
	}
	for _, c := range []struct {
		name, old, updated, cluster string
		unread                      bool
		want                        []string
	}{
		{"a Pod without its account", "", pod(account), "", false, []string{
			"rejected: it names an object that does not exist: ServiceAccount demo/operations: it is neither in the release nor in the cluster"}},
		{"a Pod with its account", "", pod(account), operations, false, nil},
		{"a Pod whose account may not be read", "", pod(account), "", true, []string{
			"unchecked: it names ServiceAccount demo/operations (.spec.serviceAccountName), which is not in the release: whether it is there was not judged"}},
		{"a Pod against its class", "", pod("runtimeClassName: heavy, overhead: {cpu: 1}"), heavy, false, []string{
			"rejected: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"}},
		{"a Pod as its class", "", pod("runtimeClassName: heavy, overhead: {cpu: 250m}"), heavy, false, nil},
		{"a hook that stays as it is", hook(account), hook(account), "", false, []string{
			"stuck: it names ServiceAccount demo/operations, which is not there when the hook runs: it is neither in the release nor in the cluster"}},
		{"a hook whose account is there", hook(account), hook(account), operations, false, nil},
		{"a Deployment against its class", shopWeb, deployment("runtimeClassName: heavy\n      overhead: {cpu: 1}"), heavy, false, []string{
			"stuck: the API server rejects each of its pods: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"}},
		{"a Deployment as its class", shopWeb, deployment("runtimeClassName: heavy\n      overhead: {cpu: 250m}"), heavy, false, nil},
		{"a Deployment without its class", shopWeb, deployment("runtimeClassName: heavy"), "", false, []string{
			"stuck: it names RuntimeClass heavy, which is not there after the upgrade"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			look := withWeb(t, clusterOf(t, c.cluster), shopWeb)
			opts := Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo", Revision: 2}}
			opts.Look = func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
				state, err := look(ctx, wanted)
				for _, w := range wanted {
					if c.unread && w.Ref.Kind == "ServiceAccount" {
						state.Objects[w.Ref.Identity()] = cluster.Object{Unread: "it may not be read"}
					}
				}
				return state, err
			}
			set, err := Compare(t.Context(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, opts)
			if err != nil {
				t.Fatal(err)
			}
			said := slices.DeleteFunc(told(&set), func(line string) bool { return !strings.Contains(line, ": ") })
			if len(said) == 0 {
				said = nil
			}
			if diff := cmp.Diff(c.want, said); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestWhatAPodNamesMayRejectIt holds that a Pod of which it is not known whether its account is there
// may be rejected.
func TestWhatAPodNamesMayRejectIt(t *testing.T) {
	opts := Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}}
	set, err := Compare(t.Context(), Manifest{}, Manifest{"new.yaml", strings.Replace(check, "SPEC", account, 1)}, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Unchecked) != 1 || set.Unchecked[0].Hides != change.Rejected {
		t.Errorf("unchecked: %v", set.Unchecked)
	}
}

// TestHelmWaitsForPodsThatNeverStart holds that an upgrade with --wait fails where old pods stay
// since new ones are not made, or do not start.
func TestHelmWaitsForPodsThatNeverStart(t *testing.T) {
	for _, c := range []struct {
		name, spec string
		cluster    string
	}{
		{"a gate", "schedulingGates: [{name: example.com/quota}]", ""},
		{"an overhead", "overhead: {cpu: 1}", ""},
		{"no account", account, ""},
		{"no node", "nodeSelector: {disk: ssd}", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {allocatable: {pods: 10}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo", Wait: change.Wait{Waits: true}}, Look: withWeb(t, clusterOf(t, c.cluster), shopWeb)}
			updated := strings.Replace(shopWeb, "      containers", "      "+c.spec+"\n      containers", 1)
			set, err := Compare(t.Context(), Manifest{"old.yaml", shopWeb}, Manifest{"new.yaml", updated}, opts)
			if err != nil {
				t.Fatal(err)
			}
			if !set.Fails() {
				t.Errorf("it comes through: %v", told(&set))
			}
		})
	}
}
