package safediff

import (
	"context"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
)

// together judges what no object shows by itself, once each has been judged: what
// a refused object keeps Helm from doing, what goes with a Namespace, what is only
// called something else, whether a Service still finds pods, which pods no NetworkPolicy
// restricts any more, where requests no longer come in, and what objects name of each
// other. judged is changed. The error is that of ctx.
func (j *judge) together(ctx context.Context, pairs []diff.Pair, judged []judgement) error {
	j.aggregations(pairs, judged)
	j.overscaled(pairs, judged)
	if err := j.allotments(pairs, judged); err != nil {
		return err
	}
	stop(diff.Steps(pairs, j.events()), judged)
	j.emptyNamespaces(pairs, judged)
	j.renames(pairs, judged)
	j.traffic(pairs, judged)
	j.contests(pairs, judged)
	j.evictions(pairs, judged)
	j.claimedVolumes(pairs, judged)
	j.looseEnds(pairs, judged)
	j.isolations(pairs, judged)
	j.routes(pairs, judged)
	j.closures(pairs, judged)
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

// done reports whether Helm carries the change out.
func done(c *change.Change) bool { return !c.Outcome.Unreached && len(c.Outcome.Refused) == 0 }

// keepsPods reports whether the pods of an updated workload stay the ones that they
// are, whatever its template says. A bare Pod is relabelled in place.
func keepsPods(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Update && p != nil && !p.Replaced && c.Ref.Kind != "Pod"
}
