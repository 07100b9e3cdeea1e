package safediff

import (
	"regexp"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
)

// secretName fits the names of values that are likely to be secret.
var secretName = regexp.MustCompile(`(?i)passw|secret|token|credential|private|api_?-?key|access_?-?key|auth|cert|dsn|connection_?-?string|\.key$`)

// Values lists how the values differ that a user has given for the two sides of a
// release. What looks like a secret by its name is one.
func Values(old, updated map[string]any) []change.Edit {
	list := diff.Values(plain(old), plain(updated))
	for i := range list {
		if e := &list[i]; secretName.MatchString(e.Path.String()) || nested(e.Old) || nested(e.New) {
			e.Old, e.New = e.Old.AsSecret(), e.New.AsSecret()
		}
	}
	return list
}

// nested reports whether a value holds others, whose names were not looked at.
func nested(v change.Value) bool {
	switch shown := v.Shown().(type) {
	case map[string]any:
		return len(shown) > 0
	case []any:
		return len(shown) > 0
	}
	return false
}

// plain returns values with numbers as they are after a way through JSON, which those
// of a stored release have behind them and those of a command line have not.
func plain(values map[string]any) map[string]any {
	same := map[string]any{}
	text, err := json.Marshal(values)
	if err != nil || json.Unmarshal(text, &same) != nil || same == nil {
		return map[string]any{}
	}
	return same
}
