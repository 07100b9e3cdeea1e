// Package action is what Helm is told to do, and what is known of the cluster when it begins: the plain
// facts that all questions of a judgement share.
package action

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// Action is an upgrade, or what else Helm does, before any object of it is judged.
type Action struct {
	// Server is the API server of the cluster.
	Server *apiserver.Server
	// Release and Namespace are what Helm is told, Operation is what it does; "" means an upgrade.
	Release   change.Release
	Namespace string
	Operation change.Operation
	// NoHooks, ServerSide, Replace, ForceConflicts and TakeOwnership are options of Helm.
	NoHooks, ServerSide, Replace, ForceConflicts, TakeOwnership bool
	// Failed is the last revision of the release if it failed, else 0.
	Failed int
	// Record is what Helm stores of the release before anything else.
	Record Record
	// Look reads more of the cluster; nil if there is none to ask.
	Look func(ctx context.Context, wanted []cluster.Wanted) (*cluster.State, error)
	// Rules are all that are asked about what is judged.
	Rules func() []rule.Rule
	// State is what is known of the cluster, nil if nothing is. Asked says that the cluster itself has
	// said so, and what is around the release.
	State *cluster.State
	Asked bool
	Objects
	// Beside are the objects of other revisions of which the cluster may hold some.
	Beside []map[manifest.Identity]*manifest.Object
	// Rollout is what the prediction of pods needs to know, Running what it needs to know besides of a
	// namespace.
	Rollout rollout.Facts
	Running map[string]*rollout.Running
	// Scaled are the workloads that an autoscaler scales after the upgrade.
	Scaled map[manifest.Identity]bool
	// Claimed are the PersistentVolumeClaims of a namespace after the upgrade.
	Claimed map[string][]*corev1.PersistentVolumeClaim
	// Bound are the volumes to which claims of a namespace are bound.
	Bound map[string]map[string]*corev1.PersistentVolume
	// Existing are the namespaces that exist when Helm begins, with why.
	Existing map[string]string
}

// Found returns what the cluster has of an object, and whether that is known.
func (a *Action) Found(ref manifest.Ref) (value map[string]any, known bool) {
	return upgrade.Found(a.State, ref, a.Namespace)
}

// InVersion returns what the cluster has of an object in the version in which the
// manifest names it, nil if that is not known.
func (a *Action) InVersion(ref manifest.Ref) map[string]any {
	value, _ := a.Found(ref)
	if value == nil || value["apiVersion"] != ref.APIVersion() {
		return nil
	}
	return value
}

// Looked reports whether it is known what the cluster has of an object.
func (a *Action) Looked(ref manifest.Ref) bool {
	_, known := a.Found(ref)
	return known
}

// Fresh reports whether the installed revision is the first one, so that nothing was stored
// before it.
func (a *Action) Fresh() bool { return a.Release.Revision == 1 && a.Failed == 0 }
