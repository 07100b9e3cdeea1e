package renderer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
)

// sentLens is a helm.Lens as it is sent, without the way to render.
type sentLens struct {
	Chart  sentChart
	Values typed
	Given  []sentGiven
}

// sentChart is a chart without the text of its files, of which the digests are enough to tell
// whether two are the same.
type sentChart struct {
	valuelens.Chart
	Values typed
	Needs  []sentNeed
}

type sentNeed struct {
	valuelens.Need
	Chart sentChart
}

type sentGiven struct {
	valuelens.Given
	Values typed
}

// sent returns a lens as it is sent; nil for none.
func sent(l *helm.Lens) (*sentLens, error) {
	if l == nil {
		return nil, nil //nolint:nilnil // nobody has asked for one
	}
	var s sentLens
	var errs [2]error
	s.Chart, errs[0] = sentChartOf(l.Chart)
	s.Values, errs[1] = typedOf(l.Values)
	for _, g := range l.Given {
		values, err := typedOf(g.Values)
		if err != nil {
			return nil, err
		}
		g.Values = nil
		s.Given = append(s.Given, sentGiven{g, values})
	}
	return &s, errors.Join(errs[:]...)
}

func sentChartOf(ch *valuelens.Chart) (s sentChart, err error) {
	s.Chart = *ch
	s.Chart.Values, s.Chart.Needs = nil, nil
	s.Templates, s.Files = digested(ch.Templates), digested(ch.Files)
	if s.Values, err = typedOf(ch.Values); err != nil {
		return s, err
	}
	for _, need := range ch.Needs {
		below, err := sentChartOf(need.Chart)
		if err != nil {
			return s, err
		}
		need.Chart = nil
		s.Needs = append(s.Needs, sentNeed{need, below})
	}
	return s, nil
}

func digested(files []valuelens.File) []valuelens.File {
	list := slices.Clone(files)
	for i := range list {
		sum := sha256.Sum256([]byte(list[i].Text))
		list[i].Text = hex.EncodeToString(sum[:])
	}
	return list
}

func (s *sentChart) chart() (*valuelens.Chart, error) {
	ch := s.Chart
	var err error
	if ch.Values, err = s.Values.values(); err != nil {
		return nil, err
	}
	for i := range s.Needs {
		need := s.Needs[i].Need
		if need.Chart, err = s.Needs[i].Chart.chart(); err != nil {
			return nil, err
		}
		ch.Needs = append(ch.Needs, need)
	}
	return &ch, nil
}

// lens returns what was sent, with a way to render.
func (s *sentLens) lens(render func(context.Context, map[string]any) (string, error)) (*helm.Lens, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // nobody has asked for one
	}
	l := helm.Lens{Render: render}
	var err error
	if l.Chart, err = s.Chart.chart(); err != nil {
		return nil, err
	}
	if l.Values, err = s.Values.values(); err != nil {
		return nil, err
	}
	for i := range s.Given {
		g := s.Given[i].Given
		if g.Values, err = s.Given[i].Values.values(); err != nil {
			return nil, err
		}
		l.Given = append(l.Given, g)
	}
	return &l, nil
}

// with renders the chart of a request with other values, in another process. Where that exceeds
// a limit, the chart cannot be rendered so.
func (r *Renderer) with(ask request) func(context.Context, map[string]any) (string, error) {
	return func(ctx context.Context, values map[string]any) (string, error) {
		instead, err := typedOf(values)
		if err != nil {
			return "", err
		}
		ask := ask
		ask.Instead = &instead
		got, err := r.exchange(ctx, &ask, r.Time, nil)
		if err == nil && got.Failure != nil {
			err = got.Failure.err()
		}
		return got.Text, err
	}
}

// lenses are those of the charts that a process has rendered last, by request: a chart need not
// be read again, nor what it depends on fetched, for each rendering.
type lenses struct {
	names []string // the newest last
	by    map[string]*helm.Lens
}

// mostLenses is how many are kept: those of two sides.
const mostLenses = 2

func (l *lenses) keep(name string, lens *helm.Lens) {
	if lens == nil {
		return
	}
	if l.by == nil {
		l.by = map[string]*helm.Lens{}
	}
	l.names = append(slices.DeleteFunc(l.names, func(n string) bool { return n == name }), name)
	l.by[name] = lens
	if len(l.names) > mostLenses {
		delete(l.by, l.names[0])
		l.names = l.names[1:]
	}
}

// name is equal for requests about the same chart with the same values.
func (ask *request) name() (string, error) {
	plain := *ask
	plain.Instead, plain.Time = nil, 0
	text, err := json.Marshal(plain)
	return string(text), err
}

// render renders the chart of a request with other values.
func (l *lenses) render(ctx context.Context, client *helm.Client, ask *request) (string, error) {
	name, err := ask.name()
	if err != nil {
		return "", err
	}
	lens := l.by[name]
	if lens == nil { // the process that knew it has ended
		side, err := client.Template(ctx, *ask.Template)
		if err != nil {
			return "", err
		}
		if lens = side.Lens; lens == nil {
			return "", errors.New("the request asks for no other values")
		}
		l.keep(name, lens)
	}
	values, err := ask.Instead.values()
	if err != nil {
		return "", err
	}
	text, err := lens.Render(ctx, values)
	if err == nil && len(text) > maxRendered {
		err = fmt.Errorf("it renders %d MiB; more than %d are not judged", len(text)>>20, maxRendered>>20)
	}
	return text, err
}
