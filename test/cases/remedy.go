package cases

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Remedy is a rule whose hint is followed in the laboratory.
type Remedy struct {
	Rule string
	// Keeps are the kinds, in lower case, of which no object may go meanwhile; Replaces those of
	// which none may stay.
	Keeps, Replaces []string
}

// remediesIn reads the lines "remedy:" of a comment.
func remediesIn(comment string) []Remedy {
	var list []Remedy
	for line := range strings.Lines(comment) {
		if remedy, found := strings.CutPrefix(line, "remedy:"); found {
			list = append(list, remedyOf(remedy))
		}
	}
	return list
}

// remedyOf reads "RULE, keeps KIND KIND, replaces KIND".
func remedyOf(line string) Remedy {
	parts := strings.Split(line, ",")
	r := Remedy{Rule: strings.TrimSpace(parts[0])}
	for _, part := range parts[1:] {
		switch words := strings.Fields(part); words[0] {
		case "keeps":
			r.Keeps = words[1:]
		case "replaces":
			r.Replaces = words[1:]
		}
	}
	return r
}

// Hints returns what the findings of a rule advise, each advice once.
func Hints(set *change.Set, rule string) []string {
	var hints []string
	for i := range set.Changes {
		for _, f := range set.Changes[i].Findings {
			if f.Rule == rule && !slices.Contains(hints, f.Hint) {
				hints = append(hints, f.Hint)
			}
		}
	}
	return hints
}
