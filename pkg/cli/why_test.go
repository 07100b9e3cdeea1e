package cli

import (
	"context"
	"testing"
	"time"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// TestExplainTooLong attributes nothing where the time is over, and judges all the same; where
// somebody has interrupted the run it ends.
func TestExplainTooLong(t *testing.T) {
	side := func(value string) helm.Side {
		manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: " + value + "}\n"
		return helm.Side{Manifest: manifest, Lens: &helm.Lens{Chart: &valuelens.Chart{Name: "shop"}, Render: func(ctx context.Context, _ map[string]any) (string, error) {
			return manifest, ctx.Err()
		}}}
	}
	old, updated := side("x"), side("y")
	var opts safediff.Options
	set, err := safediff.Compare(t.Context(), manifestOf(old), manifestOf(updated), opts)
	if err != nil || len(set.Changes) != 1 {
		t.Fatalf("%d changes: %v", len(set.Changes), err)
	}
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := explain(over, &set, old, updated, &opts); err != nil {
		t.Fatal(err)
	}
	if b := set.Changes[0].Edits[0].Because; b == nil || b.Unknown != tooLong || set.Why == nil {
		t.Errorf("the edit is due to %+v", b)
	}
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	if err := explain(interrupted, &set, old, updated, &opts); err == nil {
		t.Error("an interrupted run goes on")
	}
}
