package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// large returns a set of workloads that restart and of other objects, all different.
func large(risky, plain, edits int) *change.Set {
	set := &change.Set{}
	for i := range risky + plain {
		c := change.Change{Ref: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "prod", Name: fmt.Sprintf("w%c", 'a'+i)}, Op: change.Update}
		for k := range edits {
			path := fieldpath.Fields("spec", "template", "spec", fmt.Sprintf("field%c%c", 'a'+i, 'a'+k))
			c.Edits = append(c.Edits, change.Edit{Path: path, Old: change.ValueOf("a\nb\nc\nd"), New: change.ValueOf("e\nf\ng\nh")})
		}
		if i < risky {
			c.Outcome.Pods = &change.Pods{Replaced: true, Before: 2, Desired: 2, Affected: 2, Cause: fmt.Sprintf("image %c 1 → 2", 'a'+i)}
			c.Findings = []change.Finding{{Rule: "pod-restart", Risk: change.Restart, Message: "2 pods are replaced", Hint: "wait", Paths: []fieldpath.Path{fieldpath.Fields("spec", "template")}}}
		}
		set.Changes = append(set.Changes, c)
	}
	return set
}

// TestTwoScreens checks that a large report has a length that people read. It keeps what is
// important: each object, its risk, its cause.
func TestTwoScreens(t *testing.T) {
	for _, c := range []struct {
		name                string
		risky, plain, edits int
		cut                 bool
		told                string
		most                int
	}{
		{"next to nothing", 1, 1, 0, false, "Other changes: update Deployment prod/wb\n", 8},
		{"little", 2, 2, 2, true, "update Deployment prod/wc: ~ .spec.template.spec.fieldca; ~ .spec.template.spec.fieldcb\n", 24},
		{"a few large ones", 3, 3, 20, true, "update Deployment prod/wd, we, wf ×3, 20 edits each\n", 24},
		{"many", 12, 12, 20, true, "wt, … 4 more ×12, 20 edits each\n", 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := large(c.risky, c.plain, c.edits)
			var page, whole bytes.Buffer
			for out, all := range map[*bytes.Buffer]bool{&page: false, &whole: true} {
				if err := report.Formats()[0].Write(out, set, report.Options{FailOn: change.DefaultFailOn(), ShowHidden: all}); err != nil {
					t.Fatal(err)
				}
			}
			text := page.String()
			if n := strings.Count(text, "\n"); n > c.most {
				t.Errorf("%d lines:\n%s", n, text)
			}
			if got := strings.Contains(text, "shortened; --show-hidden shows all\n"); got != c.cut {
				t.Errorf("says that it is shortened: %t", got)
			}
			for i := range set.Changes {
				o := &set.Changes[i]
				if i < c.risky && !strings.Contains(text, "restart: Deployment "+o.Ref.Namespace+"/"+o.Ref.Name+": "+o.Outcome.Pods.Cause) {
					t.Errorf("%s is missing:\n%s", o.Ref, text)
				}
			}
			if c.told != "" && !strings.Contains(text, c.told) {
				t.Errorf("it does not say %q:\n%s", c.told, text)
			}
			if strings.Contains(text, "hint: wait") {
				t.Error("a routine restart has a hint, which helps nobody")
			}
			if got, want := strings.Count(whole.String(), "~ .spec.template.spec.field"), (c.risky+c.plain)*c.edits; got != want {
				t.Errorf("all of it has %d edits, want %d", got, want)
			}
		})
	}
}
