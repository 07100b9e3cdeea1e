package policy

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// HideKinds returns the filter for a flag that names kinds. It hides their objects.
func HideKinds(flag string, kinds []string) Hide {
	h := Hide{ID: flag, Why: "asked for by --" + flag, At: "--" + flag}
	for _, kind := range kinds {
		h.Kinds = append(h.Kinds, Wildcard(kind))
	}
	return h
}

// HideLines returns the filter for a flag with regular expressions for lines. It hides an
// edit if each line that the edit removes or adds contains a match.
func HideLines(flag string, expressions []string) (Hide, error) {
	h := Hide{ID: flag, Why: "asked for by --" + flag, At: "--" + flag}
	for _, text := range expressions {
		compiled, err := regexp.Compile(text)
		if err != nil {
			return Hide{}, fmt.Errorf("--%s %q: %w", flag, text, err)
		}
		h.Lines = append(h.Lines, Pattern{text, compiled})
	}
	return h, nil
}

// lines reports whether the filter matches the lines that represent a value at the place of
// an edit. It never matches secrets.
func (h *Hide) lines(e *change.Edit, v change.Value) bool {
	if len(h.Lines) == 0 || !v.Present() {
		return true
	}
	if v.Secret() {
		return false
	}
	shown := v.Shown()
	if last := len(e.Path) - 1; last >= 0 && e.Path[last].Field != "" {
		shown = map[string]any{e.Path[last].Field: shown}
	}
	text, err := yaml.Marshal(shown)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if !anyFits(h.Lines, strings.TrimSuffix(line, "\n")) {
			return false
		}
	}
	return true
}
