package admissionreview

import (
	"cmp"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/podsecurity"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// namespaces tells what Pod Security admission lets into the namespaces of which the
// labels are known. The zero value knows of none.
type namespaces struct {
	guard *podsecurity.Guard
	// before and after are the labels of each, on both sides of the upgrade.
	before, after map[string]map[string]string
	// unread is why the labels of one could not be read from the cluster.
	unread map[string]string
	err    error
}

// readNamespaces reads the labels of the Namespaces in the manifests and in the cluster.
func (a *Review) readNamespaces() namespaces {
	guard, err := podsecurity.New(a.Server.Version())
	n := namespaces{guard, map[string]map[string]string{}, map[string]map[string]string{}, map[string]string{}, err}
	if err != nil {
		return n
	}
	read := func(objects []*manifest.Object, note func(name string, labels map[string]string)) {
		for _, o := range objects {
			if o.Ref.Kind != "Namespace" || o.Ref.Group != "" {
				continue
			}
			if labels, err := o.Labels(); err == nil { // what cannot be read is refused elsewhere
				note(o.Ref.Name, labels)
			}
		}
	}
	known := map[string]bool{}
	there := func(name string, labels map[string]string) {
		known[name] = true
		n.before[name], n.after[name] = labels, maps.Clone(labels)
	}
	read(a.Cluster, there)
	if a.State != nil {
		for id, o := range a.State.Objects {
			switch {
			case id.Kind != "Namespace" || id.Group != "":
			case o.Unread != "":
				n.unread[id.Name] = o.Unread
			case o.Value != nil:
				there(id.Name, (&unstructured.Unstructured{Object: o.Value}).GetLabels())
			}
		}
	}
	// Helm takes back what its last manifest set, and leaves what others have.
	read(a.Old, func(name string, labels map[string]string) {
		if !known[name] {
			n.before[name] = labels
			return
		}
		for label := range labels {
			delete(n.after[name], label)
		}
	})
	read(a.Updated, func(name string, labels map[string]string) {
		if delete(n.unread, name); n.after[name] == nil {
			n.after[name] = map[string]string{}
		}
		maps.Copy(n.after[name], labels)
	})
	return n
}

// letIn writes into pods whether the namespace lets the new ones in, where there are to
// be any, and returns what could not be told.
func (n *namespaces) letIn(c *change.Change, result *apiserver.Result, pods *change.Pods) []change.Doubt {
	if pods == nil || !comes(c, result, pods) {
		return nil
	}
	old := result.Old
	if pods.Before == 0 || c.Ref.Kind == "CronJob" { // no pod shows that somebody has exempted them
		old = nil
	}
	if why := n.refusal(c.Ref.Namespace, old, result.New); why != "" {
		rollout.Refuse(pods, why)
	}
	if unclear := n.unclear(c.Ref.Namespace, result.New); unclear != "" {
		return []change.Doubt{{Reason: unclear, Hides: change.Stuck}}
	}
	return nil
}

// unclear says what is not known of a namespace that could not be read, where it
// matters to a workload; "" if nothing.
func (n *namespaces) unclear(namespace string, updated runtime.Object) string {
	template := rollout.PodsOf(updated)
	if n.unread[namespace] == "" || template == nil || n.guard.Refusal(podsecurity.Strictest(), template) == "" {
		return ""
	}
	return "whether namespace " + namespace + " lets its pods in (pod security): " + n.unread[namespace]
}

// refusal says why no pod of a workload is let in from now on; "" if it is, and also if
// those that run are refused by the same rules: somebody must have exempted them.
func (n *namespaces) refusal(namespace string, old, updated runtime.Object) string {
	template := rollout.PodsOf(updated)
	if template == nil || len(n.after[namespace]) == 0 {
		return ""
	}
	if was := rollout.PodsOf(old); was != nil && n.guard.Refusal(n.before[namespace], was) != "" {
		return ""
	}
	return n.guard.Refusal(n.after[namespace], template)
}

// barePod refuses a Pod that its namespace does not let a.
func (n *namespaces) barePod(c *change.Change, result *apiserver.Result) {
	if c.Ref.Kind != "Pod" || c.Ref.Group != "" || c.New == nil || c.Op == change.Update || len(result.Outcome.Refused) > 0 {
		return
	}
	if why := n.refusal(c.Ref.Namespace, nil, result.New); why != "" {
		result.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: "violates " + why}}
	}
}

// HookSecurity notes hooks whose pods their namespace does not let in: before the upgrade by the
// labels that the Namespace has, after it by those that the upgrade gives it. A hook whose pods
// were not let in before either, and which ran, somebody must have exempted. Of a hook that stays
// as it is nobody has asked the other guards yet.
func (a *Review) HookSecurity(u *upgrade.Upgrade) {
	for i := range u.Objects {
		o := &u.Objects[i]
		namespace := o.Ref().Namespace
		if !o.Runs() || !u.RunsPods(o.Ref()) || o.Change != nil && len(o.Change.Outcome.Refused) > 0 {
			continue
		}
		why := a.hookKeptOut(o)
		switch {
		case why != "" && o.Ref().Kind == "Pod":
			o.BecomesChange()
			o.Change.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: "violates " + why}}
		case why != "":
			o.BecomesChange()
			o.Barred = cmp.Or(o.Barred, why)
		case o.Change != nil:
			if unclear := a.namespaces.unclear(namespace, apiserver.Typed(o.Ref(), upgrade.Value(o.New))); unclear != "" {
				o.Unchecked = append(o.Unchecked, change.Doubt{Reason: unclear, Hides: change.Stuck})
			}
		}
		o.New.Forget()
	}
}

// hookKeptOut says why no pod of a hook is let in; "" if it is, or if nobody knows that it is not.
func (a *Review) hookKeptOut(o *upgrade.Object) string {
	before, known := a.namespaces.before[o.Ref().Namespace]
	labels := a.namespaces.after[o.Ref().Namespace]
	if known && o.Phase == diff.PreHooks {
		labels = before
	}
	why := ""
	if len(labels) > 0 && (!a.HasRun(o.Old) || a.keptOut(o.Old, before) == "") {
		why = a.keptOut(o.New, labels)
	}
	if why == "" && o.Change == nil && o.Ref().Kind != "Pod" {
		why = a.newlyBarred(o)
	}
	return why
}

// newlyBarred says which guards keep out the pods of a hook that stays as it is, and did not when
// the upgrade began; "" if none do.
func (a *Review) newlyBarred(o *upgrade.Object) string {
	met := a.guards.during(o.New)
	if met == nil {
		return ""
	}
	pods := maker(o.Ref(), apiserver.Typed(o.Ref(), upgrade.Value(o.New)))
	if a.HasRun(o.Old) && a.guards.early.Pods(pods) != "" {
		return ""
	}
	return met.Pods(pods)
}

// keptOut says why no pod of a workload is let into a namespace with these labels; "" if it is.
func (a *Review) keptOut(o *manifest.Object, labels map[string]string) string {
	template := rollout.PodsOf(apiserver.Typed(o.Ref, upgrade.Value(o)))
	if template == nil {
		return ""
	}
	return a.namespaces.guard.Refusal(labels, template)
}
