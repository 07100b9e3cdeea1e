package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// storedValue is a Value as it is stored.
type storedValue struct {
	Value  any  `json:"value"`
	Secret bool `json:"secret,omitempty"`
}

// MarshalJSON writes the value for storing a Set. For a secret, it writes only that there
// is one, even if the value is revealed.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case !v.present:
		return []byte("null"), nil
	case v.secret:
		return json.Marshal(storedValue{Value: Mask, Secret: true})
	default:
		return json.Marshal(storedValue{Value: v.raw})
	}
}

// UnmarshalJSON reads what MarshalJSON has written. A secret becomes Mask, and Revealed
// shows only that.
func (v *Value) UnmarshalJSON(text []byte) error {
	var stored *storedValue
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&stored); err != nil {
		return err
	}
	if stored == nil {
		*v = Value{}
		return nil
	}
	raw, err := plainNumbers(stored.Value)
	if err != nil {
		return err
	}
	*v = Value{raw: raw, present: true, secret: stored.Secret}
	return nil
}

// plainNumbers returns the value with int64 and float64 for its numbers, as manifests
// have them.
func plainNumbers(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := strconv.ParseFloat(v.String(), 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", v)
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = plainNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = plainNumbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
