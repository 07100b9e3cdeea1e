package data

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// VolumeRules are about claims of a volume that another claim has.
func VolumeRules() []rule.Rule {
	return []rule.Rule{{
		ID: "volume-claimed", Risk: change.Stuck, Kinds: []string{"PersistentVolumeClaim"}, Hangs: rule.Always,
		Why:  "a volume stays reserved for the claim it was bound to, even after that claim is deleted; another claim that names it stays pending, and so do its pods",
		Fix:  "keep the name of the claim; or make sure that the volume outlives it (reclaim policy Retain), and take spec.claimRef out of the volume once the old claim is gone",
		Find: volumesClaimed,
	}}
}

// volumesClaimed tells of new claims that name a volume which is bound to a claim of the
// installed release. It stays bound to that one, by its UID, even when that is deleted
// (syncVolume in k8s.io/kubernetes/pkg/controller/volume/persistentvolume).
func volumesClaimed(u *upgrade.Upgrade) []rule.Found {
	var bound map[string]manifest.Ref
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Create) || !isClaim(o.Ref()) {
			continue
		}
		name := untyped.Text(upgrade.Spec(o.New), "volumeName")
		if name == "" {
			continue
		}
		if bound == nil {
			bound = boundVolumes(u)
		}
		if by, is := bound[name]; is && by.Identity() != o.Ref().Identity() {
			found = append(found, rule.Found{On: o, Message: fmt.Sprintf("its volume is bound to %s", by), Evidence: []change.Evidence{
				{What: "volume bound to", Objects: []manifest.Ref{o.Ref(), by}, Names: []string{name}},
			}})
		}
	}
	return found
}

// boundVolumes tells to which claims of the installed release volumes are bound: as the
// cluster has them, or else as their manifests say.
func boundVolumes(u *upgrade.Upgrade) map[string]manifest.Ref {
	bound := map[string]manifest.Ref{}
	for i := range u.Objects {
		o := u.Objects[i].Old
		if o == nil || !isClaim(o.Ref) {
			continue
		}
		spec := upgrade.Spec(o)
		if value, known := u.Found(o.Ref); known {
			spec = untyped.Map(value, "spec")
		}
		if name := untyped.Text(spec, "volumeName"); name != "" {
			bound[name] = o.Ref
		}
	}
	return bound
}

func isClaim(ref manifest.Ref) bool { return ref.Kind == "PersistentVolumeClaim" && ref.Group == "" }
