package textreport

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Rotating lists what is different in each rendering. Objects in which the same fields
// rotate are named together.
func (p *Page) Rotating(list []change.Rotation) {
	if len(list) == 0 {
		return
	}
	title := "Rotates on every upgrade"
	if unless := list[0].Unless; unless != "" {
		title = "May rotate on every upgrade (" + unless + ")"
	}
	var parts []string
	objects := map[string][]manifest.Ref{}
	for i := range list {
		text := p.rotation(&list[i])
		if _, known := objects[text]; !known {
			parts = append(parts, text)
		}
		objects[text] = append(objects[text], list[i].Ref)
	}
	for i, text := range parts {
		parts[i] = p.Refs(objects[text]) + ": " + text
	}
	const inLine = 3
	if len(parts) <= inLine {
		p.under(title, strings.Join(parts, "; ")+"\n")
		return
	}
	p.under(title, "  "+strings.Join(parts, "\n  ")+"\n")
}

// rotation names what rotates in an object: the keys of a Secret or a ConfigMap as keys,
// anything else by its path.
func (p *Page) rotation(r *change.Rotation) string {
	if len(r.Paths) == 0 {
		return "its name, so that each upgrade makes another one"
	}
	var keys, fields []string
	for _, path := range r.Paths {
		if key, is := keyOf(r.Ref, path); is {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
			continue
		}
		fields = append(fields, path.String())
	}
	if len(keys) > 0 {
		noun := "key "
		if len(keys) > 1 {
			noun = "keys "
		}
		keys = []string{noun + strings.Join(keys, ", ")}
	}
	text := reporting.Printable(strings.Join(slices.Concat(keys, fields), ", "))
	if r.Restarts {
		text += ", which restarts its pods"
	}
	return text
}

// keyOf returns the key of a Secret or a ConfigMap to which a field belongs, if there is
// one.
func keyOf(ref manifest.Ref, path fieldpath.Path) (key string, is bool) {
	holds := ref.Group == "" && (ref.Kind == "Secret" || ref.Kind == "ConfigMap")
	inside := path.Under("data") || path.Under("stringData") || path.Under("binaryData")
	if !holds || !inside || len(path) != 2 {
		return "", false
	}
	return path[1].Field, true
}
