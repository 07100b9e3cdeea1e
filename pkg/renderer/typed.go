package renderer

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// typed is a value of a chart as it is sent. Plain JSON has one type of number and no bytes,
// and templates tell all of these apart: 1000000 is 1e+06 as a float64.
type typed struct {
	Type string           `json:"t"`
	Map  map[string]typed `json:"m,omitempty"`
	List []typed          `json:"l,omitempty"`
	Text []byte           `json:"x,omitempty"`
}

// typedOf returns how a value is sent. The error is about a type that no values have.
func typedOf(value any) (typed, error) {
	scalar := func(kind, text string) (typed, error) { return typed{Type: kind, Text: []byte(text)}, nil }
	switch v := value.(type) {
	case nil:
		return typed{Type: "null"}, nil
	case bool:
		return scalar("bool", strconv.FormatBool(v))
	case string:
		return scalar("string", v)
	case json.Number:
		return scalar("number", string(v))
	case int:
		return scalar("int", strconv.Itoa(v))
	case int64:
		return scalar("int64", strconv.FormatInt(v, 10))
	case float64:
		return scalar("float64", strconv.FormatFloat(v, 'g', -1, 64))
	case []any:
		t := typed{Type: "list", List: make([]typed, len(v))}
		for i := range v {
			var err error
			if t.List[i], err = typedOf(v[i]); err != nil {
				return t, err
			}
		}
		return t, nil
	case map[string]any:
		t := typed{Type: "map", Map: make(map[string]typed, len(v))}
		for key := range v {
			below, err := typedOf(v[key])
			if err != nil {
				return t, err
			}
			t.Map[key] = below
		}
		return t, nil
	}
	return typed{}, fmt.Errorf("values hold a %T", value)
}

// value returns what was sent.
func (t *typed) value() (any, error) {
	text := string(t.Text)
	switch t.Type {
	case "null":
		return nil, nil
	case "bool":
		return strconv.ParseBool(text)
	case "string":
		return text, nil
	case "number":
		return json.Number(text), nil
	case "int":
		return strconv.Atoi(text)
	case "int64":
		return strconv.ParseInt(text, 10, 64)
	case "float64":
		return strconv.ParseFloat(text, 64)
	case "list":
		list := make([]any, len(t.List))
		for i := range t.List {
			var err error
			if list[i], err = t.List[i].value(); err != nil {
				return nil, err
			}
		}
		return list, nil
	case "map":
		return t.values()
	}
	return nil, fmt.Errorf("values hold a %q", t.Type)
}

// values returns a map that was sent; an empty one where none was.
func (t *typed) values() (map[string]any, error) {
	values := make(map[string]any, len(t.Map))
	for key, below := range t.Map {
		value, err := below.value()
		if err != nil {
			return nil, err
		}
		values[key] = value
	}
	return values, nil
}
