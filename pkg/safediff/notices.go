package safediff

import (
	"cmp"
	"fmt"
	"reflect"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/definitions"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// notices lists what could not be judged and concerns no single change.
func (in *input) notices(j *judge, pairs []diff.Pair) []change.Notice {
	opts, server := j.opts, j.Server
	var list []change.Notice
	if opts.KubeVersion != "" && !apiserver.InRange(opts.KubeVersion) {
		list = append(list, change.Notice{Hides: change.Rejected, Reason: fmt.Sprintf(
			"Kubernetes %s is judged as %s, the nearest version that this program knows", opts.KubeVersion, server.Version())})
	}
	if opts.Failed > 0 && !j.Asked {
		list = append(list, change.Notice{Hides: change.Rejected, All: true, Reason: fmt.Sprintf(
			"revision %d of the release %s: what of it is in the cluster is not known, and the %s was judged from the manifest of revision %d",
			opts.Failed, cmp.Or(opts.FailedHow, "failed"), cmp.Or(opts.Operation, change.Upgrade), opts.Release.Revision)})
	}
	list = append(list, in.copies(pairs)...)
	if opts.Operation != change.Install {
		list = append(list, in.crdNotices(j)...)
		list = append(list, j.autoscaling.Notices()...)
	}
	return list
}

// copies tells of objects that are in a manifest more than once. Where all are in pairs, none is.
func (in *input) copies(pairs []diff.Pair) []change.Notice {
	var old, updated int
	for _, p := range pairs {
		if p.Old != nil {
			old++
		}
		if p.New != nil {
			updated++
		}
	}
	var earlier []*manifest.Object
	if old < len(in.Old) {
		earlier = diff.Duplicates(in.Old)
	}
	if updated < len(in.Updated) {
		earlier = append(earlier, diff.Duplicates(in.Updated)...)
	}
	list := make([]change.Notice, 0, len(earlier))
	for _, o := range earlier {
		list = append(list, change.Notice{Ref: o.Ref, Hides: change.Unapplied, Reason: fmt.Sprintf(
			"the object is in the manifest again behind %s; Helm applies the copies in turn, and only the last was judged", o.Position)})
	}
	return list
}

const (
	changedInCRDs = "the chart changes this definition in its crds directory, which no upgrade touches: apply it by hand where it is needed"
	newInCRDs     = "the chart adds this definition in its crds directory, which no upgrade touches: apply it by hand where it is needed"
)

const (
	missingOfCRDs = "the chart has this definition in its crds directory, which no upgrade installs, and the cluster does not have it: apply it by hand"
	otherThanCRDs = "the chart has this definition in its crds directory, which no upgrade touches, and the cluster has another: compare the two, and apply it by hand where it is needed"
)

// differs reports whether a live definition says something else than a manifest. Its
// metadata do not count: Helm marks what it applies as its own, and not what it has
// installed from a crds directory.
func (j *judge) differs(o *manifest.Object, live map[string]any) bool {
	result, err := j.Server.Update(o, o, live)
	return err != nil || len(result.Outcome.Refused) > 0 ||
		result.Outcome.Changed && !reflect.DeepEqual(result.OldFields["spec"], result.NewFields["spec"])
}

// crdNotices lists what an upgrade leaves undone in crds directories.
func (in *input) crdNotices(j *judge) []change.Notice {
	_, before := splitCRDs(in.Old, in.oldCRDs)
	_, after := splitCRDs(in.Updated, in.newCRDs)
	known := make(map[string]*manifest.Object, len(before))
	for _, o := range before {
		known[o.Ref.Name] = o
	}
	var list []change.Notice
	seen := map[string]bool{}
	for _, o := range after {
		old := known[o.Ref.Name]
		there, looked := j.Found(o.Ref)
		live := j.InVersion(o.Ref)
		switch {
		case seen[o.Ref.Name]:
		case looked && there == nil:
			list = append(list, change.Notice{Ref: o.Ref, Reason: missingOfCRDs, Hides: change.Unapplied, Shipped: "missing in the cluster"})
		case live != nil && j.differs(o, live):
			list = append(list, change.Notice{Ref: o.Ref, Reason: otherThanCRDs, Hides: change.Unapplied, Shipped: "different in the cluster"})
		case live != nil:
		case old == nil:
			list = append(list, change.Notice{Ref: o.Ref, Reason: newInCRDs, Hides: change.Unapplied, Shipped: "new"})
		case !definitions.Same(old, o):
			list = append(list, change.Notice{Ref: o.Ref, Reason: changedInCRDs, Hides: change.Unapplied, Shipped: "changed"})
		}
		seen[o.Ref.Name] = true
	}
	return list
}
