package change

import (
	"encoding/json"
	"strconv"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Mask replaces a value that reports must not show.
const Mask = manifest.Mask

// Value is what a manifest says for a field. The zero Value is a missing field.
type Value struct {
	raw      any
	present  bool
	secret   bool
	revealed bool
}

// ValueOf returns the Value of a field that is there.
func ValueOf(raw any) Value { return Value{raw: raw, present: true} }

// AsSecret returns v as a value that only Revealed shows.
func (v Value) AsSecret() Value {
	v.secret = v.present
	return v
}

// Present reports whether the field is there at all.
func (v Value) Present() bool { return v.present }

// Secret reports whether the value must be hidden.
func (v Value) Secret() bool { return v.secret }

// Shown returns the value as it may be shown: nil if it is missing, Mask for a secret that
// is not revealed.
func (v Value) Shown() any {
	switch {
	case !v.present:
		return nil
	case v.secret && !v.revealed:
		return Mask
	default:
		return v.raw
	}
}

// Text returns the shown value on one line: text as it is, anything else as JSON, "" for a
// missing field.
func (v Value) Text() string { return text(v.Shown()) }

func text(shown any) string {
	switch s := shown.(type) {
	case nil:
		return "null"
	case string:
		return s
	case bool:
		return strconv.FormatBool(s)
	case int64:
		return strconv.FormatInt(s, 10)
	default:
		encoded, err := json.Marshal(shown)
		if err != nil {
			return "?"
		}
		return string(encoded)
	}
}

// Revealed returns v as a value that is shown as it is.
func (v Value) Revealed() Value {
	v.revealed = true
	return v
}
