package apiserver

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// schemas compares the two schemas of a version of a definition.
type schemas struct {
	version string
	into    *change.Redefined
}

// compare notes which fields a schema loses at a path and below, and of which it accepts less.
// What a status holds its operator writes anew.
func (s *schemas) compare(path string, old, updated *apiextensionsv1.JSONSchemaProps) { //nolint:cyclop // one case for each keyword of a schema
	if old == nil || updated == nil || path == ".status" {
		return
	}
	if tightened(old, updated) {
		s.into.Tighter = append(s.into.Tighter, s.version+" "+cmp.Or(path, "as a whole"))
	}
	if why := acceptsNothing(path, updated); why != "" && acceptsNothing(path, old) == "" {
		s.into.Never = append(s.into.Never, s.version+" "+cmp.Or(path, ".")+" ("+why+")")
	}
	open := isTrue(updated.XPreserveUnknownFields)
	if isTrue(old.XPreserveUnknownFields) && !open {
		s.into.Lost = append(s.into.Lost, s.version+" "+path+".*")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		was, at := old.Properties[name], path+"."+name
		is, has := updated.Properties[name]
		switch {
		case path == "" && slices.Contains([]string{"apiVersion", "kind", "metadata"}, name):
		case has:
			s.compare(at, &was, &is)
		case !open && !takesAny(updated) && at != ".status":
			s.into.Lost = append(s.into.Lost, s.version+" "+at)
		}
	}
	if old.Items != nil && updated.Items != nil {
		s.compare(path+"[]", old.Items.Schema, updated.Items.Schema)
	}
	if old.AdditionalProperties != nil && old.AdditionalProperties.Schema != nil {
		switch {
		case updated.AdditionalProperties != nil:
			s.compare(path+".*", old.AdditionalProperties.Schema, updated.AdditionalProperties.Schema)
		case !open:
			s.into.Lost = append(s.into.Lost, s.version+" "+path+".*")
		}
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

// takesAny reports whether a schema takes fields of any name.
func takesAny(p *apiextensionsv1.JSONSchemaProps) bool {
	return p.AdditionalProperties != nil && (p.AdditionalProperties.Allows || p.AdditionalProperties.Schema != nil)
}

// tightened reports whether a schema accepts less than before of the value itself: bounds,
// patterns, words to choose from, fields that have to be there, rules.
func tightened(old, updated *apiextensionsv1.JSONSchemaProps) bool { //nolint:cyclop // one line for each keyword of a schema
	above := func(was, is *float64) bool { return is != nil && (was == nil || *is > *was) }
	below := func(was, is *float64) bool { return is != nil && (was == nil || *is < *was) }
	longer := func(was, is *int64) bool { return is != nil && (was == nil || *is > *was) }
	shorter := func(was, is *int64) bool { return is != nil && (was == nil || *is < *was) }
	differs := func(was, is string) bool { return is != "" && is != was }
	return differs(old.Type, updated.Type) || differs(old.Pattern, updated.Pattern) || differs(old.Format, updated.Format) ||
		above(old.Minimum, updated.Minimum) || below(old.Maximum, updated.Maximum) || longer(old.MinLength, updated.MinLength) ||
		shorter(old.MaxLength, updated.MaxLength) || longer(old.MinItems, updated.MinItems) || shorter(old.MaxItems, updated.MaxItems) ||
		longer(old.MinProperties, updated.MinProperties) || shorter(old.MaxProperties, updated.MaxProperties) ||
		old.Nullable && !updated.Nullable || chooses(old.Enum, updated.Enum) || requires(old, updated) || rules(old, updated)
}

// chooses reports whether words to choose from are gone, or are the first ones.
func chooses(old, updated []apiextensionsv1.JSON) bool {
	if len(old) == 0 || len(updated) == 0 {
		return len(updated) > 0
	}
	return slices.ContainsFunc(old, func(was apiextensionsv1.JSON) bool {
		return !slices.ContainsFunc(updated, func(is apiextensionsv1.JSON) bool { return reflect.DeepEqual(was.Raw, is.Raw) })
	})
}

// requires reports whether a field has to be there that did not have to, and has no default.
func requires(old, updated *apiextensionsv1.JSONSchemaProps) bool {
	return slices.ContainsFunc(updated.Required, func(name string) bool {
		return !slices.Contains(old.Required, name) && updated.Properties[name].Default == nil
	})
}

// rules reports whether there is a rule that was not there in these words.
func rules(old, updated *apiextensionsv1.JSONSchemaProps) bool {
	return slices.ContainsFunc(updated.XValidations, func(is apiextensionsv1.ValidationRule) bool {
		return !slices.ContainsFunc(old.XValidations, func(was apiextensionsv1.ValidationRule) bool {
			return strings.Join(strings.Fields(was.Rule), " ") == strings.Join(strings.Fields(is.Rule), " ")
		})
	})
}

// acceptsNothing says why a schema accepts no value at all, as far as one of its keywords tells by
// itself; "" if none does.
func acceptsNothing(path string, p *apiextensionsv1.JSONSchemaProps) string {
	crossed := func(least, most *int64) bool { return least != nil && most != nil && *least > *most }
	switch {
	case p.Minimum != nil && p.Maximum != nil && *p.Minimum > *p.Maximum:
		return "its minimum is above its maximum"
	case crossed(p.MinLength, p.MaxLength), crossed(p.MinItems, p.MaxItems), crossed(p.MinProperties, p.MaxProperties):
		return "it has to be longer than it may be"
	}
	for _, name := range p.Required {
		_, has := p.Properties[name]
		// The server drops what the schema does not have before it looks for what is required.
		if !has && !takesAny(p) && !isTrue(p.XPreserveUnknownFields) && (path != "" || !slices.Contains([]string{"apiVersion", "kind", "metadata"}, name)) {
			return "it requires " + name + ", which it does not have"
		}
	}
	for _, r := range p.XValidations {
		if alwaysFalse(r.Rule) {
			return "its rule " + strings.Join(strings.Fields(r.Rule), " ") + " never holds"
		}
	}
	return ""
}

// alwaysFalse reports whether a rule in CEL looks at nothing, and is false.
func alwaysFalse(rule string) bool {
	env, err := cel.NewEnv()
	if err != nil {
		return false
	}
	compiled, issues := env.Compile(rule)
	if issues.Err() != nil { // it looks at the object
		return false
	}
	program, err := env.Program(compiled)
	if err != nil {
		return false
	}
	value, _, err := program.Eval(cel.NoVars())
	return err == nil && value != nil && value.Value() == false
}
