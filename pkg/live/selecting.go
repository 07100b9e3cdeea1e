package live

import (
	"cmp"
	"context"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// search is where to look for what may select.
type search struct{ group, kind, namespace string }

// searches returns where to look for what may select the wanted objects, each place
// once and in a fixed order.
func searches(wanted []Wanted) []search {
	var list []search
	for _, w := range wanted {
		if unsafePath(w.Ref) != "" {
			continue
		}
		for _, l := range w.LabelReaders {
			s := search{group: l.Group, kind: l.Kind}
			if !l.Everywhere {
				s.namespace = w.Ref.Namespace
			}
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b search) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.kind, b.kind), cmp.Compare(a.namespace, b.namespace))
	})
	return slices.Compact(list)
}

// selecting reads objects that may select others. A kind that the cluster does not
// serve has none.
func (t *task) selecting(ctx context.Context, s search) {
	served, namespaced, failure := t.reader.find(ctx, s.group, s.kind)
	var items []map[string]any
	if failure == "" && served.resource != "" {
		items, failure = t.reader.list(ctx, listing{kind: served, namespace: s.namespace, everywhere: namespaced && s.namespace == ""})
	}
	for _, item := range items {
		delete(item, "status")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if failure != "" {
		t.state.Unseen = append(t.state.Unseen, Gap{Kind: manifest.Ref{Group: s.group, Kind: s.kind}.GroupKind(), Namespace: s.namespace, Reason: failure})
	}
	t.state.Selecting = append(t.state.Selecting, items...)
}

// find returns a kind in the first version in which the cluster serves it, and whether
// its objects live in namespaces; without a resource if it serves it in none, or if that
// could not be read, for which it says why.
func (r *Reader) find(ctx context.Context, group, name string) (found kind, namespaced bool, failure string) {
	versions := []string{"v1"} // of the core group
	if group != "" {
		c := r.catalogue(ctx, endpoint{group: group})
		if c.reason != "" {
			return kind{}, false, c.reason
		}
		versions = c.versions
	}
	for _, version := range versions {
		c := r.catalogue(ctx, endpoint{group, version})
		if c.reason != "" {
			return kind{}, false, c.reason
		}
		if res, served := c.kinds[name]; served {
			return kind{group, version, name, res.name}, res.namespaced, ""
		}
	}
	return kind{}, false, ""
}
