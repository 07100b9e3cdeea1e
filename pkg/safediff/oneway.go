package safediff

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// oneWay tells why a rollback would not bring an object back as it is before the
// upgrade, one clause; "" if it would. The API server is asked the other way round for
// what is updated, and about a new object for what is deleted. What the upgrade
// creates a rollback deletes.
func (j *judge) oneWay(c *change.Change, result *apiserver.Result) string {
	switch {
	case cmp.Or(j.opts.Operation, change.Upgrade) != change.Upgrade, !done(c):
		return ""
	case c.Op == change.Update && c.Old == nil:
		return "it was not the release's before, and a rollback deletes it"
	case !c.Outcome.Changed:
		return ""
	case c.Op == change.Update:
		if lost := lostFor(c); lost != "" {
			return lost
		}
		if diff.IsHook(c.New) || diff.IsHook(c.Old) || bothWays(c) {
			return ""
		}
		return refusedBack("", j.server.Back(c.New, c.Old, result))
	case c.Op == change.Delete && c.Hook == nil:
		if lost := lostFor(c); lost != "" {
			return lost
		}
		again, err := j.server.Create(c.Old)
		if err != nil {
			return "" // it has been read before
		}
		return refusedBack("it cannot be made again: ", again.Outcome.Refused)
	case c.Op == change.Recreate:
		return lostFor(c)
	default:
		return ""
	}
}

// refusedBack quotes the API server, the first reason of several.
func refusedBack(lead string, refused []change.FieldError) string {
	if len(refused) == 0 {
		return ""
	}
	return lead + refused[0].String()
}

// lostFor says of an object with which stored data goes how it comes back; "" if none
// goes, or none that is known.
func lostFor(c *change.Change) string {
	if isClaim(c.Ref) && (c.Op == change.Delete || c.Op == change.Recreate) {
		return claimBack(c)
	}
	empty := map[string]string{
		"volume-deleted":             "it comes back without what is deleted with it",
		"namespace-deleted":          "it comes back with nothing in it but what the release holds",
		"crd-deleted":                "it comes back without custom resources but those of the release",
		"statefulset-claims-deleted": "its deleted claims come back with empty volumes",
	}
	for i := range c.Findings {
		if how, loses := empty[c.Findings[i].Rule]; loses {
			return how
		}
	}
	return ""
}

// claimBack says how a claim comes back that the upgrade deletes. A volume that stays
// is not bound to it again.
func claimBack(c *change.Change) string {
	how := "it comes back with an empty volume"
	if filled(specOf(c.Old)) {
		how = "it comes back without what is on its volume now"
	}
	loss := c.Outcome.Loss
	switch {
	case loss == nil || !loss.Spared:
		return how
	case len(loss.What) == 0:
		return "" // it never had one
	default:
		return how + ": " + strings.Join(loss.What, ", ")
	}
}

// bothWays reports whether all stored fields that change are ones of which it is known
// that the API server lets them change back, so that it need not be asked: most of what
// upgrades change.
func bothWays(c *change.Change) bool {
	free := [][]string{{"metadata", "labels"}, {"metadata", "annotations"}}
	switch {
	case c.Ref.Group == "apps":
		free = append(free, []string{"spec", "template"}, []string{"spec", "replicas"})
	case c.Ref.Group == "" && (c.Ref.Kind == "ConfigMap" || c.Ref.Kind == "Secret"):
		free = append(free, []string{"data"}, []string{"binaryData"}) // if it is immutable, it did not change now
	}
	return len(c.Outcome.Fields) > 0 && !slices.ContainsFunc(c.Outcome.Fields, func(p fieldpath.Path) bool {
		return !slices.ContainsFunc(free, func(field []string) bool { return p.Under(field...) })
	})
}
