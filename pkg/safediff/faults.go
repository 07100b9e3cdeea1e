package safediff

import (
	"context"
	"errors"
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// guarded judges a pair. Where the code that judges panics, or cannot go on, this object
// is not judged and says so; every other object is judged as if nothing had happened.
// Only text that is no YAML stays an error, since Helm reads no part of it either.
func (j *judge) guarded(p diff.Pair, judge func() upgrade.Object) upgrade.Object {
	var judged upgrade.Object
	fault := rule.Caught(func() { judged = judge() })
	var syntax *manifest.SyntaxError
	switch {
	case fault != nil:
		return j.unjudged(p, panicked(fault))
	case judged.Err != nil && !errors.As(judged.Err, &syntax) && !errors.Is(judged.Err, context.Canceled) && !errors.Is(judged.Err, context.DeadlineExceeded):
		return j.unjudged(p, judged.Err.Error())
	}
	return judged
}

// unjudged is the answer for a pair of which nothing is known but the manifests.
func (j *judge) unjudged(p diff.Pair, why string) upgrade.Object {
	c := change.Change{Ref: p.Ref(), Op: p.Op(), Old: p.Old, New: p.New, Outcome: change.Outcome{Changed: true}}
	alike := false
	// What panics here, too, is left out: that the object was not judged is said below.
	_ = rule.Caught(func() {
		c.Hook = j.Hook(p)
		alike, _ = contrast(p, &c)
		turn(c.Edits, j.rotating[p.New])
	})
	judged := upgrade.Object{Fault: why}
	if !alike {
		judged.Change = &c
		_ = rule.Caught(func() { judged.Read = rule.Read(&c, rules()) })
	}
	return judged
}

// notJudged begins what is said of an object that could not be judged.
const notJudged = "it was not judged: "

// panicked describes a panic without a value of the object.
func panicked(fault any) string {
	return rule.Describe(fault) + "; please report it with the two versions of this object"
}

// betweenObjects asks a rule that looks at several objects. Where it panics, the other
// rules are asked all the same; about names what the rule would have told.
func (j *judge) betweenObjects(about string, ask func()) {
	if fault := rule.Caught(ask); fault != nil {
		j.faults = append(j.faults, change.Notice{Hides: change.Rejected, All: true, Reason: fmt.Sprintf(
			"%s: this was not judged: internal error (%T); please report it with the two manifests", about, fault)})
	}
}
