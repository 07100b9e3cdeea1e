package manifest

import (
	"strings"

	"go.yaml.in/yaml/v2"
)

// kindSecret matches how the manifest of a Secret says its kind, in YAML and in JSON.
var kindSecret = lazily(`(?i)\bkind[\\"']*\s*:\s*(?:!!?\w*\s+)?[\\"']*secrets?(?:list)?\b`) //nolint:gochecknoglobals // a constant

// holdsData matches the fields in which a Secret has its content.
var holdsData = lazily(`(?i)\b(?:string)?data[\\"']*\s*:`) //nolint:gochecknoglobals // a constant

// isSecretManifest reports whether a text is, or contains, the manifest of a Secret, such
// as one that a Job applies from a ConfigMap. Text that says both in clear, as a manifest
// does, counts even if it is no YAML, such as a template of one. Text that YAML reads is
// looked at as an object, so that escapes make no difference.
func isSecretManifest(text string) bool {
	if len(text) < len("kind: Secret") {
		return false
	}
	if !containsFold(text, "kind") || !containsFold(text, "secret") && !strings.Contains(text, `\`) {
		return false
	}
	if kindSecret().MatchString(text) && holdsData().MatchString(text) {
		return true
	}
	if !strings.ContainsAny(text, `\!&*>|`) {
		return false // nothing is spelt in another way than the words above
	}
	for _, document := range separator().Split(text, -1) {
		var raw any
		if yaml.Unmarshal([]byte(document), &raw) != nil {
			continue
		}
		value, err := plainValue(raw)
		if err != nil {
			continue
		}
		if fields, is := value.(map[string]any); is && !same(fields, veil{}.value(fields)) {
			return true
		}
	}
	return false
}

var separator = lazily(`(?m)^---`) //nolint:gochecknoglobals // a constant
