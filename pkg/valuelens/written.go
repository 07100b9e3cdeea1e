package valuelens

import "slices"

// written is what a template has put into the values of the chart: the map at the path may
// also be the value.
type written struct {
	path  []string
	value *value
}

// mostWritten is how many writes are followed.
const mostWritten = 400

// writtenTo returns what a template has written to a field of the map at a path.
func (in *interpreter) writtenTo(path []string, name string) []*value {
	var found []*value
	for i := range in.written {
		w := &in.written[i]
		if len(w.path) != len(path) || !begins(w.path, path) || in.following > deepest {
			continue
		}
		in.following++
		found = append(found, in.field(w.value, name))
		in.following--
	}
	return found
}

// put notes that a template sets fields of a map.
func (in *interpreter) put(target, fields *value) { in.putOnce(target, fields, map[*value]bool{}) }

func (in *interpreter) putOnce(target, fields *value, seen map[*value]bool) {
	if target == nil || seen[target] || target == fields {
		return
	}
	seen[target] = true
	for _, part := range target.parts {
		in.putOnce(part, fields, seen)
	}
	for _, path := range target.paths {
		in.write(path, fields)
	}
	if target.fields == nil && len(target.paths) > 0 {
		return
	}
	if target.fields == nil {
		target.fields = map[string]*value{}
	}
	for name, v := range fields.fields {
		if target.fields[name] != v {
			target.fields[name] = in.both(target.fields[name], v, 0)
		}
	}
	target.paths = merged(target.paths, fields.paths)
	if len(fields.texts) > 0 {
		target.texts = union(target.texts, fields.texts)
	}
}

func (in *interpreter) write(path []string, fields *value) {
	signature := fields.signature(0)
	for i := range in.written {
		w := &in.written[i]
		if slices.Equal(w.path, path) && w.value.signature(0) == signature {
			return
		}
	}
	if len(in.written) >= mostWritten {
		in.use(pathOf(path))
		in.use(fields)
		return
	}
	in.written = append(in.written, written{path, fields})
	in.grown = true
	if in.reads.whole || in.reads.has(path) && in.reads.at(path).whole {
		in.use(fields)
	}
}
