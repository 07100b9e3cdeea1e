package safediff

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// claimedVolumes tells of new claims that name a volume which is bound to a claim of the
// installed release. It stays bound to that one, by its UID, even when that is deleted
// (syncVolume in k8s.io/kubernetes/pkg/controller/volume/persistentvolume).
func (j *judge) claimedVolumes(pairs []diff.Pair, judged []judgement) {
	var bound map[string]manifest.Ref
	for i, p := range pairs {
		c := judged[i].change
		if c == nil || c.Op != change.Create || !done(c) || !isClaim(c.Ref) {
			continue
		}
		name, _ := specOf(p.New)["volumeName"].(string)
		if name == "" {
			continue
		}
		if bound == nil {
			bound = j.boundVolumes(pairs)
		}
		if by, is := bound[name]; is && by.Identity() != c.Ref.Identity() {
			c.Outcome.Claimed = &by
			classify(c)
		}
	}
}

// boundVolumes tells to which claims of the installed release volumes are bound: as the
// cluster has them, or else as their manifests say.
func (j *judge) boundVolumes(pairs []diff.Pair) map[string]manifest.Ref {
	bound := map[string]manifest.Ref{}
	for _, p := range pairs {
		if p.Old == nil || !isClaim(p.Old.Ref) {
			continue
		}
		spec := specOf(p.Old)
		if value, known := j.found(p.Old.Ref); known {
			spec, _ = value["spec"].(map[string]any)
		}
		if name, _ := spec["volumeName"].(string); name != "" {
			bound[name] = p.Old.Ref
		}
	}
	return bound
}
