package safediff

import (
	"cmp"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/edits"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Traces look for the edits of a Set in other renderings of its release, which tells what the
// edits are due to (pkg/valuelens).
type Traces struct {
	server    *apiserver.Server
	namespace string
	list      []trace
}

// trace is an edit of an object, or the whole object if it is on one side only.
type trace struct {
	change *change.Change
	edit   *change.Edit // nil for the whole
}

// NewTraces returns the traces of all that differs in a Set, which was judged with these options.
func NewTraces(set *change.Set, opts Options) (*Traces, error) {
	server, err := apiserver.New(opts.KubeVersion)
	if err != nil {
		return nil, err
	}
	t := &Traces{server: server, namespace: opts.Namespace}
	for i := range set.Changes {
		c := &set.Changes[i]
		switch {
		case c.Op == change.Publish || c.Op == change.Amend || c.Op == change.Configure || c.Op == change.Leave || c.Ref.Name == "":
			continue // nothing of it is rendered, or it has no name to find it by
		case c.Old == nil || c.New == nil:
			t.list = append(t.list, trace{change: c})
		}
		for j := range c.Edits {
			t.list = append(t.list, trace{c, &c.Edits[j]})
		}
	}
	return t, nil
}

// States returns, in a manifest, what has become of each trace, in a text: equal texts stand for
// the same. They hold secrets and are for nothing but to be compared.
func (t *Traces) States(text string) ([]string, error) {
	objects, err := manifest.Parse(text, manifest.Options{File: "rendering", Namespace: t.namespace, Namespaced: t.server.Namespaced})
	if err != nil {
		return nil, err
	}
	found := map[manifest.Identity]*manifest.Object{}
	for _, o := range objects {
		found[o.Ref.Identity()] = o
	}
	states := make([]string, len(t.list))
	var of *change.Change
	var edits []change.Edit
	for i, tr := range t.list {
		o := t.find(found, tr.change.Ref)
		switch {
		case tr.edit == nil && o != nil:
			states[i] = "there"
		case tr.edit == nil:
		case o == nil:
			states[i] = "gone"
		default:
			if of != tr.change {
				if edits, err = raw(tr.change.Old, o); err != nil {
					return nil, err
				}
				of = tr.change
			}
			states[i] = stateOf(tr.edit, edits)
		}
	}
	return states, nil
}

// find returns the object of a rendering that a Set names. Of a custom resource a Set may know
// that it is in no namespace.
func (t *Traces) find(objects map[manifest.Identity]*manifest.Object, ref manifest.Ref) *manifest.Object {
	id := ref.Identity()
	if o := objects[id]; o != nil || id.Namespace != "" {
		return o
	}
	id.Namespace = t.namespace
	return objects[id]
}

// raw lists how an object of a rendering differs from the old one, with all secrets.
func raw(old, o *manifest.Object) ([]change.Edit, error) {
	defer old.Forget()
	before, err := old.Value()
	if err != nil {
		return nil, err
	}
	after, err := o.Value()
	if err != nil {
		return nil, err
	}
	isSecret := manifest.IsSecret(o.Ref.Kind)
	return diff.Values(edits.Unfold(before, isSecret), edits.Unfold(after, isSecret)), nil
}

// stateOf writes down those of an object's edits that are about the same field as one of a Set;
// "" if there is none. The order of a list says nothing of its items.
func stateOf(e *change.Edit, edits []change.Edit) string {
	var b strings.Builder
	for i := range edits {
		other := &edits[i]
		if !other.Path.Overlaps(e.Path) || other.Reordered && other.Path.String() != e.Path.String() {
			continue
		}
		b.WriteString(cmp.Or(other.Path.String(), ".") + "\x00")
		if other.New.Present() {
			b.WriteString(other.New.Text())
		}
		b.WriteString("\x00\n")
	}
	return b.String()
}

// Len returns how many there are.
func (t *Traces) Len() int { return len(t.list) }

// Attach says of each trace what it is due to.
func (t *Traces) Attach(because []change.Because) {
	for i, tr := range t.list {
		b := because[i]
		if tr.edit == nil {
			tr.change.Because = &b
		} else {
			tr.edit.Because = &b
		}
	}
}
