package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Digest names this very finding about this very change: rule, class, object, what
// Helm does with it, the edits that are shown, and what comes of it; for an object that
// is on one side only, the object; for a finding about a whole Set, what is behind it.
// Whatever of that becomes another thing gives another digest.
//
// No secret goes into it: a digest is in files that are committed, and a short
// secret can be found out from its digest. Of a secret counts where it is, and whether
// it comes, goes or changes.
func (c *Change) Digest(f *Finding) string {
	h := sha256.New()
	put(h, f.Rule, f.Risk, c.Op, c.Ref.Group, c.Ref.Kind, c.Ref.Namespace, c.Ref.Name)
	for i := range c.Edits {
		if e := &c.Edits[i]; e.Noise == "" {
			old, updated := e.Old, e.New
			if e.Rotates { // its next value is another one, and no other change
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

// put adds values, each with its length, so that no two lists add the same.
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

// public returns what of a value is no secret, also if the value is revealed.
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

// content returns an object that stands on one side only; of a Secret the names of what
// it holds.
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
