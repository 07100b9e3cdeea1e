package agreement

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// rollback holds what is said of the state that a failed upgrade leaves, and of what does
// not come back in a rollback, against what happened. Of a rollback that fails, the
// objects count at which it does: what Helm then does not come to any more is told with
// them.
func (s *Score) rollback(set *change.Set, u *Upgrade) {
	if sum := set.Summary(); u.Upgrade.Status != "" && !u.Upgrade.OK && sum.Fails {
		s.open = false
		s.yes(Failed, u.Case, u.Upgrade.Status == "failed", !sum.Upfront, u.Upgrade.Status)
	}
	if u.Rollback == nil {
		return
	}
	const pending = "pending-rollback"
	hangs := slices.ContainsFunc(set.OneWay, func(n change.Notice) bool { return strings.HasSuffix(n.Reason, pending) })
	if s.open = false; hangs || u.Rollback.Status == pending {
		s.yes(OneWay, u.Case+" release", u.Rollback.Status == pending, hangs, u.Rollback.Status)
	}
	foreseen, open := false, false
	for i := range u.Resources {
		r := &u.Resources[i]
		said := slices.ContainsFunc(set.OneWay, func(n change.Notice) bool { return is(n.Ref, r) })
		foreseen = foreseen || said
		if !u.counts(r, said) {
			continue
		}
		c := find(set, r)
		s.open = c != nil && slices.ContainsFunc(set.Unchecked, func(n change.Notice) bool { return n.Ref == c.Ref })
		open = open || s.open && r.Back == BackRefused
		s.yes(OneWay, u.Case+" "+r.Kind+"/"+r.Name, r.Back != BackSame, said,
			r.Back+" "+strings.Join(r.BackChanged, " ")+" "+u.Rollback.Error)
	}
	if !u.Rollback.OK && !foreseen {
		s.open = open
		s.yes(OneWay, u.Case, true, false, u.Rollback.Error)
	}
}

// counts reports whether what became of an object in a rollback says something about
// the forecast. It does not where that was empty which comes back empty, which manifests
// do not show, nor where Helm brings back what the release says instead of what somebody
// has made of it.
func (u *Upgrade) counts(r *Resource, said bool) bool {
	switch r.Back {
	case "", BackAnew:
		return false
	case BackOther:
		return !u.Disturbed && (said || u.Rollback.OK)
	default:
		return said || u.Rollback.OK || r.Back == BackRefused
	}
}
