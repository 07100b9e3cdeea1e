// Package admissionreview is what admission of the API server says of an upgrade: of the objects that Helm sends,
// and of the pods that controllers then make.
package admissionreview

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Review is what admission of the API server says of the objects that Helm sends, and of the pods
// that controllers then make.
type Review struct {
	*action.Action
	guards     guards
	namespaces namespaces
	// quotas are those of a namespace after the upgrade.
	quotas map[string][]*corev1.ResourceQuota
	// ahead is what the cluster has of objects that decide whether Helm comes to an end, and are
	// not of the release; nil if it was not asked.
	ahead *cluster.State
}

// New reads what is asked of both sides of the release and of the cluster. From then on the API server
// of the action asks it, too.
func New(of *action.Action, pairs []diff.Pair) *Review {
	a := &Review{Action: of}
	a.namespaces = a.readNamespaces()
	a.guards = a.readGuards(a.hookRuns(pairs))
	of.Server = of.Server.Admitting(a.guards.before.Mutator(), a.guards.installed.Mutator())
	a.fillQuotas(of.Old)
	return a
}

// Err tells whether Pod Security admission is known.
func (a *Review) Err() error { return a.namespaces.err }

// During returns an API server that asks what an object of the release meets.
func (a *Review) During(server *apiserver.Server, o *manifest.Object) *apiserver.Server {
	return server.Admitting(a.guards.during(o).Mutator(), a.guards.installed.Mutator())
}

// Policies reports whether there are policies when the upgrade begins.
func (a *Review) Policies() bool { return a.guards.before.Policies() }

// MayAsk reports whether some policies may ask about an object when the upgrade begins.
func (a *Review) MayAsk(ref manifest.Ref) bool { return a.guards.before.MayAsk(ref) }

// Labels are those of a namespace after the upgrade, and whether they are known.
func (a *Review) Labels(namespace string) (labels map[string]string, known bool) {
	labels, known = a.namespaces.after[namespace]
	return labels, known
}

// Admit refuses an object that is not let in, and returns what could not be told.
func (a *Review) Admit(p diff.Pair, c *change.Change, result *apiserver.Result) []change.Doubt {
	a.namespaces.barePod(c, result)
	return a.guards.admit(p, c, result)
}

// LetIn writes into pods what keeps new ones out, and returns what could not be told.
func (a *Review) LetIn(c *change.Change, result *apiserver.Result, pods *change.Pods) []change.Doubt {
	unclear := a.namespaces.letIn(c, result, pods)
	a.guards.letIn(c, result, pods, a.standing(c, result))
	return unclear
}

// Unclear returns what is not known of policies that new pods of a workload, or of a hook, meet.
func (a *Review) Unclear(c *change.Change, result *apiserver.Result) []change.Doubt {
	return a.guards.unclear(c, result)
}

// Barred says what keeps the pods of a hook out; "" for nothing.
func (a *Review) Barred(c *change.Change, result *apiserver.Result) string {
	return a.guards.barred(c, result)
}

// Unasked is one notice of all webhooks that are asked about what the upgrade sends, and about new pods.
func (a *Review) Unasked() []change.Notice { return a.guards.unasked() }
