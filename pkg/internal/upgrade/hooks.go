package upgrade

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// Missing is an object, or a key of it, that the pods of a hook name and that is not there
// when Helm runs the hook.
type Missing struct {
	To manifest.Ref
	// Key is the key of a ConfigMap or Secret; "" for the object as a whole.
	Key string
	// Path is where the hook names it.
	Path fieldpath.Path
	// Because is why it is not there, one clause.
	Because string
}

// Runs reports whether the object is a hook that this operation runs.
func (o *Object) Runs() bool { return o.Hook != nil && o.Hook.Runs }

// Awaited reports whether the object is a hook whose end Helm waits for: of others it waits
// only until they are made (WatchUntilReady in helm.sh/helm/v3/pkg/kube).
func (o *Object) Awaited() bool { return o.Runs() && Awaits(o.Ref()) }

// Awaits reports whether Helm waits for the end of hooks of a kind.
func Awaits(ref manifest.Ref) bool {
	return ref.Kind == "Job" && ref.Group == "batch" || ref.Kind == "Pod" && ref.Group == ""
}

// Endless says why a hook that Helm waits for never comes to its end, one clause, and in which
// field; "" if nothing in its manifest keeps it from that. A Pod whose containers are always
// restarted never succeeds or fails (getPhase in k8s.io/kubernetes/pkg/kubelet). A Job that makes
// no pods does neither, unless it asks for no completions (syncJob in
// k8s.io/kubernetes/pkg/controller/job); one that another controller starts, or runs, may.
func Endless(o *manifest.Object) (because string, at fieldpath.Path) {
	spec := Spec(o)
	switch {
	case o.Ref.Kind == "Pod" && restarted(spec):
		return "the kubelet restarts a container whenever it ends (restartPolicy: Always, the default), so that the Pod neither succeeds nor fails, " +
			"unless its program is ended from outside", path([]string{"spec", "restartPolicy"})
	case o.Ref.Kind != "Job" || number(spec, "completions", -1) == 0 || startedByOthers(o, spec):
		return "", nil
	case spec["suspend"] == true:
		return "it is suspended: Kubernetes makes no pods for it, and it neither completes nor fails", path([]string{"spec", "suspend"})
	case number(spec, "parallelism", 1) == 0:
		return "its parallelism is 0: Kubernetes makes no pods for it, and it does not complete", path([]string{"spec", "parallelism"})
	}
	return "", nil
}

// restarted reports whether the kubelet restarts a container of a Pod after it has succeeded.
func restarted(spec map[string]any) bool {
	always := cmp.Or(untyped.Text(spec, "restartPolicy"), "Always")
	return slices.ContainsFunc(untyped.Maps(spec, "containers"), func(container map[string]any) bool {
		return cmp.Or(untyped.Text(container, "restartPolicy"), always) == "Always"
	})
}

// startedByOthers reports whether a controller that is not of Kubernetes runs a Job, or takes
// suspend off it when there is room, as Kueue does.
func startedByOthers(o *manifest.Object, spec map[string]any) bool {
	labels, err := o.Labels()
	return err == nil && labels["kueue.x-k8s.io/queue-name"] != "" || cmp.Or(untyped.Text(spec, "managedBy"), jobController) != jobController
}

const jobController = "kubernetes.io/job-controller"

// Anew reports whether the object is a hook that Helm deletes and makes again, and with
// which something goes.
func (o *Object) Anew() bool {
	return o.Change != nil && Anew(o.Change)
}

// Anew reports whether a change is of a hook that Helm deletes and makes again, or would if
// it were gone by then.
func Anew(c *change.Change) bool {
	return (c.Op == change.Recreate || c.Op == change.Delete) && c.Old != nil && diff.IsHook(c.Old) && c.New != nil && diff.IsHook(c.New)
}

// Cleared reports whether Helm deletes what an earlier run of the hook has left. It does so before
// the API server gets to see the new one, which it may refuse.
func (o *Object) Cleared() bool {
	c := o.Change
	first := c != nil && len(c.Outcome.Refused) > 0 && c.Op == change.Recreate && o.Runs() // it was none before
	return (o.Anew() || first) && !o.Unreached && !c.Outcome.Unreached && !c.Outcome.Upfront && !Undeleted(c)
}

// Holders returns the workloads of the installed release whose pods use a claim, and go on
// running: as long as they do, the claim is not gone after it was deleted (the protection
// controller in k8s.io/kubernetes/pkg/controller/volume/pvcprotection).
func (u *Upgrade) Holders(claim *Object) []manifest.Ref {
	var holders []manifest.Ref
	id := claim.Ref().Identity()
	for i := range u.Objects {
		o := &u.Objects[i]
		ref := o.Ref()
		if o.Old == nil || ref.Namespace != id.Namespace || !u.RunsPods(ref) || Ends(ref) || diff.IsHook(o.Old) && o.Awaited() || !o.Old.MayHold(id.Name) {
			continue
		}
		uses := slices.ContainsFunc(References(o.Old, u.Rollout), func(r reference.Reference) bool { return r.To == id })
		if uses && Replicas(o.Old) > 0 {
			holders = append(holders, ref)
		}
		o.Old.Forget()
	}
	return holders
}

// ThereFor returns the manifest by which an object is in the cluster when the pods of
// another one need it; nil if it is not there, and then why.
func (u *Upgrade) ThereFor(from, to *Object) (there *manifest.Object, because string) {
	made := to.New != nil && to.Phase != diff.Never && to.Phase != diff.Remove && (to.Turn < from.Turn || to.Phase == diff.Apply && from.Phase == diff.Apply)
	switch {
	case made && to.swept(from):
		return nil, "Helm deletes it when the hooks of " + u.Events[0] + " have succeeded (hook-succeeded)"
	case made:
		return to.New, ""
	case to.Phase == diff.Remove && to.Turn < from.Turn:
		return nil, "Helm deletes it before it runs the hook"
	}
	if there := u.stood(to); there != nil {
		return there, ""
	}
	return nil, u.notYet(from, to)
}

// Behind reports whether Helm makes an object of the release only after another one, and it is not
// there before.
func (u *Upgrade) Behind(from, to *Object) bool {
	return from.Phase == diff.Apply && to.New != nil && to.Phase == diff.Apply && to.Turn > from.Turn && u.stood(to) == nil
}

// swept reports whether an object is a hook that Helm deletes when the hooks of its event
// have succeeded, before it comes to another object. A definition it never deletes
// (deleteHookByPolicy in helm.sh/helm/v3/pkg/action).
func (o *Object) swept(before *Object) bool {
	return o.Runs() && o.Phase < before.Phase && o.Ref().Kind != definition && slices.Contains(o.New.HookDeletePolicies(), succeeded)
}

const (
	definition = "CustomResourceDefinition"
	succeeded  = "hook-succeeded"
)

// stood returns the manifest by which an object is in the cluster when the upgrade begins;
// nil if it is not there. What a test hook has left is taken to be there.
func (u *Upgrade) stood(o *Object) *manifest.Object {
	old := o.Old
	if value, known := u.Found(o.Ref()); known {
		switch {
		case value == nil:
			return nil
		case old == nil:
			return o.New
		}
		return old
	}
	switch {
	case old == nil, !diff.IsHook(old), old.IsTest():
		return old
	case len(old.UnknownEvents()) > 0, !u.Ran(old), o.Ref().Kind != definition && slices.Contains(old.HookDeletePolicies(), succeeded):
		return nil
	default:
		return old
	}
}

// notYet says why an object is not there yet, or never will be.
func (u *Upgrade) notYet(from, to *Object) string {
	switch {
	case to.New == nil:
		return "nothing makes it"
	case len(to.New.UnknownEvents()) > 0:
		return "Helm leaves it out: " + Unknown(to.New) + " is none of its hook events"
	case to.Idle():
		return fmt.Sprintf("it is a hook of %s, which %s does not run", strings.Join(to.Hook.Events, ", "), operations[u.Operation])
	case to.Phase == diff.PostHooks && from.Phase != diff.PostHooks:
		return "Helm makes it only after the release's objects, as a hook of " + u.Events[len(u.Events)-1]
	case to.Runs():
		return "Helm makes it only after this hook (helm.sh/hook-weight)"
	default:
		return "Helm makes it only after the hooks of " + u.Events[0]
	}
}

var operations = map[change.Operation]string{ //nolint:gochecknoglobals // a constant table
	"": "an upgrade", change.Upgrade: "an upgrade", change.Install: "an installation", change.Rollback: "a rollback", change.Uninstall: "an uninstall",
}

// Unknown quotes the words by which Helm leaves out a hook.
func Unknown(o *manifest.Object) string {
	words := o.UnknownEvents()
	for i := range words {
		words[i] = fmt.Sprintf("%q", words[i])
	}
	return strings.Join(words, ", ")
}

// neverMade tells why a hook that an object of the release names is not there when its pods
// need it; "" if it is, or if the object named it before.
func (u *Upgrade) neverMade(from, to *Object, known bool) (because string) {
	switch {
	case known, to.New == nil, to.Hook == nil, from.Phase != diff.Apply, to.goes():
		return ""
	case to.Phase == diff.PostHooks && !u.Waits:
		return "" // the pods wait until it comes
	}
	there, because := u.ThereFor(from, to)
	if there != nil {
		return ""
	}
	return because
}

// Lacks reports whether a manifest of a ConfigMap or Secret has keys, and not this one.
func Lacks(there *manifest.Object, r reference.Reference) bool {
	if r.Key == "" || has(there, r) {
		return false
	}
	value, err := there.Value()
	return err == nil && len(keysOf(value, "")) > 0
}

// BecomesChange makes a change of a hook that stays as it is, so that something can be told of it.
func (o *Object) BecomesChange() {
	if o.Change == nil {
		o.Change = &change.Change{Ref: o.Ref(), Op: change.Update, Old: o.Old, New: o.New, Hook: o.Hook}
	}
}
