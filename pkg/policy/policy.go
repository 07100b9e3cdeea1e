// Package policy is what a team has written down about its upgrades: which classes fail a
// run, which rules and filters are on, and what else is noise. It reads this from the text
// of a file, decides what is in force for one release, and applies it to a judged change.
// It reads no file, clock or environment itself.
package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// File is what a policy file says.
type File struct {
	// Name is the name of the file in messages.
	Name string
	// Flags are values for flags of the command line, in the order of the file.
	Flags []Flag
	Layer
	// Overrides hold for some releases only. The later one wins.
	Overrides []Override
}

// Flag is a value for a flag of the command line.
type Flag struct {
	Name   string
	Values []string
	// At is where the flag is written, as FILE:LINE. All other entries have the same field.
	At string
}

// Layer is a part of a policy that applies together, to all releases or to some.
type Layer struct {
	// FailOn is what fails a run, nil if the layer does not say. FailOnAt is where it is
	// written.
	FailOn    change.FailOn
	FailOnAt  string
	Rules     []RuleSwitch
	OwnRules  []OwnRule
	Filters   []FilterSwitch
	Hide      []Hide
	Workloads []Workload
	Labels    []Label
}

// Override is a layer for some releases.
type Override struct {
	Match Match
	Layer
}

// RuleSwitch says what happens to the findings of a rule.
type RuleSwitch struct {
	Rule string
	// Off leaves them out. Class gives them another class. With neither, the rule's own class
	// applies.
	Off   bool
	Class change.Risk
	// When selects the changes; nil for all.
	When *Condition
	At   string
}

// OwnRule is a rule that the team has defined.
type OwnRule struct {
	ID            string
	Class         change.Risk
	When          *Condition
	Message, Hint string
	At            string
}

// FilterSwitch turns a filter of the program off, or on again.
type FilterSwitch struct {
	Filter string
	Off    bool
	At     string
}

// Hide is a filter that the team has defined. It hides an edit that matches all of its
// fields.
type Hide struct {
	ID, Why string
	Kinds   []Pattern // "Kind" or "Kind.group"
	Names   []Pattern
	Paths   []Pattern
	// Values must match both values of the edit, as far as they exist.
	Values []Pattern
	// Lines must match each line of the edit, written as YAML (HideLines).
	Lines []Pattern
	When  *Condition
	At    string
}

// Workload is a kind of custom resources that runs pods.
type Workload struct {
	Group, Kind        string
	Template, Replicas []string
	Jobs               bool
	At                 string
}

func (w *Workload) name() string { return w.Kind + "." + w.Group }

// Label is a label of the object itself that somebody reads, so that a change of it is not
// noise.
type Label struct {
	Kind, Label Pattern
	At          string
}

// Match says for which releases an override holds: those that match all of its fields.
type Match struct {
	Release, Namespace, Chart, Context, Environment []Pattern
	At                                              string
}

// Place is what a Match is compared with.
type Place struct {
	Release, Namespace string
	// Chart is the name of the chart with its version, as in change.Release.
	Chart                string
	Context, Environment string
}

// Policy is what is in force for one release. The zero Policy changes nothing.
type Policy struct {
	Layer
	// Accepted are the acceptances. Today is the day that decides which of them still hold.
	Accepted []Acceptance
	Today    string
	place    Place
	// waiting are the overrides that would apply in another environment, if no environment is
	// named.
	waiting []*Match
}

// Place returns where the policy is in force.
func (p *Policy) Place() Place { return p.place }

// AllOwnRules returns the team's own rules for any release, those of overrides last. A nil
// File has none.
func (f *File) AllOwnRules() []OwnRule {
	if f == nil {
		return nil
	}
	rules := slices.Clone(f.OwnRules)
	for i := range f.Overrides {
		rules = append(rules, f.Overrides[i].OwnRules...)
	}
	return rules
}

// For returns what is in force at a place. A nil File has no policy.
func (f *File) For(place Place) *Policy {
	p := &Policy{place: place}
	if f == nil {
		return p
	}
	p.add(&f.Layer)
	for i := range f.Overrides {
		switch m := &f.Overrides[i].Match; {
		case m.fits(place):
			p.add(&f.Overrides[i].Layer)
		case place.Environment == "" && m.fitsBut(place):
			p.waiting = append(p.waiting, m)
		}
	}
	return p
}

// add puts a later layer on top. If two switches are for the same thing, the last one that
// applies wins.
func (p *Policy) add(l *Layer) {
	if l.FailOn != nil {
		p.FailOn, p.FailOnAt = l.FailOn, l.FailOnAt
	}
	p.Rules = slices.Concat(p.Rules, l.Rules)
	p.OwnRules = slices.Concat(slices.DeleteFunc(slices.Clone(p.OwnRules), func(o OwnRule) bool {
		return slices.ContainsFunc(l.OwnRules, func(n OwnRule) bool { return n.ID == o.ID })
	}), l.OwnRules)
	p.Filters = slices.Concat(p.Filters, l.Filters)
	p.Hide = slices.Concat(p.Hide, l.Hide)
	p.Workloads = slices.Concat(l.Workloads, p.Workloads) // the first of two wins
	p.Labels = slices.Concat(p.Labels, l.Labels)
}

func (m *Match) fits(place Place) bool {
	return m.fitsBut(place) && anyFits(m.Environment, place.Environment)
}

// fitsBut is fits without the environment.
func (m *Match) fitsBut(place Place) bool {
	return anyFits(m.Release, place.Release) && anyFits(m.Namespace, place.Namespace) &&
		(anyFits(m.Chart, place.Chart) || anyFits(m.Chart, chartName(place.Chart))) && anyFits(m.Context, place.Context)
}

// String says for which releases it is.
func (m *Match) String() string {
	var parts []string
	for _, of := range []struct {
		what     string
		patterns []Pattern
	}{{"release", m.Release}, {"namespace", m.Namespace}, {"chart", m.Chart}, {"context", m.Context}, {"environment", m.Environment}} {
		texts := make([]string, len(of.patterns))
		for i, p := range of.patterns {
			texts[i] = p.Text
		}
		if len(texts) > 0 {
			parts = append(parts, of.what+" "+strings.Join(texts, " or "))
		}
	}
	return strings.Join(parts, ", ")
}

// Environments lists the environments that overrides name, each once. Those with a wildcard
// are as they are written. A nil File names none.
func (f *File) Environments() []Pattern {
	if f == nil {
		return nil
	}
	var list []Pattern
	for i := range f.Overrides {
		for _, e := range f.Overrides[i].Match.Environment {
			if !slices.ContainsFunc(list, func(known Pattern) bool { return known.Text == e.Text }) {
				list = append(list, e)
			}
		}
	}
	return list
}

// Overriding lists the overrides, and whether each applies at a place. A nil File has none.
func (f *File) Overriding(place Place) []Entry {
	if f == nil {
		return nil
	}
	list := make([]Entry, len(f.Overrides))
	for i := range f.Overrides {
		m := &f.Overrides[i].Match
		list[i] = Entry{"override for " + m.String() + ": " + onOff(!m.fits(place)), m.At}
	}
	return list
}

// Entry is one thing that is in force, and where it is written.
type Entry struct{ What, At string }

// Entries lists what is in force besides FailOn. Of several switches for the same thing, it
// lists only the one that applies.
func (p *Policy) Entries() []Entry {
	var list []Entry
	add := func(at, what string) { list = append(list, Entry{what, at}) }
	for i, s := range p.Rules {
		if !slices.ContainsFunc(p.Rules[i+1:], func(t RuleSwitch) bool { return t.Rule == s.Rule && t.When == nil }) {
			add(s.At, "rule "+s.Rule+": "+s.state())
		}
	}
	for _, o := range p.OwnRules {
		add(o.At, "rule "+o.ID+": "+string(o.Class))
	}
	for i, s := range p.Filters {
		if !slices.ContainsFunc(p.Filters[i+1:], func(t FilterSwitch) bool { return t.Filter == s.Filter }) {
			add(s.At, "filter "+s.Filter+": "+onOff(s.Off))
		}
	}
	for _, h := range p.Hide {
		add(h.At, "filter "+h.ID+": on")
	}
	for _, w := range p.Workloads {
		add(w.At, "workload "+w.name())
	}
	for _, l := range p.Labels {
		add(l.At, "label "+l.Label.Text+" of "+l.Kind.Text)
	}
	for _, a := range p.Accepted {
		if a.here(p.place) && a.Until >= p.Today {
			add(a.At, "accepted "+a.Rule+" of "+a.Object+" until "+a.Until)
		}
	}
	return list
}

func (s *RuleSwitch) state() string {
	state := cmp.Or(string(s.Class), onOff(s.Off))
	if s.When != nil {
		state += ", sometimes"
	}
	return state
}

func onOff(off bool) string {
	if off {
		return "off"
	}
	return "on"
}
