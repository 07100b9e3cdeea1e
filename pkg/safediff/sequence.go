package safediff

import (
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

// together judges what no object shows by itself, once each has been judged: what
// a refused object keeps Helm from doing, what goes with a Namespace, and whether
// a Service still finds pods. judged is changed.
func (j *judge) together(pairs []diff.Pair, judged []judgement) {
	stop(diff.Steps(pairs, j.events()), judged)
	j.emptyNamespaces(pairs, judged)
	j.services(pairs, judged)
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

// emptyNamespaces judges as deleted what stands on both sides in a Namespace that
// the upgrade deletes.
func (j *judge) emptyNamespaces(pairs []diff.Pair, judged []judgement) {
	going := map[string]bool{}
	for i := range judged {
		if c := judged[i].change; c != nil && c.Ref.Kind == "Namespace" && c.Op == change.Delete && !c.Outcome.Unreached {
			going[c.Ref.Name] = true
		}
	}
	if len(going) == 0 {
		return
	}
	for i, p := range pairs {
		if p.Old != nil && p.New != nil && going[p.New.Ref.Namespace] {
			judged[i] = j.guarded(diff.Pair{Old: p.Old})
		}
	}
}

// services looks whether a Service whose selector changes still selects pods: at
// the moment of the change, when the pods are still the old ones, and afterwards.
func (j *judge) services(pairs []diff.Pair, judged []judgement) {
	for i := range judged {
		c := judged[i].change
		if c == nil || c.Ref.Kind != "Service" || c.Ref.Group != "" || c.Op != change.Update ||
			!c.Outcome.Changed || c.Outcome.Unreached || len(c.Outcome.Refused) > 0 {
			continue
		}
		before, after := selector(c.Old), selector(c.New)
		if len(after) == 0 || maps.Equal(before, after) {
			continue
		}
		var s change.Selection
		for k, p := range pairs {
			s = s.Plus(j.selection(p, judged[k].change, c.Ref.Namespace, before, after))
		}
		c.Outcome.Selects = &s
		c.Findings = risk.Classify(c, risk.Rules())
		for e := range c.Edits {
			c.Edits[e].Noise = ""
		}
		noise.Mark(c, noise.Filters())
	}
}

// selection counts one workload, if a selector fits its pods.
func (j *judge) selection(p diff.Pair, c *change.Change, namespace string, before, after map[string]string) change.Selection {
	var s change.Selection
	done := c == nil || !c.Outcome.Unreached && len(c.Outcome.Refused) == 0
	if o := p.Old; o != nil && o.Ref.Namespace == namespace {
		s.Before, s.During = j.selects(before, o), j.selects(after, o)
		if !done {
			s.After = s.During
		}
	}
	if o := p.New; o != nil && done && o.Ref.Namespace == namespace {
		s.After = j.selects(after, o)
	}
	return s
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
