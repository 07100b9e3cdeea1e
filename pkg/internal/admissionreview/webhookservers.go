package admissionreview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// WebhookNotices notes webhooks that refuse Helm's own record if their server, which is not of the
// release, does not answer.
func WebhookNotices(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Change == nil {
			continue
		}
		if names := risk.UnknownServers(u, o); len(names) > 0 {
			o.Unchecked = append(o.Unchecked, change.Doubt{Hides: change.Rejected, Reason: "whether " + strings.Join(names, ", ") +
				" answers: it matches the Secret in which Helm stores the release, and its server is not part of the release"})
		}
	}
}

// OwnPods notes webhooks with failurePolicy Fail that are called for their own pods, or for objects
// that Helm sends while those pods are replaced.
func (a *Review) OwnPods(u *upgrade.Upgrade) {
	if a.guards.after == nil {
		return
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		for _, s := range risk.Servers(u, o) {
			down := s.Alone && s.Workload.Before != nil && s.Workload.New != nil && s.Workload.Down()
			if down {
				a.unanswered(u, s)
			}
			if s.Workload.New != nil && a.asksOwn(s, a.guards.after, s.Workload.Result()) {
				a.locked(o, s, down)
			}
		}
	}
}

// asksOwn reports whether a webhook among some guards is called for the pods of a manifest of the
// workload that serves it.
func (a *Review) asksOwn(s risk.Server, guards *admission.Guards, workload *manifest.Object) bool {
	template, ref := a.template(workload), s.Workload.Ref()
	return template != nil && slices.Contains(guards.PodWebhooks(admission.PodMaker{Ref: ref, Template: template}), s.Webhook)
}

// asksAnew reports whether the upgrade makes a webhook be called for the pods that serve it, or
// makes it reject them if it does not answer: it did not before.
func (a *Review) asksAnew(s risk.Server) bool {
	switch {
	case !s.Demanded:
		return s.Changes
	case s.Workload.Old == nil, s.Workload.Change == nil && !s.Changes:
		return false
	default:
		return !a.asksOwn(s, a.guards.early, s.Workload.Old)
	}
}

// locked tells of a webhook that is called for its own pods: once none is ready, none can be created.
func (a *Review) locked(o *upgrade.Object, s risk.Server, down bool) {
	ref := s.Workload.Ref()
	switch {
	case down && (!s.Selects || a.namespaces.after[ref.Namespace] != nil):
		s.Workload.Obstacles = append(s.Workload.Obstacles, rollout.Obstacle{Kind: rollout.PodsRejected, Whole: true, Message: fmt.Sprintf(
			"the API server calls webhook %s for each of its pods and rejects them all, because no pod of %s is left to answer", s.Webhook, ref)})
		keepOut(s.Workload.Change)
	case down || a.asksAnew(s):
		if !down && o.Change == nil {
			o = s.Workload.Object
		}
		o.Unchecked = append(o.Unchecked, change.Doubt{Hides: change.Stuck, Never: !down && s.Workload.Before != nil, Reason: fmt.Sprintf(
			"the API server calls webhook %s for the pods of %s, which serve it: while none of them is ready, none can be created", s.Webhook, ref)})
	}
}

// unanswered notes the objects for which a webhook is called and that Helm sends after it has started
// to replace all pods that serve it. Whether the old ones are gone by then depends on timing.
func (a *Review) unanswered(u *upgrade.Upgrade, s risk.Server) {
	for _, id := range a.guards.webhooks.about[s.Webhook] {
		to := u.Object(id)
		if to == nil || to == s.Workload.Object || !to.Done() || to.Turn < s.Workload.Turn {
			continue
		}
		to.Unchecked = append(to.Unchecked, change.Doubt{Hides: change.Rejected, Reason: fmt.Sprintf(
			"the API server calls webhook %s for it, and %s, which serves the webhook, has no ready pod for a while: if Helm sends this object then, it is rejected", s.Webhook, s.Workload.Ref())})
	}
}
