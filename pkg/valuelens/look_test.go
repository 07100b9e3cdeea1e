package valuelens_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// Each case is a template and the values that a user gives; keys that begin with "none" are
// those that do nothing.
func TestDead(t *testing.T) {
	for name, c := range map[string]struct{ template, helpers, defaults, given string }{
		"a chain of fields":            {template: `{{ .Values.a.b }}`, given: `a: {b: 1, none: 1}`},
		"in parentheses":               {template: `{{ (.Values.a).b }}`, given: `a: {b: 1, none: 1}`},
		"the root":                     {template: `{{ range list 1 }}{{ $.Values.a }}{{ end }}`, given: `{a: 1, none: 1}`},
		"index":                        {template: `{{ index .Values "a" "b-c" }}`, given: `a: {b-c: 1, none: 1}`},
		"index by a loop over names":   {template: `{{ range $n := list "a" "b" }}{{ (index $.Values $n).x }}{{ end }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}, none: {x: 1}}`},
		"index by what is not known":   {template: `{{ index .Values .Values.key }}`, given: `{key: a, a: 1, b: {c: 1}}`},
		"index by a part of a name":    {template: `{{ index .Values (printf "%sPort" .Release.Name) }}`, given: `{webPort: 1, nonePorts: 1}`},
		"get":                          {template: `{{ get .Values.a "b" }}`, given: `a: {b: 1, none: 1}`},
		"dig":                          {template: `{{ dig "b" "c" "" .Values.a }}`, given: `a: {b: {c: 1, none: 1}, none: 1}`},
		"pluck":                        {template: `{{ pluck "x" .Values.a .Values.b | first }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}}`},
		"hasKey":                       {template: `{{ if hasKey .Values.a "b" }}x{{ end }}`, given: `a: {b: 1, none: 1}`},
		"with":                         {template: `{{ with .Values.a }}{{ .b }}{{ else }}{{ .Values.c }}{{ end }}`, given: `{a: {b: 1, none: 1}, c: 1, none: 1}`},
		"range over a map":             {template: `{{ range $k, $v := .Values.a }}{{ $k }}{{ $v.x }}{{ end }}`, given: `a: {p: {x: 1, none: 1}}`},
		"range over a list":            {template: `{{ range .Values.a }}{{ .x }}{{ end }}`, given: `a: [{x: 1, none: 1}, {x: 2}]`},
		"a variable that is set later": {template: `{{ $v := .Values.a }}{{ if .Values.c }}{{ $v = .Values.b }}{{ end }}{{ $v.x }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}, c: 1}`},
		"an include with a map":        {template: `{{ include "h" (dict "v" .Values.a "root" $) }}`, helpers: `{{ define "h" }}{{ .v.x }}{{ .root.Values.b }}{{ end }}`, given: `{a: {x: 1, none: 1}, b: 1, none: 1}`},
		"a template action":            {template: `{{ template "h" .Values.a }}`, helpers: `{{ define "h" }}{{ .x }}{{ end }}`, given: `a: {x: 1, none: 1}`},
		"a template nobody includes":   {template: `x`, helpers: `{{ define "h" }}{{ .Values.none }}{{ end }}`, given: `none: 1`},
		"a name from an include":       {template: `{{ get .Values (include "h" .) }}`, helpers: `{{ define "h" -}} a {{- end }}`, given: `{a: 1, none: 1}`},
		"the whole":                    {template: `{{ toYaml .Values.a }}`, given: `a: {b: {c: [{d: 1}]}}`},
		"all values":                   {template: `{{ .Values | toJson }}`, given: `a: {b: 1}`},
		"off":                          {template: `{{ if .Values.enabled }}{{ .Values.a }}{{ end }}`, given: `{enabled: false, a: 1, none: 1}`},
		"merged":                       {template: `{{ $m := merge .Values.a .Values.b }}{{ $m.x }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}}`},
		"merged into nothing":          {template: `{{ (merge (dict) .Values.a).x }}`, given: `a: {x: 1, none: 1}`},
		"written into the values":      {template: `{{ $_ := set .Values "p" .Values.a }}{{ .Values.p.x }}`, given: `a: {x: 1, none: 1}`},
		"written after it is read":     {template: `{{ .Values.p.x }}{{ $_ := set .Values "p" .Values.a }}`, given: `a: {x: 1, none: 1}`},
		"written into a map":           {template: `{{ $d := dict }}{{ $_ := set $d "k" .Values.a }}{{ $d.k.x }}`, given: `a: {x: 1, none: 1}`},
		"omitted":                      {template: `{{ toYaml (omit .Values.a "b") }}`, given: `a: {b: 1, c: 1}`},
		"default":                      {template: `{{ (default .Values.b .Values.a).x }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}}`},
		"ternary":                      {template: `{{ (ternary .Values.a .Values.b .Values.c).x }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}, c: true}`},
		"a text of the values":         {template: `{{ tpl .Values.text $ }}`, given: `{text: "{{ .Values.a }}", a: 1, none: 1}`},
		"a text in a map":              {template: `{{ tpl (toYaml .Values.m) . }}`, given: `{m: {x: "{{ .Values.a.b }}"}, a: {b: 1, none: 1}}`},
		"a text in a text":             {template: `{{ tpl (printf "{{ with .Values.a }}%s{{ end }}" .Values.text) . }}`, given: `{text: "{{ .b }}", a: {b: 1, none: 1}}`},
		"a text with a name in it":     {template: `{{ range list "a" "b" }}{{ tpl (printf "{{ .Values.%s.x }}" .) $ }}{{ end }}`, given: `{a: {x: 1, none: 1}, b: {x: 1}, none: {x: 1}}`},
		"a path that is split, of which all may be meant": {template: `{{ $at := .Values }}{{ range splitList "." "a.b.c" }}{{ $at = index $at . }}{{ end }}{{ $at }}`, given: `a: {b: {c: 1, d: 1}, e: 1}`},
		"a file":                     {template: `{{ tpl (.Files.Get "f.txt") . }}`, given: `{a: 1, none: 1}`},
		"a condition on a map":       {template: `{{ if .Values.a }}x{{ end }}`, given: `a: {b: 1}`},
		"a condition on another map": {template: `{{ if .Values.a }}{{ .Values.a.x }}{{ end }}`, defaults: `a: {x: 1}`, given: `a: {none: 1}`},
		"keys":                       {template: `{{ keys .Values.a | join "," }}`, given: `a: {b: 1}`},
		"recursion":                  {template: `{{ include "h" .Values.a }}`, helpers: `{{ define "h" }}{{ .x }}{{ with .next }}{{ include "h" . }}{{ end }}{{ end }}`, given: `a: {x: 1, none: 1, next: {x: 1, none: 1, next: {x: 1}}}`},
		"a sub-chart":                {given: `{one: {x: 1, none: 1}, two: {x: 1}, global: {g: 1, none: 1}, db: {none: 1}}`},
		"what is global to one":      {given: `one: {global: {g: 1, none: 1}}`},
		"switches":                   {given: `{one: {enabled: true}, tags: {t: true, none: true}}`},
		"imports":                    {given: `two: {exports: {data: {k: 1}}, none: 1}`},
		"a sub-chart by its parent":  {template: `{{ .Subcharts.one.Values.z }}{{ .Values.two.z }}`, given: `{one: {z: 1, none: 1}, two: {z: 1}}`},
		"null":                       {template: `{{ .Values.a }}`, given: `{a: null, none: null}`},
		"a key with a dot":           {template: `{{ index .Values.a "x.y" }}`, given: `a: {x.y: 1, none.y: 1}`},
	} {
		t.Run(name, func(t *testing.T) {
			ch := &valuelens.Chart{
				Name: "shop", Values: read(t, c.defaults),
				Templates: []valuelens.File{{Name: "templates/_h.tpl", Text: c.helpers}, {Name: "templates/a.yaml", Text: c.template}},
			}
			if strings.Contains(c.template, ".Files") {
				ch.Files = []valuelens.File{{Name: "f.txt", Text: `{{ .Values.a }}`}}
			}
			sub := &valuelens.Chart{Name: "db", Templates: []valuelens.File{{Name: "templates/b.yaml", Text: `{{ .Values.x }}{{ .Values.global.g }}`}}}
			ch.Needs = []valuelens.Need{
				{As: "one", Chart: sub, Conditions: []string{"one.enabled"}},
				{As: "two", Chart: sub, Tags: []string{"t"}, Imports: []string{"exports.data"}},
			}
			given := read(t, c.given)
			found, err := valuelens.Look(context.Background(), valuelens.Question{New: ch, Values: given})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found.Dead {
				got = append(got, d.Key)
			}
			if diff := cmp.Diff(named(given, ""), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// named lists the keys that begin with "none": of a map of which all keys do, or in one that
// does, the map.
func named(value any, at string) []string {
	var list []string
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text := strings.TrimPrefix(at+"."+strings.ReplaceAll(key, ".", `\.`), ".")
			if strings.HasPrefix(key, "none") {
				list = append(list, text)
			} else if below, is := v[key].(map[string]any); is && allNamed(below) {
				list = append(list, text)
			} else {
				list = append(list, named(v[key], text)...)
			}
		}
	case []any:
		for i, item := range v {
			list = append(list, named(item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	return list
}

func allNamed(values map[string]any) bool {
	for key, value := range values {
		below, is := value.(map[string]any)
		if !strings.HasPrefix(key, "none") && (!is || !allNamed(below)) {
			return false
		}
	}
	return len(values) > 0
}

func read(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// A rendering shows what was not foreseen: such a key is not dead.
func TestProof(t *testing.T) {
	ch := &valuelens.Chart{Name: "shop"}
	render := func(_ context.Context, values map[string]any) (string, error) {
		a, _ := values["a"].(map[string]any)
		text, _ := a["read"].(string)
		return "x: " + text, nil
	}
	given := map[string]any{"a": map[string]any{"read": "1", "not": "1"}, "b": "1"}
	found, err := valuelens.Look(context.Background(), valuelens.Question{New: ch, Values: given, Render: render})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found.Dead {
		got = append(got, d.Key)
	}
	if want := "a.not b"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
