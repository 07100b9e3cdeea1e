package factory

import (
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// grown is an upgrade that grows.
type grown struct {
	*Maker
	*rand.Rand
	n                 int
	old, new, cluster []object
	changes           []string // kinds of the changes so far
}

// change is a kind of change. It reports whether there was something to change.
type mutation struct {
	name   string
	weight int
	do     func(g *grown) bool
}

// changes are the kinds of changes, and how often one is made.
func mutations() []mutation {
	return []mutation{
		{"another known value", 22, (*grown).known},
		{"a value nearby", 22, (*grown).nearby},
		{"a field goes", 8, (*grown).removed},
		{"a field of the kind comes", 8, (*grown).added},
		{"a field of the API comes", 6, (*grown).fromAPI},
		{"a list is edited", 10, (*grown).list},
		{"another type", 2, (*grown).typed},
		{"an object is renamed", 3, (*grown).renamed},
		{"an object goes", 4, (*grown).dropped},
		{"an object comes", 5, (*grown).another},
		{"a label changes everywhere", 4, (*grown).relabelled},
		{"a hook comes or goes", 4, (*grown).hooked},
		{"a resource policy comes or goes", 2, (*grown).kept},
		{"a LimitRange", 5, (*grown).limit},
		{"a ResourceQuota", 5, (*grown).quota},
		{"a validating policy", 5, (*grown).policy},
		{"a mutating policy", 3, (*grown).mutator},
	}
}

// once makes one change.
func (g *grown) once() {
	all := mutations()
	total := 0
	for _, m := range all {
		total += m.weight
	}
	for range 20 {
		at := g.IntN(total)
		for _, m := range all {
			if at -= m.weight; at >= 0 {
				continue
			}
			if m.do(g) {
				g.changes = append(g.changes, m.name)
				return
			}
			break
		}
	}
}

// both changes one place of an object on both sides.
func (g *grown) both() {
	if len(g.old) == 0 {
		return
	}
	o := g.old[g.IntN(len(g.old))]
	i := slices.IndexFunc(g.new, func(other object) bool { return reflect.DeepEqual(o, other) })
	p, found := g.placeIn(o)
	if !found {
		return
	}
	if known := g.pool.at[p.path]; len(known) > 0 {
		p.set(runtime.DeepCopyJSONValue(known[g.IntN(len(known))]))
	}
	if i >= 0 {
		g.new[i] = runtime.DeepCopyJSON(o)
	}
}

// object returns one of the new side; nil if it is empty.
func (g *grown) object() object {
	if len(g.new) == 0 {
		return nil
	}
	return g.new[g.IntN(len(g.new))]
}

// place returns a place in an object of the new side.
func (g *grown) place() (place, bool) { return g.placeIn(g.object()) }

func (g *grown) placeIn(o object) (place, bool) {
	if o == nil {
		return place{}, false
	}
	kind, _ := o["kind"].(string)
	all := slices.DeleteFunc(places(o, kind), guarded)
	if len(all) == 0 {
		return place{}, false
	}
	return all[g.IntN(len(all))], true
}

// guarded reports whether a place keeps what a policy is about within the namespace.
func guarded(p place) bool {
	return strings.Contains(p.path, "Policy.spec.matchConstraints") || strings.Contains(p.path, "Binding.spec.matchResources")
}

func (g *grown) known() bool {
	p, found := g.place()
	if !found {
		return false
	}
	known := slices.DeleteFunc(slices.Clone(g.pool.at[p.path]), func(value any) bool { return reflect.DeepEqual(value, p.value) })
	if len(known) == 0 {
		return false
	}
	p.set(runtime.DeepCopyJSONValue(known[g.IntN(len(known))]))
	return true
}

func (g *grown) nearby() bool {
	for range 10 {
		p, found := g.place()
		if !found {
			return false
		}
		if value, is := g.near(p); is && !reflect.DeepEqual(value, p.value) {
			p.set(value)
			return true
		}
	}
	return false
}

var quantity = regexp.MustCompile(`^([0-9]+)(m|Ki|Mi|Gi|Ti|k|M|G)?$`)

// near returns a value like that of a place.
func (g *grown) near(p place) (any, bool) {
	switch v := p.value.(type) {
	case bool:
		return !v, true
	case int64:
		return pick(g.Rand, v+1, v-1, v*2, 0, 1, -1, 100000), true
	case string:
		name, _, tagged := strings.Cut(v, ":")
		number := quantity.FindStringSubmatch(v)
		share, percent := strings.CutSuffix(v, "%")
		switch {
		case p.name == "image" && tagged:
			return name + ":" + pick(g.Rand, "2", "3", "1.2.3", "latest"), true
		case p.name == "image":
			return v + pick(g.Rand, ":2", "-next", ":latest"), true
		case number != nil:
			n, err := strconv.ParseInt(number[1], 10, 64)
			return strconv.FormatInt(pick(g.Rand, n*2, n/2, n+1, 0, n*1000), 10) + number[2], err == nil
		case percent && share != "":
			return pick(g.Rand, "0%", "1%", "50%", "100%", "120%"), true
		default:
			return pick(g.Rand, v+"-2", v+"x", "other", "web", strings.ToUpper(v), ""), true
		}
	default:
		return nil, false
	}
}

func (g *grown) removed() bool {
	p, found := g.place()
	if !found || p.remove == nil {
		return false
	}
	p.remove()
	return true
}

// added gives a map a field that others of its kind have.
func (g *grown) added() bool {
	p, found := g.place()
	inner, is := p.value.(object)
	if !found || !is {
		return false
	}
	names := slices.DeleteFunc(slices.Clone(g.pool.inside[p.path]), func(name string) bool { _, has := inner[name]; return has })
	if len(names) == 0 {
		return false
	}
	name := names[g.IntN(len(names))]
	known := g.pool.at[p.path+"."+name]
	inner[name] = runtime.DeepCopyJSONValue(known[g.IntN(len(known))])
	return true
}

// fromAPI gives a map a field that its type has.
func (g *grown) fromAPI() bool {
	p, found := g.place()
	inner, is := p.value.(object)
	of := bare(p.fields)
	if !found || !is || of == nil || of.Kind() != reflect.Struct {
		return false
	}
	names := slices.DeleteFunc(fieldsOf(of), func(f field) bool {
		_, has := inner[f.name]
		return has || fixed(false, strings.HasSuffix(p.path, ".metadata"), f.name)
	})
	if len(names) == 0 {
		return false
	}
	f := names[g.IntN(len(names))]
	inner[f.name] = plain(g.pool.valueOf(g.Rand, f.name, f.of, 0))
	return true
}

// list edits a list: an item goes, comes twice, comes from elsewhere, or moves.
func (g *grown) list() bool {
	for range 10 {
		p, found := g.place()
		list, is := p.value.([]any)
		if !found {
			return false
		}
		if !is || len(list) == 0 {
			continue
		}
		at := g.IntN(len(list))
		switch g.IntN(5) {
		case 0:
			p.set(slices.Delete(slices.Clone(list), at, at+1))
		case 1:
			twin := runtime.DeepCopyJSONValue(list[at])
			if inner, is := twin.(object); is && g.IntN(2) == 0 {
				for _, name := range []string{"name", "value", "port", "containerPort", "mountPath", "key"} {
					if text, is := inner[name].(string); is && g.IntN(2) == 0 {
						inner[name] = text + "-2"
					}
				}
			}
			p.set(append(slices.Clone(list), twin))
		case 2, 3:
			known := g.pool.at[p.path+"[]"]
			if len(known) == 0 {
				continue
			}
			p.set(slices.Insert(slices.Clone(list), at, runtime.DeepCopyJSONValue(known[g.IntN(len(known))])))
		default:
			if len(list) < 2 {
				continue
			}
			p.set(append(slices.Clone(list[1:]), list[0]))
		}
		return true
	}
	return false
}

// typed writes a scalar as another type.
func (g *grown) typed() bool {
	p, found := g.place()
	if !found {
		return false
	}
	switch v := p.value.(type) {
	case bool:
		p.set(strconv.FormatBool(v))
	case int64:
		p.set(pick(g.Rand, any(strconv.FormatInt(v, 10)), any([]any{v}), any(nil)))
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			p.set(n)
			return true
		}
		p.set(pick(g.Rand, any([]any{v}), any(nil), any(true), any(int64(5))))
	default:
		p.set(nil)
	}
	return true
}
