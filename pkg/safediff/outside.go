package safediff

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// ask finds out whether what lies outside of the release is there.
func (l *links) ask(ctx context.Context, changed map[int]bool) error {
	var open []outsider
	for _, o := range l.outside {
		c := l.judged[o.from].change
		if c == nil || l.judged[o.from].names == nil || o.Optional || builtinTarget(o.To) || l.claimed(o.To) || !l.asked && !blocks(o.Use) || o.Use == change.UsedAsName {
			continue
		}
		isNew := !slices.ContainsFunc(l.judged[o.from].names.old, func(r reference.Reference) bool { return r.To == o.To })
		if isNew || l.asked && starts(c) && l.runsPods(o.from) {
			open = append(open, o)
		}
	}
	state, err := l.lookOutside(ctx, open)
	if err != nil {
		return err
	}
	for _, o := range open {
		l.judgeOutside(o, state, changed)
	}
	return nil
}

// claimed reports whether an object may be a claim that a StatefulSet of the release
// makes, or has made, for one of its pods: TEMPLATE-NAME-NUMBER.
func (l *links) claimed(id manifest.Identity) bool {
	return id.Group == "" && id.Kind == "PersistentVolumeClaim" && slices.ContainsFunc(l.pairs, func(p diff.Pair) bool {
		return p.Ref().Kind == "StatefulSet" && p.Ref().Namespace == id.Namespace && strings.Contains(id.Name, "-"+p.Ref().Name+"-")
	})
}

// blocks reports whether something does not work at all without what is used so. A
// certificate may come later, and a role or an account may be somebody else's.
func blocks(use change.Use) bool {
	return use == change.UsedToStart || use == change.UsedInEnv || use == change.UsedAsBackend || use == change.UsedAsTarget
}

// judgeOutside judges one name that leads out of the release.
func (l *links) judgeOutside(o outsider, state *live.State, changed map[int]bool) {
	ref, servable := refOf(o.To)
	value, known := state.Object(ref)
	say := func(reason string) {
		j := &l.judged[o.from]
		if !slices.Contains(j.unchecked, reason) {
			j.unchecked = append(j.unchecked, reason)
		}
	}
	what := fmt.Sprintf("it names %s (%s), which is not in the release", ref, o.Path)
	switch {
	case !servable || !known || state == nil:
		say(what + ": whether it is there was not judged")
	case value == nil || o.Key != "" && !slices.Contains(keysOf(value), o.Key):
		if makers := l.makers(o.To.Name, o.from); len(makers) > 0 {
			say(fmt.Sprintf("%s; %s may make it: that was not judged", what, makers[0]))
			return
		}
		l.broken(o.from, change.Link{From: l.pairs[o.from].New.Ref, To: ref, Key: o.Key, Path: o.Path, Use: o.Use})
		changed[o.from] = true
	}
}

// lookOutside asks the cluster about objects that are not the release's; nil if there
// is none to ask.
func (l *links) lookOutside(ctx context.Context, open []outsider) (*live.State, error) {
	if !l.asked || l.opts.Look == nil || len(open) == 0 {
		return nil, nil
	}
	wanted := make([]live.Wanted, 0, len(open))
	for _, o := range open {
		if ref, servable := refOf(o.To); servable {
			wanted = append(wanted, live.Wanted{Ref: ref})
		}
	}
	return l.opts.Look(ctx, wanted)
}

// refOf gives an object that is named a version in which every API server serves it.
func refOf(id manifest.Identity) (ref manifest.Ref, servable bool) {
	groups := []string{"", "apps", "batch", "scheduling.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io"}
	return manifest.Ref{Group: id.Group, Version: "v1", Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}, slices.Contains(groups, id.Group)
}

// builtinTarget reports whether an object is in every cluster.
func builtinTarget(id manifest.Identity) bool {
	switch id.Kind {
	case "ServiceAccount":
		return id.Name == "default"
	case "ConfigMap":
		return id.Name == "kube-root-ca.crt"
	case "PriorityClass":
		return strings.HasPrefix(id.Name, "system-")
	case "ClusterRole":
		return slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, id.Name) || strings.HasPrefix(id.Name, "system:")
	case "Role":
		return id.Name == "extension-apiserver-authentication-reader" || strings.HasPrefix(id.Name, "system:")
	case "Service":
		return id.Name == "kubernetes" && id.Namespace == "default"
	default:
		return false
	}
}
