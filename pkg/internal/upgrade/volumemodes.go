package upgrade

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Misuse is a volume that a container uses otherwise than the volumeMode of its claim says.
type Misuse struct {
	// Container and Volume are names, Field is the one that lists the volume, Mode the volumeMode.
	Container, Volume, Field, Mode string
}

// Misuses returns, for each workload, the volumes that its new pods use otherwise than the claims say,
// and the old ones did not. No object is decoded that cannot be one of them.
func (u *Upgrade) Misuses() map[*Object][]Misuse {
	if u.asked.misuses {
		return u.misuses
	}
	found := map[*Object][]Misuse{}
	blocks := u.blockClaims()
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil || !o.Done() || !u.RunsPods(o.Ref()) || o.Idle() || o.New == nil ||
			!blocks && !o.New.MayHold("volumeDevices") && !o.New.MayHold(string(corev1.PersistentVolumeBlock)) {
			continue
		}
		before := u.misused(o.Change.Before(), Before)
		for _, m := range u.misused(o.Standing(After), After) {
			if !slices.Contains(before, m) {
				found[o] = append(found[o], m)
			}
		}
	}
	u.misuses, u.asked.misuses = found, true
	return found
}

// blockClaims reports whether there may be claims of blocks beside the workloads. No object is
// decoded for it.
func (u *Upgrade) blockClaims() bool {
	blocks := func(o *manifest.Object) bool {
		return o != nil && o.Ref.GroupKind() == "PersistentVolumeClaim" && o.MayHold(string(corev1.PersistentVolumeBlock))
	}
	for i := range u.Objects {
		if blocks(u.Objects[i].Old) || blocks(u.Objects[i].New) {
			return true
		}
	}
	return slices.ContainsFunc(u.Cluster, blocks)
}

// misused returns which volumes the pods of an object use otherwise than their claims say at a moment.
func (u *Upgrade) misused(o *manifest.Object, at Moment) []Misuse {
	pod := untyped.Map(u.Template(o), "spec")
	if pod == nil {
		return nil
	}
	modes := map[string]string{}
	for _, v := range untyped.Maps(pod, "volumes") {
		claim := manifest.Identity{Kind: "PersistentVolumeClaim", Namespace: o.Ref.Namespace, Name: untyped.Text(v, "persistentVolumeClaim", "claimName")}
		if spec := u.specAt(claim, at); spec != nil {
			modes[untyped.Text(v, "name")] = modeOf(spec)
		} else if template := untyped.Map(v, "ephemeral", "volumeClaimTemplate", "spec"); template != nil {
			modes[untyped.Text(v, "name")] = modeOf(template)
		}
	}
	for _, t := range untyped.Maps(Spec(o), "volumeClaimTemplates") {
		modes[untyped.Text(t, "metadata", "name")] = modeOf(untyped.Map(t, "spec"))
	}
	var list []Misuse
	for _, c := range slices.Concat(untyped.Maps(pod, "initContainers"), untyped.Maps(pod, "containers")) {
		for _, field := range []string{"volumeDevices", "volumeMounts"} {
			for _, use := range untyped.Maps(c, field) {
				m := Misuse{untyped.Text(c, "name"), untyped.Text(use, "name"), field, modes[untyped.Text(use, "name")]}
				if m.Mode != "" && (m.Mode == string(corev1.PersistentVolumeBlock)) != (field == "volumeDevices") {
					list = append(list, m)
				}
			}
		}
	}
	return list
}

// specAt returns the spec of an object of the release or of the cluster at a moment; nil if it is not
// there, or not known.
func (u *Upgrade) specAt(id manifest.Identity, at Moment) map[string]any {
	if o := u.Object(id); o != nil {
		return Spec(o.Standing(at))
	}
	return untyped.Map(u.toldOf(id), "spec")
}

// modeOf returns the volumeMode of the spec of a claim, with its default.
func modeOf(spec map[string]any) string {
	return cmp.Or(untyped.Text(spec, "volumeMode"), string(corev1.PersistentVolumeFilesystem))
}
