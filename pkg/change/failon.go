package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
)

// FailOn is what makes a run fail: names of classes, worst first, IDs of rules, and
// OnUndecided. Nil is the default of the command, an empty list is nothing.
type FailOn []string

// Names in a FailOn that are neither classes nor rules.
const (
	// OnUndecided fails a run whose verdict may be UNDECIDED.
	OnUndecided = "undecided"
	// OnNone stands alone, for an empty list.
	OnNone = "none"
)

// Preset is a name for several classes.
type Preset struct {
	Name  string
	Risks []Risk
}

// Presets returns the presets; each includes the ones before it.
func Presets() []Preset {
	upTo := func(worst Risk) []Risk {
		var risks []Risk
		for _, r := range Risks() {
			if r.Compare(worst) <= 0 && (r != Policy) {
				risks = append(risks, r)
			}
		}
		return risks
	}
	return []Preset{{"breaking", upTo(Unapplied)}, {"interrupting", upTo(Downtime)}, {"restarting", upTo(Restart)}}
}

// DefaultFailOn is what fails a run just before an upgrade, unless the user says otherwise.
// It is the preset restarting.
func DefaultFailOn() FailOn { return preset("restarting") }

// DefaultFailOnCharts is the default for a pull request that changes charts: whoever
// installs the charts later expects that a release restarts pods.
func DefaultFailOnCharts() FailOn { return append(preset("breaking"), string(Policy), string(Version)) }

func preset(name string) FailOn {
	var list FailOn
	for _, p := range Presets() {
		if p.Name == name {
			for _, r := range p.Risks {
				list = append(list, string(r))
			}
		}
	}
	return list
}

// FailOnNames lists what a FailOn can name other than rules.
func FailOnNames() []string {
	var names []string
	for _, p := range Presets() {
		names = append(names, p.Name)
	}
	for _, r := range Risks() {
		names = append(names, string(r))
	}
	return append(names, OnUndecided, OnNone)
}

// ParseFailOn reads a comma-separated list of classes, presets, IDs of rules and
// "undecided"; "none" alone is the empty list. rules are all known IDs. The error lists
// what is valid, and the nearest name to a mistyped one.
func ParseFailOn(list string, rules []string) (FailOn, error) {
	parsed := FailOn{}
	if strings.TrimSpace(list) == OnNone {
		return parsed, nil
	}
	for entry := range strings.SplitSeq(list, ",") {
		name := strings.TrimSpace(entry)
		switch expanded := preset(name); {
		case expanded != nil:
			parsed = append(parsed, expanded...)
		case name == OnNone:
			return nil, fmt.Errorf("%q is the whole list or no part of it: %q", OnNone, list)
		case name == OnUndecided || slices.Contains(Risks(), Risk(name)) || slices.Contains(rules, name):
			parsed = append(parsed, name)
		default:
			return nil, unknownFailOn(name, rules)
		}
	}
	slices.SortStableFunc(parsed, func(a, b string) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	seen := map[string]bool{}
	return slices.DeleteFunc(parsed, func(name string) bool {
		twice := seen[name]
		seen[name] = true
		return twice
	}), nil
}

// placeOf puts classes first, then rules in the given order, then the rest.
func placeOf(name string) int {
	if i := slices.Index(Risks(), Risk(name)); i >= 0 {
		return i
	}
	if name == OnUndecided {
		return len(Risks()) + 1
	}
	return len(Risks())
}

func unknownFailOn(name string, rules []string) error {
	presets := make([]string, 0, len(Presets()))
	for _, p := range Presets() {
		presets = append(presets, p.Name)
	}
	hint := ""
	if near := nearest.Of(name, slices.Concat(FailOnNames(), rules)); near != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return fmt.Errorf("unknown entry %q%s; valid are the classes %s, the presets %s, %s, the ID of a rule (`helm safe-diff rules` lists them), or %s alone",
		name, hint, JoinRisks(Risks()), strings.Join(presets, ", "), OnUndecided, OnNone)
}

// String writes the list as ParseFailOn reads it.
func (f FailOn) String() string { return cmp.Or(strings.Join(f, ","), OnNone) }

// Names reports whether the list names a class.
func (f FailOn) Names(r Risk) bool { return slices.Contains(f, string(r)) }

// Fails reports whether a finding fails the run: its class or its rule is in the list.
func (f FailOn) Fails(finding *Finding) bool {
	return f.Names(finding.Risk) || slices.Contains(f, finding.Rule)
}

// Undecided reports whether the run fails because of what may be hidden.
func (f FailOn) Undecided() bool { return slices.Contains(f, OnUndecided) }

// asBad reports whether what a notice may hide is as bad as what fails the run. If only
// undecided upgrades fail the run, that is the preset breaking.
func (f FailOn) asBad(n *Notice) bool {
	if f.Undecided() && !slices.ContainsFunc(Risks(), f.Names) {
		f = slices.Concat(f, preset("breaking"))
	}
	return n.Hides != "" && f.Names(n.Hides) || n.Rule != "" && slices.Contains(f, n.Rule)
}
