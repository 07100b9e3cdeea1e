package factory

import (
	"math/rand/v2"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The Go types of the API are what Kubernetes' OpenAPI schemas are made of, so they tell which
// fields there are, also those that no case has.

// fieldOf returns the type of a field by its name in JSON; nil if it is not known.
func fieldOf(of reflect.Type, name string) reflect.Type {
	of = bare(of)
	switch {
	case of == nil:
		return nil
	case of.Kind() == reflect.Map:
		return of.Elem()
	case of.Kind() != reflect.Struct:
		return nil
	}
	for _, f := range fieldsOf(of) {
		if f.name == name {
			return f.of
		}
	}
	return nil
}

// itemOf returns the type of the items of a list.
func itemOf(of reflect.Type) reflect.Type {
	if of = bare(of); of == nil || of.Kind() != reflect.Slice {
		return nil
	}
	return of.Elem()
}

func bare(of reflect.Type) reflect.Type {
	for of != nil && of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of
}

type field struct {
	name string
	of   reflect.Type
}

// fieldsOf lists the fields of a type, those of embedded types among them.
func fieldsOf(of reflect.Type) []field {
	var list []field
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous:
			list = append(list, fieldsOf(bare(f.Type))...)
		case name != "" && name != "-":
			list = append(list, field{name, f.Type})
		}
	}
	return list
}

// valueOf makes a value of a type. Where fields of the name have values in real objects, it is one
// of them.
func (p *pool) valueOf(rng *rand.Rand, name string, of reflect.Type, depth int) any {
	if known := p.named[name]; len(known) > 0 && rng.IntN(4) > 0 {
		if value := known[rng.IntN(len(known))]; fits(value, of) {
			return plain(value)
		}
	}
	of = bare(of)
	switch of {
	case nil:
		return nil
	case reflect.TypeFor[resource.Quantity]():
		return pick(rng, "100m", "1", "64Mi", "1Gi")
	case reflect.TypeFor[intstr.IntOrString]():
		return pick(rng, any(int64(0)), any(int64(1)), any("50%"), any(int64(8080)), any("http"))
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return "2026-01-01T00:00:00Z"
	}
	switch of.Kind() {
	case reflect.Bool:
		return rng.IntN(2) == 0
	case reflect.Int, reflect.Int32, reflect.Int64:
		return pick(rng, int64(0), int64(1), int64(2), int64(5), int64(30), int64(1000))
	case reflect.Map:
		return object{pick(rng, "app", "tier", "cpu"): p.valueOf(rng, "", of.Elem(), depth+1)}
	case reflect.Slice:
		return []any{p.valueOf(rng, name, of.Elem(), depth+1)}
	case reflect.Struct:
		return p.structOf(rng, of, depth)
	default:
		return pick(rng, "web", "a", "x", "default", "http")
	}
}

// structOf makes a value with some of the fields of a type.
func (p *pool) structOf(rng *rand.Rand, of reflect.Type, depth int) any {
	made := object{}
	all := fieldsOf(of)
	if len(all) == 0 || depth > 4 {
		return made
	}
	for _, f := range all {
		if f.name == "name" || f.name == "key" || rng.IntN(len(all)+1) < 2 {
			made[f.name] = p.valueOf(rng, f.name, f.of, depth+1)
		}
	}
	return made
}

// fits reports whether a value is of the JSON type that a Go type is written as.
func fits(value any, of reflect.Type) bool {
	of = bare(of)
	if of == nil {
		return true
	}
	switch value.(type) {
	case bool:
		return of.Kind() == reflect.Bool
	case string:
		return of.Kind() == reflect.String || of.Kind() == reflect.Struct && of.NumField() < 6
	case int64, float64:
		return of.Kind() == reflect.Int32 || of.Kind() == reflect.Int64 || of == reflect.TypeFor[intstr.IntOrString]()
	case []any:
		return of.Kind() == reflect.Slice
	case object:
		return of.Kind() == reflect.Map || of.Kind() == reflect.Struct && of.NumField() > 0
	default:
		return false
	}
}

func pick[T any](rng *rand.Rand, list ...T) T { return list[rng.IntN(len(list))] }
