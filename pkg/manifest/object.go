// Package manifest reads a YAML stream into the objects it holds, and loses
// none of them.
//
// YAML is read as Helm and kubectl read it (sigs.k8s.io/yaml: YAML 1.1, the
// last duplicate key wins, integers stay integers). What a document is called
// is found by looking at its lines; its value is decoded only when somebody
// asks for it, and then once.
package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Object is one Kubernetes object of a manifest. It is safe for concurrent use
// and never changes, except that its value is decoded on first use and can be
// forgotten again.
type Object struct {
	Ref Ref
	// GenerateName is metadata.generateName of an object without a name.
	GenerateName string
	// Source is the template that rendered the object, as Helm's "# Source:"
	// comment names it; "" if the manifest does not say.
	Source string
	// Position tells where the object stands.
	Position Position
	// Unread says that the object stands behind the end of a document ("...")
	// without a "---" of its own: YAML allows that, Helm and kubectl read nothing
	// there.
	Unread bool

	text      string
	scanned   bool // Ref was read off the lines of text
	annotated bool // there may be annotations
	mu        sync.Mutex
	decoded   map[string]any
	err       error
}

// Position is a place in the input, for error messages and reports.
type Position struct {
	File     string // as the user named it, or a description such as "release shop, revision 3"
	Document int    // counted from 1, empty documents included
	Line     int    // of the document's first line, counted from 1
}

// String returns the position as an error message begins: "old.yaml, document 3 (line 41)".
func (p Position) String() string {
	return fmt.Sprintf("%s, document %d (line %d)", p.File, p.Document, p.Line)
}

var parsed atomic.Int64 //nolint:gochecknoglobals // a counter of the process, for tests

// Parsed returns how many documents this process has decoded from YAML. It lets
// a test prove that unchanged documents are not decoded at all.
func Parsed() int64 { return parsed.Load() }

// Text returns the document as it was written, or "" for an item of a List.
func (o *Object) Text() string { return o.text }

// Value returns the object as Kubernetes clients see it: maps with string keys,
// slices, strings, booleans, int64, float64 and nil. The caller must not change
// it.
//
// The error names the place of the document and never holds any of its content.
func (o *Object) Value() (map[string]any, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.decoded == nil && o.err == nil && o.text != "" {
		parsed.Add(1)
		o.decoded, o.err = decodeMap(o.text, o.Position)
	}
	return o.decoded, o.err
}

// Forget drops the decoded value, which takes many times the room of the text.
// Whoever still needs it has it decoded once more.
func (o *Object) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text != "" {
		o.decoded = nil
	}
}

// SameText reports whether both objects were written with the same bytes.
func (o *Object) SameText(p *Object) bool { return o.text != "" && o.text == p.text }

// Annotation returns an annotation of the object, and whether it has it. It does
// not decode an object whose text does not hold the key.
func (o *Object) Annotation(key string) (string, bool) {
	if !o.annotated || o.text != "" && !strings.Contains(o.text, key) {
		return "", false
	}
	value, err := o.Value()
	if err != nil {
		return "", false
	}
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	s, ok := annotations[key].(string)
	return s, ok
}

// Hook annotations, as Helm defines them (helm.sh/helm/v3/pkg/release/hook.go).
const (
	HookAnnotation             = "helm.sh/hook"
	HookDeletePolicyAnnotation = "helm.sh/hook-delete-policy"
	ResourcePolicyAnnotation   = "helm.sh/resource-policy"
)

// Helm's marks of ownership (setMetadataVisitor and checkOwnership in
// helm.sh/helm/v3/pkg/action).
const (
	ManagedByLabel             = "app.kubernetes.io/managed-by"
	ReleaseNameAnnotation      = "meta.helm.sh/release-name"
	ReleaseNamespaceAnnotation = "meta.helm.sh/release-namespace"
)

// Keeps reports whether a resource policy is the one by which Helm leaves an object
// where it is.
func Keeps(policy string) bool { return strings.EqualFold(strings.TrimSpace(policy), "keep") }

// HookEvents returns the events at which Helm runs the object as a hook; nil for
// an object that is part of the release proper.
func (o *Object) HookEvents() []string { return o.list(HookAnnotation) }

// HookDeletePolicies returns when Helm deletes the hook object. Helm's default,
// before-hook-creation, is filled in.
func (o *Object) HookDeletePolicies() []string {
	if policies := o.list(HookDeletePolicyAnnotation); len(policies) > 0 {
		return policies
	}
	return []string{"before-hook-creation"}
}

func (o *Object) list(annotation string) []string {
	value, _ := o.Annotation(annotation)
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.ToLower(strings.TrimSpace(item)); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Kept reports whether Helm leaves the object in the cluster when it leaves the
// release (annotation helm.sh/resource-policy: keep, in any case and with blanks
// around it, as Helm's filterManifestsToKeep reads it).
func (o *Object) Kept() bool {
	policy, _ := o.Annotation(ResourcePolicyAnnotation)
	return Keeps(policy)
}

// Fields returns the keys of a map in order.
func Fields(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
