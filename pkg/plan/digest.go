package plan

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// rounds is how often a digest of something secret is hashed: the number that OWASP's
// Password Storage Cheat Sheet recommends for PBKDF2 with HMAC-SHA256.
const rounds = 600_000

const mask = manifest.Mask

// Part is where an object of a manifest comes from. It decides who gets to see the object.
type Part string

// The Parts.
const (
	Templates Part = ""
	Hooks     Part = "hook"
	CRDs      Part = "crd" // from the crds directory, which Helm installs by itself
)

// Manifest is a manifest as digests.
type Manifest struct {
	Objects []Object `json:"objects"`
	// Secrets is one digest of all Secret data for each part; "none" for a part without
	// Secrets.
	Secrets map[Part]string `json:"secrets"`
}

// Object is one object of a manifest.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Part       Part   `json:"part,omitempty"`
	// Digest is the digest of the object without its rotating fields and Secret data.
	Digest string `json:"digest"`
	// Rotates are the fields that are different in each rendering.
	Rotates []fieldpath.Path `json:"rotates,omitempty"`
}

func (o Object) compare(p Object) int {
	return cmp.Or(cmp.Compare(o.Kind, p.Kind), cmp.Compare(o.Namespace, p.Namespace), cmp.Compare(o.Name, p.Name),
		cmp.Compare(o.APIVersion, p.APIVersion), cmp.Compare(o.Part, p.Part))
}

// quick is the digest of text that anybody may read.
func quick(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// slow is the digest of text that may be secret. The same text has another digest in
// another release, and in the same release in another cluster.
func (p *Plan) slow(what, text string) string {
	salt := strings.Join([]string{"helm-safe-diff plan", what, p.Release, p.Namespace, p.Cluster}, "\x00")
	key, err := pbkdf2.Key(sha256.New, text, []byte(salt), rounds, sha256.Size)
	if err != nil { // a mode, such as FIPS, that forbids it
		return ""
	}
	return "pbkdf2:" + hex.EncodeToString(key)
}

// ManifestOf returns the digests of a manifest. Each byte of the manifest is in the digest
// of an object, in a comment or white space, or causes an error. The objects in crds come
// from the crds directories. The error names the place of a document that cannot be read,
// and quotes nothing of its content.
func (p *Plan) ManifestOf(text string, crds []*manifest.Object, rotating []change.Rotation) (Manifest, error) {
	objects, err := manifest.Parse(text, manifest.Options{File: "manifest"})
	if err != nil {
		return Manifest{}, err
	}
	apart := map[manifest.Ref]bool{}
	for _, o := range crds {
		apart[o.Ref] = true
	}
	turning := map[manifest.Identity][]fieldpath.Path{}
	for _, r := range rotating {
		turning[r.Ref.Identity()] = r.Paths
	}
	m := Manifest{Objects: make([]Object, 0, len(objects))}
	secrets := map[Part][]string{}
	for _, o := range objects {
		value, err := o.Value()
		if err != nil {
			return Manifest{}, err
		}
		entry := Object{APIVersion: o.Ref.APIVersion(), Kind: o.Ref.Kind, Namespace: o.Ref.Namespace, Name: o.Ref.Name + o.GenerateName}
		entry.Rotates = p.turning(turning, o.Ref.Identity())
		switch {
		case len(o.HookEvents()) > 0:
			entry.Part = Hooks
		case apart[o.Ref]:
			entry.Part = CRDs
		}
		value = unannotated(value)
		for _, path := range entry.Rotates {
			value = masked(value, path).(map[string]any)
		}
		whole, err := json.Marshal(value)
		if err != nil {
			return Manifest{}, err
		}
		public, err := json.Marshal(manifest.WithoutSecrets(value, o.Ref))
		if err != nil {
			return Manifest{}, err
		}
		if string(public) != string(whole) {
			secrets[entry.Part] = append(secrets[entry.Part], string(whole))
		}
		entry.Digest = quick(public)
		m.Objects = append(m.Objects, entry)
		o.Forget()
	}
	slices.SortStableFunc(m.Objects, Object.compare) // the last copy of an object counts, so keep their order
	m.Secrets = map[Part]string{Templates: none, Hooks: none, CRDs: none}
	for part, list := range secrets {
		slices.Sort(list)
		m.Secrets[part] = p.slow("secrets "+string(part), strings.Join(list, "\x00"))
	}
	return m, nil
}

// turning returns the rotating fields of an object, whose manifest may leave out its
// namespace.
func (p *Plan) turning(paths map[manifest.Identity][]fieldpath.Path, id manifest.Identity) []fieldpath.Path {
	id.Namespace = cmp.Or(id.Namespace, p.Namespace)
	if found, is := paths[id]; is {
		return found
	}
	id.Namespace = ""
	return paths[id]
}

// unannotated returns the value without an empty map of annotations. A post-renderer of
// Helm 4 may leave such a map after its own annotation.
func unannotated(value map[string]any) map[string]any {
	metadata, is := value["metadata"].(map[string]any)
	if !is {
		return value
	}
	annotations, there := metadata["annotations"]
	if some, is := annotations.(map[string]any); !there || is && len(some) > 0 || !is && annotations != nil {
		return value
	}
	value, metadata = maps.Clone(value), maps.Clone(metadata)
	delete(metadata, "annotations")
	value["metadata"] = metadata
	return value
}

// masked returns a copy of the value with a mask at the path. It returns the value
// unchanged if the path does not exist in it.
func masked(value any, path fieldpath.Path) any {
	if len(path) == 0 {
		return mask
	}
	step := path[0]
	switch v := value.(type) {
	case map[string]any:
		if inner, is := v[step.Field]; is && step.Field != "" {
			v = maps.Clone(v)
			v[step.Field] = masked(inner, path[1:])
			return v
		}
	case []any:
		if step.Field != "" && len(step.Keys) == 0 {
			return value
		}
		copied := slices.Clone(v)
		for i, item := range v {
			if named(item, i, step) {
				copied[i] = masked(item, path[1:])
			}
		}
		return copied
	}
	return value
}

// named reports whether a step of a path leads to the i-th item of a list.
func named(item any, i int, step fieldpath.Element) bool {
	if len(step.Keys) == 0 {
		return i == step.Index
	}
	fields, is := item.(map[string]any)
	for _, key := range step.Keys {
		has, there := fields[key.Name]
		is = is && there && change.ValueOf(has).Text() == key.Value
	}
	return is
}
