// Package factory makes upgrades that nobody chose, to be predicted and then made for real: objects
// of testdata/cases and of all kinds, changed in one to five fields by chance. A seed decides all
// of it. It also shrinks an upgrade that went otherwise than was predicted, and counts.
package factory

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// Upgrade is one upgrade that was made.
type Upgrade struct {
	// Case is what is installed and upgraded. Its comment tells where it comes from.
	Case cases.Case
	// Way is the index of the way in observed.Ways in which it is measured.
	Way int
	// Changes are the kinds of the changes that were made, sorted, each once.
	Changes []string
}

// base is a case whose objects grow.
type base struct {
	name              string
	old, new, cluster []object
}

// object is a Kubernetes object as JSON has it.
type object = map[string]any

// Maker makes upgrades.
type Maker struct {
	bases []base
	kinds []object // one object of each kind
	pool  *pool
}

// NewMaker returns a maker for the cases below a folder and the documents of a file that has an
// object of each kind.
func NewMaker(dir, kinds string) (*Maker, error) {
	list, err := cases.Load(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(kinds)
	if err != nil {
		return nil, err
	}
	m := &Maker{pool: newPool()}
	for i := range list {
		c := &list[i]
		b := base{name: c.Name, old: read(c.Old), new: read(c.New), cluster: read(c.Cluster)}
		for _, o := range slices.Concat(b.old, b.new) {
			m.pool.learn(o)
		}
		if suits(c, &b) {
			m.bases = append(m.bases, b)
		}
	}
	for _, document := range strings.Split(string(text), "\n---\n") {
		for _, o := range read(document) {
			m.pool.learn(o)
			if contained([]object{o}) {
				m.kinds = append(m.kinds, o)
			}
		}
	}
	return m, nil
}

// suits reports whether the objects of a case may grow: the old side can be installed while others
// run beside it, and what decides is in the manifests.
func suits(c *cases.Case, b *base) bool {
	if c.Unmeasured != "" || c.Drift != "" || c.Before != "" || c.KubeVersion != "" || c.TakeOwnership || observed.Alone(c) {
		return false
	}
	return len(b.old) > 0 && contained(b.old) && contained(b.new) && contained(b.cluster)
}

// read returns the objects of a stream; none where it is no YAML.
func read(stream string) []object {
	objects, err := manifest.Parse(stream, manifest.Options{File: "case"})
	if err != nil {
		return nil
	}
	var values []object
	for _, o := range objects {
		if value, err := o.Value(); err == nil && value != nil {
			values = append(values, plain(value).(object))
		}
	}
	return values
}

// write writes objects as a stream.
func write(objects []object) string {
	texts := make([]string, 0, len(objects))
	for _, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			text = []byte("{}\n") // what was read from YAML can be written as such
		}
		texts = append(texts, string(text))
	}
	return strings.Join(texts, "---\n")
}

// attempts is how many upgrades are made until one has an old side that the program takes to be
// installable, and a new side that differs.
const attempts = 50

// Make returns the n-th upgrade of a seed, always the same one for the same cases and the same
// program.
func (m *Maker) Make(ctx context.Context, seed string, n int) (Upgrade, error) {
	way := n % len(observed.Ways())
	for try := range attempts {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", seed, n, try))
		rng := rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16]))) // a seed is to decide
		u := m.grow(rng, n)
		u.Way = way
		u.Case.Name = fmt.Sprintf("factory/%.8s-%d", seed, n)
		if u.Case.Old == u.Case.New || !contained(read(u.Case.New)) || !contained(read(u.Case.Old)) || doubled(read(u.Case.New)) {
			continue
		}
		installable, err := Installable(ctx, &u.Case, way)
		if err != nil || !installable {
			continue
		}
		return u, nil
	}
	return Upgrade{}, fmt.Errorf("no upgrade of seed %s, %d in %d attempts", seed, n, attempts)
}

// grow makes an upgrade by chance.
func (m *Maker) grow(rng *rand.Rand, n int) Upgrade {
	first := &m.bases[rng.IntN(len(m.bases))]
	from := []string{first.name}
	g := &grown{Maker: m, Rand: rng, n: n, old: copies(first.old), new: copies(first.old), cluster: copies(first.cluster)}
	if rng.IntN(4) == 0 && len(first.new) > 0 {
		g.new = copies(first.new)
	}
	if rng.IntN(3) == 0 {
		second := &m.bases[rng.IntN(len(m.bases))]
		if g.joins(second) {
			from = append(from, second.name)
		}
	}
	if rng.IntN(5) == 0 { // an old side that nobody chose, either
		g.both()
	}
	for times := fewOf(rng); times > 0; times-- {
		g.once()
	}
	u := Upgrade{Case: cases.Case{Old: write(g.old), New: write(g.new), Cluster: write(g.cluster)}}
	if rng.IntN(8) == 0 {
		u.Case.Wait = true
	}
	if u.Case.Wait || strings.Contains(u.Case.Old+u.Case.New, "helm.sh/hook") {
		u.Case.Timeout = "30s"
	}
	slices.Sort(g.changes)
	u.Changes = slices.Compact(g.changes)
	u.Case.Comment = fmt.Sprintf("Grown from %s: %s.", strings.Join(from, " and "), strings.Join(u.Changes, ", "))
	return u
}

// fewOf returns one to five, most often one.
func fewOf(rng *rand.Rand) int {
	weights := []int{40, 25, 15, 10, 10}
	at := rng.IntN(100)
	for i, weight := range weights {
		if at -= weight; at < 0 {
			return i + 1
		}
	}
	return 1
}

// joins adds the objects of another base if none has a name that is there already.
func (g *grown) joins(b *base) bool {
	if doubled(slices.Concat(g.old, g.new[:0], b.old)) || doubled(slices.Concat(g.new, b.old)) || doubled(slices.Concat(g.cluster, b.cluster)) {
		return false
	}
	g.old, g.new, g.cluster = append(g.old, copies(b.old)...), append(g.new, copies(b.old)...), append(g.cluster, copies(b.cluster)...)
	return true
}

// Installable reports whether the program takes the old side of an upgrade to be installable.
func Installable(ctx context.Context, c *cases.Case, way int) (bool, error) {
	fresh := *c
	fresh.Old, fresh.New, fresh.Wait = "", c.Old, false
	set, err := observed.Offline(ctx, &fresh, observed.Ways()[way])
	if err != nil {
		return false, err
	}
	for i := range set.Changes {
		c := &set.Changes[i]
		if len(c.Outcome.Refused) > 0 {
			return false, nil
		}
		for _, f := range c.Findings {
			if f.Risk == change.Rejected || f.Hangs && c.Hook != nil {
				return false, nil
			}
		}
	}
	return true, nil
}
