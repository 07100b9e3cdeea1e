package mutation

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// flow writes a value in YAML's flow style, one line of it.
func flow(b *strings.Builder, value any) {
	switch v := value.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, name := range manifest.Fields(v) {
			if i > 0 {
				b.WriteString(", ")
			}
			flow(b, name)
			b.WriteString(": ")
			flow(b, v[name])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			flow(b, item)
		}
		b.WriteByte(']')
	case raw:
		b.WriteString(string(v))
	default:
		text, err := json.Marshal(v)
		if err != nil {
			text = []byte(fmt.Sprintf("%q", fmt.Sprint(v)))
		}
		b.Write(text)
	}
}
