package admissionreview

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/admission"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// LookAhead asks the cluster for the objects outside of the release without which admission rejects
// the pods of hooks, or Pods that Helm creates: then Helm stops there.
func (a *Review) LookAhead(ctx context.Context, u *upgrade.Upgrade) (err error) {
	var open []upgrade.Outside
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Awaited() && !bare(o) {
			continue
		}
		for _, r := range upgrade.References(o.New, a.Rollout) {
			if upgrade.AdmitsPods(r.To) && u.Object(r.To) == nil && !upgrade.InEveryCluster(r.To) {
				open = append(open, upgrade.Outside{From: o, Reference: r})
			}
		}
		o.New.Forget()
	}
	a.ahead, err = a.LookOutside(ctx, open, nil)
	return err
}

// bare reports whether an object is a Pod that Helm creates.
func bare(o *upgrade.Object) bool {
	return o.Ref().GroupKind() == "Pod" && (o.Runs() && o.Done() || o.Hook == nil && o.Does(change.Create))
}

const nowhere = "it is neither in the release nor in the cluster"

// absent reports whether an object outside of the release that a pod names does not exist in the
// cluster; false if that is not known, or if something of the release may create it.
func (a *Review) absent(u *upgrade.Upgrade, o *upgrade.Object, r reference.Reference) (manifest.Ref, bool) {
	ref, servable := upgrade.Servable(r.To)
	value, known := a.ahead.Object(ref)
	return ref, servable && known && value == nil && upgrade.AdmitsPods(r.To) && !u.MayMake(r.To.Name, o)
}

// AbsentFor notes the objects that a hook names and that do not exist.
func (a *Review) AbsentFor(u *upgrade.Upgrade, o *upgrade.Object) {
	if a.ahead == nil {
		return
	}
	for _, r := range upgrade.References(o.New, a.Rollout) {
		if ref, absent := a.absent(u, o, r); absent {
			o.Missing = append(o.Missing, upgrade.Missing{To: ref, Path: r.Path, Because: nowhere})
		}
	}
}

// BarePods notes Pods that admission rejects: they name an object that does not exist when Helm
// creates them, or contradict their class. What hooks lack is known already.
func (a *Review) BarePods(u *upgrade.Upgrade) {
	classes := a.podClasses(u, a.ahead)
	for i := range u.Objects {
		o := &u.Objects[i]
		if !bare(o) {
			continue
		}
		for _, r := range upgrade.References(o.New, a.Rollout) {
			if why := a.unnamed(u, o, r); why != "" && len(o.Change.Outcome.Refused) == 0 {
				o.Change.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: risk.NamesInVain + why}}
			}
		}
		if no := a.refusal(o, classes); no != nil && len(o.Change.Outcome.Refused) == 0 {
			o.Change.Outcome.Refused = []change.FieldError{{Type: "Forbidden", Message: no.Message, Itself: true}}
		}
		o.New.Forget()
	}
}

// unnamed says which object that a Pod names does not exist when Helm creates the Pod; "" if it
// does, or if admission does not ask for it.
func (a *Review) unnamed(u *upgrade.Upgrade, o *upgrade.Object, r reference.Reference) string {
	to := u.Object(r.To)
	switch ref, absent := a.absent(u, o, r); {
	case !upgrade.AdmitsPods(r.To):
		return ""
	case to == nil && absent:
		return ref.String() + ": " + nowhere
	case to != nil && u.Behind(o, to):
		return to.Ref().String() + ": Helm creates it after the Pod"
	default:
		return ""
	}
}

// podClasses are the classes and accounts of pods that are known before the upgrade, and once it is
// over, read when somebody asks for the first time.
type podClasses struct{ before, after func() *admission.PodClasses }

// podClasses returns them. elsewhere is what the cluster has besides.
func (a *Review) podClasses(u *upgrade.Upgrade, elsewhere *cluster.State) podClasses {
	return podClasses{a.classesAt(u, upgrade.Before, elsewhere), a.classesAt(u, upgrade.After, elsewhere)}
}

func (a *Review) classesAt(u *upgrade.Upgrade, moment upgrade.Moment, elsewhere *cluster.State) func() *admission.PodClasses {
	return sync.OnceValue(func() *admission.PodClasses {
		known := slices.Concat(a.Cluster, u.StandingAt(moment))
		if elsewhere != nil {
			for _, found := range elsewhere.Objects {
				if found.Value == nil {
					continue
				}
				if object, err := manifest.FromValue(found.Value, manifest.Position{File: "the cluster"}); err == nil {
					known = append(known, object)
				}
			}
		}
		return admission.NewPodClasses(a.Server, known)
	})
}

// refusal asks admission about the pods of an object and the classes that they name, as far as these
// are known; nil if it lets them a.
func (a *Review) refusal(o *upgrade.Object, known podClasses) *admission.PodRefusal {
	asks := slices.ContainsFunc([]string{
		"priority", "preemptionPolicy", "overhead", "runtimeClassName", "secret", "secretKeyRef", "secretRef", "imagePullSecrets",
	}, o.New.Mentions)
	if !asks {
		return nil
	}
	template := a.template(o.Result())
	if template == nil {
		return nil
	}
	if was := a.template(o.Change.Before()); o.Change.Op == change.Update && was != nil && known.before().Refusal(was, o.Ref().Namespace) != nil {
		return nil // it was so before, or somebody exempts them
	}
	if o.Phase == diff.PreHooks {
		return known.before().Refusal(template, o.Ref().Namespace)
	}
	return known.after().Refusal(template, o.Ref().Namespace)
}

// template returns the template of the pods of an object; nil if it has none, or does not fit.
func (a *Review) template(o *manifest.Object) *corev1.PodTemplateSpec {
	if o == nil {
		return nil
	}
	path, makes := a.Rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	value, err := o.Value()
	if err != nil || !makes || untyped.At(value, "spec", "suspend") == true {
		return nil
	}
	fields, is := value, true
	if len(path) > 0 {
		fields, is = untyped.At(value, path...).(map[string]any)
	}
	template := &corev1.PodTemplateSpec{}
	if !is || runtime.DefaultUnstructuredConverter.FromUnstructured(fields, template) != nil {
		return nil
	}
	return template
}

// Contradictions notes workloads whose pods admission rejects because they contradict their class.
func (a *Review) Contradictions(u *upgrade.Upgrade) {
	classes := a.podClasses(u, u.Elsewhere)
	for i := range u.Objects {
		o := &u.Objects[i]
		c := o.Change
		makes := c != nil && (rule.MakesPods(c) || c.Ref.Kind == "CronJob" && c.Outcome.PodSpec != nil)
		if !makes || !o.Done() || o.New == nil || o.Idle() || bare(o) || c.Outcome.Pods != nil && c.Outcome.Pods.Desired == 0 {
			continue
		}
		if no := a.refusal(o, classes); no != nil {
			obstacle := rollout.Obstacle{Kind: rollout.PodsRejected, Whole: true, Message: "the API server rejects each of its pods: " + no.Message}
			for _, field := range no.Fields {
				obstacle.Paths = append(obstacle.Paths, c.Outcome.PodSpec.Join(fieldpath.Fields(field)))
			}
			o.Obstacles = append(o.Obstacles, obstacle)
			keepOut(c)
		}
		o.New.Forget()
	}
}

// NamesInVain notes workloads whose new pods admission rejects because an object that they name is
// neither in the release nor in the cluster. What leaves the release is deleted last, when the pods
// may exist already.
func NamesInVain(u *upgrade.Upgrade) {
	for i := range u.Links().Broken {
		b := &u.Links().Broken[i]
		if id := b.To.Identity(); b.Use == reference.ToStart && b.From == b.On.Ref() && upgrade.AdmitsPods(id) && u.Object(id) == nil {
			keepOut(b.On.Change)
		}
	}
}

// keepOut notes that no new pod of a workload is created.
func keepOut(c *change.Change) {
	if p := c.Outcome.Pods; p != nil && c.Op == change.Update && rule.MakesPods(c) {
		rollout.Refuse(p, "")
		p.Rejected = true
	}
}
