package policy

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// Known is what a policy may name.
type Known struct{ Rules, Filters []string }

// Read reads the text of a policy file. The error lists every mistake in it, each
// with its line.
func Read(name, text string, known Known) (*File, error) {
	r := reader{file: name, known: known}
	f := &File{Name: name}
	if n := r.document(text); n != nil {
		r.own = ownRuleIDs(n)
		r.fields(n, "the file", append([]field{
			{"flags", func(n *yaml.Node) { r.flags(n, &f.Flags) }},
			{"overrides", func(n *yaml.Node) {
				r.list(n, func(item *yaml.Node) { f.Overrides = append(f.Overrides, r.override(item)) })
			}},
		}, r.layer(&f.Layer)...)...)
	}
	r.checkRules(f)
	return f, r.err()
}

// layer returns the fields that a file and an override have in common.
func (r *reader) layer(l *Layer) []field {
	rules, filters := map[string]bool{}, map[string]bool{}
	return []field{
		{"failOn", func(n *yaml.Node) { l.FailOn, l.FailOnAt = r.failOn(n), r.at(n) }},
		{"rules", func(n *yaml.Node) {
			r.entries(n, "rules", func(key, value *yaml.Node) { l.Rules = append(l.Rules, r.ruleSwitch(key, value)) })
		}},
		{"ownRules", func(n *yaml.Node) {
			r.list(n, func(item *yaml.Node) {
				o := r.ownRule(item)
				r.once(rules, item, o.ID, "ownRules")
				l.OwnRules = append(l.OwnRules, o)
			})
		}},
		{"filters", func(n *yaml.Node) {
			r.entries(n, "filters", func(key, value *yaml.Node) { l.Filters = append(l.Filters, r.filterSwitch(key, value)) })
		}},
		{"hide", func(n *yaml.Node) {
			r.list(n, func(item *yaml.Node) {
				h := r.hide(item)
				r.once(filters, item, h.ID, "hide")
				l.Hide = append(l.Hide, h)
			})
		}},
		{"workloads", func(n *yaml.Node) {
			r.list(n, func(item *yaml.Node) { l.Workloads = append(l.Workloads, r.workload(item)) })
		}},
		{"labels", func(n *yaml.Node) { r.list(n, func(item *yaml.Node) { l.Labels = append(l.Labels, r.label(item)) }) }},
	}
}

func (r *reader) flags(n *yaml.Node, flags *[]Flag) {
	r.entries(n, "flags", func(key, value *yaml.Node) {
		flag := Flag{Name: key.Value, At: r.at(key)}
		r.list(value, func(item *yaml.Node) { flag.Values = append(flag.Values, r.text(item, "the value of a flag")) })
		if key.Value == "fail-on" {
			r.fail(key, "fail-on is called failOn in the file, and is beside flags")
			return
		}
		if len(flag.Values) == 0 {
			r.fail(key, "flag %s has no value: give it one, or leave it out", key.Value)
			return
		}
		*flags = append(*flags, flag)
	})
}

func (r *reader) failOn(n *yaml.Node) change.FailOn {
	var names []string
	r.list(n, func(item *yaml.Node) { names = append(names, r.text(item, "an entry of failOn")) })
	if len(names) == 0 {
		r.fail(n, "failOn names classes, presets or rules that fail a run, or none")
		return nil
	}
	failOn, err := change.ParseFailOn(strings.Join(names, ","), slices.Concat(r.known.Rules, r.own))
	if err != nil {
		r.fail(n, "failOn: %v", err)
	}
	return failOn
}

// ownRuleIDs returns the IDs of the team's own rules, wherever they are in the file: failOn
// may name a rule that comes later.
func ownRuleIDs(n *yaml.Node) []string {
	var ids []string
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "ownRules" {
			for _, rule := range child.Content {
				for j := 0; j+1 < len(rule.Content); j += 2 {
					if rule.Content[j].Value == "id" {
						ids = append(ids, rule.Content[j+1].Value)
					}
				}
			}
			continue
		}
		ids = append(ids, ownRuleIDs(child)...)
	}
	return ids
}

// ruleSwitch reads off, on, or another class, with or without a condition.
func (r *reader) ruleSwitch(key, value *yaml.Node) RuleSwitch {
	s := RuleSwitch{Rule: key.Value, At: r.at(key)}
	r.named = append(r.named, key)
	if value.Kind == yaml.MappingNode {
		to := value
		r.fields(value, "the switch of a rule",
			field{"to", func(n *yaml.Node) { to = n }}, field{"when", r.condition(&s.When)})
		value = to
	}
	if on, is := r.onOff(value); is {
		s.Off = !on
		return s
	}
	s.Class = change.Risk(r.text(value, "a rule's switch"))
	if !slices.Contains(change.Risks(), s.Class) {
		r.fail(value, "rule %s is off, on or of a different class, not %q; the classes are %s", key.Value, s.Class, change.JoinRisks(change.Risks()))
	}
	return s
}

// ownRule reads a rule that the team has defined.
func (r *reader) ownRule(n *yaml.Node) OwnRule {
	o := OwnRule{At: r.at(n)}
	var class string
	r.fields(n, "ownRules",
		field{"id", r.into(&o.ID, "id")},
		field{"class", r.into(&class, "class")},
		field{"when", r.condition(&o.When)},
		field{"message", r.into(&o.Message, "message")},
		field{"hint", r.into(&o.Hint, "hint")},
	)
	o.Class = change.Risk(class)
	switch {
	case !kebab(o.ID):
		r.fail(n, "a rule has an id of small letters, digits and dashes, by which it is named in reports")
	case slices.Contains(r.known.Rules, o.ID):
		r.fail(n, "the id %s is that of a rule of the program", o.ID)
	}
	if slices.Contains(change.FailOnNames(), o.ID) {
		r.fail(n, "the id %s is what failOn calls a class or a preset; give the rule a different one", o.ID)
	}
	if !slices.Contains(change.Risks(), o.Class) {
		r.fail(n, "rule %s has the class %q; valid are %s", o.ID, class, change.JoinRisks(change.Risks()))
	}
	if o.Message == "" || !has(n, "when") {
		r.fail(n, "rule %s has no message, or no condition (when)", o.ID)
	}
	return o
}

func has(n *yaml.Node, key string) bool {
	return n.Kind == yaml.MappingNode && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Value == key })
}

// checkRules checks that the rules that switches name exist.
func (r *reader) checkRules(f *File) {
	all := slices.Clone(r.known.Rules)
	for _, o := range f.OwnRules {
		all = append(all, o.ID)
	}
	for i := range f.Overrides {
		for _, o := range f.Overrides[i].OwnRules {
			all = append(all, o.ID)
		}
	}
	for _, key := range r.named {
		if !slices.Contains(all, key.Value) {
			r.fail(key, "unknown rule %q; `helm safe-diff rules` lists those there are", key.Value)
		}
	}
}

func (r *reader) filterSwitch(key, value *yaml.Node) FilterSwitch {
	if !slices.Contains(r.known.Filters, key.Value) {
		r.fail(key, "unknown filter %q; valid are %s", key.Value, strings.Join(r.known.Filters, ", "))
	}
	on, is := r.onOff(value)
	if !is {
		r.fail(value, "filter %s is on or off", key.Value)
	}
	return FilterSwitch{Filter: key.Value, Off: !on, At: r.at(key)}
}

func (r *reader) hide(n *yaml.Node) Hide {
	h := Hide{At: r.at(n)}
	r.fields(n, "hide",
		field{"id", r.into(&h.ID, "id")},
		field{"why", r.into(&h.Why, "why")},
		field{"when", r.condition(&h.When)},
		field{"kinds", r.patterns(&h.Kinds, "a kind", Wildcard)},
		field{"names", r.patterns(&h.Names, "a name", Wildcard)},
		field{"paths", r.patterns(&h.Paths, "a path", below)},
		field{"values", r.patterns(&h.Values, "a value", func(text string) Pattern {
			p, err := whole(text)
			if err != nil {
				r.fail(n, "values: %v", err)
			}
			return p
		})},
	)
	for _, p := range h.Paths {
		if !strings.HasPrefix(p.Text, ".") && !strings.HasPrefix(p.Text, "*") {
			r.fail(n, "path %q begins with a dot, such as .metadata.annotations", p.Text)
		}
	}
	switch {
	case !kebab(h.ID):
		r.fail(n, "a filter has an id of small letters, digits and dashes, by which reports count")
	case slices.Contains(r.known.Filters, h.ID):
		r.fail(n, "the id %s is that of a filter of the program", h.ID)
	case len(h.Kinds)+len(h.Names)+len(h.Paths)+len(h.Values) == 0 && !has(n, "when"):
		r.fail(n, "filter %s says neither kinds, names, paths, values nor when, and would hide everything", h.ID)
	}
	return h
}

func (r *reader) workload(n *yaml.Node) Workload {
	w := Workload{At: r.at(n)}
	var template, replicas, jobs string
	r.fields(n, "workloads",
		field{"group", r.into(&w.Group, "group")},
		field{"kind", r.into(&w.Kind, "kind")},
		field{"template", r.into(&template, "template")},
		field{"replicas", r.into(&replicas, "replicas")},
		field{"jobs", r.into(&jobs, "jobs")},
	)
	if w.Group == "" || w.Kind == "" || template == "" {
		r.fail(n, "a workload has group, kind and template, such as .spec.template")
	}
	w.Template, w.Replicas, w.Jobs = r.names(n, template), r.names(n, replicas), jobs == "true"
	if jobs != "" && jobs != "true" && jobs != "false" {
		r.fail(n, "jobs is true or false")
	}
	return w
}

// names reads a path that goes through maps only.
func (r *reader) names(n *yaml.Node, text string) []string {
	if text == "" {
		return nil
	}
	path, err := fieldpath.Parse(text)
	if err != nil {
		r.fail(n, "%v", err)
	}
	names := make([]string, len(path))
	for i, e := range path {
		if names[i] = e.Field; e.Field == "" {
			r.fail(n, "path %q leads through a list", text)
		}
	}
	return names
}

func (r *reader) label(n *yaml.Node) Label {
	var kind, label string
	l := Label{At: r.at(n)}
	r.fields(n, "labels", field{"kind", r.into(&kind, "kind")}, field{"label", r.into(&label, "label")})
	if kind == "" || label == "" {
		r.fail(n, "an entry of labels has kind and label")
	}
	l.Kind, l.Label = Wildcard(kind), Wildcard(label)
	return l
}

func (r *reader) override(n *yaml.Node) Override {
	var o Override
	m := &o.Match
	m.At = r.at(n)
	said := false
	r.fields(n, "overrides", append([]field{{"match", func(n *yaml.Node) {
		r.fields(n, "match",
			field{"release", r.patterns(&m.Release, "a release", Wildcard)},
			field{"namespace", r.patterns(&m.Namespace, "a namespace", Wildcard)},
			field{"chart", r.patterns(&m.Chart, "a chart", Wildcard)},
			field{"context", r.patterns(&m.Context, "a context", Wildcard)},
			field{"environment", r.patterns(&m.Environment, "an environment", Wildcard)},
		)
		said = n.Kind == yaml.MappingNode && len(n.Content) > 0
	}}}, r.layer(&o.Layer)...)...)
	if !said {
		r.fail(n, "an override has a match that says for which release, namespace, chart, context or environment it is")
	}
	if said && len(n.Content) == 2 {
		r.fail(n, "the override has a match, and says nothing for what it fits")
	}
	return o
}

func kebab(id string) bool {
	return id != "" && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
