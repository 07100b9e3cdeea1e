package diff

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// sketch is what an object looks like, in little room: a hash of each of its
// fields, its metadata left out, and of what stands there. Names of objects that
// go or come are taken out, since they are what a rename changes; what stands there
// with them counts as well, for a name may also be any other word.
type sketch struct {
	object *manifest.Object
	// source is the template, and chart the path of the chart that it belongs to,
	// both without the name of the release's own chart.
	source, chart string
	component     string
	// traits counts the hashes, and total is their number.
	traits map[uint64]int
	total  int
	// written and unnamed are hashes of the whole, with names and without.
	written, unnamed uint64
	// weight tells how much there is to recognize the object by.
	weight int
	paired bool
}

// identityLabels name a release, a chart or an instance wherever they stand, and
// change with it.
var identityLabels = map[string]bool{ //nolint:gochecknoglobals // a constant table
	"app.kubernetes.io/name": true, "app.kubernetes.io/instance": true, "app.kubernetes.io/version": true,
	"app.kubernetes.io/part-of": true, "app.kubernetes.io/component": true, "app.kubernetes.io/managed-by": true, "helm.sh/chart": true,
	"app": true, "release": true, "chart": true, "heritage": true,
}

// sketches looks at objects; those that cannot be read are left out.
func sketches(objects []*manifest.Object) []*sketch {
	names := make(map[string]bool, len(objects))
	for _, o := range objects {
		names[o.Ref.Name] = true
	}
	blank := Respelling(func(word string) (string, bool) { return "", names[word] })
	list := make([]*sketch, 0, len(objects))
	for _, o := range objects {
		value, err := o.Value()
		if err != nil {
			continue
		}
		_, source, _ := strings.Cut(o.Source, "/")
		s := &sketch{object: o, source: source, traits: map[uint64]int{}}
		if end := strings.LastIndex("/"+source, "/templates/"); end >= 0 {
			s.chart = ("/" + source)[:end+1]
		}
		metadata, _ := value["metadata"].(map[string]any)
		labels, _ := metadata["labels"].(map[string]any)
		s.component, _ = labels["app.kubernetes.io/component"].(string)
		for field, v := range value {
			if field != "apiVersion" && field != "kind" && field != "metadata" && field != "status" {
				s.add(extend(offset, field), v, blank)
			}
		}
		o.Forget()
		list = append(list, s)
	}
	return list
}

// add takes in what stands at a path, which is given by its hash.
func (s *sketch) add(path uint64, value any, blank Respelling) {
	switch v := value.(type) {
	case map[string]any:
		for field, inner := range v {
			if identityLabels[field] {
				inner = ""
			}
			s.add(extend(path, field), inner, blank)
		}
		return
	case []any:
		for _, item := range v {
			s.add(extend(path, ""), item, blank)
		}
		return
	}
	text := change.ValueOf(value).Text()
	written, unnamed := extend(path, text), extend(path, blank.Text(text))
	s.written += written
	s.unnamed += unnamed
	for _, trait := range [...]uint64{path, written, unnamed + 1} {
		s.traits[trait]++
		s.total++
	}
	s.weight += 1 + len(text)/lineLength
}

// lineLength is how much text weighs as much as a field.
const lineLength = 64

// likeness is 1 for objects that look the same and 0 for those that have nothing in
// common. Objects with the same fields and nothing the same in them have a third.
func (s *sketch) likeness(t *sketch) float64 {
	if s.total+t.total == 0 {
		return 1
	}
	shared := 0
	for trait, n := range s.traits {
		shared += min(n, t.traits[trait])
	}
	return 2 * float64(shared) / float64(s.total+t.total)
}

// The numbers of the hash FNV-1a.
const (
	offset uint64 = 14695981039346656037
	prime  uint64 = 1099511628211
)

// extend returns the hash of what was hashed so far and one more text.
func extend(hash uint64, text string) uint64 {
	for i := range len(text) {
		hash = (hash ^ uint64(text[i])) * prime
	}
	return (hash ^ 0xff) * prime
}

// stem returns a name without a number or a hash at its end; "" for a name that has
// none.
func stem(name string) string {
	dash := strings.LastIndexByte(name, '-')
	if dash < 0 || !slices.ContainsFunc([]byte(name[dash:]), func(c byte) bool { return c >= '0' && c <= '9' }) {
		return ""
	}
	return name[:dash]
}

// tail returns the last word of a name, with which a chart tells its objects apart:
// what stands before it comes from the release.
func tail(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }
