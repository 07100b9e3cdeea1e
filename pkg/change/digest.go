package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Digest identifies exactly this finding about exactly this change: the rule, the class,
// the object, what Helm does with it, the edits that are shown, and the outcome. For an
// object that is on one side only, it includes the object. For a finding about a whole Set,
// it includes what the finding comes from. If any of these changes, the digest changes.
//
// No secret goes into the digest: a digest is in files that are committed, and a short
// secret could be guessed from it. For a secret, the digest includes its path, and whether
// it is added, removed or changed.
func (c *Change) Digest(f *Finding) string {
	h := sha256.New()
	put(h, f.Rule, f.Risk, c.Op, c.Ref.Group, c.Ref.Kind, c.Ref.Namespace, c.Ref.Name)
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Noise == "" {
			old, updated := e.Old, e.New
			if e.Rotates { // its next value is different, but that is not another change
				old, updated = old.AsSecret(), updated.AsSecret()
			}
			put(h, "edit", e.Path.String(), old.public(), updated.public(), e.Reordered, e.Rotates)
		}
	}
	if c.Op != Update && c.Op != Publish && c.Op != Amend && c.Op != Configure {
		put(h, "old", content(c.Old), "new", content(c.New))
	}
	if f.Behind != nil {
		put(h, "behind", f.Message, f.Behind)
	}
	o := &c.Outcome
	put(h, "outcome", o.Changed, o.Upfront, o.Orphans, o.Ignored, o.Loss)
	for _, e := range o.Refused {
		put(h, "refused", e.Field, e.Type)
	}
	if p := o.Pods; p != nil {
		put(h, "pods", p.Replaced, p.AllDown, p.Before, p.Desired, p.Affected, p.Fewest, p.Stuck, p.Refused)
	}
	if o.Pods != nil && o.Pods.Volume != "" {
		put(h, "volume", o.Pods.Volume)
	}
	put(h, "evidence", f.Evidence)
	return "sha256:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// put adds values, each with its length, so that two different lists never add the same
// bytes.
func put(h hash.Hash, values ...any) {
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte("null")
		}
		h.Write([]byte(strconv.Itoa(len(text)) + ":"))
		h.Write(text)
	}
}

// public returns the part of a value that is not secret, even if the value is revealed.
func (v Value) public() any {
	switch {
	case !v.present:
		return nil
	case v.secret:
		return []string{Mask}
	default:
		return []any{v.raw}
	}
}

// content returns an object that is on one side only. For a Secret, it returns only the
// names of its data.
func content(o *manifest.Object) any {
	if o == nil {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	return manifest.WithoutSecrets(value, o.Ref)
}
