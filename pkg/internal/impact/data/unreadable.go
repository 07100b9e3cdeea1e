package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ProgramRules are about data that another version of a program cannot read.
func ProgramRules() []rule.Rule {
	return []rule.Rule{{
		ID: "data-not-readable", Risk: change.DataLoss, Breaks: true,
		Why: "a program reads the data of another version only as far as its vendor says; " +
			"otherwise it does not start, or makes the data unreadable",
		Fix:     "follow the vendor's upgrade steps before this release, with a backup at hand; or keep the version",
		Instead: "restore a backup that was made before the newer version ran, or keep the version",
		Find:    unreadableData,
	}}
}

// unreadableData tells of containers that keep a volume and get a version of their program
// that does not read what is in it.
func unreadableData(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		c := o.Change
		if c == nil || len(c.Outcome.Refused) > 0 || o.New == nil || o.Relabelled || !u.RunsPods(o.Ref()) || upgrade.Ends(o.Ref()) || o.Hook != nil {
			continue
		}
		if old := c.Before(); old != nil && old != o.New && mayNotRead(c) {
			found = append(found, versions(u, o, old)...)
		}
	}
	return found
}

// mayNotRead reports whether an edit says so, or does not tell: then both manifests have to be
// decoded once more.
func mayNotRead(c *change.Change) bool {
	return c.Op == change.Create || slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		if len(e.Path) == 0 || e.Path[len(e.Path)-1].Field != "image" {
			return len(e.Path) > 0 && whole(e.Path)
		}
		p, from := programOf(e.Old.Text())
		q, to := programOf(e.New.Text())
		if p == nil || q == nil {
			return false
		}
		says, _ := p.unreadableBy(from, q, to)
		return says != ""
	})
}

func versions(u *upgrade.Upgrade, o *upgrade.Object, old *manifest.Object) []rule.Found {
	before, after := volumesOf(u, old), volumesOf(u, o.New)
	if before == nil || after == nil || migrates(u, o.New) {
		return nil
	}
	var found []rule.Found
	for i := range before.containers {
		was := &before.containers[i]
		now := after.counterpart(was, len(before.containers))
		if now == nil || was.image == now.image || !keepsVolume(was, now, o.Change.Op == change.Create) {
			continue
		}
		p, from := programOf(was.image)
		q, to := programOf(now.image)
		if p == nil || q == nil {
			continue
		}
		says, source := p.unreadableBy(from, q, to)
		if says == "" {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("container %q: %s", now.name, says), Paths: rule.Edits(o.Change, "image"),
			Evidence: []change.Evidence{{What: "versions of what keeps data", Objects: []manifest.Ref{o.Ref()}, Names: []string{was.image, now.image, source}}},
		})
	}
	return found
}

// keepsVolume reports whether a container has a volume on both sides that outlives its pods. A
// StatefulSet of another name has other claims.
func keepsVolume(was, now *containerMounts, renamed bool) bool {
	return slices.ContainsFunc(was.mounts, func(m mount) bool {
		return m.lasts && (!renamed || m.kind != claimTemplate) && slices.ContainsFunc(now.mounts, func(n mount) bool { return n.id == m.id })
	})
}

// migrates reports whether the pods of an object have an init container that is there to
// upgrade data.
func migrates(u *upgrade.Upgrade, o *manifest.Object) bool {
	for _, c := range untyped.Maps(u.Template(o), "spec", "initContainers") {
		if mentionsUpgrade(untyped.Text(c, "name")) || mentionsUpgrade(untyped.Text(c, "image")) {
			return true
		}
	}
	return false
}

func mentionsUpgrade(text string) bool {
	return strings.Contains(text, "upgrade") || strings.Contains(text, "migrat")
}
