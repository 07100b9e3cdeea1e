package safediff

import (
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// labelReadersOf returns the kinds of which something in the cluster may select an object by a
// label that the upgrade changes. Labels that only say which version of which chart it
// is from change with every upgrade, and are not worth reading the cluster for.
func labelReadersOf(p diff.Pair) []cluster.LabelReader {
	if p.Old == nil || p.New == nil || p.Old.SameText(p.New) {
		return nil
	}
	old, err := p.Old.Labels()
	if err != nil {
		return nil // an error that others report
	}
	updated, err := p.New.Labels()
	if err != nil {
		return nil
	}
	for _, labels := range []map[string]string{old, updated} {
		maps.DeleteFunc(labels, func(name, _ string) bool { return noise.Describing(name) })
	}
	if maps.Equal(old, updated) {
		return nil
	}
	var list []cluster.LabelReader
	for _, l := range selectors.LabelReaders(p.Ref().GroupKind()) {
		list = append(list, cluster.LabelReader(l))
	}
	return list
}

// unreadReaders are notices of labels that change and are hidden, though something may select
// by them that could not be read.
func unreadReaders(state *cluster.State, set *change.Set) []change.Notice {
	if state == nil || len(state.Unseen) == 0 || len(blind(state)) > 0 {
		return nil
	}
	var notices []change.Notice
	for i := range set.Changes {
		c := &set.Changes[i]
		if !slices.ContainsFunc(c.Edits, hiddenLabel) {
			continue
		}
		var reasons []string
		for _, l := range selectors.LabelReaders(c.Ref.GroupKind()) {
			kind := manifest.Ref{Group: l.Group, Kind: l.Kind}.GroupKind()
			for _, gap := range state.Unseen {
				if gap.Kind == kind && (gap.Namespace == "" || gap.Namespace == c.Ref.Namespace) && !slices.Contains(reasons, gap.Reason) {
					reasons = append(reasons, gap.Reason)
				}
			}
		}
		if len(reasons) > 0 {
			notices = append(notices, change.Notice{Ref: c.Ref, Hides: change.Outage, Reason: "whether something in the cluster selects it by the labels that change is not known: " + strings.Join(reasons, "; ")})
		}
	}
	return notices
}

// hiddenLabel reports whether an edit is of a label of the object itself that is hidden,
// and that is more than the version of the chart.
func hiddenLabel(e change.Edit) bool {
	return e.Noise != "" && len(e.Path) == 3 && e.Path.Under("metadata", "labels") && !noise.Describing(e.Path[2].Field)
}
