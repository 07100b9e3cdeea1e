package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// selecting collects what may select objects of the release by their labels: what is
// in the manifests, and what is known of the cluster.
func selecting(pairs []diff.Pair, cluster []*manifest.Object) *selectors.Known {
	list := make([]selectors.Pair, 0, len(pairs)+len(cluster))
	for _, p := range pairs {
		if p.New == nil && p.Old.Kept() {
			p.New = p.Old
		}
		list = append(list, selectors.Pair{Old: p.Old, New: p.New})
	}
	for _, o := range cluster {
		list = append(list, selectors.Pair{Old: o, New: o})
	}
	return selectors.Of(list)
}

// noteLabelReaders writes into the edits of an object's own labels who looks at them.
func (j *judge) noteLabelReaders(c *change.Change, before, after map[string]string) {
	kind := c.Ref.GroupKind()
	for i := range c.Edits {
		e := &c.Edits[i]
		if len(e.Path) != 3 || !e.Path.Under("metadata", "labels") {
			continue
		}
		label := e.Path[2].Field
		e.Watchers = j.selecting.Watchers(c.Ref, label, before, after)
		selected := len(e.Watchers) > 0
		for _, l := range j.labels {
			if selected && l.General() {
				continue
			}
			if l.Concerns(kind, label, before[label], after[label]) {
				e.Watchers = append(e.Watchers, l.Who)
			}
		}
	}
}

// noteEditedLabels is watch for an object that was decoded. Where somebody has edited a
// label in the cluster, the edit says what it is there.
func (j *judge) noteEditedLabels(c *change.Change) {
	if c.Old == nil || c.New == nil || !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Under("metadata", "labels") }) {
		return
	}
	old, err := c.Old.Labels()
	if err != nil {
		return
	}
	updated, err := c.New.Labels()
	if err != nil {
		return
	}
	for _, e := range c.Edits {
		if len(e.Path) == 3 && e.Path.Under("metadata", "labels") {
			set(old, e.Path[2].Field, e.Old)
			set(updated, e.Path[2].Field, e.New)
		}
	}
	j.noteLabelReaders(c, old, updated)
}

func set(labels map[string]string, name string, value change.Value) {
	if text, ok := value.Shown().(string); ok {
		labels[name] = text
	} else {
		delete(labels, name)
	}
}
