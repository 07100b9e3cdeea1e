package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Definition is a CustomResourceDefinition at hand.
type Definition struct {
	Object *manifest.Object
	// Caveat is said of every custom resource that is judged by it, one clause;
	// "" if it is certain that the definition is in force.
	Caveat string
	// Live says that it was read from the cluster: nobody knows whether the
	// installed release still fits it.
	Live bool
}

// Definitions are the CustomResourceDefinitions at hand. They are decoded only
// when a custom resource is to be judged by them.
type Definitions struct {
	before, after []*definition
	absent        []*definition   // those that neither the cluster has nor the upgrade applies
	touched       map[string]bool // groups of which not all definitions stay as the release left them
	cluster       map[string]bool // groups that may have kinds which live in no namespace

	mu    sync.Mutex
	pairs map[schema.GroupKind]definitionPair
}

// definitionPair are the definitions of one kind in the two moments that count:
// Helm looks up all kinds before it does anything, and applies definitions before
// custom resources. Either may be nil. absent is the definition of a kind that neither
// moment has.
type definitionPair struct{ before, after, absent *definition }

// NewDefinitions returns the definitions that are in the cluster before the
// upgrade, of which the first of each name counts, followed by those that the
// upgrade applies, and those that it would take and does not apply, since they are in the
// crds directory of the new chart. Objects of other kinds are left out.
func NewDefinitions(installed, applied, absent []Definition) *Definitions {
	d := &Definitions{pairs: map[schema.GroupKind]definitionPair{}, touched: map[string]bool{}, cluster: map[string]bool{}}
	known := map[string]*definition{}
	for _, i := range installed {
		name := i.Object.Ref.Name
		if isDefinition(i.Object) && known[name] == nil {
			known[name] = newDefinition(i)
			d.before = append(d.before, known[name])
			d.touched[groupOf(name)] = d.touched[groupOf(name)] || i.Live
		}
	}
	replaced := map[string]bool{}
	for _, a := range applied {
		name := a.Object.Ref.Name
		if !isDefinition(a.Object) || replaced[name] {
			continue
		}
		replaced[name] = true
		if old := known[name]; old != nil && old.Object.SameText(a.Object) {
			d.after = append(d.after, old)
		} else {
			d.after = append(d.after, newDefinition(a))
			d.touched[groupOf(name)] = true
		}
	}
	for _, b := range d.before {
		if !replaced[b.Object.Ref.Name] {
			d.after = append(d.after, b)
		}
	}
	for _, a := range absent {
		if name := a.Object.Ref.Name; isDefinition(a.Object) && known[name] == nil && !replaced[name] {
			d.absent = append(d.absent, newDefinition(a))
		}
	}
	for _, b := range slices.Concat(d.before, d.after, d.absent) {
		if b.Object.MayHold(string(apiextensionsv1.ClusterScoped)) {
			d.cluster[groupOf(b.Object.Ref.Name)] = true
		}
	}
	return d
}

func isDefinition(o *manifest.Object) bool {
	return o.Ref.Kind == "CustomResourceDefinition" && o.Ref.Group == apiExtensionsGroup && o.Ref.Version == "v1"
}

// groupOf returns the API group in the name of a definition, PLURAL.GROUP.
func groupOf(name string) string {
	_, group, _ := strings.Cut(name, ".")
	return group
}

// settled reports whether custom resources of a group that stay as they are need
// not be looked at: their definitions stay, too, or none is known.
func (d *Definitions) settled(group string) bool { return d == nil || !d.touched[group] }

// of returns the definitions of a kind. Nil Definitions have none.
func (d *Definitions) of(gk schema.GroupKind) definitionPair {
	if d == nil || len(d.before)+len(d.after)+len(d.absent) == 0 || gk.Group == "" {
		return definitionPair{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	pair, known := d.pairs[gk]
	if !known {
		pair = definitionPair{before: find(d.before, gk), after: find(d.after, gk)}
		if pair.before == nil && pair.after == nil {
			pair.absent = find(d.absent, gk)
		}
		d.pairs[gk] = pair
	}
	return pair
}

// Err returns why definitions of the cluster that were needed cannot be decoded.
// What is in manifests is decoded elsewhere, too. It must not be called before
// all objects have been judged.
func (d *Definitions) Err() error {
	var errs []error
	for _, b := range d.before {
		var syntax *manifest.SyntaxError
		if b.Live && errors.As(b.err, &syntax) {
			errs = append(errs, b.err)
		}
	}
	return errors.Join(errs...)
}

// find returns the definition of a kind, nil if there is none. Which group it is
// for its name says; what kind, its text most likely: the others are decoded only
// if it is not one of those.
func find(list []*definition, gk schema.GroupKind) *definition {
	var later []*definition
	for _, d := range list {
		switch {
		case groupOf(d.Object.Ref.Name) != gk.Group:
		case !strings.Contains(d.Object.Text(), " kind: "+gk.Kind+"\n"):
			later = append(later, d)
		case d.defines(gk):
			return d
		}
	}
	for _, d := range later {
		if d.Object.MayHold(gk.Kind) && d.defines(gk) {
			return d
		}
	}
	return nil
}

// definition is a CustomResourceDefinition, decoded on first use.
type definition struct {
	Definition

	// read decodes the definition on first use, and panics each time if that panics.
	read     func() (*apiextensionsv1.CustomResourceDefinition, error)
	err      error // of read
	mu       sync.Mutex
	versions map[string]*customVersion
}

func newDefinition(d Definition) *definition {
	made := &definition{Definition: d}
	made.read = sync.OnceValues(made.decode)
	return made
}

// decode decodes the definition and fills in its defaults, names included.
func (d *definition) decode() (crd *apiextensionsv1.CustomResourceDefinition, err error) {
	defer func() { d.err = err }()
	value, err := d.Object.Value()
	if err != nil {
		return nil, err
	}
	crd = &apiextensionsv1.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(withoutStatus(value), crd); err != nil {
		return nil, fmt.Errorf("read %s: %s", d.Object.Ref, decodeReason(err))
	}
	d.Object.Forget()
	legacyscheme.Scheme.Default(crd)
	return crd, nil
}

// withoutStatus returns an object without what says nothing about how the server
// treats custom resources.
func withoutStatus(value map[string]any) map[string]any {
	c := copyMap(value)
	delete(c, "status")
	return c
}

func (d *definition) defines(gk schema.GroupKind) bool {
	crd, err := d.read()
	return err == nil && crd.Spec.Group == gk.Group && crd.Spec.Names.Kind == gk.Kind
}

func (d *definition) serves(version string) bool {
	crd, err := d.read()
	if err != nil {
		return false
	}
	for i := range crd.Spec.Versions {
		if v := &crd.Spec.Versions[i]; v.Name == version {
			return v.Served
		}
	}
	return false
}

func (d *definition) namespaced() bool {
	crd, err := d.read()
	return err != nil || crd.Spec.Scope != apiextensionsv1.ClusterScoped
}

// version returns what the server knows of a version, made on first use. An error
// means that the definition itself is not valid.
func (d *definition) version(name string) (*customVersion, error) {
	crd, err := d.read()
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	v := d.versions[name]
	if v == nil {
		v = newCustomVersion(crd, name)
		if d.versions == nil {
			d.versions = map[string]*customVersion{}
		}
		d.versions[name] = v
	}
	d.mu.Unlock()
	return v, v.compiled()
}

// noMatch is what a client says of a kind that it does not find on the server.
func noMatch(gvk schema.GroupVersionKind) string {
	return fmt.Sprintf("no matches for kind %q in version %q", gvk.Kind, gvk.GroupVersion().String())
}

// namespaced reports whether a kind lives in a namespace, as far as it is known.
func (d *Definitions) namespaced(gk schema.GroupKind) bool {
	if d == nil || !d.cluster[gk.Group] {
		return true
	}
	pair := d.of(gk)
	for _, one := range []*definition{pair.before, pair.after, pair.absent} {
		if one != nil {
			return one.namespaced()
		}
	}
	return true
}
