package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// DefinitionRules are about definitions of custom resources that take something away.
func DefinitionRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "schema-drops-stored-field", Risk: change.DataLoss,
			Why:  "the API server drops fields that the schema does not declare as soon as it reads a custom resource, and no manifest of the release restores them",
			Fix:  "move what the field holds before the upgrade, or keep the field in the schema",
			Find: pruned(false),
		},
		{
			ID: "schema-drops-field", Risk: change.Unapplied,
			Why:  "the API server drops fields that the schema does not declare, although the manifest sets them",
			Fix:  "take the field out of the custom resource, or write what the new schema has instead",
			Find: pruned(true),
		},
		{
			ID: "version-not-served", Risk: change.Outage,
			Why:  "requests for a version that is not served fail: a release whose manifest uses it can no longer be upgraded, and a controller that watches it sees nothing",
			Fix:  "move all manifests and clients to a version that is served before this upgrade",
			Find: unserved,
		},
		{
			ID: "schema-accepts-nothing", Risk: change.Outage,
			Why:  "if a schema accepts no value for a field, the API server rejects every object that sets the field and every later change to one, including changes by controllers",
			Fix:  "correct the bounds, the list of required fields or the rule",
			Find: acceptsNothing,
		},
		{
			ID: "status-subresource-removed", Risk: change.Outage,
			Why:  "controllers write the status of custom resources through the status subresource; without it they get 404 and stop making progress",
			Fix:  "keep the status subresource",
			Find: statusless,
		},
		{
			ID: "scale-subresource-removed", Risk: change.Stuck,
			Why: "autoscalers read and set the number of pods of a custom resource through its scale subresource, and the disruption controller counts them by it " +
				"(podautoscaler and disruption in k8s.io/kubernetes/pkg/controller); without it nothing is scaled",
			Fix:  "keep the scale subresource",
			Find: scaleless,
		},
	}
}

// redefines goes through the definitions that change, and what that takes away.
func redefines(u *upgrade.Upgrade, tell func(o *upgrade.Object, d *change.Redefined) (rule.Found, bool)) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		if o := &u.Objects[i]; o.Redefined != nil && o.Done() {
			if f, fires := tell(o, o.Redefined); fires {
				f.On, f.Paths = o, []fieldpath.Path{fieldpath.Fields("spec", "versions")}
				found = append(found, f)
			}
		}
	}
	return found
}

// pruned tells which stored objects lose fields, those of the release or others.
func pruned(released bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		return redefines(u, func(_ *upgrade.Object, d *change.Redefined) (rule.Found, bool) {
			var f rule.Found
			var list []string
			for _, r := range d.Stored {
				if r.Released == released && len(r.Pruned) > 0 {
					list = append(list, fmt.Sprintf("%s of %s", strings.Join(r.Pruned, ", "), r.Ref))
					f.Evidence = append(f.Evidence, change.Evidence{What: "dropped", Objects: []manifest.Ref{r.Ref}, Names: r.Pruned})
				}
			}
			f.Message = "the new schema does not have " + rule.Shortened(list) + ": the API server drops it"
			return f, len(list) > 0
		})
	}
}

// acceptsNothing tells of which fields a schema accepts no value any more.
func acceptsNothing(u *upgrade.Upgrade) []rule.Found {
	return redefines(u, func(o *upgrade.Object, d *change.Redefined) (rule.Found, bool) {
		return rule.Found{
			Message:  fmt.Sprintf("no %s with %s is accepted any more", d.Kind, rule.Shortened(d.Never)),
			Evidence: []change.Evidence{{What: "accepts nothing", Objects: []manifest.Ref{o.Ref()}, Names: d.Never}},
		}, len(d.Never) > 0
	})
}

// unserved tells which objects of the cluster are written in a version that is no longer served.
func unserved(u *upgrade.Upgrade) []rule.Found {
	return redefines(u, func(_ *upgrade.Object, d *change.Redefined) (rule.Found, bool) {
		var refs []manifest.Ref
		var list []string
		for _, r := range d.Stored {
			if r.Unserved && !r.Released {
				refs, list = append(refs, r.Ref), append(list, fmt.Sprintf("%s (%s)", r.Ref, r.Ref.Version))
			}
		}
		return rule.Found{Message: "no longer served: the version of " + rule.Shortened(list), Evidence: []change.Evidence{{What: "written in a version that is not served", Objects: refs}}}, len(list) > 0
	})
}

// statusless tells which versions lose the status subresource.
func statusless(u *upgrade.Upgrade) []rule.Found {
	return redefines(u, func(_ *upgrade.Object, d *change.Redefined) (rule.Found, bool) {
		return rule.Found{
			Message:  fmt.Sprintf("%s %s loses its status subresource: what writes the status gets 404", d.Kind, strings.Join(d.Statusless, ", ")),
			Evidence: []change.Evidence{{What: "without status subresource", Names: d.Statusless}},
		}, len(d.Statusless) > 0
	})
}

// scaleless tells which versions lose the scale subresource, and which autoscalers of the release
// need it.
func scaleless(u *upgrade.Upgrade) []rule.Found {
	return redefines(u, func(_ *upgrade.Object, d *change.Redefined) (rule.Found, bool) {
		if len(d.Scaleless) == 0 {
			return rule.Found{}, false
		}
		who := "no autoscaler can scale it"
		var scalers []manifest.Ref
		for _, o := range u.StandingAt(upgrade.After) {
			if !o.MayHold(d.Kind) || !strings.Contains(o.Ref.Kind, "Autoscaler") && o.Ref.Kind != "ScaledObject" {
				continue
			}
			if slices.ContainsFunc(upgrade.References(o, u.Rollout), func(r reference.Reference) bool {
				return r.Use == reference.AsTarget && r.To.Group == d.Group && r.To.Kind == d.Kind
			}) {
				scalers = append(scalers, o.Ref)
			}
		}
		if len(scalers) > 0 {
			who = rule.Names(scalers) + " can no longer scale it"
		}
		return rule.Found{
			Message:  fmt.Sprintf("%s %s loses its scale subresource: %s", d.Kind, strings.Join(d.Scaleless, ", "), who),
			Evidence: []change.Evidence{{What: "without scale subresource", Objects: scalers, Names: d.Scaleless}},
		}, true
	})
}
