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

	text      string
	scanned   bool   // Ref was read off the lines of text
	metadata  string // the lines of metadata, if scanned
	annotated bool   // there may be annotations
	// outer are the annotations by which Helm tells whether the object is a hook, where
	// they are not its own: those of a list for its items. Nil means its own.
	outer   map[string]string
	mu      sync.Mutex
	decoded map[string]any
	err     error
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

var parsed, scans atomic.Int64 //nolint:gochecknoglobals // counters of the process, for tests

// Parsed returns how many documents this process has decoded from YAML. It lets
// a test prove that unchanged documents are not decoded at all.
func Parsed() int64 { return parsed.Load() }

// Scanned returns of how many documents this process has gone over the lines to find out
// what they are called. It lets a test prove that what stands on both sides is read once.
func Scanned() int64 { return scans.Load() }

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

// Literal reports whether each word of the object is in its text letter by letter. YAML
// can write words in other ways, but not without a backslash, a tag, an anchor or an
// alias. An object without a text of its own is not literal.
func (o *Object) Literal() bool { return o.text != "" && literal(o.text) }

func literal(text string) bool {
	for _, mark := range []byte{'\\', '!', '&', '*'} {
		if strings.IndexByte(text, mark) >= 0 {
			return false
		}
	}
	return true
}

// MayHold reports whether a word can be in a key or a value of the object. It looks at
// the text only: false is certain, true is not.
func (o *Object) MayHold(word string) bool { return o.text == "" || mayHold(o.text, word) }

func mayHold(text, word string) bool { return strings.Contains(text, word) || !literal(text) }

// Annotation returns an annotation of the object, and whether it has it; null is "", to
// Helm and the API server. It does
// not decode an object whose text cannot hold the key. The annotations that make a hook
// are those that Helm reads, which for an item of a list are the list's.
func (o *Object) Annotation(key string) (string, bool) {
	if o.outer != nil && strings.HasPrefix(key, HookAnnotation) {
		value, is := o.outer[key]
		return value, is
	}
	if !o.annotated || o.scanned && !mayHold(o.metadata, key) || !o.scanned && !o.MayHold(key) {
		return "", false
	}
	value, err := o.Value()
	if err != nil {
		return "", false
	}
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, is := annotations[key]
	s, ok := text.(string)
	return s, ok || is && text == nil
}

// hookAnnotations returns the annotations by which Helm tells whether the document is a
// hook; never nil.
func (o *Object) hookAnnotations(value map[string]any) map[string]string {
	if o.outer != nil {
		return o.outer
	}
	return annotationsOf(value)
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

// Keeps reports whether a resource policy is the one by which an upgrade or a rollback
// leaves an object where it is. It is read to the letter (Client.update in
// helm.sh/helm/v3/pkg/kube; Helm 4 has the same).
func Keeps(policy string) bool { return policy == "keep" }

// HookEvents returns the events at which Helm runs the object as a hook; nil for an
// object that is part of the release proper. Of an object that Helm leaves out, these are
// the words that are none of its events.
func (o *Object) HookEvents() []string {
	words, _ := o.list(HookAnnotation)
	if unknown := unknownEvents(words); len(unknown) > 0 {
		return unknown
	}
	return words
}

// UnknownEvents returns the words in the annotation of a hook that are none of Helm's
// events. Because of one of them Helm leaves out the object as a whole, whatever other
// events it names (manifestFile.sort in helm.sh/helm/v3/pkg/releaseutil).
func (o *Object) UnknownEvents() []string {
	words, _ := o.list(HookAnnotation)
	return unknownEvents(words)
}

func unknownEvents(words []string) []string {
	var unknown []string
	for _, word := range words {
		switch word {
		case "pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback", "pre-delete", "post-delete", "test", "test-success":
		default:
			unknown = append(unknown, word)
		}
	}
	return unknown
}

// IsTest reports whether the object is a hook that only `helm test` runs.
func (o *Object) IsTest() bool {
	words, hook := o.list(HookAnnotation)
	return hook && !slices.ContainsFunc(words, func(word string) bool { return word != "test" && word != "test-success" })
}

// HookDeletePolicies returns when Helm deletes the hook object. Helm's default,
// before-hook-creation, is filled in where the annotation is missing, and only there.
func (o *Object) HookDeletePolicies() []string {
	if policies, set := o.list(HookDeletePolicyAnnotation); set {
		return policies
	}
	return []string{"before-hook-creation"}
}

// list returns the words of an annotation as Helm reads them, empty ones too, and whether
// the object has it.
func (o *Object) list(annotation string) (words []string, set bool) {
	value, set := o.Annotation(annotation)
	if !set {
		return nil, false
	}
	for word := range strings.SplitSeq(value, ",") {
		words = append(words, strings.ToLower(strings.TrimSpace(word)))
	}
	return words, true
}

// Kept reports whether an upgrade leaves the object in the cluster when it leaves the
// release (annotation helm.sh/resource-policy: keep).
func (o *Object) Kept() bool {
	policy, _ := o.Annotation(ResourcePolicyAnnotation)
	return Keeps(policy)
}

// Outlives reports whether an uninstall leaves the object in the cluster. It does so with
// each object that has a resource policy, and tells it of those of which the policy is
// keep, in any case and with blanks around it (filterManifestsToKeep in
// helm.sh/helm/v3/pkg/action; Helm 4 has the same). Of an item of a list it reads the
// annotations of the list.
func (o *Object) Outlives() (stays, told bool) {
	policy, set := o.outer[ResourcePolicyAnnotation]
	if o.outer == nil {
		policy, set = o.Annotation(ResourcePolicyAnnotation)
	}
	return set, strings.EqualFold(strings.TrimSpace(policy), "keep")
}

// Fields returns the keys of a map in order.
func Fields(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
