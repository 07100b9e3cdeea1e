package owners

import (
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// OwnedChangeRules are about custom resources that stay, and about what becomes of what they
// own.
func OwnedChangeRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "owned-storage-removed", Risk: change.DataLoss,
			Why:  "without the volume in the custom resource, its operator recreates the pods without a volume or with an empty one; the data stays in claims that no pod mounts",
			Fix:  "keep the storage of the custom resource as it is",
			Find: storageRemoved,
		},
		{
			ID: "owned-kept-no-more", Risk: change.Exposure,
			Why:  "the custom resource used to keep its data when it was deleted; from now on its operator deletes the data with it",
			Fix:  "keep the deletion policy or annotation by which the data stay, and leave out the finalizer that deletes them",
			Find: keptNoMore,
		},
		{
			ID: "made-secret-not-seen", Risk: change.Stale,
			Why:  "an operator updates the Secret that it makes from this resource, and pods that read it into their environment keep the old values",
			Fix:  "put a checksum of the resource into an annotation of the pod template, or restart the pods once the Secret has changed",
			Find: madeSecrets,
		},
	}
}

// storage is where a kind says which volumes the pods of its operator have.
type storage struct {
	kind string
	path []string
}

func storageFields() []storage {
	return []storage{
		{"Prometheus.monitoring.coreos.com", []string{"spec", "storage"}},
		{"Alertmanager.monitoring.coreos.com", []string{"spec", "storage"}},
		{"ThanosRuler.monitoring.coreos.com", []string{"spec", "storage"}},
		{"RedisFailover.databases.spotahome.com", []string{"spec", "redis", "storage"}},
		{"Redis.redis.redis.opstreelabs.in", []string{"spec", "storage"}},
		{"RedisReplication.redis.redis.opstreelabs.in", []string{"spec", "storage"}},
		{"RedisCluster.redis.redis.opstreelabs.in", []string{"spec", "storage"}},
		{"VMSingle.operator.victoriametrics.com", []string{"spec", "storage"}},
		{"Dragonfly.dragonflydb.io", []string{"spec", "snapshot"}},
		{"SolrCloud.solr.apache.org", []string{"spec", "dataStorage", "persistent"}},
	}
}

// storageRemoved tells of custom resources that no longer say which volumes they have.
func storageRemoved(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Old == nil || u.Builtin(o.Ref().Group, o.Ref().Kind) {
			continue
		}
		for _, row := range storageFields() {
			if row.kind != o.Ref().GroupKind() || !o.Edited(row.path...) {
				continue
			}
			was, err1 := o.Old.Value()
			is, err2 := o.New.Value()
			if err1 != nil || err2 != nil || untyped.Map(was, row.path...) == nil || kept(untyped.Map(was, row.path...), untyped.Map(is, row.path...)) {
				continue
			}
			path := fieldpath.Fields(row.path...)
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("%s goes: its pods are made anew without their volumes", path), Paths: []fieldpath.Path{path},
				Evidence: []change.Evidence{{What: "storage removed", Objects: []manifest.Ref{o.Ref()}, Names: []string{path.String()}}},
			})
		}
	}
	return found
}

// kept reports whether a storage is still one that outlives pods.
func kept(was, is map[string]any) bool {
	return len(is) > 0 && (was["emptyDir"] != nil || is["emptyDir"] == nil)
}

// keptNoMore tells of custom resources by whose policy something outlived them.
func keptNoMore(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Old == nil || o.Hook != nil || u.Builtin(o.Ref().Group, o.Ref().Kind) {
			continue
		}
		row := owningOf(o.Ref())
		if row == nil || row.spares == nil || o.Edited("spec", "suspend") { // to go on is no change of what is kept
			continue
		}
		was, err1 := o.Old.Value()
		is, err2 := o.New.Value()
		if err1 != nil || err2 != nil || !standsFor(row, is) || !row.spares(was) || row.spares(is) {
			continue
		}
		f := rule.Found{On: o, Message: "if it is deleted from now on: " + row.loses, Evidence: []change.Evidence{
			{What: "goes with it from now on", Objects: []manifest.Ref{o.Ref()}, Names: []string{row.loses}},
		}}
		f.Paths = rule.Edits(o.Change, "deletionPolicy", "managementPolicies", "finalizers", "prune", "preserveResourcesOnDeletion", "annotations",
			"cleanupPolicy", "databaseReclaimPolicy", "preventDelete", "creationPolicy", "destroyResourcesOnDeletion")
		found = append(found, f)
	}
	return found
}

// madeSecrets tells of workloads whose pods go on with a Secret of which the resource changes
// that it is made of.
func madeSecrets(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Old == nil || o.Hook != nil || u.Builtin(o.Ref().Group, o.Ref().Kind) {
			continue
		}
		name, fields := upgrade.SecretMadeOf(o.New)
		if name == "" || !slices.ContainsFunc(fields, func(field string) bool { return o.Edited("spec", field) }) {
			continue
		}
		for k := range u.Objects {
			w := &u.Objects[k]
			if w.New == nil || w.Ref().Namespace != o.Ref().Namespace || !u.KeepsPods(w) || upgrade.Ends(w.Ref()) || !w.New.MayHold(name) {
				continue
			}
			use := readsSecret(upgrade.References(w.New, u.Rollout), secretID(o.Ref().Namespace, name))
			if use == "" || slices.ContainsFunc(u.Links().Broken, func(b upgrade.Broken) bool { return b.On == o && b.From == w.New.Ref }) {
				continue // that it no longer starts is told
			}
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("%s keeps what Secret %s held until its pods restart (%s)", w.Ref(), name, use),
				Evidence: []change.Evidence{{What: "reads the Secret that is made of it: " + string(use), Objects: []manifest.Ref{w.Ref(), o.Ref()}, Names: []string{name}}},
			})
		}
	}
	return found
}

func secretID(namespace, name string) manifest.Identity {
	return manifest.Identity{Kind: "Secret", Namespace: namespace, Name: name}
}

// readsSecret returns how a Secret is read that a running container does not see again; "" for
// not at all, and for files that follow.
func readsSecret(list []reference.Reference, secret manifest.Identity) reference.Use {
	for _, r := range list {
		if r.To == secret && (r.Use == reference.InEnv || r.Use == reference.AsSubPath) {
			return r.Use
		}
	}
	return ""
}
