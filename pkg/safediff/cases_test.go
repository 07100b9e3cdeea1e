package safediff_test

import (
	"context"
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

var update = flag.Bool("update", false, "write what the program says into the cases")

// TestCases holds the judgement against the specification, for both ways in which
// Helm applies.
func TestCases(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Run(c.Name, func(t *testing.T) {
			var said [2]string
			for i, serverSide := range []bool{false, true} {
				set, err := safediff.Compare(context.Background(),
					safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(serverSide))
				if err != nil {
					t.Fatal(err)
				}
				said[i] = cases.Said(&set)
				if diff := cmp.Diff(c.Wanted(serverSide), said[i]); diff != "" && !*update {
					t.Errorf("server-side apply %t (-want +got):\n%s", serverSide, diff)
				}
			}
			if *update {
				if err := c.Rewrite(said[0], said[1]); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
