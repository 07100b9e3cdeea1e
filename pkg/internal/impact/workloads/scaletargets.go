package workloads

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ScaleTargetRules are about autoscalers over what cannot be scaled.
func ScaleTargetRules() []rule.Rule {
	return []rule.Rule{{
		ID: "target-not-scalable", Risk: change.Stuck,
		Why: "an autoscaler reads and sets the number of pods through the scale subresource of its target (reconcileAutoscaler in k8s.io/kubernetes/pkg/controller/podautoscaler; KEDA makes such an autoscaler); " +
			"a kind without one, such as a DaemonSet, is never scaled",
		Fix:  "let the autoscaler scale a Deployment, a StatefulSet or another kind with a scale subresource, or take it out",
		Find: unscalable,
	}}
}

// scalable are the kinds of Kubernetes itself that have a scale subresource (the storage of each in
// k8s.io/kubernetes/pkg/registry).
var scalable = []string{"Deployment.apps", "ReplicaSet.apps", "StatefulSet.apps", "ReplicationController"} //nolint:gochecknoglobals // a constant table

// unscalable tells of autoscalers that from now on are to scale what cannot be scaled.
func unscalable(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || !o.Does(change.Create, change.Update) || diff.IsHook(o.New) {
			continue
		}
		target, is := upgrade.ScaleTarget(o.New)
		if !is || scales(u, target) {
			continue
		}
		if before := o.Change.Before(); before != nil {
			if was, is := upgrade.ScaleTarget(before); is && !scales(u, was) {
				continue
			}
		}
		ref := manifest.Ref{Group: target.Group, Kind: target.Kind, Namespace: target.Namespace, Name: target.Name}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("it is to scale %s %s, and the kind %s has no scale subresource", target.Kind, target.Name, target.Kind), Paths: rule.Edits(o.Change, "scaleTargetRef"),
			Evidence: []change.Evidence{{What: "cannot be scaled", Objects: []manifest.Ref{o.Ref(), ref}}},
		})
	}
	return found
}

// scales reports whether a target has a scale subresource, or may have one: a kind of Kubernetes itself
// is known, and so is one whose definition is in the release.
func scales(u *upgrade.Upgrade, target manifest.Identity) bool {
	ref := manifest.Ref{Group: target.Group, Kind: target.Kind}
	if u.Builtin(target.Group, target.Kind) {
		return slices.Contains(scalable, ref.GroupKind())
	}
	for i := range u.Objects {
		d := u.Objects[i].Standing(upgrade.After)
		if d == nil || d.Ref.Kind != "CustomResourceDefinition" {
			continue
		}
		spec := upgrade.Spec(d)
		if untyped.Text(spec, "group") != target.Group || untyped.Text(spec, "names", "kind") != target.Kind {
			continue
		}
		return slices.ContainsFunc(untyped.Maps(spec, "versions"), func(v map[string]any) bool { return untyped.Map(v, "subresources", "scale") != nil })
	}
	return true
}
