package owners

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// owning says of kinds of custom resources what goes with one that is deleted.
type owning struct {
	// groups and kinds are what it is about. A group may begin with a star, for all that end
	// so; a star is any kind that stands for something at a provider.
	groups, kinds []string
	// risk is data-loss, or outage where nothing goes but what can be made anew.
	risk change.Risk
	// loses is what goes with it, one clause.
	loses string
	// spares reports of an object that nothing goes with it; nil for none.
	spares func(value map[string]any) bool
	// source is the page of the project that says so.
	source string
}

// OwningRules are about what an operator deletes with a custom resource.
func OwningRules() []rule.Rule {
	const (
		why = "the operator, or the garbage collector, deletes what a custom resource owns together with it; recreated, or under another name, it starts empty"
		fix = "keep the name; " + rule.KeepFirst + ", or have the operator keep what belongs to it (its deletion policy), before it leaves the chart"
	)
	return []rule.Rule{
		{ID: "owned-data-deleted", Risk: change.DataLoss, Why: why, Fix: fix, Instead: rule.KeepFirst, Find: owned(change.DataLoss)},
		{ID: "owned-deleted", Risk: change.Outage, Why: why, Fix: fix, Instead: rule.KeepFirst, Find: owned(change.Outage)},
	}
}

// owned tells of custom resources that go, or are deleted and made anew, with what belongs to
// them.
func owned(risk change.Risk) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Objects {
			o := &u.Objects[i]
			if o.Old == nil || o.Change == nil || u.Builtin(o.Ref().Group, o.Ref().Kind) && !snapshots(o.Ref()) {
				continue
			}
			row := owningOf(o.Ref())
			anew, goes := deletedFor(o)
			if !goes || row == nil || row.risk != risk {
				continue
			}
			value, err := o.Old.Value()
			if now, known := u.Found(o.Old.Ref); known && now != nil {
				value, err = now, nil
			}
			if err != nil || !standsFor(row, value) || row.spares != nil && row.spares(value) {
				continue
			}
			message := row.loses
			if anew {
				message = "Helm deletes it and makes it anew: " + message
			}
			found = append(found, rule.Found{On: o, Message: message, Evidence: []change.Evidence{
				{What: "goes with it", Objects: []manifest.Ref{o.Old.Ref}, Names: []string{row.loses}},
			}})
		}
		return found
	}
}

// OwnsData reports whether data go with an object that is deleted, as the table of owners has it.
func OwnsData(o *manifest.Object) bool {
	row := owningOf(o.Ref)
	if row == nil || row.risk != change.DataLoss {
		return false
	}
	value, err := o.Value()
	return err == nil && standsFor(row, value) && (row.spares == nil || !row.spares(value))
}

func snapshots(ref manifest.Ref) bool { return ref.Group == "snapshot.storage.k8s.io" }

// deletedFor reports whether Helm deletes an object, and whether it then makes it anew: where
// it is a hook that there was before.
func deletedFor(o *upgrade.Object) (anew, goes bool) {
	switch c := o.Change; {
	case len(c.Outcome.Refused) > 0:
		return false, false
	case c.Op == change.Delete:
		return false, true
	case c.Op == change.Recreate:
		return true, true
	default:
		runs := o.Hook != nil && o.Hook.Runs && len(o.Old.HookEvents()) > 0
		return true, runs && slices.Contains(o.New.HookDeletePolicies(), "before-hook-creation")
	}
}

// owningOf returns the row of the table about objects of a kind; nil if there is none.
func owningOf(ref manifest.Ref) *owning {
	table := owningTable()
	for i := range table {
		row := &table[i]
		if slices.ContainsFunc(row.groups, func(group string) bool { return rule.InGroup(group, ref.Group) }) &&
			(row.kinds[0] == "*" || slices.Contains(row.kinds, ref.Kind)) {
			return row
		}
	}
	return nil
}

// standsFor reports whether an object of a kind that is not named itself stands for something:
// its configuration, and how to log in, do not.
func standsFor(row *owning, value map[string]any) bool {
	if row.kinds[0] != "*" {
		return true
	}
	kind := untyped.Text(value, "kind")
	return !slices.ContainsFunc([]string{"Config", "Provider", "Function", "Composition", "Definition", "Usage", "Revision", "StoreConfig"}, func(part string) bool {
		return strings.HasPrefix(kind, part) || strings.HasSuffix(kind, part)
	})
}

// says reports of an object that one of its fields is as wanted.
func says(want any, path ...string) func(map[string]any) bool {
	return func(value map[string]any) bool { return untyped.At(value, path...) == want }
}

// unless reports of an object that one of its fields is not as wanted.
func unless(want any, path ...string) func(map[string]any) bool {
	is := says(want, path...)
	return func(value map[string]any) bool { return !is(value) }
}

// oneOf reports of an object that one of its fields is one of several.
func oneOf(wanted []string, path ...string) func(map[string]any) bool {
	return func(value map[string]any) bool { return slices.Contains(wanted, untyped.Text(value, path...)) }
}

// annotated reports of an object that it has an annotation with one of some values.
func annotated(name string, values ...string) func(map[string]any) bool {
	return oneOf(values, "metadata", "annotations", name)
}

// withoutFinalizer reports of an object that it has no finalizer that begins so.
func withoutFinalizer(begins string) func(map[string]any) bool {
	return func(value map[string]any) bool {
		return !slices.ContainsFunc(untyped.Texts(value, "metadata", "finalizers"), func(f string) bool { return strings.HasPrefix(f, begins) })
	}
}

// fluxSpares reports of a Kustomization that it leaves in the cluster what it has applied.
func fluxSpares(value map[string]any) bool {
	spec := untyped.Map(value, "spec")
	switch untyped.Text(spec, "deletionPolicy") {
	case "Orphan":
		return true
	case "Delete", "WaitForTermination":
		return false
	default:
		return spec["prune"] != true || spec["suspend"] == true
	}
}

// crossplaneSpares reports of a managed resource that what it stands for stays.
func crossplaneSpares(value map[string]any) bool {
	spec := untyped.Map(value, "spec")
	policies := untyped.Texts(spec, "managementPolicies")
	return spec["deletionPolicy"] == "Orphan" || len(policies) > 0 && !slices.Contains(policies, "*") && !slices.Contains(policies, "Delete")
}
