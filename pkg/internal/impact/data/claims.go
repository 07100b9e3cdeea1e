package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// ClaimRules are about data that stay in a volume which the pods no longer mount, or no longer
// see where they saw it.
func ClaimRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "volumes-left-behind", Risk: change.DataLoss,
			Why:     "Kubernetes keeps the claims of a deleted workload, and its successor does not use them: the data stays in volumes that no pod mounts",
			Fix:     "let the new workload mount the claims of the old one, or copy the data first; delete the claims once nobody needs them",
			Instead: "copy the data first, or see that a later release mounts the claims again",
			Find:    leftBehind,
		},
		{
			ID: "volume-out-of-reach", Risk: change.DataLoss,
			Why:  "what the pods have written stays in the old volume; the new pods start with what the new volume holds",
			Fix:  "keep the volume where the program expects it, or copy the data before this release",
			Find: func(u *upgrade.Upgrade) []rule.Found { return slices.Concat(outOfReach(u), movedDirectories(u)) },
		},
	}
}

// leftBehind tells of workloads that go while their claims stay, and of StatefulSets that
// number their pods from somewhere else: a claim is called after the pod
// (getPersistentVolumeClaimName in k8s.io/kubernetes/pkg/controller/statefulset).
func leftBehind(u *upgrade.Upgrade) []rule.Found {
	if u.Operation == change.Uninstall {
		return nil // nothing comes in its place, and who installs it again finds them
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		switch {
		case o.Old == nil || !u.RunsPods(o.Ref()) || upgrade.Ends(o.Ref()) || o.Hook != nil || diff.IsHook(o.Old):
		case o.Leaves():
			if list := abandoned(u, o); len(list) > 0 {
				found = append(found, behind(o, list, "its claims stay, and no pod mounts them any more"))
			}
		case o.Change != nil && o.Change.Op == change.Update && len(o.Change.Outcome.Refused) == 0 && o.Edited("spec", "ordinals"):
			if list := renumbered(o); len(list) > 0 {
				f := behind(o, list, "its pods get other numbers, and claims of the old ones stay behind")
				f.Paths = []fieldpath.Path{fieldpath.Fields("spec", "ordinals", "start")}
				found = append(found, f)
			}
		}
	}
	return found
}

func behind(o *upgrade.Object, claims []string, message string) rule.Found {
	return rule.Found{
		On: o, Message: fmt.Sprintf("%s (%s)", message, rule.Shortened(claims)),
		Evidence: []change.Evidence{{What: "claims that nobody mounts", Objects: []manifest.Ref{o.Ref()}, Names: claims, Count: len(claims)}},
	}
}

// meant returns the manifest of an object that is to hold when the upgrade is over; nil if the
// object is not to be there.
func meant(o *upgrade.Object) *manifest.Object {
	if o.Change != nil && (o.Change.Op == change.Keep || len(o.Change.Outcome.Refused) > 0) {
		return o.Old
	}
	return o.New
}

// abandoned returns the claims of a workload that goes which no pod of the release mounts
// afterwards, without those that are deleted, of which other rules tell.
func abandoned(u *upgrade.Upgrade, o *upgrade.Object) []string {
	p := volumesOf(u, o.Old)
	if p == nil || len(p.claims)+len(p.templates) == 0 || o.Change.Outcome.Orphans || u.GoesWithNamespace(o) {
		return nil
	}
	var list []string
	if o.Change.Renamed == nil && untyped.Text(upgrade.Spec(o.Old), "persistentVolumeClaimRetentionPolicy", "whenDeleted") != "Delete" {
		pods := max(upgrade.Replicas(o.Old), 1) // those of earlier pods are there, too
		list = append(list, numbered(o.Ref().Name, p.templates, firstOrdinal(o.Old), pods)...)
	}
	for _, claim := range p.claims {
		if own := u.Object(claimID(o.Ref().Namespace, claim)); own == nil || !own.Leaves() && (own.Change == nil || own.Change.Renamed == nil) {
			list = append(list, claim)
		}
	}
	used := claimsAfter(u, o.Ref().Namespace)
	return slices.DeleteFunc(list, used.mounts)
}

func claimID(namespace, name string) manifest.Identity {
	return manifest.Identity{Kind: "PersistentVolumeClaim", Namespace: namespace, Name: name}
}

const manyClaims = 100 // from where on nobody reads their names

func numbered(set string, templates []string, start, pods int) []string {
	names := make([]string, 0, len(templates))
	for _, t := range templates {
		for i := range min(pods, manyClaims) {
			names = append(names, rollout.ClaimName(t, set, start+i))
		}
	}
	return names
}

func firstOrdinal(o *manifest.Object) int {
	start, _ := untyped.At(upgrade.Spec(o), "ordinals", "start").(int64)
	return int(start)
}

// renumbered returns the claims of pods of a StatefulSet whose numbers it no longer gives,
// since it begins to count somewhere else.
func renumbered(o *upgrade.Object) []string {
	start, from := firstOrdinal(o.New), firstOrdinal(o.Old)
	if start == from {
		return nil
	}
	var templates []string
	for _, t := range untyped.Maps(upgrade.Spec(o.Old), "volumeClaimTemplates") {
		templates = append(templates, untyped.Text(t, "metadata", "name"))
	}
	now := numbered(o.Ref().Name, templates, start, upgrade.Replicas(o.New))
	return slices.DeleteFunc(numbered(o.Ref().Name, templates, from, upgrade.Replicas(o.Old)), func(claim string) bool { return slices.Contains(now, claim) })
}

// mounted are the claims that pods of a namespace mount.
type mounted struct {
	names map[string]bool
	// begins are the beginnings of names of claims that StatefulSets make.
	begins []string
}

func (m *mounted) mounts(claim string) bool {
	return m.names[claim] || slices.ContainsFunc(m.begins, func(begin string) bool {
		number, begins := strings.CutPrefix(claim, begin)
		_, err := strconv.Atoi(number)
		return begins && err == nil
	})
}

// claimsAfter returns the claims that pods of the release mount when the upgrade is over.
func claimsAfter(u *upgrade.Upgrade, namespace string) mounted {
	m := mounted{names: map[string]bool{}}
	for i := range u.Objects {
		o := &u.Objects[i]
		after := meant(o)
		if after == nil || o.Idle() || o.Ref().Namespace != namespace || !u.RunsPods(o.Ref()) {
			continue
		}
		if p := volumesOf(u, after); p != nil {
			for _, claim := range p.claims {
				m.names[claim] = true
			}
			for _, t := range p.templates {
				m.begins = append(m.begins, t+"-"+o.Ref().Name+"-")
			}
		}
		if o.Change == nil {
			after.Forget()
		}
	}
	return m
}

// outOfReach tells of pods that no longer see, where they saw it, what they have written.
func outOfReach(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || len(o.Change.Outcome.Refused) > 0 || !u.RunsPods(o.Ref()) || upgrade.Ends(o.Ref()) && o.Ref().Kind != "CronJob" || o.Hook != nil || o.Relabelled {
			continue
		}
		old, updated := o.Change.Before(), o.New
		if old == nil || updated == nil || o.Change.Op == change.Update && !remounts(o.Change) || o.Change.Op == change.Keep {
			continue
		}
		before, after := volumesOf(u, old), volumesOf(u, updated)
		if before == nil || after == nil {
			continue
		}
		l := losses{Upgrade: u, on: o, before: before, after: after}
		l.compare()
		found = append(found, l.found...)
	}
	return found
}

// remounts reports whether an edit is about volumes, about where they are mounted, or about
// a whole container or pod template.
func remounts(c *change.Change) bool {
	return c.Outcome.Changed && slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return names(e.Path, "volumes", "volumeMounts", "volumeClaimTemplates") || len(e.Path) > 0 && whole(e.Path)
	})
}

func names(path fieldpath.Path, fields ...string) bool {
	return slices.ContainsFunc(path, func(step fieldpath.Element) bool { return slices.Contains(fields, step.Field) })
}

// whole reports whether a path ends at a container, or at what holds containers.
func whole(path fieldpath.Path) bool {
	last := path[len(path)-1]
	if last.Field == "" && len(path) > 1 {
		last = path[len(path)-2]
	}
	return slices.Contains([]string{"containers", "initContainers", "spec", "template", "jobTemplate"}, last.Field)
}

// losses compares what the pods of one workload mounted and mount.
type losses struct {
	*upgrade.Upgrade
	on            *upgrade.Object
	before, after *podVolumes
	found         []rule.Found
}

func (l *losses) compare() {
	for i := range l.before.containers {
		c := &l.before.containers[i]
		now := l.after.counterpart(c, len(l.before.containers))
		for k := range c.mounts {
			m := &c.mounts[k]
			if !m.lasts || m.fixed || l.toldElsewhere(m) {
				continue
			}
			if says := l.lost(c, now, m); says != "" {
				l.add(c, m, says)
			}
		}
	}
}

// lost says in one clause how a container no longer sees what a mount showed; "" if it does.
func (l *losses) lost(c, now *containerMounts, m *mount) string { //nolint:cyclop // one case for each way
	if now == nil {
		if l.mountedElsewhere(m, c) {
			return ""
		}
		return "no container mounts " + m.name + " any more"
	}
	if at := slices.IndexFunc(now.mounts, func(n mount) bool { return n.shows(m) }); at >= 0 {
		for k := range now.mounts {
			n := &now.mounts[k]
			if n.covers(m) && !slices.ContainsFunc(c.mounts, func(o mount) bool { return o.path == n.path }) {
				return fmt.Sprintf("%s at %s hides what %s holds there", n.name, n.path, m.name)
			}
		}
		return ""
	}
	same := slices.IndexFunc(now.mounts, func(n mount) bool { return n.path == m.path })
	moved := slices.IndexFunc(now.mounts, func(n mount) bool { return n.id == m.id && n.path != m.path })
	switch {
	case same >= 0 && now.mounts[same].id == m.id:
		return fmt.Sprintf("%s shows %s of %s, and showed %s", m.path, part(now.mounts[same].subPath), m.name, part(m.subPath))
	case moved >= 0 && strings.Contains(now.told, now.mounts[moved].path) && !strings.Contains(now.told, `"`+m.path+`"`):
		return "" // the program is told where its data are
	case moved >= 0:
		return fmt.Sprintf("%s is at %s, and was at %s", m.name, now.mounts[moved].path, m.path)
	case same >= 0 && l.filled(&now.mounts[same]):
		return ""
	case same >= 0:
		return fmt.Sprintf("%s is %s, and was %s", m.path, now.mounts[same].name, m.name)
	case l.mountedElsewhere(m, c), m.kind == "hostPath" && l.on.Ref().Kind == "DaemonSet":
		return ""
	default:
		return fmt.Sprintf("%s is no longer mounted at %s", m.name, m.path)
	}
}

func part(subPath string) string {
	if subPath == "" {
		return "all"
	}
	return "subPath " + subPath
}

func (l *losses) add(c *containerMounts, m *mount, says string) {
	l.found = append(l.found, rule.Found{
		On: l.on, Message: fmt.Sprintf("container %q: %s", c.name, says), Paths: rule.Edits(l.on.Change, "volumes", "volumeMounts"),
		Evidence: []change.Evidence{{What: "volume out of reach", Objects: []manifest.Ref{l.on.Ref()}, Names: []string{c.name, m.path, m.name, says}}},
	})
}

// toldElsewhere reports whether another rule tells what becomes of a claim: it is deleted, or
// gets another name.
func (l *losses) toldElsewhere(m *mount) bool {
	if m.claim == "" {
		return false
	}
	own := l.Object(claimID(l.on.Ref().Namespace, m.claim))
	return own != nil && own.Change != nil && (own.Leaves() || own.Change.Renamed != nil)
}

// filled reports whether a mount is of a new claim that says where its data come from.
func (l *losses) filled(m *mount) bool {
	own := l.Object(claimID(l.on.Ref().Namespace, m.claim))
	if m.claim == "" || own == nil || own.Old != nil || own.New == nil {
		return false
	}
	spec := upgrade.Spec(own.New)
	return spec["volumeName"] != nil || spec["dataSource"] != nil || spec["dataSourceRef"] != nil
}

// mountedElsewhere reports whether a volume is mounted by another container of the pods that
// did not mount it before.
func (l *losses) mountedElsewhere(m *mount, by *containerMounts) bool {
	has := func(c *containerMounts) bool {
		return slices.ContainsFunc(c.mounts, func(n mount) bool { return n.id == m.id })
	}
	for i := range l.after.containers {
		n := &l.after.containers[i]
		if n.name == by.name || !has(n) {
			continue
		}
		was := l.before.counterpart(n, 0)
		if was == nil || !has(was) {
			return true
		}
	}
	return false
}
