package diff

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Renames pairs objects that leave a release with objects that come into it and
// are, by all that can be seen, the same under another name. To Helm they are two:
// it makes the one and deletes the other.
//
// The objects are indexed by what may tell them, the surest first: content,
// template, name without a number or hash, kind. Only what is found once on either
// side is paired, and only if both look alike. What is learned from these pairs
// about names (shop-db is db now) is tried on the rest. The time is linear in the
// size of the objects.
func Renames(gone, come []*manifest.Object) []Pair {
	if len(gone) == 0 || len(come) == 0 {
		return nil
	}
	m := matching{gone: sketches(gone), come: sketches(come)}
	for _, where := range []func(*sketch) string{inPlace, anywhere} {
		for _, c := range clues() {
			m.match(func(s *sketch) string {
				key := c.key(s)
				if key == "" {
					return ""
				}
				return where(s) + "\n" + key
			}, c.enough)
		}
		m.carryOn(where)
	}
	m.successors()
	m.match(func(s *sketch) string {
		ref := s.object.Ref
		return ref.Group + "\n" + ref.Namespace + "\n" + ref.Name
	}, otherKind)
	place := make(map[*manifest.Object]int, len(gone))
	for i, o := range gone {
		place[o] = i
	}
	slices.SortFunc(m.pairs, func(a, b Pair) int { return cmp.Compare(place[a.Old], place[b.Old]) })
	return m.pairs
}

// How alike two objects must be, by what else speaks for it.
const (
	sameFields = 0.3  // a third is what the same fields are worth, whatever is in them
	nearly     = 0.5  // a name with or without what stood before it, or the same subchart
	mostly     = 0.75 // nothing but the kind
	sameSpec   = 0.5  // the same name, and another kind
)

// clue is what two objects may be recognized by.
type clue struct {
	// key is "" for an object that cannot be recognized this way.
	key    func(*sketch) string
	enough func(gone, come *sketch) bool
}

func clues() []clue {
	return []clue{
		{func(s *sketch) string { return s.object.Ref.Name }, alike(sameFields)},
		{func(s *sketch) string { return string(hashText(s.written)) }, telling},
		{func(s *sketch) string { return string(hashText(s.unnamed)) }, telling},
		{func(s *sketch) string {
			if s.source == "" {
				return ""
			}
			return s.source + "\n" + s.component
		}, looksLike(sameFields)},
		{func(s *sketch) string { return stem(s.object.Ref.Name) }, alike(sameFields)},
		{func(s *sketch) string { return tail(s.object.Ref.Name) }, func(g, c *sketch) bool {
			return endsAs(g.object.Ref.Name, c.object.Ref.Name) && g.likeness(c) >= nearly
		}},
		{func(s *sketch) string { return s.chart }, looksLike(nearly)},
		{func(*sketch) string { return "kind" }, func(g, c *sketch) bool {
			return telling(g, c) && g.likeness(c) >= mostly
		}},
	}
}

// endsAs reports whether one name is the other with something before it.
func endsAs(a, b string) bool {
	return strings.HasSuffix(a, "-"+b) || strings.HasSuffix(b, "-"+a)
}

func alike(enough float64) func(gone, come *sketch) bool {
	return func(g, c *sketch) bool { return g.likeness(c) >= enough }
}

// looksLike asks for likeness where the names say nothing: an object without any
// fields looks like every other one.
func looksLike(enough float64) func(gone, come *sketch) bool {
	return func(g, c *sketch) bool { return g.weight > 0 && g.likeness(c) >= enough }
}

func otherKind(g, c *sketch) bool {
	return g.object.Ref.Kind != c.object.Ref.Kind && g.weight >= fewFields && g.likeness(c) >= sameSpec
}

// telling reports whether what two objects have in common is no accident: objects
// from two templates need more of it.
func telling(g, c *sketch) bool {
	switch {
	case g.source == c.source && g.source != "":
		return g.weight > 0
	case g.source == "" || c.source == "":
		return g.weight >= fewFields
	default:
		return g.weight >= manyFields
	}
}

const (
	fewFields  = 2
	manyFields = 8
)

func hashText(hash uint64) []byte {
	text := make([]byte, 0, 8)
	for range 8 {
		text = append(text, byte(hash))
		hash >>= 8
	}
	return text
}

func inPlace(s *sketch) string { return anywhere(s) + "\n" + s.object.Ref.Namespace }

func anywhere(s *sketch) string { return s.object.Ref.Group + "/" + s.object.Ref.Kind }

// matching is how far the objects of two sides are paired.
type matching struct {
	gone, come []*sketch
	pairs      []Pair
}

// match pairs what has a key that nothing else on its side has.
func (m *matching) match(key func(*sketch) string, enough func(gone, come *sketch) bool) {
	goneBy, comeBy := only(m.gone, key), only(m.come, key)
	for _, g := range m.gone {
		k := key(g)
		if c := comeBy[k]; k != "" && !g.paired && goneBy[k] == g && c != nil && enough(g, c) {
			m.pair(g, c)
		}
	}
}

func (m *matching) pair(g, c *sketch) {
	g.paired, c.paired = true, true
	m.pairs = append(m.pairs, Pair{Old: g.object, New: c.object})
}

// only indexes what is not paired yet; a key that comes twice leads to nil.
func only(list []*sketch, key func(*sketch) string) map[string]*sketch {
	index := make(map[string]*sketch, len(list))
	for _, s := range list {
		if s.paired {
			continue
		}
		k := key(s)
		if _, twice := index[k]; twice {
			index[k] = nil
			continue
		}
		index[k] = s
	}
	return index
}

// beginning is how names have changed: what they began with, and now do.
type beginning struct{ old, updated string }

// maxBeginnings bounds how many ways are tried to change a name.
const maxBeginnings = 8

// carryOn gives the objects that are left the names that others have got.
func (m *matching) carryOn(where func(*sketch) string) {
	seen := map[beginning]int{}
	for _, p := range m.pairs {
		if old, updated := p.Old.Ref.Name, p.New.Ref.Name; old != updated {
			same := commonEnd(old, updated)
			seen[beginning{old[:len(old)-same], updated[:len(updated)-same]}]++
		}
	}
	ways := slices.SortedFunc(maps.Keys(seen), func(a, b beginning) int {
		return cmp.Or(-cmp.Compare(seen[a], seen[b]), cmp.Compare(a.old, b.old), cmp.Compare(a.updated, b.updated))
	})
	byName := only(m.come, func(s *sketch) string { return where(s) + "\n" + s.object.Ref.Name })
	for _, way := range ways[:min(len(ways), maxBeginnings)] {
		for _, g := range m.gone {
			rest, fits := strings.CutPrefix(g.object.Ref.Name, way.old)
			if !fits || g.paired {
				continue
			}
			if c := byName[where(g)+"\n"+way.updated+rest]; c != nil && !c.paired && g.likeness(c) >= sameFields {
				m.pair(g, c)
			}
		}
	}
}

// successors pairs the StatefulSets that are left with those that carry their name on,
// with a word more or less, such as shop-redis and shop-redis-master. If there are
// several, such as shop-redis-replicas beside it, the one most alike stands for them, or
// the first: whichever it is, it does not find the volumes of the old one.
func (m *matching) successors() {
	sets := func(list []*sketch) map[string]*sketch {
		return only(list, func(s *sketch) string {
			if ref := s.object.Ref; ref.Group == "apps" && ref.Kind == "StatefulSet" {
				return ref.Namespace + "/" + ref.Name
			}
			return ""
		})
	}
	gone, come := sets(m.gone), sets(m.come)
	best := map[*sketch]*sketch{}
	try := func(g, c *sketch) {
		if g == nil || c == nil || g.likeness(c) < nearly {
			return
		}
		b := best[g]
		if b == nil || cmp.Or(cmp.Compare(g.likeness(c), g.likeness(b)), strings.Compare(b.object.Ref.Name, c.object.Ref.Name)) > 0 {
			best[g] = c
		}
	}
	for key, c := range come {
		for short := range shorter(key) {
			try(gone[short], c)
		}
	}
	for key, g := range gone {
		for short := range shorter(key) {
			try(g, come[short])
		}
	}
	for _, g := range m.gone {
		if c := best[g]; c != nil && !c.paired {
			m.pair(g, c)
		}
	}
}

// shorter yields a name without its last word, its last two words and so on.
func shorter(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := strings.LastIndexByte(name, '-'); i > 0; i = strings.LastIndexByte(name[:i], '-') {
			if !yield(name[:i]) {
				return
			}
		}
	}
}

// commonEnd returns how many bytes two texts end with alike.
func commonEnd(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
