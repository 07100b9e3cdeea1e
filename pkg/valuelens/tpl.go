package valuelens

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// holeWord takes the place of a hole where a text is parsed.
const holeWord = "h0le_"

// rendered is what `include` and `tpl` return.
func (f *frame) rendered(name string, args []*value) *value {
	if len(args) < 2 {
		f.useAll(args)
		return unknown()
	}
	f.use(args[0])
	if name == "include" {
		out := []string(nil)
		for _, template := range args[0].asTexts() {
			out = union(out, f.call(template, args[1]))
		}
		return textOf(out...)
	}
	out := []string(nil)
	for _, text := range f.possible(args[0].asTexts()) {
		out = union(out, f.renderText(text, args[1]))
	}
	return textOf(union(out, nil)...)
}

// possible lists the templates that a text may be: where parts are not known, each text that
// is a template takes their place.
func (in *interpreter) possible(patterns []string) []string {
	all := map[string]bool{}
	for _, pattern := range patterns {
		if !strings.Contains(pattern, hole) {
			all[pattern] = true
			continue
		}
		for _, text := range in.texts {
			all[strings.ReplaceAll(text, hole, holeWord)] = true
		}
		if strings.Contains(pattern, "{{") {
			all[strings.ReplaceAll(pattern, hole, holeWord)] = true
			for _, text := range in.texts {
				all[strings.ReplaceAll(strings.ReplaceAll(pattern, hole, text), hole, holeWord)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// renderText runs a text as a template.
func (in *interpreter) renderText(text string, dot *value) []string {
	if !strings.Contains(text, "{{") {
		return []string{text}
	}
	key := "tpl" + separator + text + separator + dot.signature(0)
	if known, done := in.memo[key]; done {
		return known
	}
	if in.running[key] || len(in.running) > 200 {
		return []string{hole}
	}
	in.running[key] = true
	out := []string{hole}
	trees := parsed("tpl", text)
	if trees["tpl"] == nil {
		in.scan(text, dot)
	}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		if printed := in.run(trees[name], dot); name == "tpl" {
			out = printed
		}
	}
	delete(in.running, key)
	in.memo[key] = out
	return out
}

var chains = regexp.MustCompile(`\$?(?:\.[A-Za-z_]\w*)+`)

// scan notes what a text names that is no whole template, but may become a part of one.
func (in *interpreter) scan(text string, dot *value) {
	f := &frame{interpreter: in, dot: dot}
	for _, chain := range chains.FindAllString(text, -1) {
		names := strings.Split(strings.TrimPrefix(strings.TrimPrefix(chain, "$"), "."), ".")
		if len(names) == 1 && names[0] == "Values" {
			continue
		}
		f.use(f.fields(dot, names))
	}
}
