package safediff

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// besides reads the manifests of other revisions of which the cluster may hold objects.
func (in *input) besides(opts Options) ([]map[manifest.Identity]*manifest.Object, error) {
	if len(opts.Beside) == 0 {
		return nil, nil
	}
	list := make([]map[manifest.Identity]*manifest.Object, 0, len(opts.Beside))
	namespaced := map[manifest.Identity]string{}
	for _, objects := range [][]*manifest.Object{in.Old, in.Updated} {
		for _, o := range objects {
			namespaced[manifest.Identity{Group: o.Ref.Group, Kind: o.Ref.Kind}] = o.Ref.Namespace
		}
	}
	errs := make([]error, 0, len(opts.Beside))
	for i, text := range opts.Beside {
		objects, err := manifest.Parse(text, manifest.Options{
			File: fmt.Sprintf("another revision (%d)", i+1), Namespace: opts.Namespace,
			Namespaced: func(group, kind string) bool {
				namespace, seen := namespaced[manifest.Identity{Group: group, Kind: kind}]
				return !seen || namespace != ""
			},
		})
		errs = append(errs, err)
		byName := map[manifest.Identity]*manifest.Object{}
		for _, o := range objects {
			byName[o.Ref.Identity()] = o
		}
		list = append(list, byName)
	}
	return list, errors.Join(errs...)
}

// left adds to what is known of the cluster what an upgrade that failed has left there, as
// far as it can be told: what was rejected, and what Helm did not come to, is as the revision
// before has it. It is asked where a rollback is judged without a look at the cluster.
func left(ctx context.Context, server *apiserver.Server, state *cluster.State, beside []map[manifest.Identity]*manifest.Object, old Manifest, opts Options) (*cluster.State, error) {
	if opts.Operation != change.Rollback || opts.Failed == 0 || len(beside) != 1 {
		return state, nil
	}
	forward := Options{
		Release: opts.Release, Namespace: opts.Namespace, KubeVersion: opts.KubeVersion, NoHooks: opts.NoHooks, ServerSide: opts.ServerSide,
		Cluster: opts.Cluster, OldCRDs: opts.OldCRDs, NewCRDs: opts.OldCRDs, Operation: change.Upgrade, Workloads: opts.Workloads,
	}
	set, err := Compare(ctx, Manifest{Name: "the revision before", Text: opts.Beside[0]}, old, forward)
	if err != nil {
		return state, err
	}
	objects := map[manifest.Identity]cluster.Object{}
	if state != nil {
		maps.Copy(objects, state.Objects)
	}
	for i := range set.Changes {
		c := &set.Changes[i]
		if c.Hook != nil || len(c.Outcome.Refused) == 0 && !c.Outcome.Unreached {
			continue
		}
		id := c.Ref.Identity()
		if _, known := objects[id]; known {
			continue
		}
		before := beside[0][id]
		if before == nil {
			objects[id] = cluster.Object{}
			continue
		}
		value, err := server.Held(before)
		if err != nil {
			return state, err
		}
		objects[id] = cluster.Object{Value: action.Written(before.Ref, value)}
	}
	if len(objects) == 0 {
		return state, nil
	}
	return &cluster.State{Objects: objects}, nil
}
