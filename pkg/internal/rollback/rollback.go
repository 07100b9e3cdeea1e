// Package rollback tells what a rollback after the upgrade would not bring back.
package rollback

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Losses lists what a rollback does not bring back, in the order of the pairs. Where
// Helm changes nothing there is nothing to bring back.
func Losses(a *action.Action, objects []upgrade.Object) []change.Notice {
	if cmp.Or(a.Operation, change.Upgrade) != change.Upgrade ||
		slices.ContainsFunc(objects, func(o upgrade.Object) bool { return o.Change != nil && o.Change.Outcome.Upfront }) {
		return nil
	}
	var list []change.Notice
	unread := unreadable(objects)
	for i := range objects {
		p := objects[i].Pair
		reason := objects[i].Rollback
		switch c := objects[i].Change; {
		case c == nil:
			reason = ""
		case c.Outcome.Unreached:
			reason = LeftOut(a, p, c)
		}
		for _, o := range []*manifest.Object{p.New, p.Old} {
			if o != nil && unread[kindOf(o.Ref)] && len(o.HookEvents()) == 0 {
				reason = apiserver.Unserved(o.Ref).Message + pendingBack
			}
		}
		if reason != "" {
			list = append(list, change.Notice{Ref: p.Ref(), Reason: reason})
		}
	}
	return list
}

// LeftOut tells what bars the way back of an object that the new manifest no longer has
// and that is still there, since Helm did not come to it: a rollback from the failed
// revision then finds it as one that is not the release's.
func LeftOut(a *action.Action, p diff.Pair, c *change.Change) string {
	if p.New != nil || diff.IsHook(p.Old) {
		return ""
	}
	if value, known := a.Found(c.Ref); known && value == nil {
		return ""
	}
	return refusedBack(inTheWay, a.Server.BackKept(p.Old, p.Old, a.InVersion(c.Ref)).Refused)
}

// pendingBack is what follows where Helm fails to read a manifest in a rollback: it has
// recorded that it has begun, and does not record that it failed (Rollback.Run in
// helm.sh/helm/v3/pkg/action).
const pendingBack = ", so that a rollback changes nothing and leaves the release in status pending-rollback"

// kindOf returns what a version of a kind is called, without the name of an object.
func kindOf(ref manifest.Ref) manifest.Ref {
	return manifest.Ref{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
}

// unreadable returns the versions of kinds that the cluster no longer serves once the
// upgrade has changed or deleted their definitions. In a rollback Helm looks up the
// kinds of both manifests before it makes a definition again (performRollback in
// helm.sh/helm/v3/pkg/action).
func unreadable(objects []upgrade.Object) map[manifest.Ref]bool {
	gone := map[manifest.Ref]bool{}
	for i := range objects {
		c := objects[i].Change
		if c == nil || !upgrade.Done(c) || c.Ref.Group != "apiextensions.k8s.io" || c.Old == nil || servedAsBefore(c) {
			continue
		}
		after := map[manifest.Ref]bool{}
		if c.Op == change.Update {
			after = servedBy(c.New)
		}
		for ref := range servedBy(c.Old) {
			if !after[ref] && (c.Op == change.Update || c.Op == change.Delete) {
				gone[ref] = true
			}
		}
	}
	return gone
}

// servedAsBefore reports whether an update of a definition changes nothing but schemas and
// metadata, so that it need not be decoded again to find out what it serves.
func servedAsBefore(c *change.Change) bool {
	return c.Op == change.Update && len(c.Edits) > 0 && !slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		schema := len(e.Path) > 3 && e.Path.Under("spec", "versions") && e.Path[3].Field == "schema"
		return !schema && !e.Path.Under("metadata")
	})
}

// servedBy returns the versions of a kind that a definition serves.
func servedBy(definition *manifest.Object) map[manifest.Ref]bool {
	spec := upgrade.Spec(definition)
	group, _ := spec["group"].(string)
	kind := untyped.Text(spec, "names", "kind")
	served := map[manifest.Ref]bool{}
	for _, v := range untyped.Maps(spec, "versions") {
		if name, _ := v["name"].(string); v["served"] == true {
			served[manifest.Ref{Group: group, Version: name, Kind: kind}] = true
		}
	}
	return served
}

// Loss tells why a rollback would not bring an object back as it is before the
// upgrade, one clause; "" if it would. The API server is asked the other way round for
// what is updated, and about a new object for what is deleted. What the upgrade
// creates a rollback deletes. drifted says that the object is not what the old manifest
// says: what somebody has done to it behind Helm's back is not Helm's to bring back.
func Loss(a *action.Action, p diff.Pair, c *change.Change, result *apiserver.Result, drifted bool) string {
	switch {
	case c.Outcome.Upfront, p.Old == nil && c.Op != change.Update:
		return ""
	case c.Op == change.Update && c.Old == nil:
		return "it was not the release's before, and a rollback deletes it"
	case diff.IsHook(p.Old):
		return ""
	case c.Op == change.Update, c.Op == change.Create:
		if lost := lostFor(a, c); lost != "" {
			return lost
		}
		return updatedBack(a, p, c, result, drifted)
	case c.Op == change.Keep:
		return LeftOut(a, p, c)
	default:
		return cmp.Or(lostFor(a, c), madeAgain(a, p, c))
	}
}

// updatedBack asks the API server about the way back of an object that the upgrade
// changes, or makes since somebody has deleted it.
func updatedBack(a *action.Action, p diff.Pair, c *change.Change, result *apiserver.Result, drifted bool) string {
	if diff.IsHook(p.New) || !drifted && bothWays(c) {
		return ""
	}
	back := a.Server.Back(p.New, p.Old, result)
	if len(back.Refused) > 0 {
		return refusedBack("the rollback is rejected: ", back.Refused)
	}
	aligned := result.Aligned && p.Old.Ref.Version == p.New.Ref.Version
	if drifted || c.Op != change.Update || !aligned || back.Fields == nil {
		return ""
	}
	var stays []string
	for _, e := range diff.Values(result.OldFields, back.Fields) {
		if e.Path[len(e.Path)-1].Field != "serviceAccount" { // the deprecated twin of serviceAccountName
			stays = append(stays, e.Path.String())
		}
	}
	if len(stays) == 0 {
		return ""
	}
	return strings.Join(rule.Prefixed("it comes back, but not with the same ", stays, 3), "")
}

// madeAgain asks the API server about an object that a rollback makes again, or puts in
// the place of the hook that it has become.
func madeAgain(a *action.Action, p diff.Pair, c *change.Change) string {
	if c.Op == change.Recreate && len(c.Outcome.Refused) == 0 && !slices.Contains(p.New.HookDeletePolicies(), "hook-succeeded") {
		return refusedBack(inTheWay, a.Server.BackKept(p.Old, p.New, nil).Refused)
	}
	refused, err := a.Server.Rejected(p.Old)
	if err != nil {
		return "" // it has been read before
	}
	return refusedBack("it cannot be made again: ", refused)
}

// inTheWay begins what is said of an object that has left the release and is there all
// the same when Helm wants it back.
const inTheWay = "it stays in the cluster, and a rollback over it is refused: "

// refusedBack quotes the API server, the first reason of several.
func refusedBack(lead string, refused []change.FieldError) string {
	if len(refused) == 0 {
		return ""
	}
	return lead + refused[0].String()
}

// lostFor says of an object with which stored data goes how it comes back; "" if none
// goes, or none that is known.
func lostFor(a *action.Action, c *change.Change) string {
	if upgrade.IsClaim(c.Ref) && (c.Op == change.Delete || c.Op == change.Recreate) {
		return claimBack(c)
	}
	if c.Ref.Group == "" && c.Ref.Kind == "Service" {
		return addressLost(c)
	}
	if loss := c.Outcome.Loss; c.Ref.Kind == "StatefulSet" && loss != nil && loss.Spared && len(loss.What) > 0 {
		return strings.Join(rule.Prefixed("its deleted claims come back with empty volumes: ", loss.What, 3), "")
	}
	return rule.Lost(c, a.Rules())
}

// addressLost says of a Service that clients outside know by an address what becomes of
// that once it is given back; "" if it keeps it, or has none but a name in the cluster.
func addressLost(c *change.Change) string {
	is, will := upgrade.Spec(c.Old), map[string]any{}
	if c.New != nil {
		will = upgrade.Spec(c.New)
	}
	switch {
	case reflect.DeepEqual(is["type"], will["type"]) || is["type"] == "NodePort" && will["type"] == "LoadBalancer":
		return ""
	case is["type"] == "LoadBalancer":
		return "it comes back with another load balancer, and another address unless that one is reserved"
	case is["type"] == "NodePort" && slices.ContainsFunc(untyped.Maps(is, "ports"), func(port map[string]any) bool { return port["nodePort"] == nil }):
		return "it comes back with other node ports"
	default:
		return ""
	}
}

// claimBack says how a claim comes back that the upgrade deletes. A volume that stays
// is not bound to it again.
func claimBack(c *change.Change) string {
	how := "it comes back with an empty volume"
	if upgrade.Filled(upgrade.Spec(c.Old)) {
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

// bothWays reports whether all that the manifests, and the stored objects, have
// different is of a kind of which it is known that the API server lets it change back,
// so that it need not be asked: most of what upgrades change.
func bothWays(c *change.Change) bool {
	if len(c.Outcome.Refused)+len(c.Outcome.Differs) > 0 || c.Op != change.Update {
		return false
	}
	paths := slices.Clone(c.Outcome.Fields)
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Old.Present() && e.Old.Shown() == nil {
			return false // a merge takes out what is null
		}
		paths = append(paths, c.Edits[i].Path)
	}
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p fieldpath.Path) bool { return !free(c, p) })
}

// free reports whether a field may change to and fro.
func free(c *change.Change, path fieldpath.Path) bool {
	list := [][]string{{"metadata", "labels"}, {"metadata", "annotations"}}
	switch {
	case action.IsDefinition(c.Ref) && c.Ref.Version == "v1" && describes(path):
		return true
	case c.Ref.Group == "apps":
		list = append(list, []string{"spec", "replicas"}, []string{"spec", "template", "metadata", "annotations"})
		if path.Under("spec", "template") && path[len(path)-1].Field == "image" {
			return true
		}
	case c.Ref.Group == "" && (c.Ref.Kind == "ConfigMap" || c.Ref.Kind == "Secret"):
		list = append(list, []string{"data"}, []string{"binaryData"}) // if it is immutable, it did not change now
	}
	return slices.ContainsFunc(list, func(field []string) bool { return path.Under(field...) })
}

// describes reports whether a field is a description in the schema of a definition, which the
// API server reads for nothing but to show it. Below "properties" it would be a field of that
// name.
func describes(path fieldpath.Path) bool {
	last := len(path) - 1
	if last < 5 || !path.Under("spec", "versions") || path[3].Field != "schema" || path[4].Field != "openAPIV3Schema" || path[last].Field != "description" {
		return false
	}
	at := 5
	for at < last {
		switch path[at].Field {
		case "properties", "patternProperties", "definitions", "allOf", "anyOf", "oneOf":
			at += 2
		case "items", "additionalProperties", "not":
			at++
		default:
			return false
		}
	}
	return at == last
}
