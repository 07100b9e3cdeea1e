package safediff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/action"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/admissionreview"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/autoscaling"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/closedports"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/definitions"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/drift"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/edits"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/loss"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/obstacles"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rollback"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/secrets"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/unstored"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// judge takes one object at a time through the stages.
type judge struct {
	action.Action
	opts Options
	// shipped are the definitions in the crds directory of the new chart.
	shipped []*manifest.Object
	// rotating is what comes out differently each time, by object of the new side.
	rotating map[*manifest.Object][]fieldpath.Path
	// autoscaling is what autoscalers make of numbers of pods.
	autoscaling *autoscaling.Autoscalers
	// budgets are those of a namespace after the upgrade.
	budgets map[string][]*policyv1.PodDisruptionBudget
	// obstacles tells what keeps pods from starting.
	obstacles *obstacles.Obstacles
	// admission is what is asked about objects and pods.
	admission *admissionreview.Review
	// selecting is what selects by labels, labels what looks at them otherwise.
	selecting *selectors.Known
	labels    []noise.Label
	// faults tell which questions between objects could not be answered.
	faults []change.Notice
}

const operatorUnknown = "what the operator of this custom resource then does was not judged"

// named judges a pair, and reads what the object names while it is decoded.
func (j *judge) named(ctx context.Context, p diff.Pair) upgrade.Object {
	o := j.pair(ctx, p)
	o.Pair = p
	if o.Err == nil && o.Change != nil && !o.Relabelled {
		o.Names = &upgrade.Names{Old: upgrade.References(p.Old, j.Rollout), New: upgrade.References(o.Result(), j.Rollout)}
		o.Services = upgrade.ReadServices(&o)
		o.Closing = closedports.Of(&o)
		o.Pods = upgrade.ReadPods(&o, j.Rollout)
	}
	return o
}

// pair judges one object. Where nothing happens to it there is no change, which is no answer to
// what is in the cluster: that may still have something unchecked.
func (j *judge) pair(ctx context.Context, p diff.Pair) upgrade.Object {
	if c := j.relabelled(p); c != nil {
		return upgrade.Object{Change: c, Unchecked: j.unseen(p), Relabelled: true, Read: rule.Read(c, rules())}
	}
	c := change.Change{Ref: p.Ref(), Op: p.Op(), Old: p.Old, New: p.New, Hook: j.Hook(p)}
	alike, err := contrast(p, &c)
	turn(c.Edits, j.rotating[p.New])
	switch {
	case err != nil:
		return upgrade.Object{Err: err}
	case alike && j.settled(p.New):
		return upgrade.Object{Unchecked: j.unseen(p)}
	case j.Operation != change.Install && fromCRDs(p.Ref(), p.New, p.Old):
		return untouched(&c)
	case p.New == nil && c.Hook == nil && !j.leaves(&c):
		return upgrade.Object{Drift: drift.IsGone(&j.Action, c.Ref, change.Survives)}
	case c.Op == change.Recreate && !j.remade(c.Hook):
		c.Op = change.Delete
	}
	result, err := j.decide(ctx, p, &c)
	if err != nil {
		return upgrade.Object{Err: err}
	}
	drifts, err := drift.Of(&c, &result)
	switch {
	case err != nil:
		return upgrade.Object{Err: err}
	case alike && j.unmoved(&c, &result):
		return upgrade.Object{Drift: drift.NotHelms(&j.Action, &c, &result, drifts), Unchecked: j.unsaid(p, &result)}
	}
	c.Edits = append(c.Edits, drift.Unedited(&c, &result, drifts)...)
	lost := unstored.List(&j.Action, p, &c, &result)
	stays := unstored.Stays(&j.Action, p, &c, &result, lost)
	judged := j.conclude(&c, &result) //nolint:contextcheck // admission in this process waits for nobody
	judged.Stays = stays
	unstored.Hold(&j.Action, p, &judged, &result, lost)
	judged.Dropped = unstored.Dropped(&j.Action, p, &judged)
	definitions.Redefined(&judged, &result)
	judged.Drift = slices.Concat(drift.NotHelms(&j.Action, &c, &result, drifts), drift.Gone(&j.Action, &c, p))
	judged.Rollback = rollback.Loss(&j.Action, p, &c, &result, len(drifts) > 0)
	if upgrade.IsService(c.Ref) {
		judged.Allocated = apiserver.Allocated(result.NewFields)
	}
	return judged
}

// decide asks the model what becomes of the object, and then the API server, if it
// is to try the change.
func (j *judge) decide(ctx context.Context, p diff.Pair, c *change.Change) (apiserver.Result, error) {
	result, err := j.outcome(p, c)
	if err != nil {
		return result, err
	}
	if len(result.Outcome.Refused) == 0 && j.unserved(c) {
		return apiserver.Result{Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{j.unknownKind(c.Ref)}}}, nil
	}
	if len(result.Outcome.Refused) == 0 && c.Op == change.Update && j.autoscaling.Falls(c.New) {
		result.Outcome.Changed = true
	}
	result.Unchecked = append(result.Unchecked, j.admission.Admit(p, c, &result)...) //nolint:contextcheck // admission in this process waits for nobody
	unchecked, err := j.try(ctx, p, c, &result)
	result.Unchecked = append(result.Unchecked, unchecked...)
	if err != nil {
		return result, err
	}
	return result, secrets.Conceal(p, &result)
}

// unknownKind refuses an object whose kind the cluster does not serve in its version. One that
// is not of Kubernetes' own groups, and that the cluster has in no other version, lacks its
// definition.
func (j *judge) unknownKind(ref manifest.Ref) change.FieldError {
	refused := apiserver.Unserved(ref)
	if strings.Contains(ref.Group, ".") && !j.Server.BuiltinGroup(ref.Group) && j.State.Objects[ref.Identity()].Value == nil {
		refused.Type = "NoKindMatch"
		if slices.ContainsFunc(j.shipped, func(definition *manifest.Object) bool { return mayDefine(definition, ref) }) {
			refused.Type, refused.Message = "NoKindInstalled", refused.Message+": its definition is in the crds directory of the chart"
		}
	}
	return refused
}

// contrast writes into the change how the manifests differ, and reports whether they
// say the same of the object.
func contrast(p diff.Pair, c *change.Change) (alike bool, err error) {
	if p.Old == nil || p.New == nil {
		return false, nil
	}
	c.Edits, err = edits.Of(p.Old, p.New)
	return err == nil && c.Op == change.Update && len(c.Edits) == 0 && p.Old.Ref.Version == p.New.Ref.Version, err
}

// unmoved reports whether the upgrade leaves an object as it is of which the manifests
// say the same. What was looked at for its definition only is not told as a change.
func (j *judge) unmoved(c *change.Change, result *apiserver.Result) bool {
	return c.Op == change.Update && len(result.Outcome.Refused) == 0 &&
		(action.Lasts(c.New) || j.remakes(c.New) || !result.Outcome.Changed || !j.Looked(c.Ref) && !j.Server.Builtin(c.Ref.Group, c.Ref.Kind))
}

// settled reports whether an object whose manifests say the same stays as it is, without
// an upgrade.Object. Helm sends it all the same where it applies on the server's side, and
// policies may have something to say of it.
func (j *judge) settled(o *manifest.Object) bool {
	asked := j.ServerSide && j.admission.MayAsk(o.Ref)
	return !asked && j.Server.Serves(o.Ref) && !j.Replace && j.silent(o.Ref) && !action.Lasts(o) && !j.remakes(o)
}

// unsaid returns what could not be told of an object that the upgrade leaves as it is; of
// a hook that is made again, what could not be told of that.
func (j *judge) unsaid(p diff.Pair, result *apiserver.Result) []change.Doubt {
	if action.Lasts(p.New) || j.remakes(p.New) {
		return result.Unchecked
	}
	return j.unseen(p)
}

// removal judges that an object goes, whatever the manifests say of it.
func (j *judge) removal(o *manifest.Object) upgrade.Object {
	value, known := j.Found(o.Ref)
	if known && value == nil {
		return upgrade.Object{} // it is gone already
	}
	result, err := j.Server.Stored(o, j.InVersion(o.Ref))
	if err != nil {
		return upgrade.Object{Err: err}
	}
	c := change.Change{Ref: o.Ref, Op: change.Delete, Old: o}
	judged := j.conclude(&c, &result)
	judged.Rollback = rollback.Loss(&j.Action, diff.Pair{Old: o}, &c, &result, false)
	return judged
}

// conclude writes into the change what follows from the API server's answer.
func (j *judge) conclude(c *change.Change, result *apiserver.Result) upgrade.Object {
	c.Outcome = result.Outcome
	c.Outcome.Fields = edits.Stored(c, result)
	if template, owner := j.Rollout.PodTemplate(c.Ref.Group, c.Ref.Kind); owner {
		c.Outcome.PodSpec = fieldpath.Fields(append(template, "spec")...)
	}
	unchecked := slices.Concat(result.Unchecked, j.unread(c), j.pods(c, result))
	obstacles, unknown := j.obstacles.Of(c, result)
	unplaced, unclear := j.obstacles.Unplaced(c, result)
	obstacles, unchecked = append(obstacles, unplaced...), slices.Concat(unchecked, unknown, unclear)
	unchecked = append(unchecked, j.admission.Unclear(c, result)...)
	c.Outcome.Loss = loss.Of(&j.Action, c)
	j.noteEditedLabels(c)
	return upgrade.Object{
		Change: c, Unchecked: unchecked, Read: rule.Read(c, rules()), Obstacles: obstacles, Barred: j.admission.Barred(c, result),
	}
}

// pods writes into the change what becomes of pods, and returns what could not be
// told.
func (j *judge) pods(c *change.Change, result *apiserver.Result) (unchecked []change.Doubt) { //nolint:cyclop // the predictions in their order
	facts := j.Rollout
	facts.Bound = j.Bound[c.Ref.Namespace]
	facts.Running, facts.Live = j.Running[c.Ref.Namespace], j.Asked && j.InVersion(c.Ref) != nil
	if c.Op == change.Update && result.New == nil && c.Old != nil && collects(c.Old) {
		return nil // it is refused, or made anew if it is gone by now
	}
	before, after, least := j.autoscaling.Sized(c, result)
	pods, unchecked := rollout.Predict(before, after, facts)
	if least > 0 && pods != nil && pods.Replaced {
		pods.How = strings.TrimPrefix(pods.How+", ", ", ") + fmt.Sprintf("%d pods at least, by the autoscaler", least)
	}
	if pods != nil && c.Op == change.Update && (j.Looked(c.Ref) || j.autoscaling.Falls(c.New)) && j.Scaled[c.Ref.Identity()] {
		autoscaling.ScaleBack(pods)
	}
	if pods != nil && c.Op == change.Update && result.New != nil {
		rollout.LimitToQuota(result.New, pods, func() string { return j.admission.Full(c.Ref, result.New) })
		unchecked = append(unchecked, rollout.WaitForVolumes(before, after, pods, j.Claimed[c.Ref.Namespace], facts)...)
		labels, _ := facts.PodLabels(c.Ref.Group, c.Ref.Kind, result.NewFields)
		rollout.Budget(labels, pods, j.budgets[c.Ref.Namespace])
	}
	unchecked = append(unchecked, j.admission.LetIn(c, result, pods)...)
	if pods != nil && j.orphaned(c) {
		c.Outcome.Orphans, pods, unchecked = true, nil, nil
	}
	switch {
	case pods != nil && len(c.Outcome.Refused) == 0 && c.Op != change.Keep:
		pods.Causes = edits.Causes(c.Outcome.Fields, rollout.Template(result.New, j.Rollout))
		if c.Op == change.Update || c.Op == change.Create {
			pods.Takes = rollout.Takes(before, after, pods, least == 0 && !j.Scaled[c.Ref.Identity()], facts)
		}
		c.Outcome.Pods = pods
		return unchecked
	case result.Operated && !onlyLabels(c.Outcome.Fields):
		return []change.Doubt{{Reason: operatorUnknown, Hides: change.Outage, Never: true}}
	default:
		return nil
	}
}

// leaves tells what Helm does with an object that leaves the release, and reports
// whether it is there at all. The resource policy that counts is the one in the
// cluster (update in helm.sh/helm/v3/pkg/kube), except in an uninstall.
func (j *judge) leaves(c *change.Change) (there bool) {
	value, known := j.Found(c.Ref)
	if known && value != nil && j.Operation != change.Uninstall {
		c.Op = change.Delete
		annotations := (&unstructured.Unstructured{Object: value}).GetAnnotations()
		if manifest.Keeps(annotations[manifest.ResourcePolicyAnnotation]) {
			c.Op = change.Keep
		}
	}
	return !known || value != nil || j.unserved(c)
}

// orphaned reports whether an object goes and its pods stay. A Pod has none but
// itself.
func (j *judge) orphaned(c *change.Change) bool {
	return j.opts.Orphan && c.Op == change.Delete && (c.Ref.Kind != "Pod" || c.Ref.Group != "")
}

// untouched answers for a definition in a crds directory, which is in the manifest
// only because the user asked to see it: no upgrade makes, changes or deletes it.
func untouched(c *change.Change) upgrade.Object {
	if c.Op != change.Update || len(c.Edits) == 0 {
		return upgrade.Object{}
	}
	c.Op = change.Leave
	return upgrade.Object{Change: c}
}

// onlyLabels reports whether the fields are all labels of the object itself.
func onlyLabels(stored []fieldpath.Path) bool {
	return len(stored) > 0 && !slices.ContainsFunc(stored, func(p fieldpath.Path) bool { return !p.Under("metadata", "labels") })
}

// relabelled judges an object in whose manifest nothing but its own labels
// differ, without decoding it; nil if it is not that simple.
func (j *judge) relabelled(p diff.Pair) *change.Change {
	if p.Old == nil || p.New == nil || p.Op() != change.Update || diff.IsHook(p.New) || diff.IsHook(p.Old) || j.Replace || !j.silent(p.New.Ref) || j.admission.Policies() {
		return nil
	}
	oldLabels, newLabels, only := manifest.RelabelledOnly(p.Old, p.New)
	if !only {
		return nil
	}
	outcome, simple := j.Server.Relabel(p.New.Ref, oldLabels, newLabels)
	if !simple {
		return nil
	}
	c := change.Change{Ref: p.New.Ref, Op: change.Update, Old: p.Old, New: p.New, Outcome: outcome}
	labels := fieldpath.Fields("metadata", "labels")
	for _, e := range diff.Values(anyMap(oldLabels), anyMap(newLabels)) {
		e.Path = labels.Join(e.Path)
		c.Edits = append(c.Edits, e)
	}
	if len(c.Edits) == 0 {
		return nil
	}
	turn(c.Edits, j.rotating[p.New])
	j.noteLabelReaders(&c, oldLabels, newLabels)
	return &c
}

func anyMap(texts map[string]string) map[string]any {
	m := make(map[string]any, len(texts))
	for k, v := range texts {
		m[k] = v
	}
	return m
}

// rules are all there are. They are asked about every change, and made once.
var rules = sync.OnceValue(risk.Rules) //nolint:gochecknoglobals // a constant table
