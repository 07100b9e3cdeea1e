package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// TestGraphRename checks that an object under two names is drawn once, with the ties of
// both names.
func TestGraphRename(t *testing.T) {
	page := picture(t, deployment("old-web", "w:1", "", "")+service("old-web"), deployment("new-web", "w:1", "", "")+service("new-web"), change.Release{Namespace: "prod"})
	got := matches(ties, page)
	if want := "Service old-web → new-web selects Deployment old-web → new-web"; len(got) != 1 || got[0] != want {
		t.Errorf("got ties %q, want %q", got, want)
	}
	if n := strings.Count(page, `<details id="o1-`); n != 2 {
		t.Errorf("the table has %d objects, not one for each rename", n)
	}
}

// TestGraphOutside checks that an object outside the release is drawn if a changed object
// names it, unless it may be missing.
func TestGraphOutside(t *testing.T) {
	from := func(name string) string {
		return ", envFrom: [{secretRef: {name: " + name + "}}, {secretRef: {name: may-be, optional: true}}]"
	}
	page := picture(t, deployment("web", "w:1", "", from("given")), deployment("web", "w:2", "", from("given")), change.Release{Namespace: "prod"})
	if got, want := matches(ties, page), "Deployment web reads Secret given"; len(got) != 1 || got[0] != want {
		t.Errorf("got ties %q, want %q", got, want)
	}
	if !strings.Contains(page, "<title>Secret given: not in the release</title>") {
		t.Error("the page does not say that the Secret is not in the release")
	}
}

// TestFolded checks that a few objects at risk are unfolded, and that many are not. It also
// checks that edits without a finding are folded next to an edit that causes one.
func TestFolded(t *testing.T) {
	for n, open := range map[int]int{3: 3, 4: 0} {
		var old, updated strings.Builder
		for i := range n {
			name := fmt.Sprintf("web-%c", 'a'+i)
			old.WriteString(deployment(name, "w:1", "strategy: {type: Recreate}", ""))
			updated.WriteString(deployment(name, fmt.Sprintf("w:%c", 'p'+i), "strategy: {type: Recreate}", ""))
		}
		page := picture(t, old.String(), updated.String(), change.Release{Namespace: "prod"})
		if got := strings.Count(page, `class="object" open`); got != open {
			t.Errorf("%d of %d objects are unfolded, not %d", got, n, open)
		}
	}
	const more = "paused: %t\n  revisionHistoryLimit: %d\n  progressDeadlineSeconds: %d\n  minReadySeconds: %d\n  selector: {matchLabels: {app: web}}"
	text := func(label string, paused bool, n int) string {
		spec := fmt.Sprintf(more, paused, n, 600+n, n)
		return strings.Replace(strings.Replace(deployment("web", "w:1", "", ""), "selector: {matchLabels: {app: web}}", spec, 1), "{matchLabels: {app: web}}", "{matchLabels: {app: "+label+"}}", 1)
	}
	page := picture(t, text("web", false, 5), strings.Replace(text("site", true, 6), "labels: {app: web}", "labels: {app: site}", 1), change.Release{Namespace: "prod"})
	shown, folded, found := strings.Cut(page, "<summary>5 more edits</summary>")
	if !found || !strings.Contains(shown, "<code>.spec.selector.matchLabels.app</code>") || !strings.Contains(folded, "<code>.spec.minReadySeconds</code>") {
		t.Errorf("the rejected field does not stand apart from the other edits:\n%s", page)
	}
}
