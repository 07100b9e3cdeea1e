package safediff

import (
	"context"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// try has the API server itself try what Helm would send, and puts its answer in the
// place of the model's. What the two disagree about is returned to be said.
func (j *judge) try(ctx context.Context, p diff.Pair, c *change.Change, result *apiserver.Result) (unchecked []change.Doubt, err error) {
	value, known := j.Found(c.Ref)
	switch {
	case j.opts.Try == nil, p.New == nil, p.New.Ref.Name == "", c.Op != change.Create && c.Op != change.Update:
		return nil, nil
	case result.Outcome.Upfront: // Helm sends nothing
		return nil, nil
	case diff.IsHook(p.New):
		return []change.Doubt{{Reason: "a hook is deleted before it is made anew, which the API server was not asked to try", Hides: change.Rejected, Never: true}}, nil
	case !known, value != nil && j.InVersion(p.New.Ref) == nil:
		return []change.Doubt{{Reason: "what is there is not known, and the API server was not asked to try the change", Hides: change.Rejected}}, nil
	}
	old := p.Old
	if old != nil && diff.IsHook(old) {
		old = nil
	}
	call, err := j.Server.Call(old, p.New, value)
	if err != nil || call == nil {
		return nil, err
	}
	answer := j.opts.Try(ctx, cluster.Attempt{Ref: p.New.Ref, Create: call.Create, Type: string(call.Type), Body: call.Body, Force: call.Force})
	return j.answered(p.New, result, answer)
}

// answered puts what the API server has answered in the place of what was expected.
func (j *judge) answered(o *manifest.Object, result *apiserver.Result, answer cluster.Answer) (unchecked []change.Doubt, err error) {
	expected := result.Outcome.Refused
	switch {
	case answer.Unknown != "":
		return []change.Doubt{{Reason: "the API server was not asked to try the change: " + answer.Unknown, Hides: change.Rejected}}, nil
	case answer.Refused != nil && answer.Refused.ErrStatus.Details != nil && answer.Refused.ErrStatus.Details.Kind == "namespaces":
		return []change.Doubt{{Reason: "the API server could not try the change: its Namespace is not there yet", Hides: change.Rejected, Never: true}}, nil
	case answer.Refused != nil:
		result.Outcome.Refused = j.Server.Refusal(o, answer.Refused)
		result.New, result.NewFields = nil, nil
		if len(expected) == 0 {
			unchecked = []change.Doubt{{Reason: "the API server refuses what by Kubernetes' own rules it would accept: a webhook, a policy or a quota of this cluster decides"}}
		}
		return unchecked, nil
	}
	if len(expected) > 0 {
		unchecked = []change.Doubt{{Reason: fmt.Sprintf("the API server accepts what was expected to be refused (%s)", expected[0].String())}}
	}
	before := result.NewFields
	if err := j.Server.Answered(result, o, answer.Value); err != nil {
		return nil, fmt.Errorf("read %s as the API server would store it: %w", o.Ref, err)
	}
	if before == nil || result.OldFields == nil {
		return unchecked, nil // nothing to compare with: a new object gets values that are made up
	}
	for _, e := range diff.Values(before, result.NewFields) {
		if e.New.Present() && !assigned(e.Path) {
			unchecked = append(unchecked, change.Doubt{
				Reason: fmt.Sprintf("the API server stores a different value than expected in %s: a webhook or a policy of this cluster sets it", e.Path),
			})
		}
	}
	return unchecked, nil
}

// assigned reports whether the API server makes the value of a field up.
func assigned(path fieldpath.Path) bool {
	for _, e := range path {
		if slices.Contains([]string{"nodePort", "healthCheckNodePort", "clusterIP", "clusterIPs"}, e.Field) {
			return true
		}
	}
	return false
}
