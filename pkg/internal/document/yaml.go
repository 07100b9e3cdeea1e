package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// WriteYAML prints the document of the JSON report as YAML.
func WriteYAML(w io.Writer, set *change.Set, opt reporting.Options) error {
	return EncodeYAML(w, documentOf(set, opt))
}

// EncodeYAML writes a document in which all strings are safe to print. The YAML library
// would write an unsafe string as it is, on one or several lines. The library therefore
// gets a word in its place, and encodeYAML replaces the word with the quoted string.
func EncodeYAML(w io.Writer, document any) error {
	encoded, err := json.Marshal(document)
	if err != nil {
		return err
	}
	var told any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&told); err != nil {
		return err
	}
	word := "text"
	for bytes.Contains(encoded, []byte(word)) {
		word += "-text"
	}
	var quoted []string
	told = eachString(told, func(text string) string {
		if safetext.Safe(text) {
			return text
		}
		name := fmt.Sprintf("%s.%d.", word, len(quoted)/2)
		quoted = append(quoted, name, safetext.YAML(text))
		return name
	})
	text, err := yaml.Marshal(told)
	if err != nil {
		return err
	}
	_, err = strings.NewReplacer(quoted...).WriteString(w, string(text))
	return err
}

// eachString returns a JSON value in which a function has replaced every string, including
// keys.
func eachString(value any, to func(string) string) any {
	switch value := value.(type) {
	case string:
		return to(value)
	case []any:
		for i := range value {
			value[i] = eachString(value[i], to)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			content := eachString(value[name], to)
			delete(value, name)
			value[to(name)] = content
		}
	}
	return value
}
