package data

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// VolumeModeRules are about claims that are mounted in another mode than they have.
func VolumeModeRules() []rule.Rule {
	return []rule.Rule{{
		ID: "volume-mode-differs", Risk: change.Stuck, Hangs: rule.AwaitsPods,
		Why: "the kubelet rejects a Block volume in volumeMounts, and a Filesystem volume in volumeDevices " +
			"(createVolumeSpec in k8s.io/kubernetes/pkg/kubelet/volumemanager/populator): the pod stays in ContainerCreating",
		Fix:  "name the volume in volumeDevices if its claim has volumeMode: Block, in volumeMounts otherwise",
		Find: volumeModes,
	}}
}

// volumeModes tells of workloads whose new pods use a volume otherwise than its claim says.
func volumeModes(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		for _, m := range u.Misuses()[o] {
			found = append(found, rule.Found{
				On: o, Message: fmt.Sprintf("container %q lists volume %s under %s, but its claim has volumeMode %s", m.Container, m.Volume, m.Field, m.Mode),
				Paths: rule.Edits(o.Change, "volumeMounts", "volumeDevices", "volumes", "volumeMode"), Unstarted: []manifest.Ref{o.Ref()},
				Evidence: []change.Evidence{{What: "uses a volume otherwise than its claim says", Objects: []manifest.Ref{o.Ref()}, Names: []string{m.Container, m.Volume, m.Field, m.Mode}}},
			})
		}
	}
	return found
}
