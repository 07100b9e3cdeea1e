package data

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// OnePodRules are about claims for one pod that several pods mount.
func OnePodRules() []rule.Rule {
	return []rule.Rule{{
		ID: "claim-for-one-pod", Risk: change.Stuck, Hangs: rule.AwaitsPods,
		Why: "the scheduler places no pod whose ReadWriteOncePod claim another pod has (VolumeRestrictions in k8s.io/kubernetes/pkg/scheduler/framework/plugins): " +
			"of all pods that mount it one runs, and the others stay Pending",
		Fix:  "ask for one pod, give each a claim of its own (volumeClaimTemplates), or use a claim that several pods may mount",
		Find: claimsOfOnePod,
	}}
}

// user is a workload whose pods mount a claim, with their number before and after the upgrade.
type user struct {
	*upgrade.Workload
	before, after int
}

// claimsOfOnePod tells of workloads whose further pods mount a claim that is for one pod.
func claimsOfOnePod(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, claim := range onePodClaims(u) {
		lasting, ending := usersOf(u, claim)
		before, after := 0, 0
		for _, w := range lasting {
			before, after = before+w.before, after+w.after
		}
		for _, w := range lasting {
			if after > 1 && after > before && w.grows() && (w.Change.Outcome.Pods == nil || w.Change.Outcome.Pods.Volume == "") {
				found = append(found, onlyOne(w, claim, fmt.Sprintf("PersistentVolumeClaim %s is ReadWriteOncePod: of %d pods that mount it only one starts", claim.Name, after), after))
			}
		}
		for _, w := range ending {
			if w.grows() && slices.ContainsFunc(lasting, func(l *user) bool { return l.holds(w) }) {
				found = append(found, onlyOne(w, claim, fmt.Sprintf("PersistentVolumeClaim %s is ReadWriteOncePod, and another pod has it: the pod of this one does not start", claim.Name), 1))
			}
		}
	}
	return found
}

func (w *user) grows() bool { return w.after > w.before && w.Done() }

// holds reports whether a workload has its claim when the pods of another one are created, which
// end: those of a hook before the upgrade meet the old pods, and all others may come while none is
// there.
func (w *user) holds(other *user) bool {
	early := other.Hook != nil && slices.ContainsFunc(other.Hook.Events, func(event string) bool { return strings.HasPrefix(event, "pre-") })
	return w.before > 0 && (early || w.after > 0 && !w.Down())
}

func onlyOne(w *user, claim manifest.Identity, message string, pods int) rule.Found {
	return rule.Found{
		On: w.Object, Message: message, Paths: rule.Edits(w.Change, "replicas", "volumes"),
		Evidence: []change.Evidence{{What: "mounts a claim for one pod", Objects: []manifest.Ref{w.Ref()}, Names: []string{claim.Name}, Count: pods}},
	}
}

// onePodClaims returns the claims of the release and of the cluster that are for one pod.
func onePodClaims(u *upgrade.Upgrade) []manifest.Identity {
	var list []manifest.Identity
	add := func(o *manifest.Object) {
		if o == nil || !isClaim(o.Ref) || slices.Contains(list, o.Ref.Identity()) {
			return
		}
		if modes, _ := untyped.At(upgrade.Spec(o), "accessModes").([]any); len(modes) == 1 && modes[0] == string(corev1.ReadWriteOncePod) {
			list = append(list, o.Ref.Identity())
		}
	}
	for i := range u.Objects {
		add(u.Objects[i].Standing(upgrade.After))
	}
	for _, o := range u.Cluster {
		if u.Object(o.Ref.Identity()) == nil {
			add(o)
		}
	}
	return list
}

// usersOf returns the workloads whose pods mount a claim, apart those whose pods end.
func usersOf(u *upgrade.Upgrade, claim manifest.Identity) (lasting, ending []*user) {
	mounts := func(o *manifest.Object) bool {
		p := volumesOf(u, o)
		return p != nil && slices.Contains(p.claims, claim.Name)
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Namespace != claim.Namespace || !u.RunsPods(o.Ref()) || o.Idle() {
			continue
		}
		w := u.PodsOf(o)
		old := o.Old
		if o.Change != nil {
			old = o.Change.Before()
		}
		before, after := mounts(old), mounts(meant(o))
		if o.Change == nil {
			old.Forget()
			meant(o).Forget()
		}
		if w == nil || !before && !after {
			continue
		}
		of := &user{Workload: w}
		if before && w.Before != nil {
			of.before = countOf(w, w.Before.Replicas)
		}
		if after && w.After != nil {
			of.after = countOf(w, w.Wanted())
		}
		if w.Ends {
			ending = append(ending, of)
		} else {
			lasting = append(lasting, of)
		}
	}
	return lasting, ending
}

// countOf is how many pods of a workload there are at once: that a Job asks for more than one, or
// a DaemonSet, is not looked into.
func countOf(w *upgrade.Workload, replicas int) int {
	if w.HasScale() {
		return replicas
	}
	return 1
}
