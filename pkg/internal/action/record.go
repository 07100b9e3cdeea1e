package action

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"

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

// TooLong returns the record of the release as an object that the API server refuses, since
// it is too long: Helm fails at once, and does nothing else. nil if it is not.
func (a *Action) TooLong() (*upgrade.Object, error) {
	r := &a.Record
	if r.Kind == "" || r.Bytes <= limit {
		return nil, nil
	}
	o, err := a.RecordObject()
	if err != nil {
		return nil, err
	}
	c := change.Change{Ref: o.Ref, Op: change.Create, New: o, Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Field: "data", Type: "FieldValueTooLong", Message: fmt.Sprintf("Too long: may not be more than %d bytes: %s", limit, r.says()), Itself: true,
	}}}}
	return &upgrade.Object{Pair: diff.Pair{New: o}, Phase: diff.Apply, Change: &c}, nil
}

// keptRecords is how many records Helm keeps of a release unless it is told otherwise (--history-max).
const keptRecords = 10

// Prunes reports whether Helm deletes an old record of the release when it stores the new one.
func (a *Action) Prunes() bool { return max(a.Release.Revision, a.Failed) >= keptRecords }

// RecordObject is the record as an object.
func (a *Action) RecordObject() (*manifest.Object, error) {
	return manifest.FromValue(map[string]any{
		"apiVersion": "v1", "kind": a.Record.Kind, "metadata": map[string]any{"name": a.recordName(), "namespace": cmp.Or(a.Namespace, "default")},
	}, manifest.Position{File: "the record of the release"})
}

// recordName is what Helm calls the record (makeKey in helm.sh/helm/v3/pkg/storage).
func (a *Action) recordName() string {
	last := max(a.Release.Revision, a.Failed)
	if a.Operation != change.Install {
		last = max(last, 1)
	}
	return fmt.Sprintf("sh.helm.release.v1.%s.v%d", cmp.Or(a.Release.Name, "release"), last+1)
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

// NearlyFull is a notice that a record comes near to what can be stored.
func (r *Record) NearlyFull() []change.Notice {
	if r.Kind == "" || r.Bytes < nearly || r.Bytes > limit {
		return nil
	}
	return []change.Notice{{Reason: fmt.Sprintf("Helm can store no more than %d bytes of a release: %s", limit, r.says())}}
}
