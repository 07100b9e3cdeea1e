// Package definitions tells what a change of the definition of custom resources does to them.
package definitions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Redefined notes on a definition that changes what that takes away, as far as the two
// definitions tell.
func Redefined(judged *upgrade.Object, result *apiserver.Result) {
	if c := judged.Change; action.IsDefinition(c.Ref) && c.Op == change.Update && len(c.Outcome.Refused) == 0 {
		judged.Redefined = apiserver.Redefined(result)
	}
}

// Stored looks at the custom resources that stay as they are while their definition
// changes: those of the release, and those of the cluster that are at hand. What of that could
// not be looked at is said.
func Stored(a *action.Action, u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		d := o.Redefined
		if d == nil || !o.Done() {
			continue
		}
		seen := 0
		for k := range u.Objects {
			other := &u.Objects[k]
			if other.Change != nil || other.Old == nil || other.New == nil || !defines(d, other.Ref()) {
				continue
			}
			seen++
			if r := a.Server.Reread(other.New, false); r != nil {
				r.Released = true
				d.Stored = append(d.Stored, *r)
			}
		}
		for _, other := range a.Cluster {
			if defines(d, other.Ref) && u.Object(other.Ref.Identity()) == nil {
				seen++
				if r := a.Server.Reread(other, true); r != nil {
					d.Stored = append(d.Stored, *r)
				}
			}
		}
		o.Unchecked = append(o.Unchecked, definitionDoubts(a, o, d, seen)...)
	}
}

func defines(d *change.Redefined, ref manifest.Ref) bool {
	return ref.Group == d.Group && ref.Kind == d.Kind
}

// definitionDoubts says what a change of a definition may do to custom resources that are not
// at hand, and to a cluster whose history is not known.
func definitionDoubts(a *action.Action, o *upgrade.Object, d *change.Redefined, seen int) []change.Doubt {
	var list []change.Doubt
	if len(d.Removed) > 0 && !a.Looked(o.Ref()) && !a.Fresh() {
		list = append(list, change.Doubt{Hides: change.Rejected, Reason: fmt.Sprintf(
			"whether objects were ever stored in version %s, which the definition no longer has: if its status.storedVersions names it, the API server rejects the update",
			strings.Join(d.Removed, ", "))})
	}
	if len(d.Unserved) > 0 && !slices.ContainsFunc(d.Stored, func(r change.Reread) bool { return r.Unserved }) {
		list = append(list, change.Doubt{Hides: change.Outage, Never: true, Reason: fmt.Sprintf(
			"whether anybody still asks for %s in version %s, which is no longer served", d.Kind, strings.Join(d.Unserved, ", "))})
	}
	if len(d.Lost) > 0 && !slices.ContainsFunc(d.Stored, func(r change.Reread) bool { return len(r.Pruned) > 0 }) {
		list = append(list, change.Doubt{Hides: change.DataLoss, Never: seen > 0, Reason: fmt.Sprintf(
			"whether a %s has %s, which the new schema does not: the API server drops it as soon as it reads the object", d.Kind, rule.Shortened(d.Lost))})
	}
	if d.Unconverted {
		list = append(list, change.Doubt{Hides: change.DataLoss, Never: true, Reason: fmt.Sprintf(
			"whether what is stored of %s in one version still means the same in another: no webhook converts it any more, and the API server changes nothing but the version", d.Kind)})
	}
	var broken []string
	for _, r := range d.Stored {
		if len(r.Refused) > 0 {
			broken = append(broken, fmt.Sprintf("%s (%s)", r.Ref, strings.Join(r.Refused, ", ")))
		}
	}
	switch {
	case len(broken) > 0:
		list = append(list, change.Doubt{Hides: change.Rejected, Never: true, Reason: rule.Shortened(broken) +
			": the new schema does not accept what is stored, and rejects the next change of these fields"})
	case len(d.Tighter) > 0:
		list = append(list, change.Doubt{Hides: change.Rejected, Never: true, Reason: fmt.Sprintf(
			"whether what is stored of %s still fits the new schema, which accepts less of %s", d.Kind, rule.Shortened(d.Tighter))})
	}
	return list
}
