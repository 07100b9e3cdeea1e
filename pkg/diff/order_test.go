package diff

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func objectsOf(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	objects, err := manifest.Parse(text, manifest.Options{File: "test", Namespace: "demo", Namespaced: func(_, _ string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// document writes an object KIND/NAME, as a hook if events are given, with "~" and
// a weight behind them.
func document(kind, name, hook string) string {
	text := "---\napiVersion: v1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n"
	if events, weight, weighted := strings.Cut(hook, "~"); hook != "" {
		text += "  annotations:\n    helm.sh/hook: " + events + "\n"
		if weighted {
			text += "    helm.sh/hook-weight: \"" + weight + "\"\n"
		}
	}
	return text
}

func TestStepsAreInTheOrderOfHelm(t *testing.T) {
	old := document("ConfigMap", "dropped", "") + document("Service", "web", "") + document("ConfigMap", "settings", "")
	updated := document("MutatingWebhookConfiguration", "m", "") + document("Zebra", "z", "") + document("Deployment", "web", "") + document("Aardvark", "a", "") + document("Service", "web", "") +
		document("ConfigMap", "settings", "") +
		document("Job", "late", "pre-upgrade~5") + document("Job", "b", "pre-upgrade") + document("Job", "a", "pre-upgrade,post-upgrade") +
		document("Job", "after", "post-upgrade") + document("Job", "test", "test")
	pairs := Pairs(objectsOf(t, old), objectsOf(t, updated))
	for helm, last := range map[int][]string{ // Helm 4 knows webhooks
		3: {"apply Aardvark/a", "apply MutatingWebhookConfiguration/m", "apply Zebra/z"},
		4: {"apply MutatingWebhookConfiguration/m", "apply Aardvark/a", "apply Zebra/z"},
	} {
		var got []string
		for _, step := range Steps(pairs, []string{"pre-upgrade", "post-upgrade"}, helm) {
			phase := [...]string{"pre", "apply", "remove", "post", "never"}[step.Phase]
			ref := pairs[step.Pair].Ref()
			got = append(got, phase+" "+ref.Kind+"/"+ref.Name)
		}
		want := slices.Concat([]string{
			"pre Job/a", "pre Job/b", "pre Job/late", "apply ConfigMap/settings", "apply Service/web", "apply Deployment/web",
		}, last, []string{"remove ConfigMap/dropped", "post Job/after", "never Job/test"})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Helm %d: -want +got:\n%s", helm, diff)
		}
	}
}
