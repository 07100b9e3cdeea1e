package manifest_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// What stands on both sides with the same bytes is read once, though some of it goes, comes
// or changes.
func TestParseReadsOnceWhatStandsOnBothSides(t *testing.T) {
	old := stream(100)
	updated := strings.Replace(old, "replicas: 3", "replicas: 4", 1)
	updated = strings.Replace(updated, "name: web-40\n", "name: other\n", 1)
	updated = strings.Replace(updated, "---\n", "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n---\n", 2)
	gone := strings.Index(updated, "name: web-70\n")
	from, to := strings.LastIndex(updated[:gone], "---\n"), gone+strings.Index(updated[gone:], "---\n")
	updated = updated[:from] + updated[to:]

	opts := manifest.Options{File: "old.yaml", Namespace: "demo"}
	like, err := manifest.Parse(old, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.File, opts.Like = "new.yaml", like
	before := manifest.Scanned()
	got, err := manifest.Parse(updated, opts)
	if err != nil {
		t.Fatal(err)
	}
	if scanned := manifest.Scanned() - before; scanned != 4 {
		t.Errorf("%d documents were gone over, want the 2 that come and the 2 that change", scanned)
	}
	opts.Like = nil
	want, err := manifest.Parse(updated, opts)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d objects, want %d; %v", len(got), len(want), err)
	}
	for i := range got {
		if describe(got[i]) != describe(want[i]) {
			t.Errorf("%s\nwant\n%s", describe(got[i]), describe(want[i]))
		}
		a, _ := got[i].Value()
		b, _ := want[i].Value()
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s has another value", got[i].Position)
		}
	}
}

func describe(o *manifest.Object) string {
	chart, is := o.Annotation("helm.sh/chart")
	return fmt.Sprint(o.Ref, o.GenerateName, o.Source, o.Position, o.HookEvents(), o.Kept(), chart, is)
}
