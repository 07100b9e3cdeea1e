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

// cluster is a Look that answers from a YAML stream. What is not in there is not in
// the cluster.
func clusterOf(t *testing.T, stream string) func(context.Context, []cluster.Wanted) (*cluster.State, error) {
	t.Helper()
	objects, err := manifest.Parse(stream, manifest.Options{File: "cluster"})
	if err != nil {
		t.Fatal(err)
	}
	return func(_ context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
		state := &cluster.State{Objects: map[manifest.Identity]cluster.Object{}}
		for _, w := range wanted {
			state.Objects[w.Ref.Identity()] = cluster.Object{}
		}
		for _, o := range objects {
			value, err := o.Value()
			if err != nil {
				return nil, err
			}
			if _, asked := state.Objects[o.Ref.Identity()]; asked {
				state.Objects[o.Ref.Identity()] = cluster.Object{Value: value}
			} else {
				state.Surroundings = append(state.Surroundings, value)
			}
		}
		return state, nil
	}
}

const (
	ownClaim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: demo
  labels: {app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: demo}
spec: {accessModes: [ReadWriteOnce], volumeName: pv-1, resources: {requests: {storage: 1Gi}}}
---
`
	volume = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
spec: {capacity: {storage: 5Gi}, persistentVolumeReclaimPolicy: %s}
---
`
	claim    = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n"
	settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n---\n"
	space    = "apiVersion: v1\nkind: Namespace\nmetadata: {name: jobs}\n---\n"
	kinds    = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n" +
		"  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n---\n"
)

const (
	web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web:1, env: [{name: A, value: %s}]}]}}
---
`
	scaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: demo}
spec: {scaleTargetRef: {name: web}}
---
`
)

// stored returns an object of the namespace demo as a cluster has it.
func stored(text string) string {
	return strings.Replace(text, "namespace: demo", `namespace: demo, uid: u, resourceVersion: "1"`, 1)
}

func TestALookAtTheCluster(t *testing.T) {
	for _, c := range []struct {
		name, old, updated, cluster string
		want                        []string
	}{
		{"a volume that goes with its claim", claim, "", ownClaim + fmt.Sprintf(volume, "Delete"),
			[]string{"delete PersistentVolumeClaim data", "data-loss: volume pv-1 of 5Gi is deleted (reclaim policy Delete)"}},
		{"a volume that stays", claim, "", ownClaim + fmt.Sprintf(volume, "Retain"), []string{"delete PersistentVolumeClaim data"}},
		{"a volume of which nothing is known", claim, "", ownClaim,
			[]string{"delete PersistentVolumeClaim data", "data-loss: its volume goes with it unless the reclaim policy is Retain"}},
		{"what is gone already", settings, "", "", []string{"drift ConfigMap settings . survives"}},
		{"what is gone and comes back", settings, settings, "", []string{"create ConfigMap settings", "drift ConfigMap settings . put back"}},
		{"somebody else's object", "", settings, strings.Replace(settings, "name: settings", "name: settings, namespace: demo", 1),
			[]string{"create ConfigMap settings", "rejected: exists and cannot be imported into the current release: invalid ownership metadata; " +
				`label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"; ` +
				`annotation validation error: missing key "meta.helm.sh/release-name": must be set to "shop"; ` +
				`annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "demo"`}},
		{"what is in a namespace", space, "", space + strings.ReplaceAll(settings+claim, "metadata: {", "metadata: {namespace: jobs, "),
			[]string{"delete Namespace jobs", "data-loss: 1 ConfigMap, 1 PersistentVolumeClaim"}},
		{"custom resources", kinds, "", kinds + "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one, namespace: demo}\n",
			[]string{"delete CustomResourceDefinition things.example.com", "data-loss: 1 object of kind Thing"}},
		{"a definition that nobody uses", kinds, "", kinds, []string{"delete CustomResourceDefinition things.example.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, Options{
				Namespace: "demo", Release: change.Release{Name: "shop", Namespace: "demo"}, Look: clusterOf(t, c.cluster),
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(&set)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What the cluster does not serve in the version of a manifest stops Helm before it
// changes anything, whatever else is known of the kind.
func TestVersionThatIsNotServed(t *testing.T) {
	const v1, v2 = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one, namespace: demo}\n", "apiVersion: example.com/v2\nkind: Thing\nmetadata:\n  name: one\n"
	rejected := `rejected: apiVersion: no matches for kind "Thing" in version "example.com/v2"`
	for _, c := range []struct {
		name, old, updated, cluster string
		want                        []string
	}{
		{"there in another version", v1, v2, v1, []string{"update Thing one", rejected}},
		{"there and to go", v2, "", v1, []string{"delete Thing one", rejected}},
		{"gone and to go", v2, "", "", []string{"delete Thing one", rejected}},
		{"there in another version, and left alone", v2, v2, v1, []string{"update Thing one", rejected}},
		{"served in no version, and left alone", v2, v2, "nowhere", []string{"update Thing one", rejected}},
		{"a hook", "", v2 + "  annotations: {helm.sh/hook: post-upgrade}\n", "", []string{"create Thing one",
			"unchecked: the schema of this custom resource is not known: whether its API server accepts it, and what its operator then does, was not judged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nowhere := c.cluster == "nowhere"
			look := clusterOf(t, strings.TrimPrefix(c.cluster, "nowhere"))
			set, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, Options{
				Namespace: "demo", Look: func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
					state, err := look(ctx, wanted)
					for id, o := range state.Objects {
						if o.Unserved = true; nowhere {
							o.Unread = "not served"
						}
						state.Objects[id] = o
					}
					state.Objects[manifest.Identity{Kind: "ConfigMap", Name: "read"}] = cluster.Object{}
					return state, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(&set)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			// What is in the cluster in no version lacks its definition.
			rule := "kind-not-defined"
			if c.cluster == v1 {
				rule = "api-not-served"
			}
			if found := set.Changes[0].Findings; len(found) > 0 && found[0].Rule != rule {
				t.Errorf("%s finds it, want %s", found[0].Rule, rule)
			}
		})
	}
}

// Where a cluster that was asked has nothing around the release, no pods run in it.
func TestNoPodsAreAnAnswer(t *testing.T) {
	old, updated := fmt.Sprintf(web, 2, "a"), fmt.Sprintf(web, 2, "b")
	for _, look := range []func(context.Context, []cluster.Wanted) (*cluster.State, error){nil, clusterOf(t, stored(old))} {
		set, err := Compare(context.Background(), Manifest{"old.yaml", old}, Manifest{"new.yaml", updated}, Options{Namespace: "demo", Look: look})
		if err != nil {
			t.Fatal(err)
		}
		want := 2
		if look != nil {
			want = 0
		}
		if pods := set.Changes[0].Outcome.Pods; pods.Before != want || pods.Affected != want {
			t.Errorf("with a cluster %t: %d pods before, %d replaced, and not %d", look != nil, pods.Before, pods.Affected, want)
		}
	}
}

// What KEDA scales is given back what the upgrade takes, also if no autoscaler of
// Kubernetes is to be seen.
// A definition of a crds directory is another in the cluster if it says something else,
// not for want of the marks that Helm does not write there, or for those of kubectl.
func TestDefinitionsInTheCluster(t *testing.T) {
	const another, missing = "and the cluster has another", "and the cluster does not have it"
	inCRDs := "# Source: shop/crds/things.yaml\n" + kinds
	applied := strings.Replace(kinds, "metadata: {", `metadata: {uid: u, resourceVersion: "1", labels: {team: red}, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}, `, 1)
	for _, c := range []struct{ name, cluster, want string }{
		{"the same", applied, ""},
		{"another", strings.Replace(applied, "type: object", "type: object, required: [spec]", 1), another},
		{"none", "", missing},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", inCRDs}, Manifest{"new.yaml", inCRDs}, Options{Namespace: "demo", Look: clusterOf(t, c.cluster)})
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(told(&set), "\n")
			if c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("is told %q", said)
			}
		})
	}
}

func TestWhatKEDAScales(t *testing.T) {
	annotated := func(annotation string) string {
		return strings.Replace(scaledObject, "namespace: demo", "namespace: demo, annotations: {"+annotation+"}", 1)
	}
	const (
		paused = `autoscaling.keda.sh/paused: "true"`
		atFive = `autoscaling.keda.sh/paused-replicas: "5"`
		back   = ", and back by the autoscaler"
		held   = "KEDA has paused it at 5 pods (autoscaling.keda.sh/paused-replicas), and the upgrade sets 2: whether and when KEDA sets 5 again is not known"
	)
	for _, c := range []struct {
		name              string
		old, updated, has string // ScaledObjects of the manifests and of the cluster
		back              bool
		held              string
	}{
		{name: "not of the release", has: scaledObject, back: true},
		{name: "not of the release, paused", has: annotated(paused)},
		{name: "not of the release, paused at a number", has: annotated(atFive), held: held},
		{name: "not paused", has: annotated(`autoscaling.keda.sh/paused: "false"`), back: true},
		{name: "paused by the chart", old: annotated(paused), updated: annotated(paused), has: annotated(paused)},
		{name: "paused by hand", old: scaledObject, updated: scaledObject, has: annotated(paused)},
		{name: "paused by hand at a number", old: scaledObject, updated: scaledObject, has: annotated(atFive), held: held},
		{name: "paused at the number of the chart", old: scaledObject, updated: scaledObject, has: annotated(`autoscaling.keda.sh/paused-replicas: "2"`)},
		{name: "no longer paused", old: annotated(paused), updated: scaledObject, has: annotated(paused), back: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			look := clusterOf(t, stored(fmt.Sprintf(web, 5, "a"))+stored(c.has))
			set, err := Compare(context.Background(), Manifest{"old.yaml", fmt.Sprintf(web, 2, "a") + c.old}, Manifest{"new.yaml", fmt.Sprintf(web, 2, "b") + c.updated}, Options{
				Namespace: "demo", Look: func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
					state, err := look(ctx, wanted)
					state.Unread = []cluster.Gap{{Kind: "Pod", Namespace: "demo", Reason: "no permission"}} // so that replicas count
					return state, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(set.Changes, func(c change.Change) bool { return c.Ref.Kind == "Deployment" })
			if pods := set.Changes[i].Outcome.Pods; pods.Before != 5 || pods.Desired != 2 || strings.Contains(pods.How, back) != c.back {
				t.Errorf("from %d to %d pods, and of them is told %q", pods.Before, pods.Desired, pods.How)
			}
			said := strings.Join(told(&set), "\n")
			if strings.Contains(said, "KEDA has paused") != (c.held != "") || !strings.Contains(said, c.held) {
				t.Errorf("is told %q", said)
			}
		})
	}
}

// Whether pods mount claims is read off the text of a workload, so that only where they
// may the claims of the namespace are listed.
func TestWhoMountsClaims(t *testing.T) {
	plain := fmt.Sprintf(web, 1, "a")
	mounting := strings.Replace(plain, "spec: {containers", "spec: {volumes: [{name: data, persistentVolumeClaim: {claimName: data}}], containers", 1)
	for _, c := range []struct {
		name, old, updated string
		want               bool
	}{
		{"neither", plain, plain, false},
		{"from now on", plain, mounting, false},
		{"no longer", mounting, plain, false},
		{"both", mounting, mounting, true},
	} {
		var mounts bool
		look := func(_ context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
			mounts = slices.ContainsFunc(wanted, func(w cluster.Wanted) bool { return w.Mounts })
			return nil, nil
		}
		if _, err := Compare(context.Background(), Manifest{"old.yaml", c.old}, Manifest{"new.yaml", c.updated}, Options{Namespace: "demo", Look: look}); err != nil {
			t.Fatal(err)
		}
		if mounts != c.want {
			t.Errorf("%s: mounts is %t", c.name, mounts)
		}
	}
}

// told writes down what a Set tells.
func told(set *change.Set) []string {
	var lines []string
	for i := range set.Changes {
		c := &set.Changes[i]
		lines = append(lines, fmt.Sprintf("%s %s %s", c.Op, c.Ref.Kind, c.Ref.Name))
		for _, f := range c.Findings {
			lines = append(lines, fmt.Sprintf("%s: %s", f.Risk, f.Message))
		}
	}
	for _, d := range set.Drift {
		lines = append(lines, fmt.Sprintf("drift %s %s %s %s", d.Ref.Kind, d.Ref.Name, d.Path, d.Fate))
	}
	for _, n := range set.Unchecked {
		lines = append(lines, "unchecked: "+n.Reason)
	}
	return lines
}

// Of an object that could not be read nobody knows what the upgrade puts back, also
// if the manifests say the same of it, or differ in a label only.
func TestWhatIsUnreadIsSaid(t *testing.T) {
	look := func(_ context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
		state := &cluster.State{Objects: map[manifest.Identity]cluster.Object{}}
		for _, w := range wanted {
			state.Objects[w.Ref.Identity()] = cluster.Object{}
			if w.Ref.Name == "unread" {
				state.Objects[w.Ref.Identity()] = cluster.Object{Unread: "no permission"}
			}
		}
		return state, nil
	}
	const unread = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unread, labels: {a: b}}\n---\n"
	for _, updated := range []string{unread, strings.Replace(unread, "a: b", "a: c", 1), "# a comment\n" + unread} {
		set, err := Compare(context.Background(), Manifest{"old.yaml", unread + settings}, Manifest{"new.yaml", updated + settings}, Options{Namespace: "demo", Look: look})
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Unchecked) != 1 || set.Unchecked[0].Ref.Name != "unread" || !strings.HasSuffix(set.Unchecked[0].Reason, "no permission") {
			t.Errorf("unchecked is %+v of\n%s", set.Unchecked, updated)
		}
	}
}

func TestAClusterThatTellsNothing(t *testing.T) {
	look := func(_ context.Context, wanted []cluster.Wanted) (*cluster.State, error) {
		state := &cluster.State{Objects: map[manifest.Identity]cluster.Object{}}
		for _, w := range wanted {
			state.Objects[w.Ref.Identity()] = cluster.Object{Unread: "no permission"}
		}
		return state, nil
	}
	updated := strings.Replace(settings, "a: b", "a: c", 1)
	set, err := Compare(context.Background(), Manifest{"old.yaml", settings}, Manifest{"new.yaml", updated}, Options{Namespace: "demo", Look: look})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"update ConfigMap settings",
		"unchecked: nothing of the release could be read from the cluster, and its objects were taken to be as Helm left them: no permission",
	}
	if diff := cmp.Diff(want, told(&set)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A null in the data of a Secret is stored as an empty text, and a merge may take the key out:
// that is nobody's doing. A value is.
func TestNullInASecretIsNoDrift(t *testing.T) {
	const text = "apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: demo, labels: {v: %q}%s}\ndata: {%s}\n"
	for data, want := range map[string]int{`token: ""`: 0, "": 0, "token: YQ==": 1} {
		for _, serverSide := range []bool{false, true} {
			opts := Options{Namespace: "demo", ServerSide: serverSide, Look: clusterOf(t, fmt.Sprintf(text, "1", `, resourceVersion: "5", uid: a`, data))}
			manifests := [2]Manifest{{Text: fmt.Sprintf(text, "1", "", "token: null")}, {Text: fmt.Sprintf(text, "2", "", "token: null")}}
			set, err := Compare(t.Context(), manifests[0], manifests[1], opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Drift) != want {
				t.Errorf("data {%s}, server-side %v: %d drifted, want %d: %v", data, serverSide, len(set.Drift), want, set.Drift)
			}
		}
	}
}
