package safediff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rotatingManifest returns a Secret and a Deployment that reads it.
func rotatingManifest(data, annotations, env string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Secret
metadata: {name: login}
data: {%s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {%s}
    spec:
      containers:
        - {name: app, image: web, env: [%s]}
`, data, annotations, env)
}

// The cause of a restart says whether it will be one again in the next upgrade.
func TestRotatingCause(t *testing.T) {
	const reads = "{name: P, valueFrom: {secretKeyRef: {name: login, key: p}}}"
	for _, test := range []struct{ name, old, updated, again, want string }{
		{
			"a checksum of what is made up each time", rotatingManifest("p: YQ==", "checksum/login: a", reads),
			rotatingManifest("p: Yg==", "checksum/login: b", reads), rotatingManifest("p: Yw==", "checksum/login: c", reads), "Secret login rotates (p)",
		},
		{
			"another password, once", rotatingManifest("p: YQ==", "checksum/login: a", reads),
			rotatingManifest("p: Yg==", "checksum/login: b", reads), rotatingManifest("p: Yg==", "checksum/login: b", reads), "Secret login changes (p)",
		},
		{
			"one key is made up and another one changes", rotatingManifest("p: YQ==, q: YQ==", "checksum/login: a", reads),
			rotatingManifest("p: Yg==, q: Yg==", "checksum/login: b", reads), rotatingManifest("p: Yw==, q: Yg==", "checksum/login: c", reads), "Secret login changes (p, q)",
		},
		{
			"random letters in the template", rotatingManifest("p: YQ==", "rollme: a", ""),
			rotatingManifest("p: YQ==", "rollme: b", ""), rotatingManifest("p: YQ==", "rollme: c", ""), "annotation rollme (rotates)",
		},
		{
			"another variable beside them", rotatingManifest("p: YQ==", "rollme: a", reads),
			rotatingManifest("p: YQ==", "rollme: b", reads+", {name: A, value: x}"), rotatingManifest("p: YQ==", "rollme: c", reads+", {name: A, value: x}"),
			"env A, annotation rollme (rotates)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", test.old}, Manifest{"new.yaml", test.updated}, Options{
				Namespace: "demo", Again: Again{Manifest: Manifest{"again.yaml", test.again}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range set.Changes {
				if p := set.Changes[i].Outcome.Pods; p != nil && p.Cause != test.want {
					t.Errorf("cause %q, want %q", p.Cause, test.want)
				}
			}
		})
	}
}

func TestRotating(t *testing.T) {
	tests := []struct {
		name                string
		old, updated, again string
		looksUp, offline    bool
		want                []string // what rotates
		edits               []string // with a mark at what only rotates
		rule                string   // of the Deployment
	}{
		{
			name: "a password and its checksum", rule: "rotating-restart",
			old: rotatingManifest("p: YQ==", "sum: a", ""), updated: rotatingManifest("p: Yg==", "sum: b", ""), again: rotatingManifest("p: Yw==", "sum: c", ""),
			want:  []string{"Deployment .spec.template.metadata.annotations.sum restarts", "Secret .data.p"},
			edits: []string{"Deployment .spec.template.metadata.annotations.sum rotates", "Secret .data.p rotates"},
		},
		{
			name: "the same once more", rule: "pod-restart",
			old: rotatingManifest("p: YQ==", "sum: a", ""), updated: rotatingManifest("p: Yg==", "sum: b", ""), again: rotatingManifest("p: Yg==", "sum: b", ""),
			edits: []string{"Deployment .spec.template.metadata.annotations.sum", "Secret .data.p"},
		},
		{
			name: "the checksum is new in this upgrade", rule: "pod-restart",
			old: rotatingManifest("p: YQ==", "other: a", ""), updated: rotatingManifest("p: Yg==", "other: a, sum: b", ""), again: rotatingManifest("p: Yw==", "other: a, sum: c", ""),
			want:  []string{"Deployment .spec.template.metadata.annotations.sum restarts", "Secret .data.p"},
			edits: []string{"Deployment .spec.template.metadata.annotations.sum rotates", "Secret .data.p rotates"},
		},
		{
			name: "all annotations are new, and only one of them rotates", rule: "pod-restart",
			old:     strings.ReplaceAll(rotatingManifest("p: YQ==", "", ""), "      annotations: {}\n", ""),
			updated: rotatingManifest("p: YQ==", "team: red, sum: b", ""), again: rotatingManifest("p: YQ==", "team: red, sum: c", ""),
			want:  []string{"Deployment .spec.template.metadata.annotations.sum restarts"},
			edits: []string{"Deployment .spec.template.metadata.annotations"},
		},
		{
			name: "something else changes beside the checksum", rule: "pod-restart",
			old: rotatingManifest("p: YQ==", "sum: a", ""), updated: rotatingManifest("p: YQ==", "sum: b", "{name: A, value: x}"), again: rotatingManifest("p: YQ==", "sum: c", "{name: A, value: x}"),
			want:  []string{"Deployment .spec.template.metadata.annotations.sum restarts"},
			edits: []string{"Deployment .spec.template.metadata.annotations.sum rotates", `Deployment .spec.template.spec.containers[name="app"].env[name="A"]`},
		},
		{
			name: "this time it happens to be what is installed",
			old:  rotatingManifest("p: YQ==", "", ""), updated: rotatingManifest("p: YQ==", "", ""), again: rotatingManifest("p: Yg==", "", ""),
			want: []string{"Secret .data.p"},
		},
		{
			name: "a key that a template looks for and this upgrade makes", looksUp: true,
			old: rotatingManifest("p: YQ==", "", ""), updated: rotatingManifest("p: YQ==, q: Yg==", "", ""), again: rotatingManifest("p: YQ==, q: Yw==", "", ""),
			want:  []string{"Secret .data.q unless " + unlessMade},
			edits: []string{"Secret .data.q rotates"},
		},
		{
			name: "a key that is there although a template looks for it", looksUp: true,
			old: rotatingManifest("p: YQ==", "", ""), updated: rotatingManifest("p: Yg==", "", ""), again: rotatingManifest("p: Yw==", "", ""),
			want:  []string{"Secret .data.p"},
			edits: []string{"Secret .data.p rotates"},
		},
		{
			name: "no cluster in which a template could look", looksUp: true, offline: true,
			old: rotatingManifest("p: YQ==", "", ""), updated: rotatingManifest("p: Yg==", "", ""), again: rotatingManifest("p: Yw==", "", ""),
			want:  []string{"Secret .data.p unless " + unlessLookedUp},
			edits: []string{"Secret .data.p rotates"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set, err := Compare(context.Background(), Manifest{"old.yaml", test.old}, Manifest{"new.yaml", test.updated}, Options{
				Namespace: "demo", Again: Again{Manifest: Manifest{"again.yaml", test.again}, LooksUp: test.looksUp, Offline: test.offline},
			})
			if err != nil {
				t.Fatal(err)
			}
			var rotating, edited []string
			for _, r := range set.Rotating {
				words := []string{r.Ref.Kind}
				for _, path := range r.Paths {
					words = append(words, path.String())
				}
				if r.Restarts {
					words = append(words, "restarts")
				}
				if r.Unless != "" {
					words = append(words, "unless", r.Unless)
				}
				rotating = append(rotating, strings.Join(words, " "))
			}
			var rules []string
			for _, c := range set.Changes {
				for _, e := range c.Edits {
					text := c.Ref.Kind + " " + e.Path.String()
					if e.Rotates {
						text += " rotates"
					}
					edited = append(edited, text)
				}
				for _, f := range c.Findings {
					rules = append(rules, f.Rule)
				}
			}
			if diff := cmp.Diff(test.want, rotating); diff != "" {
				t.Errorf("rotating (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.edits, edited); diff != "" {
				t.Errorf("edits (-want +got):\n%s", diff)
			}
			if rule := strings.Join(rules, ", "); rule != test.rule {
				t.Errorf("rule %q, want %q", rule, test.rule)
			}
		})
	}
}
