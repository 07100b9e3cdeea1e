package valuelens

import (
	"slices"
	"strings"
)

// function returns what a function of Helm (funcMap in helm.sh/helm/v3/pkg/engine/funcs.go, and
// Sprig's) makes of its arguments. What is not named here reads all that it is given, and
// returns what nothing is known of.
func (f *frame) function(name string, args []*value) *value {
	if rest, is := strings.CutPrefix(name, "must"); is && rest != "" {
		name = strings.ToLower(rest[:1]) + rest[1:]
	}
	if len(args) == 0 {
		return f.made(name, args)
	}
	first, last := args[0], args[len(args)-1]
	switch name {
	case "include", "tpl":
		return f.rendered(name, args)
	case "required", "deepCopy", "fromYaml", "fromJson", "toString":
		if name == "fromYaml" || name == "fromJson" || name == "toString" {
			f.use(last)
		}
		return last
	case "omit", "pick", "rest", "initial", "reverse", "uniq", "compact", "sortAlpha", "unset", "without", "chunk":
		f.useAll(args[1:])
		return first
	case "slice":
		f.useAll(args[1:])
		return first
	case "default", "coalesce", "and", "or":
		for _, arg := range args {
			f.test(arg)
		}
		return f.joined(args...)
	case "ternary":
		f.use(last)
		return f.joined(args[:len(args)-1]...)
	case "empty", "not", "kindIs", "kindOf", "typeIs", "typeOf", "typeIsLike", "all", "any":
		for _, arg := range args {
			f.test(arg)
		}
		return unknown()
	case "len":
		f.test(first)
		f.item(first)
		return unknown()
	}
	if v := f.lookingUp(name, args); v != nil {
		return v
	}
	return f.made(name, args)
}

// lookingUp is function for those that look something up in a map or list.
func (f *frame) lookingUp(name string, args []*value) *value {
	first, last := args[0], args[len(args)-1]
	switch name {
	case "index":
		for _, key := range args[1:] {
			first = f.by(first, key)
		}
		return first
	case "get":
		return f.by(first, last)
	case "hasKey":
		f.by(first, last)
		return unknown()
	case "dig":
		if len(args) < 3 {
			return unknown()
		}
		v := last
		for _, key := range args[:len(args)-2] {
			v = f.by(v, key)
		}
		return f.joined(v, args[len(args)-2])
	case "pluck":
		found := make([]*value, 0, len(args))
		for _, from := range args[1:] {
			found = append(found, f.by(from, first))
		}
		return listOf(f.joined(found...))
	case "first", "last":
		return f.item(last)
	case "keys":
		names := make([]*value, 0, len(args))
		for _, arg := range args {
			f.item(arg)
			names = append(names, f.keysOf(arg))
		}
		return listOf(f.joined(names...))
	case "values":
		return listOf(f.item(first))
	}
	return nil
}

// by returns a field of which a value is the name.
func (f *frame) by(v, key *value) *value {
	f.use(key)
	found := make([]*value, 0, 1)
	for _, name := range key.asTexts() {
		found = append(found, f.field(v, name))
	}
	return f.joined(found...)
}

// made is function for those that put something together.
func (f *frame) made(name string, args []*value) *value {
	switch name {
	case "dict":
		fields := map[string]*value{}
		for i := 0; i+1 < len(args); i += 2 {
			f.use(args[i])
			for _, key := range args[i].asTexts() {
				fields[key] = f.joined(fields[key], args[i+1])
			}
		}
		return &value{fields: fields}
	case "list", "tuple":
		return listOf(f.joined(args...))
	}
	if len(args) == 0 {
		return unknown()
	}
	switch name {
	case "set":
		if len(args) == 3 {
			f.use(args[1])
			fields := map[string]*value{}
			for _, key := range args[1].asTexts() {
				fields[key] = args[2]
			}
			f.put(args[0], &value{fields: fields})
		}
		return args[0]
	case "merge", "mergeOverwrite":
		all := f.joined(args...)
		for _, arg := range args[1:] {
			f.put(args[0], arg)
		}
		return all
	case "append", "prepend", "push":
		return f.joined(args[0], listOf(f.joined(args[1:]...)))
	case "concat":
		return f.joined(args...)
	}
	return f.text(name, args)
}

// text is function for those that make a text. All that they are given is read.
func (f *frame) text(name string, args []*value) *value { //nolint:cyclop // a row for each function
	f.useAll(args)
	last := args[len(args)-1].asTexts()
	one := ""
	if first := args[0].asTexts(); len(first) == 1 && !strings.Contains(first[0], hole) {
		one = first[0]
	}
	plain := !slices.ContainsFunc(last, func(t string) bool { return strings.Contains(t, hole) })
	switch name {
	case "print", "cat":
		between := map[string]string{"cat": " "}[name]
		out := args[0].asTexts()
		for _, arg := range args[1:] {
			out = chained(chained(out, []string{between}), arg.asTexts())
		}
		return textOf(out...)
	case "printf":
		return textOf(formatted(args)...)
	case "trim":
		return textOf(mapped(last, strings.TrimSpace)...)
	case "lower":
		return textOf(mapped(last, strings.ToLower)...)
	case "upper":
		return textOf(mapped(last, strings.ToUpper)...)
	case "replace":
		if len(args) == 3 && plain && one != "" {
			by := args[1].asTexts()
			return textOf(mapped(last, func(t string) string { return strings.ReplaceAll(t, one, by[0]) })...)
		}
	case "trimSuffix":
		if plain && len(args) == 2 {
			return textOf(mapped(last, func(t string) string { return strings.TrimSuffix(t, one) })...)
		}
	case "trimPrefix":
		if plain && len(args) == 2 {
			return textOf(mapped(last, func(t string) string { return strings.TrimPrefix(t, one) })...)
		}
	case "splitList", "split":
		if plain && one != "" {
			parts := []string(nil)
			for _, text := range last {
				parts = union(parts, strings.Split(text, one))
			}
			return listOf(textOf(parts...))
		}
	}
	return unknown()
}

// formatted is what printf makes.
func formatted(args []*value) []string {
	out := []string(nil)
	for _, format := range args[0].asTexts() {
		texts, at := []string{""}, 1
		for {
			i := strings.IndexByte(format, '%')
			if i < 0 || i+1 >= len(format) {
				break
			}
			texts = chained(texts, []string{format[:i]})
			verb := format[i+1]
			format = format[i+2:]
			part := []string{hole}
			switch {
			case verb == '%':
				part = []string{"%"}
			case (verb == 's' || verb == 'v' || verb == 'd') && at < len(args):
				part = args[at].asTexts()
				at++
			default: // a width or a flag
				format = strings.TrimLeft(format, "0123456789.+-# sdvqtfxc")
			}
			texts = chained(texts, part)
		}
		out = union(out, chained(texts, []string{format}))
	}
	return out
}

// patternOf returns a text, which may be a format, with holes for what is filled in.
func patternOf(text string) string {
	for _, verb := range []string{"%s", "%v", "%d"} {
		text = strings.ReplaceAll(text, verb, hole)
	}
	return text
}

func (f *frame) useAll(values []*value) {
	for _, v := range values {
		f.use(v)
	}
}
