package safediff

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// TestOneFaultEndsNothing has the judgement of one object panic: the others are judged as
// without it, and it is said of this one that it was not.
func TestOneFaultEndsNothing(t *testing.T) {
	const settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %, namespace: demo}\ndata: {mode: VALUE}\n---\n"
	side := func(value string) Manifest {
		text := strings.ReplaceAll(settings, "VALUE", value)
		return Manifest{"it.yaml", strings.ReplaceAll(text, "%", "a") + strings.ReplaceAll(text, "%", "faulty") + strings.ReplaceAll(text, "%", "z")}
	}
	var first string
	for range 5 { // in whatever order objects are judged
		set, err := Compare(context.Background(), side("one"), side("two"), Options{
			Namespace: "demo", Look: clusterOf(t, strings.ReplaceAll(side("one").Text, "namespace: demo", `namespace: demo, resourceVersion: "1"`)),
			Try: func(_ context.Context, attempt cluster.Attempt) cluster.Answer {
				if attempt.Ref.Name == "faulty" {
					panic(errors.New("secret value")) //nolint:forbidigo // stands for a fault in a library
				}
				return cluster.Answer{Unknown: "not asked"}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for i := range set.Changes {
			c := &set.Changes[i]
			if c.Op != change.Update || len(c.Edits) != 1 || !c.Outcome.Changed {
				t.Errorf("%s: %s, %d edits, changed %t", c.Ref, c.Op, len(c.Edits), c.Outcome.Changed)
			}
			said = append(said, c.Ref.Name)
		}
		for _, n := range set.Unchecked {
			said = append(said, n.Ref.Name+" "+string(n.Hides)+" "+n.Reason)
		}
		text := strings.Join(said, "\n")
		if len(set.Changes) != 3 || !strings.Contains(text, "faulty rejected it was not judged") || strings.Contains(text, "secret value") {
			t.Fatalf("%s", text)
		}
		if first = cmp.Or(first, text); text != first {
			t.Errorf("two runs differ:\n%s\nand\n%s", first, text)
		}
	}
}

// TestFaultOfARule has a rule between objects panic: it is said which.
func TestFaultOfARule(t *testing.T) {
	j := judge{}
	j.betweenObjects("whether Services find pods", func() { _ = untyped.Maps(map[string]any{})[3] })
	if len(j.faults) != 1 || !strings.HasPrefix(j.faults[0].Reason, "whether Services find pods: this was not judged") {
		t.Errorf("%v", j.faults)
	}
	judged := j.guarded(diff.Pair{}, func() upgrade.Object { return upgrade.Object{Err: context.Canceled} })
	if !errors.Is(judged.Err, context.Canceled) {
		t.Errorf("an interruption becomes a notice: %v", judged)
	}
}
