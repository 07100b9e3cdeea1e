package valuelens

import (
	"context"
	"reflect"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// Step is an upgrade of which is asked what its edits are due to.
type Step struct {
	Old, New Inputs
	// States tells of a manifest what has become in it of each edit, in a text: the same text
	// stands for the same, wherever it is rendered.
	States func(manifest string) ([]string, error)
	// Most is how many renderings the search for keys may take, and that for defaults.
	Most int
}

// Inputs are what a side was rendered from.
type Inputs struct {
	Chart    *Chart
	Values   map[string]any
	Given    []Given
	Manifest string
	// Render renders the chart with other values; nil where that cannot be done.
	Render func(ctx context.Context, values map[string]any) (string, error)
}

// Why an edit is not attributed.
const (
	unstable   = "it is different in each rendering"
	unrendered = "the new chart cannot be rendered with the old values"
	unlike     = "rendered alone it cannot be told apart"
)

// Explain tells what each edit is due to, and how many renderings that took. The chart makes
// what stays if all values are what they were, values make what goes; each key that is named was
// reverted, alone or with the others that are named, and the edit was gone. The error is that of
// ctx, or about a manifest.
func Explain(ctx context.Context, s Step) ([]change.Because, int, error) {
	e := &explainer{Step: s, keys: differing(s.Old.Values, s.New.Values)}
	err := e.sides(ctx)
	if err == nil {
		err = e.blameKeys(ctx)
	}
	if err == nil {
		err = e.blameChart(ctx)
	}
	return e.because, e.renderings, err
}

type explainer struct {
	Step
	keys       []difference
	renderings int
	because    []change.Because
	// What becomes of each edit: in the old manifest, in the new one, with the new chart and the
	// old values, and with the old chart and the new values; nil where that cannot be rendered.
	old, updated, chart, values []string
}

// render renders one side with some values; nil where it cannot be rendered so.
func (e *explainer) render(ctx context.Context, in *Inputs, values map[string]any) ([]string, error) {
	if in.Render == nil {
		return nil, nil
	}
	e.renderings++
	text, err := in.Render(ctx, Copy(values))
	if err != nil {
		return nil, ctx.Err()
	}
	return e.States(text)
}

// sides fills in what becomes of the edits in the four renderings, and says which of them are
// not attributed: what is different if the same is rendered once more is held against no other.
func (e *explainer) sides(ctx context.Context) (err error) {
	if e.old, err = e.States(e.Old.Manifest); err != nil {
		return err
	}
	if e.updated, err = e.States(e.New.Manifest); err != nil {
		return err
	}
	again, err := e.render(ctx, &e.New, e.New.Values)
	if err != nil {
		return err
	}
	e.chart = e.updated
	var chartAgain []string
	if len(e.keys) > 0 {
		if chartAgain, err = e.crossed(ctx); err != nil {
			return err
		}
	}
	e.because = make([]change.Because, len(e.updated))
	for i := range e.because {
		switch {
		case again == nil || again[i] != e.updated[i] || chartAgain != nil && chartAgain[i] != e.chart[i]:
			e.because[i].Unknown = unstable
		case e.old[i] == e.updated[i]:
			e.because[i].Unknown = unlike
		}
	}
	return nil
}

// crossed renders each chart with the values of the other side, the new one twice.
func (e *explainer) crossed(ctx context.Context) (chartAgain []string, err error) {
	if e.chart, err = e.render(ctx, &e.New, e.Old.Values); err != nil {
		return nil, err
	}
	if chartAgain, err = e.render(ctx, &e.New, e.Old.Values); err != nil {
		return nil, err
	}
	e.values, err = e.oldChart(ctx)
	return chartAgain, err
}

// oldChart renders the old chart with the new values. A stored release does not have its sub-charts,
// and may have been rendered by another cluster: what does not come out as it was with the old
// values counts as what it is now, which says nothing of the chart.
func (e *explainer) oldChart(ctx context.Context) ([]string, error) {
	before, err := e.render(ctx, &e.Old, e.Old.Values)
	if err != nil || before == nil {
		return nil, err
	}
	after, err := e.render(ctx, &e.Old, e.New.Values)
	for i := range after {
		if before[i] != e.old[i] {
			after[i] = e.updated[i]
		}
	}
	return after, err
}

// asked returns what becomes of the edits in two renderings, as if those were the same in both
// that are not asked for.
func (e *explainer) asked(on, off []string, want func(i int) bool) (a, b []string) {
	a, b = slices.Clone(on), slices.Clone(off)
	for i := range b {
		if e.because[i].Unknown != "" || !want(i) {
			b[i] = a[i]
		}
	}
	return a, b
}

// blameKeys finds the keys that make what is otherwise with the old values.
func (e *explainer) blameKeys(ctx context.Context) error {
	if len(e.keys) == 0 {
		return nil
	}
	// Where the new chart cannot be rendered with the old values, because it needs one of the new
	// ones, a key is looked for without which the field is what it was.
	off := e.chart
	if off == nil {
		off = e.old
	}
	t := trials{keys: len(e.keys), left: e.Most, singly: e.chart == nil}
	t.on, t.off = e.asked(e.updated, off, func(int) bool { return true })
	t.try = func(ctx context.Context, keys []int) ([]string, error) {
		return e.render(ctx, &e.New, reverted(e.New.Values, e.Old.Values, pick(e.keys, keys)))
	}
	found, err := t.search(ctx)
	if err != nil {
		return err
	}
	for i := range found {
		b := &e.because[i]
		b.Joint, b.Unresolved = found[i].joint, found[i].unresolved
		for _, d := range pick(e.keys, found[i].keys) {
			b.Keys = append(b.Keys, e.keyCause(d))
		}
	}
	return nil
}

func pick(all []difference, which []int) []difference {
	list := make([]difference, len(which))
	for i, n := range which {
		list[i] = all[n]
	}
	return list
}

func (e *explainer) keyCause(d difference) change.KeyCause {
	k := Key{Path: d.path, Text: TextOf(d.path)}
	from := e.New.Given
	if !d.given {
		from = e.Old.Given
	}
	return change.KeyCause{Key: k.Text, At: sourceOf(k, from), Gone: !d.given}
}

// blameChart tells what the new chart makes, and which of its defaults do.
func (e *explainer) blameChart(ctx context.Context) error {
	if e.chart == nil {
		e.blameApart()
		return nil
	}
	same := reflect.DeepEqual(e.Old.Chart, e.New.Chart)
	ofChart := func(i int) bool { return e.chart[i] != e.old[i] }
	for i := range e.because {
		b := &e.because[i]
		if b.Unknown != "" {
			continue
		}
		// Values that do it with the new chart only need it.
		needs := e.values != nil && e.chart[i] != e.updated[i] && e.values[i] != e.updated[i]
		b.Step = same && ofChart(i)
		b.Chart = !same && (ofChart(i) || needs)
	}
	if same || e.Old.Chart == nil {
		return nil
	}
	return e.blameDefaults(ctx, ofChart)
}

// blameApart tells what the new chart makes, where it cannot be rendered with the old values: the
// edit is gone with the old chart and the new values.
func (e *explainer) blameApart() {
	for i := range e.because {
		b := &e.because[i]
		switch {
		case b.Unknown != "":
		case len(b.Keys) > 0:
			b.Chart = e.values != nil && e.values[i] != e.updated[i]
		case e.values != nil && e.values[i] == e.old[i]:
			b.Chart = true
		default:
			*b = change.Because{Unknown: unrendered}
		}
	}
}

// blameDefaults tells the defaults of the chart apart from its templates: given as values, the
// old ones undo what the new ones make. A default that only the new chart has belongs to the
// templates that need it.
func (e *explainer) blameDefaults(ctx context.Context, ofChart func(i int) bool) error {
	old := Effective(e.Old.Chart, nil)
	keys := slices.DeleteFunc(differing(old, Effective(e.New.Chart, nil)), func(d difference) bool { return !d.was || covered(e.Old.Values, d.path) })
	if len(keys) == 0 {
		return nil
	}
	try := func(ctx context.Context, some []int) ([]string, error) {
		return e.render(ctx, &e.New, over(reverted(map[string]any{}, old, pick(keys, some)), e.Old.Values))
	}
	all := make([]int, len(keys))
	for i := range all {
		all[i] = i
	}
	off, err := try(ctx, all)
	if err != nil || off == nil {
		return err
	}
	t := trials{keys: len(keys), left: e.Most, try: try}
	t.on, t.off = e.asked(e.chart, off, ofChart)
	found, err := t.search(ctx)
	if err != nil {
		return err
	}
	for i := range found {
		b := &e.because[i]
		for _, d := range pick(keys, found[i].keys) {
			b.Defaults = append(b.Defaults, TextOf(d.path))
		}
		if len(b.Defaults) > 0 && off[i] == e.old[i] {
			b.Chart = false
		}
	}
	return nil
}

// covered reports whether values give a key, or something that is no map in its place.
func covered(values map[string]any, path []string) bool {
	for i := range path {
		m, is := At(values, path[:i]).(map[string]any)
		if !is {
			return exists(values, path[:i])
		}
		if _, has := m[path[i]]; !has {
			return false
		}
	}
	return true
}
