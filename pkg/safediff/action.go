package safediff

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/autoscaling"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// action is what Helm is told to do, and what is known of the cluster when it begins: state is what the
// cluster has, asked says that it has said so itself.
func (in *input) action(server *apiserver.Server, opts Options, state *cluster.State, asked bool, beside []map[manifest.Identity]*manifest.Object) action.Action {
	a := action.Action{
		Server: server, Release: opts.Release, Namespace: opts.Namespace, Operation: opts.Operation,
		NoHooks: opts.NoHooks, ServerSide: opts.ServerSide, Replace: opts.Replace, ForceConflicts: opts.ForceConflicts, TakeOwnership: opts.TakeOwnership,
		Failed: opts.Failed, Record: action.Record(opts.Record), Look: opts.Look, Rules: func() []rule.Rule { return rules() },
		State: state, Asked: asked, Objects: in.Objects, Beside: beside,
		Rollout: in.rolloutFacts(opts), Scaled: autoscaling.After(&in.Objects, state),
		Claimed: action.ByNamespace[corev1.PersistentVolumeClaim](in.After(), "", "PersistentVolumeClaim"),
	}
	if asked {
		a.Running = action.RunningIn(state)
	}
	a.Bound, a.Existing = action.Volumes(&a), a.NamespacesBefore(in.Old)
	return a
}
