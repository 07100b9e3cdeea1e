// Package untyped reads fields of decoded YAML or JSON: maps, lists and scalars without a
// type of their own. What is not there, or is of another kind, reads as nothing.
package untyped

// At returns the value of a field, nil if there is none.
func At(value any, fields ...string) any {
	for _, field := range fields {
		m, _ := value.(map[string]any)
		value = m[field]
	}
	return value
}

// Map returns the map in a field, nil if there is none.
func Map(value any, fields ...string) map[string]any {
	m, _ := At(value, fields...).(map[string]any)
	return m
}

// Maps returns the maps in the list in a field, without its other items.
func Maps(value any, fields ...string) []map[string]any {
	items, _ := At(value, fields...).([]any)
	maps := make([]map[string]any, 0, len(items))
	for _, item := range items {
		if m, is := item.(map[string]any); is {
			maps = append(maps, m)
		}
	}
	return maps
}

// Text returns the string in a field, "" if there is none.
func Text(value any, fields ...string) string {
	text, _ := At(value, fields...).(string)
	return text
}

// Texts returns the items of the list in a field, "" for those that are no strings.
func Texts(value any, fields ...string) []string {
	items, _ := At(value, fields...).([]any)
	texts := make([]string, 0, len(items))
	for _, item := range items {
		text, _ := item.(string)
		texts = append(texts, text)
	}
	return texts
}
