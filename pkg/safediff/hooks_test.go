package safediff

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// hookJob is a Job that is a hook; a backoffLimit below 0 is refused.
func hookJob(name, events string, backoff int) string {
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, annotations: {helm.sh/hook: %q}}\n"+
		"spec: {backoffLimit: %d, template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}\n---\n", name, events, backoff)
}

// Which hooks run depends on the operation, and ends where something is refused.
func TestHooksThatRun(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nimmutable: true\ndata: {a: %s}\n---\n"
	both, before, after := hookJob("both", "pre-upgrade,post-upgrade,pre-rollback", 1), hookJob("before", "pre-upgrade", 1), hookJob("after", "post-upgrade,pre-install,post-delete", 1)
	all := both + before + after
	for _, c := range []struct {
		name, old, updated string
		opts               Options
		want               []string
	}{
		{"an upgrade", all, all, Options{}, []string{"pre-upgrade before", "pre-upgrade both", "post-upgrade after", "post-upgrade both"}},
		{"a rollback", all, all, Options{Operation: change.Rollback}, []string{"pre-rollback both"}},
		{"an installation", "", all, Options{Operation: change.Install}, []string{"pre-install after"}},
		{"no hooks", all, all, Options{NoHooks: true}, nil},
		{"one is new, one is another", before, all[len(both):] + hookJob("both", "post-upgrade", 2), Options{}, []string{"pre-upgrade before", "post-upgrade after new", "post-upgrade both new"}},
		{"one changes", all, both + hookJob("before", "pre-upgrade", 2) + after, Options{}, []string{"pre-upgrade before changed", "pre-upgrade both", "post-upgrade after", "post-upgrade both"}},
		{"one goes", all, both, Options{}, []string{"pre-upgrade both", "post-upgrade both"}},
		{"a hook is refused", all, hookJob("before", "pre-upgrade", -1) + both + after, Options{}, nil},
		{"an object is refused", all + fmt.Sprintf(config, "b"), all + fmt.Sprintf(config, "c"), Options{}, []string{"pre-upgrade before", "pre-upgrade both"}},
		{"a manifest is refused upfront", all, all + "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n", Options{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.Namespace = "demo"
			set, err := Compare(t.Context(), Manifest{Text: c.old}, Manifest{Text: c.updated}, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range set.Hooks {
				text := r.Event + " " + r.Ref.Name
				if r.New {
					text += " new"
				}
				if r.Edited {
					text += " changed"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What a hook finds in the cluster depends on the operation, too, and so does what the
// resource policy keeps.
func TestHooksInTime(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, annotations: {%s}}\ndata: {a: %s}\n---\n"
	regular, kept := fmt.Sprintf(config, "", "a"), fmt.Sprintf(config, "helm.sh/resource-policy: KEEP", "a")
	odd := fmt.Sprintf(config, "helm.sh/resource-policy: delete", "a")
	reads := func(events string) string {
		return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata: {name: job, annotations: {helm.sh/hook: %q}}\nspec: {template: {spec: {restartPolicy: Never, "+
			"containers: [{name: a, image: a, envFrom: [{configMapRef: {name: config}}]}]}}}\n---\n", events)
	}
	for _, c := range []struct {
		name, old, updated string
		opts               Options
		want               []string
	}{
		{"before an installation nothing is there", "", regular + reads("pre-install"), Options{Operation: change.Install}, []string{"create config", "create job hook-needs-later"}},
		{"after an installation all is there", "", regular + reads("post-install"), Options{Operation: change.Install}, []string{"create config", "create job"}},
		{"before an uninstall all is there", regular, reads("pre-delete"), Options{Operation: change.Uninstall}, []string{"delete config", "create job"}},
		{"after an uninstall nothing is there", regular, reads("post-delete"), Options{Operation: change.Uninstall}, []string{"delete config", "create job hook-needs-later"}},
		{"an uninstall keeps what says so in capitals", kept, reads("post-delete"), Options{Operation: change.Uninstall}, []string{"keep config", "create job"}},
		{"an uninstall leaves what has any policy", odd, "", Options{Operation: change.Uninstall}, []string{"keep config resource-policy-unknown"}},
		{"before a rollback what is rolled back to is not there", "", regular + reads("pre-rollback"), Options{Operation: change.Rollback}, []string{"create config", "create job hook-needs-later"}},
		{"no hooks", "", regular + reads("pre-upgrade"), Options{NoHooks: true}, []string{"create config", "create job"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.Namespace = "demo"
			set, err := Compare(t.Context(), Manifest{Text: c.old}, Manifest{Text: c.updated}, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range set.Changes {
				words := []string{string(set.Changes[i].Op), set.Changes[i].Ref.Name}
				for _, f := range set.Changes[i].Findings {
					words = append(words, f.Rule)
				}
				got = append(got, strings.Join(words, " "))
			}
			slices.SortFunc(got, func(a, b string) int {
				_, a, _ = strings.Cut(a, " ")
				_, b, _ = strings.Cut(b, " ")
				return strings.Compare(a, b)
			})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
