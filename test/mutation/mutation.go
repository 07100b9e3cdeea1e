// Package mutation makes upgrades that no chart would make, out of those in
// testdata/cases: nulls, other types, fields that are gone, twice, elsewhere, deep, long or
// huge. It checks what must hold of the judgement of any upgrade, whatever is in it.
package mutation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// Upgrade is one upgrade to judge.
type Upgrade struct {
	// Name tells where it comes from: a case and a seed, or a file.
	Name string
	// Old, New and Cluster are streams of YAML documents.
	Old, New, Cluster string
	// Options are those of the judgement, without Cluster.
	Options safediff.Options
}

// options returns how to judge the upgrade.
func (u *Upgrade) options() safediff.Options {
	opts := u.Options
	opts.Cluster = []safediff.Manifest{{Name: "cluster.yaml", Text: u.Cluster}}
	return opts
}

// Maker makes upgrades out of cases.
type Maker struct {
	cases []cases.Case
	// values are the values that fields of a name have in the cases.
	values map[string][]any
	names  []string // of values, in order
}

// NewMaker returns a maker for the cases below a folder, and for objects that stay as they
// are: the documents of a file, one of each kind.
func NewMaker(dir, kinds string) (*Maker, error) {
	list, err := cases.Load(dir)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(kinds)
	if err != nil {
		return nil, err
	}
	for i, document := range strings.Split(string(text), "\n---\n") {
		list = append(list, cases.Case{Name: fmt.Sprintf("document %d of all kinds", i+1), Old: document, New: document})
	}
	m := &Maker{cases: list, values: map[string][]any{}}
	for i := range list {
		for _, text := range []string{list[i].Old, list[i].New} {
			for _, value := range read(text) {
				m.learn(value)
			}
		}
	}
	m.names = manifest.Fields(asAny(m.values))
	return m, nil
}

// learn notes what values fields have.
func (m *Maker) learn(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range manifest.Fields(v) {
			if len(m.values[name]) < 50 {
				m.values[name] = append(m.values[name], v[name])
			}
			m.learn(v[name])
		}
	case []any:
		for _, item := range v {
			m.learn(item)
		}
	}
}

func asAny(values map[string][]any) map[string]any {
	all := make(map[string]any, len(values))
	for name := range values {
		all[name] = nil
	}
	return all
}

// Make returns the upgrade of a seed, always the same one for the same cases.
func (m *Maker) Make(seed uint64) Upgrade {
	rng := rand.New(rand.NewPCG(seed, 0x5afed1ff))
	c := &m.cases[rng.IntN(len(m.cases))]
	u := Upgrade{Name: fmt.Sprintf("seed %d (%s)", seed, c.Name), Old: c.Old, New: c.New, Cluster: c.Cluster}
	u.Options = c.Options(rng.IntN(2) == 0)
	u.Options.Cluster = nil
	switch rng.IntN(20) {
	case 0:
		u.Options.Operation = change.Rollback
	case 1:
		u.Options.Replace = true
	case 2:
		u.Options.TakeOwnership = true
	}
	sides := []*string{&u.Old, &u.New, &u.New, &u.Old, &u.New}
	if c.Cluster != "" {
		sides = append(sides, &u.Cluster)
	}
	if rng.IntN(4) == 0 { // the same fault on both sides
		same := rng.Uint64()
		m.spoil(&u.Old, rand.New(rand.NewPCG(same, 1)))
		m.spoil(&u.New, rand.New(rand.NewPCG(same, 1)))
		if rng.IntN(2) == 0 {
			return u
		}
	}
	m.spoil(sides[rng.IntN(len(sides))], rng)
	return u
}

// spoil changes one object of a stream, or adds it once more.
func (m *Maker) spoil(stream *string, rng *rand.Rand) {
	documents := strings.Split(*stream, "\n---\n")
	at := rng.IntN(len(documents))
	values := read(documents[at])
	if len(values) == 0 {
		return
	}
	value := runtime.DeepCopyJSON(values[0])
	changed := mutator{Maker: m, Rand: rng}
	for times := 1 + rng.IntN(2)*rng.IntN(4); times > 0; times-- {
		changed.once(value)
	}
	text := written(value, !changed.raw && rng.IntN(2) == 0)
	if rng.IntN(30) == 0 {
		documents = append(documents, text)
	} else {
		documents[at] = text
	}
	*stream = strings.Join(documents, "\n---\n")
}

// read returns the objects of a stream; none where it is no YAML.
func read(stream string) []map[string]any {
	objects, err := manifest.Parse(stream, manifest.Options{File: "case"})
	if err != nil {
		return nil
	}
	var values []map[string]any
	for _, o := range objects {
		if value, err := o.Value(); err == nil {
			values = append(values, value)
		}
	}
	return values
}

// written writes an object, in block style or in flow style.
func written(value map[string]any, block bool) string {
	if block {
		if text, err := yaml.Marshal(value); err == nil {
			return string(text)
		}
	}
	var b strings.Builder
	flow(&b, value)
	return b.String() + "\n"
}
