package safediff

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// judge takes one object at a time through the stages.
type judge struct {
	server *apiserver.Server
	opts   Options
	// live is what is known of the cluster, nil if nothing is. asked says that the
	// cluster itself has said so, and what is around the release.
	live  *live.State
	asked bool
	// cluster are the objects that are known to be in the cluster.
	cluster []*manifest.Object
	// rollout is what the prediction of pods needs to know, running what it needs
	// to know besides of a namespace.
	rollout rollout.Facts
	// rotating is what comes out differently each time, by object of the new side.
	rotating map[*manifest.Object][]fieldpath.Path
	running  map[string]*rollout.Running
	// scaled are the workloads that an autoscaler scales after the upgrade.
	scaled map[manifest.Identity]bool
	// quotas and budgets are those of a namespace after the upgrade.
	quotas  map[string][]*corev1.ResourceQuota
	budgets map[string][]*policyv1.PodDisruptionBudget
	// claimed are the PersistentVolumeClaims of a namespace after the upgrade.
	claimed map[string][]*corev1.PersistentVolumeClaim
	// namespaces is what Pod Security admission asks of pods.
	namespaces namespaces
	// selecting is what selects by labels, labels what looks at them otherwise.
	selecting *selectors.Known
	labels    []noise.Label
}

const operatorUnknown = "what the operator of this custom resource then does was not judged"

// judgement is what comes out for one pair; change is nil if the manifests say
// the same, which is no answer to what is in the cluster: unchecked may still have
// something to say.
type judgement struct {
	change    *change.Change
	unchecked []string
	drift     []change.Drift
	// allotted are the addresses and ports of a Service after the upgrade.
	allotted []string
	// oneWay is why a rollback does not bring the object back as it is now, one clause;
	// "" if it does.
	oneWay string
	// relabelled says that nothing but labels of the object itself differs, and that it
	// was not decoded to find that out.
	relabelled bool
	// names are what the object names of others; nil if it stays as it is.
	names *names
	// sides are the pods of a workload, read while it was decoded; nil if it stays as it
	// is.
	sides *sides
	err   error
}

func (j *judge) pair(ctx context.Context, p diff.Pair) judgement {
	if c := j.relabelled(p); c != nil {
		return judgement{change: c, unchecked: j.unseen(p), relabelled: true}
	}
	c := change.Change{Ref: p.Ref(), Op: p.Op(), Old: p.Old, New: p.New, Hook: j.hook(p)}
	alike, err := contrast(p, &c)
	turn(c.Edits, j.rotating[p.New])
	switch {
	case err != nil:
		return judgement{err: err}
	case alike && j.settled(p.New):
		return judgement{unchecked: j.unseen(p)}
	case j.opts.Operation != change.Install && fromCRDs(p.Ref(), p.New, p.Old):
		return untouched(&c)
	case p.New == nil && c.Hook == nil && !j.leaves(&c):
		return judgement{drift: []change.Drift{{Ref: c.Ref, Fate: change.Survives}}}
	case c.Op == change.Recreate && !j.remade(c.Hook):
		c.Op = change.Delete
	}
	result, err := j.decide(ctx, p, &c)
	if err != nil {
		return judgement{err: err}
	}
	drift, err := drifted(&c, &result)
	switch {
	case err != nil:
		return judgement{err: err}
	case alike && j.unmoved(&c, &result):
		return judgement{drift: drift, unchecked: j.unsaid(p, &result)}
	}
	c.Edits = append(c.Edits, unedited(&c, &result, drift)...)
	judged := j.conclude(&c, &result)
	judged.drift = slices.Concat(drift, gone(&c, p))
	judged.oneWay = j.oneWay(p, &c, &result, len(drift) > 0)
	if isService(c.Ref) {
		judged.allotted = apiserver.Allotted(result.NewFields)
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
		return apiserver.Result{Outcome: change.Outcome{Upfront: true, Refused: []change.FieldError{apiserver.Unserved(c.Ref)}}}, nil
	}
	j.namespaces.barePod(c, &result)
	unchecked, err := j.try(ctx, p, c, &result)
	result.Unchecked = append(result.Unchecked, unchecked...)
	return result, err
}

// contrast writes into the change how the manifests differ, and reports whether they
// say the same of the object.
func contrast(p diff.Pair, c *change.Change) (alike bool, err error) {
	if p.Old == nil || p.New == nil {
		return false, nil
	}
	c.Edits, err = edits(p.Old, p.New)
	return err == nil && c.Op == change.Update && len(c.Edits) == 0 && p.Old.Ref.Version == p.New.Ref.Version, err
}

// unmoved reports whether the upgrade leaves an object as it is of which the manifests
// say the same. What was looked at for its definition only is not told as a change.
func (j *judge) unmoved(c *change.Change, result *apiserver.Result) bool {
	return c.Op == change.Update && len(result.Outcome.Refused) == 0 &&
		(lasts(c.New) || !result.Outcome.Changed || !j.looked(c.Ref) && !j.server.Builtin(c.Ref.Group, c.Ref.Kind))
}

// settled reports whether an object whose manifests say the same stays as it is, without
// a judgement.
func (j *judge) settled(o *manifest.Object) bool {
	return j.server.Serves(o.Ref) && !j.opts.Replace && j.silent(o.Ref) && !lasts(o)
}

// unsaid returns what could not be told of an object that the upgrade leaves as it is; of
// a hook that is made again, what could not be told of that.
func (j *judge) unsaid(p diff.Pair, result *apiserver.Result) []string {
	if lasts(p.New) {
		return result.Unchecked
	}
	return j.unseen(p)
}

// removal judges that an object goes, whatever the manifests say of it.
func (j *judge) removal(o *manifest.Object) judgement {
	value, known := j.found(o.Ref)
	if known && value == nil {
		return judgement{} // it is gone already
	}
	result, err := j.server.Stored(o, j.inVersion(o.Ref))
	if err != nil {
		return judgement{err: err}
	}
	c := change.Change{Ref: o.Ref, Op: change.Delete, Old: o}
	judged := j.conclude(&c, &result)
	judged.oneWay = j.oneWay(diff.Pair{Old: o}, &c, &result, false)
	return judged
}

// conclude writes into the change what follows from the API server's answer.
func (j *judge) conclude(c *change.Change, result *apiserver.Result) judgement {
	c.Outcome = result.Outcome
	c.Outcome.Fields = fields(c, result)
	if template, owner := j.rollout.PodTemplate(c.Ref.Group, c.Ref.Kind); owner {
		c.Outcome.PodSpec = fieldpath.Fields(append(template, "spec")...)
	}
	unchecked := slices.Concat(result.Unchecked, j.unread(c), j.pods(c, result))
	c.Outcome.Loss = j.loss(c)
	j.watchEdits(c)
	classify(c)
	return judgement{change: c, unchecked: unchecked}
}

// pods writes into the change what becomes of pods, and returns what could not be
// told.
func (j *judge) pods(c *change.Change, result *apiserver.Result) (unchecked []string) {
	facts := j.rollout
	facts.Running, facts.Live = j.running[c.Ref.Namespace], j.asked && j.inVersion(c.Ref) != nil
	pods, unchecked := rollout.Predict(result.Old, result.New, facts)
	if pods != nil && c.Op == change.Update && j.looked(c.Ref) && j.scaled[c.Ref.Identity()] {
		scaleBack(pods)
	}
	if pods != nil && c.Op == change.Update && result.New != nil {
		rollout.Crowd(result.New, pods, j.quotas[c.Ref.Namespace])
		rollout.Hold(result.Old, result.New, pods, j.claimed[c.Ref.Namespace], facts)
		labels, _ := facts.PodLabels(c.Ref.Group, c.Ref.Kind, result.NewFields)
		rollout.Budget(labels, pods, j.budgets[c.Ref.Namespace])
	}
	unchecked = append(unchecked, j.namespaces.letIn(c, result, pods)...)
	if pods != nil && j.orphaned(c) {
		c.Outcome.Orphans, pods, unchecked = true, nil, nil
	}
	switch {
	case pods != nil && len(c.Outcome.Refused) == 0 && c.Op != change.Keep:
		pods.Causes = causes(c.Outcome.Fields, rollout.Template(result.New, j.rollout))
		c.Outcome.Pods = pods
		return unchecked
	case result.Operated && !onlyLabels(c.Outcome.Fields):
		return []string{operatorUnknown}
	default:
		return nil
	}
}

// scaleBack corrects what is said of a workload that an upgrade takes pods from and
// an autoscaler gives them back.
func scaleBack(pods *change.Pods) {
	if pods.Before <= pods.Desired || pods.Desired < 1 {
		return
	}
	churned(pods, fmt.Sprintf("scaled from %d to %d, and back by the autoscaler", pods.Before, pods.Desired))
}

// leaves tells what Helm does with an object that leaves the release, and reports
// whether it is there at all. The resource policy that counts is the one in the
// cluster (update in helm.sh/helm/v3/pkg/kube), but for an uninstall.
func (j *judge) leaves(c *change.Change) (there bool) {
	value, known := j.found(c.Ref)
	if known && value != nil && j.opts.Operation != change.Uninstall {
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
func untouched(c *change.Change) judgement {
	if c.Op != change.Update || len(c.Edits) == 0 {
		return judgement{}
	}
	return judgement{change: c}
}

// onlyLabels reports whether the fields are all labels of the object itself.
func onlyLabels(stored []fieldpath.Path) bool {
	return len(stored) > 0 && !slices.ContainsFunc(stored, func(p fieldpath.Path) bool { return !p.Under("metadata", "labels") })
}

// relabelled judges an object in whose manifest nothing but its own labels
// differ, without decoding it; nil if it is not that simple.
func (j *judge) relabelled(p diff.Pair) *change.Change {
	if p.Old == nil || p.New == nil || p.Op() != change.Update || diff.IsHook(p.New) || diff.IsHook(p.Old) || j.opts.Replace || !j.silent(p.New.Ref) {
		return nil
	}
	oldLabels, newLabels, only := manifest.RelabelledOnly(p.Old, p.New)
	if !only {
		return nil
	}
	outcome, simple := j.server.Relabel(p.New.Ref, oldLabels, newLabels)
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
	j.watch(&c, oldLabels, newLabels)
	classify(&c)
	return &c
}

// rules are all there are. They are asked about every change, and made once.
var rules = sync.OnceValue(risk.Rules) //nolint:gochecknoglobals // a constant table

// classify asks the rules what they make of what is known of a change.
func classify(c *change.Change) { c.Findings = risk.Classify(c, rules()) }
