package safediff

import (
	"context"
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// together judges what no object shows by itself, once each has been judged: what
// a refused object keeps Helm from doing, what goes with a Namespace, what is only
// called something else, whether a
// Service still finds pods, which pods no NetworkPolicy restricts any more, and what
// objects name of each other. judged is changed. The error is that of ctx.
func (j *judge) together(ctx context.Context, pairs []diff.Pair, judged []judgement) error {
	j.aggregations(pairs, judged)
	stop(diff.Steps(pairs, j.events()), judged)
	j.emptyNamespaces(pairs, judged)
	j.renames(pairs, judged)
	j.services(pairs, judged)
	j.isolations(pairs, judged)
	return j.link(ctx, pairs, judged)
}

// stop marks the changes that Helm does not come to because an object is refused.
// A refused update does not keep it from the next object, a refused creation does;
// nothing is deleted after either, and nothing at all happens after what Helm
// finds out beforehand or in a hook (update in helm.sh/helm/v3/pkg/kube).
func stop(steps []diff.Step, judged []judgement) {
	stopped, failed := false, false
	for i := range judged {
		if c := judged[i].change; c != nil && c.Outcome.Upfront {
			stopped = true
		}
	}
	for _, step := range steps {
		failed = failed && step.Phase != diff.PreHooks
		c := judged[step.Pair].change
		if c == nil {
			continue
		}
		refused := len(c.Outcome.Refused) > 0
		c.Outcome.Unreached = !refused && (stopped || failed && step.Phase > diff.Apply)
		if refused && !stopped {
			failed = true
			stopped = step.Phase == diff.PreHooks || c.Op == change.Create || unfound(c)
		}
	}
}

// unfound reports whether Helm does not find an object that is there, because its
// version is no longer served: it then tries to create it.
func unfound(c *change.Change) bool {
	return !c.Outcome.Upfront && slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Type == "NotFound" })
}

// emptyNamespaces judges as deleted what is in a Namespace that the upgrade
// deletes, even if the manifests keep it there.
func (j *judge) emptyNamespaces(pairs []diff.Pair, judged []judgement) {
	going := map[string]bool{}
	for i := range judged {
		if c := judged[i].change; c != nil && c.Ref.Kind == "Namespace" && c.Ref.Group == "" && c.Op == change.Delete && !c.Outcome.Unreached {
			going[c.Ref.Name] = true
		}
	}
	if len(going) == 0 {
		return
	}
	for i, p := range pairs {
		switch {
		case !going[p.Ref().Namespace]:
		case p.Old == nil:
			judged[i].unchecked = append(judged[i].unchecked, "the upgrade deletes the Namespace of this object as soon as it has made it")
		case !diff.IsHook(p.Old):
			judged[i] = guarded(p.Old.Ref, func() judgement { return j.removal(p.Old) })
		}
	}
}

// services looks whether Services still select pods: at the moment at which a
// selector changes, when the pods are still the old ones, and when the upgrade is
// over.
func (j *judge) services(pairs []diff.Pair, judged []judgement) {
	moved := relabelledPods(judged)
	for i, p := range pairs {
		if ref := p.Ref(); ref.Kind != "Service" || ref.Group != "" || p.Old == nil {
			continue
		}
		c := judged[i].change
		if p.New == nil {
			j.unreachable(pairs, judged, p.Old, c)
			continue
		}
		if len(moved) == 0 && (c == nil || !edited(c, fieldpath.Fields("spec", "selector"))) {
			continue // nothing to look at, and not to be decoded
		}
		before, after := selector(p.Old), selector(p.New)
		if c != nil && !done(c) {
			after = before
		}
		switch {
		case len(after) == 0:
		case !maps.Equal(before, after):
			s := j.selections(pairs, judged, p.New.Ref.Namespace, before, after)
			c.Outcome.Selects = &s
			classify(c)
		case len(moved) > 0:
			if s := j.selections(pairs, judged, p.New.Ref.Namespace, before, after); s.Before > 0 && s.After == 0 {
				j.leave(pairs, judged, moved, p.New.Ref, after)
			}
		}
	}
}

// unreachable looks whether a Service that goes leaves pods behind that it led to.
func (j *judge) unreachable(pairs []diff.Pair, judged []judgement, o *manifest.Object, c *change.Change) {
	if c == nil || c.Op != change.Delete || !done(c) {
		return
	}
	labels := selector(o)
	if s := j.selections(pairs, judged, o.Ref.Namespace, labels, labels); s.Before > 0 && s.After > 0 {
		c.Outcome.Selects = &change.Selection{Before: s.Before, During: s.During}
		classify(c)
	}
}

// relabelledPods lists the workloads whose pods end up with other labels.
func relabelledPods(judged []judgement) []int {
	var moved []int
	for i := range judged {
		c := judged[i].change
		if c == nil || c.Op != change.Update || !done(c) || c.Outcome.Pods == nil || keepsPods(c) {
			continue
		}
		if edited(c, podLabels(c.Ref)) {
			moved = append(moved, i)
		}
	}
	return moved
}

// edited reports whether the manifests differ in a field.
func edited(c *change.Change, path fieldpath.Path) bool {
	return slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Overlaps(path) })
}

func podLabels(ref manifest.Ref) fieldpath.Path {
	if ref.Kind == "Pod" {
		return fieldpath.Fields("metadata", "labels")
	}
	return fieldpath.Fields("spec", "template", "metadata", "labels")
}

// leave tells the workloads that a Service selected until now that it selects
// nothing more.
func (j *judge) leave(pairs []diff.Pair, judged []judgement, moved []int, service manifest.Ref, selector map[string]string) {
	for _, i := range moved {
		if o := pairs[i].Old; o.Ref.Namespace != service.Namespace || j.selects(selector, o) == 0 {
			continue
		}
		c := judged[i].change
		c.Outcome.Pods.Left = append(c.Outcome.Pods.Left, service.Name)
		classify(c)
	}
}

// selections counts the workloads of a namespace whose pods the selectors fit.
func (j *judge) selections(pairs []diff.Pair, judged []judgement, namespace string, before, after map[string]string) change.Selection {
	var s change.Selection
	for i, p := range pairs {
		s = s.Plus(j.selection(p, judged[i].change, namespace, before, after))
	}
	return s
}

// selection counts one workload, if a selector fits its pods.
func (j *judge) selection(p diff.Pair, c *change.Change, namespace string, before, after map[string]string) change.Selection {
	var s change.Selection
	stays := c != nil && (!done(c) || keepsPods(c))
	if o := p.Old; o != nil && o.Ref.Namespace == namespace {
		s.Before, s.During = j.selects(before, o), j.selects(after, o)
		if stays {
			s.After = s.During
		}
	}
	if o := p.New; o != nil && !stays && o.Ref.Namespace == namespace {
		s.After = j.selects(after, o)
	}
	return s
}

// done reports whether Helm carries the change out.
func done(c *change.Change) bool { return !c.Outcome.Unreached && len(c.Outcome.Refused) == 0 }

// keepsPods reports whether the pods of an updated workload stay the ones that they
// are, whatever its template says. A bare Pod is relabelled in place.
func keepsPods(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Update && p != nil && !p.Replaced && c.Ref.Kind != "Pod"
}

// selects returns 1 if the selector fits the pods of the workload, else 0.
func (j *judge) selects(selector map[string]string, o *manifest.Object) int {
	value, err := o.Value()
	if err != nil || len(selector) == 0 {
		return 0
	}
	labels, owner := j.rollout.PodLabels(o.Ref.Group, o.Ref.Kind, value)
	if !owner {
		return 0
	}
	for name, want := range selector {
		if labels[name] != want {
			return 0
		}
	}
	return 1
}

func selector(o *manifest.Object) map[string]string {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	spec, _ := value["spec"].(map[string]any)
	labels, _ := spec["selector"].(map[string]any)
	texts := make(map[string]string, len(labels))
	for k, v := range labels {
		texts[k], _ = v.(string)
	}
	return texts
}
