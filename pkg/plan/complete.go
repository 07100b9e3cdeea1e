package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// none replaces the digest of Secret data in a part that has none.
const none = "none"

var (
	quickDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	slowDigest  = regexp.MustCompile(`^pbkdf2:[0-9a-f]{64}$`)
)

// complete returns which field a plan lacks, or has empty, although New always writes it.
// Two missing fields would otherwise compare as equal.
func (p *Plan) complete(text []byte) error { //nolint:cyclop // one check a field
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if err := present(reflect.TypeFor[Plan](), fields, ""); err != nil {
		return err
	}
	var manifest struct {
		Manifest map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return err
	}
	if err := present(reflect.TypeFor[Manifest](), manifest.Manifest, "manifest."); err != nil {
		return err
	}
	for _, f := range []struct {
		name, value string
		form        *regexp.Regexp
	}{
		{"release", p.Release, notEmpty}, {"namespace", p.Namespace, notEmpty}, {"installed", p.Installed, slowDigest},
		{"values", p.Values, slowDigest}, {"policy", p.Policy, quickDigest},
	} {
		if !f.form.MatchString(f.value) {
			return fmt.Errorf("its field %q is empty or cut", f.name)
		}
	}
	for _, part := range parts() {
		if digest := p.Manifest.Secrets[part]; digest != none && !slowDigest.MatchString(digest) {
			return fmt.Errorf("its field \"manifest.secrets\" lacks what is in the part %q", part)
		}
	}
	for i := range p.Manifest.Objects {
		if o := &p.Manifest.Objects[i]; o.Kind == "" || !quickDigest.MatchString(o.Digest) || !slices.Contains(parts(), o.Part) {
			return fmt.Errorf("object %d of its manifest has no kind, no digest or a part that is not known", i+1)
		}
	}
	r := &p.Set.Release
	if r.Name != p.Release || r.Namespace != p.Namespace || r.Revision != p.Revision || r.NewChart != p.Chart || r.NewRevision != p.Back {
		return fmt.Errorf("what was judged (%q) is not about the release that the plan names", "set")
	}
	return nil
}

var notEmpty = regexp.MustCompile(`.`)

func parts() []Part { return []Part{Templates, Hooks, CRDs} }

// present returns an error for a field that is missing or null, although encoding a value
// of the type always writes it.
func present(t reflect.Type, fields map[string]json.RawMessage, prefix string) error {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			if err := present(field.Type, fields, prefix); err != nil {
				return err
			}
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if strings.Contains(options, "omitempty") {
			continue
		}
		value, there := fields[name]
		if !there || string(value) == "null" && field.Type.Kind() != reflect.Slice {
			return fmt.Errorf("its field %q is missing", prefix+name)
		}
	}
	return nil
}
