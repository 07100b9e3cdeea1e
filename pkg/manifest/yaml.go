package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// SyntaxError says where a document cannot be read, and why, without quoting it:
// the document may be a Secret.
type SyntaxError struct {
	At     Position
	Reason string
}

func (e *SyntaxError) Error() string { return e.At.String() + ": " + e.Reason }

// plainValue turns what the YAML library gives into what a JSON decoder of the
// API machinery gives.
func plainValue(raw any) (any, error) {
	switch v := raw.(type) {
	case nil, bool:
		return v, nil
	case string:
		return plainString(v), nil
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return float64(v), nil
	case float64:
		return plainFloat(v)
	case []any:
		for i, item := range v {
			plain, err := plainValue(item)
			if err != nil {
				return nil, err
			}
			v[i] = plain
		}
		return v, nil
	case map[any]any:
		return plainMap(v)
	default:
		return nil, fmt.Errorf("a value of type %T has no place in JSON", raw)
	}
}

func plainMap(raw map[any]any) (any, error) {
	m := make(map[string]any, len(raw))
	for key, item := range raw {
		name, err := plainKey(key)
		if err != nil {
			return nil, err
		}
		// Which of two such keys wins is chance for everyone who reads this YAML.
		if _, taken := m[name]; taken {
			return nil, errors.New("two keys differ only in their type")
		}
		if m[name], err = plainValue(item); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// plainString replaces what is no UTF-8, byte by byte as JSON does. Only !!binary
// can bring it in.
func plainString(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// plainFloat writes a number as JSON does and reads it again, so that 2.0 is the
// integer 2 as it is for the API server.
func plainFloat(f float64) (any, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, errors.New("infinity and NaN have no place in JSON")
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return i, nil
	}
	return f, nil
}

// plainKey spells a key as sigs.k8s.io/yaml does.
func plainKey(key any) (string, error) {
	switch k := key.(type) {
	case string:
		return plainString(k), nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case bool:
		return strconv.FormatBool(k), nil
	case float64:
		s := strconv.FormatFloat(k, 'g', -1, 32)
		switch s {
		case "+Inf":
			s = ".inf"
		case "-Inf":
			s = "-.inf"
		case "NaN":
			s = ".nan"
		}
		return s, nil
	default:
		return "", errors.New("a key is neither text, boolean nor a number of 64 bits")
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case bool:
		return "a boolean"
	default:
		return "a number"
	}
}
