package manifest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"unicode/utf8"
)

// HiddenTexts returns what WithoutSecrets masks in an object, as text: of each value
// what is written and, where that is base64 of text, the text.
func HiddenTexts(value map[string]any, ref Ref) []string {
	var texts []string
	collectHidden(value, WithoutSecrets(value, ref), &texts)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// collectHidden walks a value beside what of it may be shown.
func collectHidden(value, shown any, texts *[]string) {
	if same(value, shown) {
		return
	}
	switch shown := shown.(type) {
	case map[string]any:
		if fields, is := value.(map[string]any); is {
			for name, content := range fields {
				collectHidden(content, shown[name], texts)
			}
		}
	case []any:
		if items, is := value.([]any); is && len(items) == len(shown) {
			for i := range items {
				collectHidden(items[i], shown[i], texts)
			}
		}
	default:
		collectTexts(value, texts)
	}
}

func collectTexts(value any, texts *[]string) {
	switch value := value.(type) {
	case nil:
	case map[string]any:
		for _, content := range value {
			collectTexts(content, texts)
		}
	case []any:
		for _, item := range value {
			collectTexts(item, texts)
		}
	case string:
		*texts = append(*texts, value)
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil && utf8.Valid(decoded) {
			*texts = append(*texts, string(decoded))
		}
	default:
		*texts = append(*texts, fmt.Sprint(value))
	}
}
