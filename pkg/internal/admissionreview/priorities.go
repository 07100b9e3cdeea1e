package admissionreview

import (
	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Priorities refuses a PriorityClass that would be a second default when Helm comes to it.
func (a *Review) Priorities(u *upgrade.Upgrade) { //nolint:cyclop // each condition leaves out one thing
	if !u.Any(func(o *upgrade.Object) bool { return o.Change != nil && o.New != nil && isPriorityClass(o.New) }) {
		return
	}
	run := a.hookRuns(nil)
	there := map[manifest.Identity]*manifest.Object{}
	for _, o := range a.Cluster {
		if isPriorityClass(o) {
			there[o.Ref.Identity()] = o
		}
	}
	for i := range u.Objects {
		if o := u.Objects[i].Old; o != nil && isPriorityClass(o) && (!diff.IsHook(o) || run.left(o, nil)) {
			there[o.Ref.Identity()] = o
		}
	}
	for _, step := range a.Steps(u.Objects) {
		o := &u.Objects[step.Pair]
		if o.Runs() && !action.Lasts(o.New) {
			delete(there, o.Ref().Identity()) // Helm does that before it makes the hook
		}
		if step.Phase == diff.Never || o.Ref().GroupKind() != priorityClass {
			continue
		}
		if step.Phase == diff.Remove {
			delete(there, o.Ref().Identity())
			continue
		}
		if c := o.Change; c != nil && len(c.Outcome.Refused) == 0 {
			others := make([]*manifest.Object, 0, len(there))
			for _, other := range there {
				others = append(others, other)
			}
			c.Outcome.Refused = admission.SecondDefault(a.Server, o.New, others, c.Op == change.Update && c.Hook == nil)
			if len(c.Outcome.Refused) > 0 {
				continue
			}
		}
		there[o.Ref().Identity()] = o.New
	}
}

const priorityClass = "PriorityClass.scheduling.k8s.io"

func isPriorityClass(o *manifest.Object) bool { return o.Ref.GroupKind() == priorityClass }
