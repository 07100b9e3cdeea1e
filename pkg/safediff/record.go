package safediff

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Record is what Helm stores of a release before it does anything else.
type Record struct {
	// Kind is Secret or ConfigMap; "" for a storage without a limit.
	Kind string
	// Bytes is how long it is, or will be at least.
	Bytes int
	// Most says what most of it is, one clause; "" if that is not known.
	Most string
	// AtLeast says that only the manifest is known.
	AtLeast bool
}

// limit is how long the data of a Secret may be (MaxSecretSize in k8s.io/api/core/v1, which
// holds for ConfigMaps, too), nearly from how much of it on a record is told of.
const (
	limit  = corev1.MaxSecretSize
	nearly = limit / 5 * 4
)

// record returns the record of the release as an object that the API server refuses, since
// it is too long: Helm fails at once, and does nothing else. nil if it is not.
func (j *judge) record() (*upgrade.Object, error) {
	r := j.opts.Record
	if r.Kind == "" || r.Bytes <= limit {
		return nil, nil
	}
	o, err := j.recordObject()
	if err != nil {
		return nil, err
	}
	c := change.Change{Ref: o.Ref, Op: change.Create, New: o, Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Field: "data", Type: "FieldValueTooLong", Message: fmt.Sprintf("Too long: may not be more than %d bytes: %s", limit, r.says()), Itself: true,
	}}}}
	return &upgrade.Object{Pair: diff.Pair{New: o}, Phase: diff.Apply, Change: &c}, nil
}

// unrecorded returns the record of the release as an object for which a quota has no room: Helm fails
// before it does anything else (performUpgrade in helm.sh/helm/v3/pkg/action). What is used is what
// the quota says, or else at least what the release itself has, and the record of its revision. nil if
// there is room. It is doubtful where Helm first deletes the oldest of many records (Create in
// helm.sh/helm/v3/pkg/storage): how long the quota goes on counting that is not known.
func (j *judge) unrecorded(objects []upgrade.Object) (*upgrade.Object, []change.Notice, error) {
	kind := j.opts.Record.Kind
	if kind == "" || j.opts.Operation == change.Uninstall || j.opts.Operation == change.Install {
		return nil, nil, nil
	}
	namespace := cmp.Or(j.opts.Namespace, "default")
	record, err := j.recordObject()
	if err != nil {
		return nil, nil, err
	}
	more := j.server.Usage(record)
	for _, q := range j.guards.early.Quotas(namespace) {
		used := q.Status.Used
		if len(used) == 0 {
			used = more // the record of the installed revision
			for i := range objects {
				if o := objects[i].Old; o != nil && o.Ref.Kind == kind && o.Ref.Namespace == namespace && !diff.IsHook(o) {
					used = admission.Plus(used, j.server.Usage(o))
				}
			}
		}
		why := admission.Exceeded(q, used, more)
		if why == "" {
			continue
		}
		why = fmt.Sprintf("violates ResourceQuota %s (with the record of the release, that is %s)", q.Name, why)
		if j.prunes() {
			return nil, []change.Notice{{Hides: change.Rejected, All: true, Reason: "whether Helm can store the release before it deletes an older record of it: that " + why}}, nil
		}
		c := change.Change{Ref: record.Ref, Op: change.Create, New: record, Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{Type: "Forbidden", Message: why}}}}
		return &upgrade.Object{Pair: diff.Pair{New: record}, Phase: diff.Apply, Change: &c}, nil, nil
	}
	return nil, nil, nil
}

// keptRecords is how many records Helm keeps of a release unless it is told otherwise (--history-max).
const keptRecords = 10

// prunes reports whether Helm deletes an old record of the release when it stores the new one.
func (j *judge) prunes() bool { return max(j.opts.Release.Revision, j.opts.Failed) >= keptRecords }

// recordObject is the record as an object.
func (j *judge) recordObject() (*manifest.Object, error) {
	return manifest.FromValue(map[string]any{
		"apiVersion": "v1", "kind": j.opts.Record.Kind, "metadata": map[string]any{"name": j.recordName(), "namespace": cmp.Or(j.opts.Namespace, "default")},
	}, manifest.Position{File: "the record of the release"})
}

// recordName is what Helm calls the record (makeKey in helm.sh/helm/v3/pkg/storage).
func (j *judge) recordName() string {
	last := max(j.opts.Release.Revision, j.opts.Failed)
	if j.opts.Operation != change.Install {
		last = max(last, 1)
	}
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", cmp.Or(j.opts.Release.Name, "release"), last+1)
}

// says describes the record.
func (r *Record) says() string {
	text := fmt.Sprintf("the record of the release has %d bytes", r.Bytes)
	if r.AtLeast {
		text = fmt.Sprintf("the record of the release has %d bytes or more", r.Bytes)
	}
	if r.Most != "" {
		text += "; " + r.Most
	}
	return text
}

// nearlyFull is a notice that a record comes near to what can be stored.
func (r *Record) nearlyFull() []change.Notice {
	if r.Kind == "" || r.Bytes < nearly || r.Bytes > limit {
		return nil
	}
	return []change.Notice{{Reason: fmt.Sprintf("Helm can store no more than %d bytes of a release: %s", limit, r.says())}}
}
