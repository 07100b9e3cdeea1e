package safediff_test

import (
	"context"
	"errors"
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
			var said, oneWay, messages [2]string
			for i, serverSide := range []bool{false, true} {
				set, err := safediff.Compare(context.Background(),
					safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, c.Options(serverSide))
				if err != nil {
					t.Fatal(err)
				}
				said[i], oneWay[i], messages[i] = cases.Said(&set), cases.OneWay(&set), cases.Messages(&set)
				if diff := cmp.Diff(c.Wanted(serverSide), said[i]); diff != "" && !*update {
					t.Errorf("server-side apply %t (-want +got):\n%s", serverSide, diff)
				}
				if diff := cmp.Diff(c.WantedOneWay(serverSide), oneWay[i]); diff != "" && !*update {
					t.Errorf("server-side apply %t, what a rollback does not bring back (-want +got):\n%s", serverSide, diff)
				}
				if diff := cmp.Diff(c.WantedMessages(serverSide), messages[i]); c.HoldsMessages() && diff != "" && !*update {
					t.Errorf("server-side apply %t, messages (-want +got):\n%s", serverSide, diff)
				}
			}
			if !*update {
				return
			}
			err := errors.Join(c.Rewrite("want", said[0], said[1]), c.Rewrite("one-way", oneWay[0], oneWay[1]))
			if c.HoldsMessages() {
				err = errors.Join(err, c.Rewrite("messages", messages[0], messages[1]))
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
