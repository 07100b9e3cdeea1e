package impact

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func volumeModeRules() []rule.Rule {
	return []rule.Rule{{
		ID: "volume-mode-differs", Risk: change.Stuck, Hangs: rule.AwaitsPods,
		Why: "the kubelet sets up no pod that mounts a Block volume by volumeMounts, or one with a file system by volumeDevices " +
			"(createVolumeSpec in k8s.io/kubernetes/pkg/kubelet/volumemanager/populator): it stays in ContainerCreating",
		Fix:  "name the volume in volumeDevices if its claim has volumeMode: Block, in volumeMounts otherwise",
		Find: volumeModes,
	}}
}

// volumeModes tells of workloads whose new pods use a volume otherwise than its claim says, which
// the old ones did not.
func volumeModes(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	blocks := blockClaims(u)
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || !o.Done() || !u.RunsPods(o.Ref()) || o.Idle() || o.New == nil ||
			!blocks && !o.New.MayHold("volumeDevices") && !o.New.MayHold(string(corev1.PersistentVolumeBlock)) {
			continue
		}
		before := misused(u, o.Change.Before(), upgrade.Before)
		for _, message := range misused(u, o.Standing(upgrade.After), upgrade.After) {
			if !slices.Contains(before, message) {
				found = append(found, rule.Found{
					On: o, Message: message, Paths: rule.Edits(o.Change, "volumeMounts", "volumeDevices", "volumes", "volumeMode"), Unstarted: []manifest.Ref{o.Ref()},
					Evidence: []change.Evidence{{What: "uses a volume otherwise than its claim says", Objects: []manifest.Ref{o.Ref()}, Names: []string{message}}},
				})
			}
		}
	}
	return found
}

// blockClaims reports whether there may be claims of blocks beside the workloads. No object is
// decoded for it.
func blockClaims(u *upgrade.Upgrade) bool {
	blocks := func(o *manifest.Object) bool {
		return o != nil && isClaim(o.Ref) && o.MayHold(string(corev1.PersistentVolumeBlock))
	}
	for i := range u.Objects {
		if blocks(u.Objects[i].Old) || blocks(u.Objects[i].New) {
			return true
		}
	}
	return slices.ContainsFunc(u.Cluster, blocks)
}

// misused says which volumes the pods of an object use otherwise than their claims say at a moment.
func misused(u *upgrade.Upgrade, o *manifest.Object, m upgrade.Moment) []string {
	pod := untyped.Map(u.Template(o), "spec")
	if pod == nil {
		return nil
	}
	modes := map[string]string{}
	for _, v := range untyped.Maps(pod, "volumes") {
		if mode, known := claimMode(u, claimID(o.Ref.Namespace, untyped.Text(v, "persistentVolumeClaim", "claimName")), m); known {
			modes[untyped.Text(v, "name")] = mode
		} else if template := untyped.Map(v, "ephemeral", "volumeClaimTemplate", "spec"); template != nil {
			modes[untyped.Text(v, "name")] = modeOf(template)
		}
	}
	for _, t := range untyped.Maps(upgrade.Spec(o), "volumeClaimTemplates") {
		modes[untyped.Text(t, "metadata", "name")] = modeOf(untyped.Map(t, "spec"))
	}
	var list []string
	for _, c := range slices.Concat(untyped.Maps(pod, "initContainers"), untyped.Maps(pod, "containers")) {
		for _, field := range []string{"volumeDevices", "volumeMounts"} {
			for _, use := range untyped.Maps(c, field) {
				name := untyped.Text(use, "name")
				if mode, known := modes[name]; known && (mode == string(corev1.PersistentVolumeBlock)) != (field == "volumeDevices") {
					list = append(list, fmt.Sprintf("container %q has volume %s in %s, and the volumeMode of its claim is %s", untyped.Text(c, "name"), name, field, mode))
				}
			}
		}
	}
	return list
}

// claimMode returns the volumeMode of a claim of the release or of the cluster.
func claimMode(u *upgrade.Upgrade, id manifest.Identity, m upgrade.Moment) (mode string, known bool) {
	if o := u.Object(id); o != nil {
		claim := o.Standing(m)
		return modeOf(upgrade.Spec(claim)), claim != nil
	}
	for _, o := range u.Cluster {
		if o.Ref.Identity() == id {
			return modeOf(upgrade.Spec(o)), true
		}
	}
	return "", false
}

// modeOf returns the volumeMode of the spec of a claim, with its default.
func modeOf(spec map[string]any) string {
	return cmp.Or(untyped.Text(spec, "volumeMode"), string(corev1.PersistentVolumeFilesystem))
}
