package policy

import (
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// vars returns the variables of conditions for a change. Objects are read only if a
// condition uses them. No variable contains a secret.
func (r *Run) vars(c *change.Change) map[string]any {
	if r.asked != c {
		r.asked, r.objects = c, map[*manifest.Object]ref.Val{}
	}
	edits, rules := make([]any, len(c.Edits)), make([]any, len(c.Findings))
	for i := range c.Edits {
		edits[i] = editVar(&c.Edits[i])
	}
	for i := range c.Findings {
		rules[i] = c.Findings[i].Rule
	}
	about := map[string]any{
		"kind": c.Ref.Kind, "group": c.Ref.Group, "version": c.Ref.Version, "namespace": c.Ref.Namespace, "name": c.Ref.Name,
		"op": string(c.Op), "refused": len(c.Outcome.Refused) > 0, "hook": c.Hook != nil, "edits": edits, "rules": rules,
	}
	if p := c.Outcome.Pods; p != nil {
		about["pods"] = map[string]any{"replaced": p.Replaced, "allDown": p.AllDown, "before": p.Before, "desired": p.Desired}
	}
	return map[string]any{
		varChange: about, varRelease: r.release,
		varNew: func() ref.Val { return r.objectVar(c.New) },
		varOld: func() ref.Val { return r.objectVar(c.Old) },
	}
}

// editVar returns the variables of conditions for an edit. A missing value is a missing
// field.
func editVar(e *change.Edit) map[string]any {
	v := map[string]any{"path": e.Path.String(), "secret": e.Old.Secret() || e.New.Secret()}
	if e.Old.Present() {
		v["old"] = masked(e.Old)
	}
	if e.New.Present() {
		v["new"] = masked(e.New)
	}
	return v
}

func masked(v change.Value) any {
	if v.Secret() {
		return change.Mask
	}
	return v.Shown()
}

// objectVar returns an object as conditions see it: with the defaults of the API server, null
// if there is none, and with a mask in place of what a Secret holds.
func (r *Run) objectVar(o *manifest.Object) ref.Val {
	if o == nil {
		return types.NullValue
	}
	if seen := r.objects[o]; seen != nil {
		return seen
	}
	value, err := o.Value()
	if err != nil {
		return types.NewErr("the object cannot be read")
	}
	if r.defaults != nil && !manifest.IsSecret(o.Ref.Kind) { // it is stored with stringData under data, and has no defaults that matter
		if stored := r.defaults(o); stored != nil {
			value = stored
		}
	}
	r.objects[o] = types.DefaultTypeAdapter.NativeToValue(manifest.WithoutSecrets(value, o.Ref))
	return r.objects[o]
}
