package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
	"github.com/safe-diff/helm-safe-diff/test/charts"
)

// kinds are those of planted keys.
func kinds() []string { return []string{"made up", "misspelt", "renamed"} }

// perKind is how many keys of a kind are planted in a chart.
const perKind = 12

// planted is a key that was planted.
type planted struct {
	kind string
	path []string
}

func (p planted) text() string { return strings.Join(p.path, "\x01") }

// chart measures one chart.
func (sum *totals) chart(ctx context.Context, log io.Writer, client *helm.Client, dir string) error {
	side, err := client.Template(ctx, helm.Template{Release: "demo", Chart: helm.Chart{Ref: dir}, Rendering: helm.Rendering{WithLens: true}})
	if err != nil {
		return err
	}
	settings, err := settingsOf(ctx, side.Lens, dir)
	if err != nil {
		return err
	}
	sum.charts++
	defaults := side.Lens.Chart.Values
	plants := plant(defaults, filepath.Base(dir))
	begun := time.Now()
	values := map[string]any{}
	for _, p := range plants {
		valuelens.Set(values, p.path, "planted")
	}
	named, err := deadOf(ctx, side.Lens.Chart, values)
	if err != nil {
		return err
	}
	sum.reading = append(sum.reading, time.Since(begun))
	does := map[string]bool{}
	for _, s := range settings {
		s.search(ctx, plants, does, func(values map[string]any, p planted) { valuelens.Set(values, p.path, "planted") })
	}
	for _, p := range plants {
		t := sum.byKind[p.kind]
		if t == nil {
			t = &tally{}
			sum.byKind[p.kind] = t
		}
		t.add(judged(named[p.text()], does[p.text()]))
		switch {
		case named[p.text()] && does[p.text()]:
			_, _ = fmt.Fprintf(log, "%s: WRONG %s %q\n", filepath.Base(dir), p.kind, p.path)
		case !named[p.text()] && !does[p.text()]:
			_, _ = fmt.Fprintf(log, "%s: missed %s %q\n", filepath.Base(dir), p.kind, p.path)
		}
	}
	return sum.ownKeys(ctx, log, side.Lens.Chart, settings, dir)
}

func judged(named, does bool) tally {
	switch {
	case does && named:
		return tally{live: 1, wrong: 1}
	case does:
		return tally{live: 1}
	case named:
		return tally{dead: 1, found: 1}
	}
	return tally{dead: 1}
}

// ownKeys asks about all keys that the chart gives itself. One that is named dead is changed,
// and must not make a difference.
func (sum *totals) ownKeys(ctx context.Context, log io.Writer, ch *valuelens.Chart, settings []*setting, dir string) error {
	named, err := deadOf(ctx, ch, ch.Values)
	if err != nil {
		return err
	}
	var list []planted
	for _, path := range charts.Leaves(ch.Values) {
		sum.own++
		if named[strings.Join(path, "\x01")] {
			list = append(list, planted{"own", path})
		}
	}
	sum.ownDead += len(list)
	does := map[string]bool{}
	for _, s := range settings {
		s.search(ctx, list, does, alter)
	}
	for _, p := range list {
		if does[p.text()] {
			sum.ownWrong++
			_, _ = fmt.Fprintf(log, "%s: WRONG own key %q\n", filepath.Base(dir), p.path)
		}
	}
	return nil
}

// deadOf returns the keys that are named dead, with all that is in them.
func deadOf(ctx context.Context, ch *valuelens.Chart, values map[string]any) (map[string]bool, error) {
	found, err := valuelens.Look(ctx, valuelens.Question{New: ch, Values: values})
	if err != nil {
		return nil, err
	}
	texts := map[string]bool{}
	for i := range found.Dead {
		texts[found.Dead[i].Key] = true
	}
	named := map[string]bool{}
	for _, path := range charts.Leaves(values) {
		for i := range path {
			if texts[valuelens.TextOf(path[:i+1])] {
				named[strings.Join(path, "\x01")] = true
			}
		}
	}
	return named, nil
}

// plant chooses keys to plant, the same ones in each run.
func plant(defaults map[string]any, seed string) []planted {
	random := charts.Random(seed)
	all, places := charts.Leaves(defaults), mapsIn(defaults, nil)
	if len(all) == 0 {
		return nil
	}
	var list []planted
	taken := map[string]bool{}
	add := func(kind string, path []string) {
		p := planted{kind, path}
		if key := p.text(); !taken[key] && !has(defaults, path) {
			taken[key] = true
			list = append(list, p)
		}
	}
	for i := range perKind {
		place := places[random.IntN(len(places))]
		add("made up", append(slices.Clip(place), fmt.Sprintf("madeUp%d", i)))
		path := slices.Clone(all[random.IntN(len(all))])
		path[len(path)-1] = misspelt(path[len(path)-1], random)
		add("misspelt", path)
		path = slices.Clone(all[random.IntN(len(all))])
		path[len(path)-1] = "legacy" + strings.ToUpper(path[len(path)-1][:1]) + path[len(path)-1][1:]
		add("renamed", path)
	}
	return list
}

func misspelt(word string, random *rand.Rand) string {
	if len(word) < 3 {
		return word + "s"
	}
	i := 1 + random.IntN(len(word)-2)
	switch random.IntN(3) {
	case 0:
		return word[:i] + word[i+1:]
	case 1:
		return word[:i] + word[i+1:i+2] + word[i:i+1] + word[i+2:]
	}
	return word[:i] + word[i:i+1] + word[i:]
}

// mapsIn lists all maps, empty ones too.
func mapsIn(value map[string]any, at []string) [][]string {
	list := [][]string{slices.Clone(at)}
	for _, key := range slices.Sorted(maps.Keys(value)) {
		if below, is := value[key].(map[string]any); is {
			list = append(list, mapsIn(below, append(slices.Clip(at), key))...)
		}
	}
	return list
}

func has(values map[string]any, path []string) bool {
	for i, key := range path {
		below, is := values[key]
		if !is {
			return false
		}
		if i == len(path)-1 {
			return true
		}
		if values, is = below.(map[string]any); !is {
			return true // it cannot be planted there
		}
	}
	return true
}

// setting is one way to render a chart.
type setting struct {
	lens        *helm.Lens
	values      map[string]any
	base, again []string
}

// settingsOf returns all ways that can be rendered: the defaults, all switches on, and the
// values files that the chart is tested with.
func settingsOf(ctx context.Context, lens *helm.Lens, dir string) ([]*setting, error) {
	list := []map[string]any{{}, switchedOn(ctx, lens)}
	files, _ := filepath.Glob(filepath.Join(dir, "ci", "*values.yaml"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		values := map[string]any{}
		if yaml.Unmarshal(text, &values) == nil {
			list = append(list, values)
		}
	}
	var ways []*setting
	for _, values := range list {
		if s := settingOf(ctx, lens, values); s != nil {
			ways = append(ways, s)
		}
	}
	if len(ways) == 0 {
		return nil, errors.New("it comes out in another order each time, or not at all")
	}
	return ways, nil
}

// switchedOn returns values that switch on what a chart has switched off, as far as it can be
// rendered so.
func switchedOn(ctx context.Context, lens *helm.Lens) map[string]any {
	defaults := valuelens.Effective(lens.Chart, nil)
	on := map[string]any{}
	for _, top := range slices.Sorted(maps.Keys(defaults)) {
		more, off := valuelens.Copy(on), false
		for _, path := range charts.Leaves(map[string]any{top: defaults[top]}) {
			if at(defaults, path) == false {
				valuelens.Set(more, path, true)
				off = true
			}
		}
		if !off {
			continue
		}
		if _, err := lens.Render(ctx, more); err == nil {
			on = more
		}
	}
	return on
}

// steady is how often a chart must come out with its lines in the same order.
const steady = 4

// settingOf returns a way to render a chart; nil if that fails, or comes out in another order
// each time.
func settingOf(ctx context.Context, lens *helm.Lens, values map[string]any) *setting {
	s := &setting{lens: lens, values: values}
	for i := range steady + 2 {
		text, err := lens.Render(ctx, values)
		switch {
		case err != nil:
			return nil
		case i == 0:
			s.base = strings.Split(text, "\n")
		case i == 1:
			s.again = strings.Split(text, "\n")
		case len(s.base) != len(s.again) || !s.same(text):
			return nil
		}
	}
	return s
}

func at(value any, path []string) any {
	for _, key := range path {
		m, is := value.(map[string]any)
		if !is {
			return nil
		}
		value = m[key]
	}
	return value
}

// alter gives a key another value.
func alter(values map[string]any, p planted) {
	switch v := at(values, p.path).(type) {
	case bool:
		valuelens.Set(values, p.path, !v)
	case string:
		valuelens.Set(values, p.path, v+"x")
	case nil:
		valuelens.Set(values, p.path, "x")
	case map[string]any, []any:
		valuelens.Set(values, p.path, nil)
	default:
		valuelens.Set(values, p.path, 7)
	}
}

// search notes which keys make a difference to what is rendered, by halves.
func (s *setting) search(ctx context.Context, list []planted, does map[string]bool, do func(map[string]any, planted)) {
	list = slices.DeleteFunc(slices.Clone(list), func(p planted) bool { return does[p.text()] })
	if len(list) == 0 {
		return
	}
	values := valuelens.Copy(s.values)
	for _, p := range list {
		do(values, p)
	}
	if text, err := s.lens.Render(ctx, values); err == nil && s.same(text) {
		return
	}
	if len(list) == 1 {
		does[list[0].text()] = true
		return
	}
	s.search(ctx, list[:len(list)/2], does, do)
	s.search(ctx, list[len(list)/2:], does, do)
}

func (s *setting) same(text string) bool {
	lines := strings.Split(text, "\n")
	if len(lines) != len(s.base) {
		return false
	}
	for i := range lines {
		if s.base[i] == s.again[i] && lines[i] != s.base[i] {
			return false
		}
	}
	return true
}
