// Package valuelens tells which values of a chart its templates read, and which of the keys
// that a user gives do nothing.
//
// The templates are run once with values of which only the place is known: both branches of
// each condition, each named template with what it is given, text that `tpl` renders included.
// What comes out is never too little: a key that may be read counts as read. So a key that is
// found dead is dead whatever the conditions say, as far as the templates were followed; what
// could not be followed counts as read.
package valuelens

import (
	"maps"
	"slices"
	"strings"
)

// Chart is a chart as it is on disk, whatever its conditions say.
type Chart struct {
	// Name is the one of Chart.yaml, Title what is said of it to people: "name-version".
	Name, Title string
	// Templates and Files are by their paths in the chart.
	Templates, Files []File
	// Values are the defaults.
	Values map[string]any
	// Library says that only the named templates count.
	Library bool
	// Needs are the sub-charts, once for each name under which they are used.
	Needs []Need
}

// File is a file of a chart.
type File struct{ Name, Text string }

// Need is a sub-chart in its place.
type Need struct {
	// As is the key of its values: its alias, or else its name.
	As    string
	Chart *Chart
	// Conditions are keys of the parent that switch it on and off, Tags its tags.
	Conditions, Tags []string
	// Imports are keys of the sub-chart whose values the parent takes over.
	Imports []string
}

// scope is a chart where its values are those below a prefix.
type scope struct {
	prefix []string
	chart  *Chart
	path   string // as Helm names the templates: shop/charts/db
	root   *value
}

// globals is the key whose values all sub-charts see (coalesceGlobals in
// helm.sh/helm/v3/pkg/chartutil/coalesce.go).
const globals = "global"

// scopesOf lists a chart and its sub-charts, at any depth.
func scopesOf(ch *Chart, prefix []string, path string) []*scope {
	list := append(make([]*scope, 0, 1+len(ch.Needs)), &scope{prefix: prefix, chart: ch, path: path})
	for _, need := range ch.Needs {
		list = append(list, scopesOf(need.Chart, append(slices.Clip(prefix), need.As), path+"/charts/"+need.As)...)
	}
	return list
}

// Effective returns the values that the templates see: the given ones over the defaults of the
// chart and its sub-charts, also of those that are switched off.
func Effective(ch *Chart, given map[string]any) map[string]any {
	out := over(ch.Values, given)
	for _, need := range ch.Needs {
		below, _ := out[need.As].(map[string]any)
		if all, is := out[globals].(map[string]any); is {
			own, _ := below[globals].(map[string]any)
			below = over(below, map[string]any{globals: over(all, own)})
		}
		out[need.As] = Effective(need.Chart, below)
	}
	return out
}

// over returns a with b on top: maps are merged, anything else is replaced.
func over(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range b {
		above, is := value.(map[string]any)
		if below, both := out[key].(map[string]any); is && both {
			out[key] = over(below, above)
			continue
		}
		out[key] = value
	}
	return out
}

// templated lists the texts of a value that `tpl` may have something to do with.
func templated(value any, add func(string)) {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "{{") {
			add(v)
		}
	case []any:
		for _, item := range v {
			templated(item, add)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			templated(key, add)
			templated(v[key], add)
		}
	}
}
