package safediff

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// judge takes one object at a time through the stages.
type judge struct {
	server *apiserver.Server
	opts   Options
	// rollout is what the prediction of pods needs to know.
	rollout rollout.Facts
}

const operatorUnknown = "what the operator of this custom resource then does was not judged"

// judgement is what comes out for one pair; change is nil if the manifests say
// the same.
type judgement struct {
	change    *change.Change
	unchecked []string
	err       error
}

func (j *judge) pair(p diff.Pair) judgement {
	if c := j.relabelled(p); c != nil {
		return judgement{change: c}
	}
	c := change.Change{Ref: p.Ref(), Op: p.Op(), Old: p.Old, New: p.New}
	if p.Old != nil && p.New != nil {
		edits, err := edits(p.Old, p.New)
		if err != nil {
			return judgement{err: err}
		}
		c.Edits = edits
		if same(p, &c) && j.server.Serves(p.New.Ref) && !j.opts.Replace {
			return judgement{}
		}
	}
	if j.opts.Operation != change.Install && fromCRDs(p.Ref(), p.New, p.Old) {
		return untouched(&c)
	}
	c.Hook = j.hook(p)
	if c.Op == change.Recreate && !j.remade(c.Hook) {
		c.Op = change.Delete
	}
	result, err := j.outcome(p, &c)
	if err != nil {
		return judgement{err: err}
	}
	if same(p, &c) && len(result.Outcome.Refused) == 0 && (!result.Outcome.Changed || !j.server.Builtin(c.Ref.Group, c.Ref.Kind)) {
		return judgement{} // looked at for its definition only, or replaced by itself
	}
	return j.conclude(&c, &result)
}

// removal judges that an object goes, whatever the manifests say of it.
func (j *judge) removal(o *manifest.Object) judgement {
	result, err := j.server.Stored(o)
	if err != nil {
		return judgement{err: err}
	}
	return j.conclude(&change.Change{Ref: o.Ref, Op: change.Delete, Old: o}, &result)
}

// conclude writes into the change what follows from the API server's answer.
func (j *judge) conclude(c *change.Change, result *apiserver.Result) judgement {
	c.Outcome = result.Outcome
	c.Outcome.Fields = fields(c, result)
	unchecked := slices.Concat(result.Unchecked, j.pods(c, result))
	classify(c)
	return judgement{change: c, unchecked: unchecked}
}

// pods writes into the change what becomes of pods, and returns what could not be
// told.
func (j *judge) pods(c *change.Change, result *apiserver.Result) (unchecked []string) {
	pods, unchecked := rollout.Predict(result.Old, result.New, j.rollout)
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

// same reports whether both manifests say the same of the object.
func same(p diff.Pair, c *change.Change) bool {
	return p.Old != nil && p.New != nil && c.Op == change.Update && len(c.Edits) == 0 && p.Old.Ref.Version == p.New.Ref.Version
}

// onlyLabels reports whether the fields are all labels of the object itself.
func onlyLabels(stored []fieldpath.Path) bool {
	return len(stored) > 0 && !slices.ContainsFunc(stored, func(p fieldpath.Path) bool { return !p.Under("metadata", "labels") })
}

// relabelled judges an object in whose manifest nothing but its own labels
// differ, without decoding it; nil if it is not that simple.
func (j *judge) relabelled(p diff.Pair) *change.Change {
	if p.Old == nil || p.New == nil || p.Op() != change.Update || diff.IsHook(p.New) || diff.IsHook(p.Old) || j.opts.Replace {
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
	classify(&c)
	return &c
}

// classify asks the rules, and then the filters, what they make of what is known
// of a change.
func classify(c *change.Change) {
	c.Findings = risk.Classify(c, risk.Rules())
	for i := range c.Edits {
		c.Edits[i].Noise = ""
	}
	noise.Mark(c, noise.Filters())
}

func anyMap(texts map[string]string) map[string]any {
	m := make(map[string]any, len(texts))
	for k, v := range texts {
		m[k] = v
	}
	return m
}

// outcome asks the API server about what Helm will do with the object.
func (j *judge) outcome(p diff.Pair, c *change.Change) (apiserver.Result, error) {
	switch {
	case c.Op == change.Keep:
		return apiserver.Result{}, nil
	case c.Op == change.Delete, c.Op == change.Recreate:
		return j.server.Stored(p.Old)
	case diff.IsHook(p.New):
		if !c.Hook.Runs {
			return apiserver.Result{}, nil
		}
		result, err := j.create(p.New)
		// A hook is deleted before it is made anew; that its pods go is what
		// hooks are for.
		result.New = nil
		return result, err
	case p.New.Ref.Name == "":
		return nameless(), nil
	case p.Old == nil:
		return j.create(p.New)
	case diff.IsHook(p.Old):
		c.Op = change.Create
		return j.adopt(p)
	default:
		return j.update(p)
	}
}

// update asks the API server about an update, and if it refuses that, whether it
// would refuse the new object also if there were none before.
func (j *judge) update(p diff.Pair) (apiserver.Result, error) {
	result, err := j.server.Update(p.Old, p.New)
	if err != nil || len(result.Outcome.Refused) == 0 {
		return result, err
	}
	alone, err := j.server.Create(p.New)
	for i := range result.Outcome.Refused {
		e := &result.Outcome.Refused[i]
		e.Itself = slices.ContainsFunc(alone.Outcome.Refused, func(other change.FieldError) bool { return other.Field == e.Field })
	}
	return result, err
}

// create asks the API server about a new object.
func (j *judge) create(o *manifest.Object) (apiserver.Result, error) {
	result, err := j.server.Create(o)
	for i := range result.Outcome.Refused {
		result.Outcome.Refused[i].Itself = true
	}
	return result, err
}

// nameless is what becomes of an object of the release whose name the API server
// is to generate: when Helm comes to it, it looks for it in the cluster and cannot.
// Only hooks are made without being looked for.
func nameless() apiserver.Result {
	return apiserver.Result{Outcome: change.Outcome{Refused: []change.FieldError{{
		Field: "metadata.name", Type: "Required", Message: "resource name may not be empty",
	}}}}
}

// adopt judges an object that was a hook and is to become part of the release.
// Helm refuses to take over an object that does not carry its marks, which hooks
// do not (existingResourceConflict in helm.sh/helm/v3/pkg/action). A rollback does
// not look (performRollback there).
func (j *judge) adopt(p diff.Pair) (apiserver.Result, error) {
	result, err := j.create(p.New)
	if err != nil || !j.ran(p.Old) {
		return result, err
	}
	if j.opts.TakeOwnership || j.opts.Operation == change.Rollback {
		return j.update(p)
	}
	if slices.Contains(p.Old.HookDeletePolicies(), "hook-succeeded") {
		result.Unchecked = append(result.Unchecked,
			"the object was a hook that deletes itself; if it is still there, Helm refuses to take it over")
		return result, nil
	}
	result.Outcome = change.Outcome{Upfront: true, Refused: []change.FieldError{{
		Type:    "Conflict",
		Message: "exists and cannot be imported into the current release: invalid ownership metadata",
	}}}
	return result, nil
}

// ran reports whether a hook of the installed release has run. Hooks of an upgrade
// have not if the release was only installed so far; where that is not known, they
// have.
func (j *judge) ran(o *manifest.Object) bool {
	events := o.HookEvents()
	installed := slices.Contains(events, "pre-install") || slices.Contains(events, "post-install")
	upgraded := slices.Contains(events, "pre-upgrade") || slices.Contains(events, "post-upgrade")
	return installed || upgraded && (j.opts.Release.Revision != 1 || j.opts.Failed > 1)
}

// hook describes the object as a hook of the new side, or of the old side if it
// is gone there; nil if it is none.
func (j *judge) hook(p diff.Pair) *change.Hook {
	o := p.New
	if o == nil {
		o = p.Old
	}
	events := o.HookEvents()
	if len(events) == 0 {
		return nil
	}
	runs := p.New != nil &&
		slices.ContainsFunc(j.events(), func(event string) bool { return slices.Contains(events, event) })
	return &change.Hook{Events: events, Runs: runs}
}

// remade reports whether an object that becomes a hook is there after the upgrade.
// Helm deletes what left the release after it has run the hooks before the
// upgrade, and with it what these have made.
func (j *judge) remade(hook *change.Hook) bool {
	running := j.events()
	return hook.Runs && slices.Contains(hook.Events, running[len(running)-1])
}

// events are the hook events of this operation, the one before it first.
func (j *judge) events() []string {
	switch {
	case j.opts.NoHooks:
		return nil
	case j.opts.Operation == change.Install:
		return []string{"pre-install", "post-install"}
	case j.opts.Operation == change.Rollback:
		return []string{"pre-rollback", "post-rollback"}
	case j.opts.Operation == change.Uninstall:
		return []string{"pre-delete", "post-delete"}
	default:
		return []string{"pre-upgrade", "post-upgrade"}
	}
}

// fields lists the fields of the stored object that change; nil if they cannot
// be told in terms of the manifest.
func fields(c *change.Change, result *apiserver.Result) []fieldpath.Path {
	if c.Op != change.Update || !result.Aligned || !result.Outcome.Changed {
		return nil
	}
	edits := diff.Values(result.OldFields, result.NewFields)
	paths := make([]fieldpath.Path, len(edits))
	for i := range edits {
		paths[i] = edits[i].Path
	}
	return paths
}

// causes are the stored fields that make a controller replace pods: the pod
// template, or, if that stays, whatever else changed under spec. A custom resource
// may keep its template elsewhere.
func causes(stored []fieldpath.Path, custom []string) []fieldpath.Path {
	var template, spec []fieldpath.Path
	for _, path := range stored {
		switch {
		case path.Under("spec", "template", "spec", "serviceAccount"):
			// The deprecated twin of serviceAccountName always moves with it.
		case path.Under("spec", "template"), path.Under("spec", "jobTemplate"), len(custom) > 0 && path.Under(custom...):
			template = append(template, path)
		case path.Under("spec"):
			spec = append(spec, path)
		}
	}
	if len(template) > 0 {
		return template
	}
	return spec
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// edits lists how the manifests differ. What a Secret holds, and the copy of it
// that kubectl keeps in an annotation, is marked as secret.
func edits(old, updated *manifest.Object) ([]change.Edit, error) {
	oldValue, err := old.Value()
	if err != nil {
		return nil, err
	}
	newValue, err := updated.Value()
	if err != nil {
		return nil, err
	}
	isSecret := updated.Ref.Kind == "Secret" && updated.Ref.Group == ""
	list := diff.Values(unfold(oldValue, isSecret), unfold(newValue, isSecret))
	for i := range list {
		e := &list[i]
		if isSecret && !public(e.Path) || e.Path.Under("metadata", "annotations", lastApplied) {
			e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
		}
	}
	return list, nil
}

// public reports whether a field of a Secret is no secret. Whatever is not known to be
// harmless is secret, a misspelt field too.
func public(path fieldpath.Path) bool {
	return path.Under("apiVersion") || path.Under("kind") || path.Under("type") || path.Under("immutable") || path.Under("metadata")
}

// unfold gives an object the maps whose entries are to be compared one by one
// even if one side lacks the whole map: labels, annotations, the keys of a Secret.
func unfold(value map[string]any, isSecret bool) map[string]any {
	unfolded := withMaps(value, "metadata")
	metadata, _ := unfolded["metadata"].(map[string]any)
	unfolded["metadata"] = withMaps(metadata, "labels", "annotations")
	if isSecret {
		unfolded = withMaps(unfolded, "data", "stringData")
	}
	return unfolded
}

// withMaps returns a copy of m in which the named fields are maps, empty ones
// where m has nothing.
func withMaps(m map[string]any, names ...string) map[string]any {
	c := make(map[string]any, len(m)+len(names))
	for k, v := range m {
		c[k] = v
	}
	for _, name := range names {
		if c[name] == nil {
			c[name] = map[string]any{}
		}
	}
	return c
}
