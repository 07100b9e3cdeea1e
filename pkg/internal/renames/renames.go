// Package renames joins the objects that go with those that come and are the same under another name.
package renames

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/edits"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/loss"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Join joins the objects that go with those that come and are the same under
// another name, tells in what they differ beyond names, and what stays behind.
func Join(a *action.Action, u *upgrade.Upgrade) {
	objects := u.Objects
	var gone, come []*manifest.Object
	at := map[*manifest.Object]int{}
	for i := range objects {
		p := &objects[i]
		c := p.Change
		switch {
		case c == nil || c.Hook != nil || c.Ref.Name == "":
		case p.New == nil && parts(c):
			gone = append(gone, p.Old)
			at[p.Old] = i
		case p.Old == nil && c.Op == change.Create:
			come = append(come, p.New)
			at[p.New] = i
		}
	}
	found := diff.Renames(gone, come)
	if len(found) == 0 {
		return
	}
	names := respelled(found)
	full := fullClaims(a, objects)
	scaled := scaledBefore(a, objects)
	for _, p := range found {
		old, updated := objects[at[p.Old]].Change, objects[at[p.New]].Change
		r := &change.Rename{
			Old: p.Old.Ref, New: p.New.Ref, Was: p.Old, Edits: beyondNames(p, names),
			Stays:  old.Op == change.Keep || old.Outcome.Unreached,
			Filled: updated.Ref.Kind == "PersistentVolumeClaim" && upgrade.Filled(upgrade.Spec(p.New)),
		}
		old.Renamed, updated.Renamed = r, r
		r.Claims = claims(a, old, updated, full, scaled[old.Ref.Identity()])
		objects[at[p.New]].Read = rule.Read(updated, a.Rules()) // it has been something before
		p.Forget()
	}
}

// parts reports whether the new release does without the object: Helm deletes it,
// or leaves a claim to itself, whose data the new release then does not have.
func parts(c *change.Change) bool {
	return c.Op == change.Delete && !upgrade.Undeleted(c) || c.Op == change.Keep && upgrade.IsClaim(c.Ref)
}

// respelled maps the names of renamed objects; what has become two things is left
// out.
func respelled(found []diff.Pair) map[string]string {
	names := make(map[string]string, len(found))
	for _, p := range found {
		old, updated := p.Old.Ref.Name, p.New.Ref.Name
		if other, twice := names[old]; twice && other != updated {
			updated = old
		}
		names[old] = updated
	}
	return names
}

// beyondNames lists how a renamed object differs, except for the names of objects.
func beyondNames(p diff.Pair, names map[string]string) []change.Edit {
	oldValue, errOld := p.Old.Value()
	newValue, errNew := p.New.Value()
	if cmp.Or(errOld, errNew) != nil {
		return nil // it has been read before
	}
	respelling := diff.Respelling(func(word string) (string, bool) {
		switch word {
		case p.Old.Ref.Name:
			return p.New.Ref.Name, true
		case p.Old.Ref.Namespace:
			return p.New.Ref.Namespace, true
		}
		now, found := names[word]
		return now, found
	})
	isSecret := manifest.IsSecret(p.New.Ref.Kind)
	said, _ := respelling.Value(edits.Unfold(oldValue, isSecret), edits.Unfold(newValue, isSecret)).(map[string]any)
	return slices.DeleteFunc(edits.Between(p.New.Ref, said, newValue), func(e change.Edit) bool {
		return e.Path.Under("metadata", "name") || e.Path.Under("metadata", "namespace") || e.Path.Under("kind")
	})
}

// claims tells which PersistentVolumeClaims of a StatefulSet do not pass on to what
// has taken its place: a claim is called TEMPLATE-STATEFULSET-NUMBER
// (getPersistentVolumeClaimName in k8s.io/kubernetes/pkg/controller/statefulset). It
// is nil if nothing is left behind, or nothing begins empty.
func claims(a *action.Action, old, updated *change.Change, full map[manifest.Identity]bool, scaled bool) *change.Claims {
	templates := claimTemplates(old.Ref, old.Old)
	if len(templates) == 0 || old.Outcome.Pods == nil {
		return nil
	}
	left := &change.Claims{}
	names, counted := counted(a, old)
	if !counted {
		names = claimNames(old.Ref, old.Old, templates, old.Outcome.Pods.Before)
		left.Uncounted = scaled || old.Outcome.Pods.Before == 0 || old.Outcome.Pods.Before > manyPods
	}
	mounted := mountedClaims(updated.New)
	left.Behind = slices.DeleteFunc(names, func(name string) bool { return mounted[name] })
	if len(left.Behind) == 0 && !left.Uncounted {
		return nil
	}
	templates = claimTemplates(updated.Ref, updated.New)
	if len(templates) == 0 {
		return left
	}
	templates = slices.DeleteFunc(templates, upgrade.Filled)
	desired := upgrade.Replicas(updated.New)
	left.Empty = slices.DeleteFunc(claimNames(updated.Ref, updated.New, templates, desired), func(name string) bool {
		return full[claimOf(updated.Ref.Namespace, name)]
	})
	if len(left.Empty) == 0 && (desired > 0 || len(templates) == 0) {
		return nil
	}
	return left
}

// counted names the claims of a StatefulSet that the cluster has; false if it was
// not asked, or did not say.
func counted(a *action.Action, c *change.Change) (names []string, counted bool) {
	value, _ := a.Found(c.Ref)
	if value == nil || !a.Asked {
		return nil, false
	}
	for _, gap := range a.State.Unread {
		if gap.Kind == "PersistentVolumeClaim" && (gap.Namespace == "" || gap.Namespace == c.Ref.Namespace) {
			return nil, false
		}
	}
	for _, claim := range loss.ClaimsOf(a, value, c) {
		metadata, _ := claim["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		names = append(names, name)
	}
	slices.Sort(names)
	return names, true
}

// fullClaims are the claims that may hold data when the upgrade begins, or are made
// from some: those of the cluster and of the release.
func fullClaims(a *action.Action, objects []upgrade.Object) map[manifest.Identity]bool {
	full := map[manifest.Identity]bool{}
	for _, o := range a.Cluster {
		if upgrade.IsClaim(o.Ref) {
			full[o.Ref.Identity()] = true
		}
	}
	for i := range objects {
		p := &objects[i]
		if upgrade.IsClaim(p.Ref()) && p.New != nil && (p.Old != nil || upgrade.Filled(upgrade.Spec(p.New))) {
			full[p.Ref().Identity()] = true
		}
	}
	return full
}

// scaledBefore are the workloads of whose replicas an autoscaler decides until now.
func scaledBefore(a *action.Action, objects []upgrade.Object) map[manifest.Identity]bool {
	var old []*manifest.Object
	for i := range objects {
		p := &objects[i]
		if p.Old != nil {
			old = append(old, p.Old)
		}
	}
	return upgrade.ScaleTargets(old, a.Cluster)
}

func claimOf(namespace, name string) manifest.Identity {
	return manifest.Identity{Kind: "PersistentVolumeClaim", Namespace: namespace, Name: name}
}

// claimTemplates returns the volumeClaimTemplates of a StatefulSet.
func claimTemplates(ref manifest.Ref, o *manifest.Object) []map[string]any {
	if ref.Group != "apps" || ref.Kind != "StatefulSet" {
		return nil
	}
	list, _ := upgrade.Spec(o)["volumeClaimTemplates"].([]any)
	templates := make([]map[string]any, 0, len(list))
	for _, item := range list {
		if t, is := item.(map[string]any); is {
			templates = append(templates, t)
		}
	}
	return templates
}

// manyPods is from where on nobody reads names or numbers of claims any more.
const manyPods = 10_000

func claimNames(ref manifest.Ref, o *manifest.Object, templates []map[string]any, pods int) []string {
	pods = min(max(pods, 0), manyPods)
	ordinals, _ := upgrade.Spec(o)["ordinals"].(map[string]any)
	start, _ := ordinals["start"].(int64)
	names := make([]string, 0, len(templates)*pods)
	for _, t := range templates {
		name := untyped.Text(t, "metadata", "name")
		for i := range pods {
			names = append(names, rollout.ClaimName(name, ref.Name, int(start)+i))
		}
	}
	return names
}

// mountedClaims names the claims that a pod template names itself.
func mountedClaims(o *manifest.Object) map[string]bool {
	template, _ := upgrade.Spec(o)["template"].(map[string]any)
	spec, _ := template["spec"].(map[string]any)
	volumes, _ := spec["volumes"].([]any)
	names := map[string]bool{}
	for _, v := range volumes {
		volume, _ := v.(map[string]any)
		source, _ := volume["persistentVolumeClaim"].(map[string]any)
		if name, is := source["claimName"].(string); is {
			names[strings.TrimSpace(name)] = true
		}
	}
	return names
}
