package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"helm.sh/helm/v3/pkg/cli/values"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/pkg/valuelens"
	"github.com/safe-diff/helm-safe-diff/test/charts"
)

// given is how many keys are given in each chart at most, of those tried, and most how many
// renderings a search may take.
const (
	given = 10
	tried = 60
	most  = 100
)

// whats are the rows of what edits are due to.
func whats() []string {
	return []string{"the chart", "its defaults", "one key", "several keys", "keys together", "the chart and keys", "not resolved", "different in each rendering", "otherwise not attributed"}
}

func whatOf(b *change.Because) string {
	switch {
	case b.Unknown == "it is different in each rendering":
		return "different in each rendering"
	case b.Unknown != "":
		return "otherwise not attributed"
	case b.Unresolved:
		return "not resolved"
	case len(b.Keys) > 0 && (b.Chart || len(b.Defaults) > 0):
		return "the chart and keys"
	case b.Joint:
		return "keys together"
	case len(b.Keys) > 1:
		return "several keys"
	case len(b.Keys) == 1:
		return "one key"
	case len(b.Defaults) > 0 && !b.Chart:
		return "its defaults"
	}
	return "the chart"
}

// plan is what a user gives on both sides.
type plan struct {
	old, updated map[string]any
	// keys are those that differ, by their texts.
	keys map[string][]string
}

// chart measures one chart.
func (sum *totals) chart(ctx context.Context, log io.Writer, client *helm.Client, oldDir, newDir string) error {
	dir, err := os.MkdirTemp("", "why")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	plain, err := render(ctx, client, newDir, dir, map[string]any{})
	if err != nil {
		return err
	}
	p := plant(ctx, plain.Lens, filepath.Base(newDir))
	begun := time.Now()
	old, err := render(ctx, client, oldDir, dir, p.old)
	if err != nil {
		return err
	}
	updated, err := render(ctx, client, newDir, dir, p.updated)
	if err != nil {
		return err
	}
	opts := safediff.Options{Release: change.Release{Name: "demo", Helm: updated.Helm}, Namespace: updated.Namespace, ServerSide: true}
	set, err := safediff.Compare(ctx, safediff.Manifest{Name: "old", Text: old.Manifest}, safediff.Manifest{Name: "new", Text: updated.Manifest}, opts)
	if err != nil {
		return err
	}
	judging := time.Since(begun)
	begun = time.Now()
	traces, err := safediff.NewTraces(&set, opts)
	if err != nil {
		return err
	}
	because, n, err := valuelens.Explain(ctx, valuelens.Step{Old: old.Inputs(), New: updated.Inputs(), States: traces.States, Most: most})
	if err != nil {
		return err
	}
	traces.Attach(because)
	sum.judging, sum.explaining, sum.renderings = append(sum.judging, judging), append(sum.explaining, time.Since(begun)), append(sum.renderings, n)
	sum.charts++
	return sum.check(ctx, log, &checker{p: p, old: &old, updated: &updated, name: filepath.Base(newDir)}, &set)
}

// render renders a chart with values from a file, as an installation: many charts can be upgraded
// only if they find something in the cluster.
func render(ctx context.Context, client *helm.Client, chart, dir string, given map[string]any) (helm.Side, error) {
	text, err := yaml.Marshal(given)
	if err != nil {
		return helm.Side{}, err
	}
	file, err := os.CreateTemp(dir, "*.yaml")
	if err != nil {
		return helm.Side{}, err
	}
	_, err1 := file.Write(text)
	if err := errors.Join(err1, file.Close()); err != nil {
		return helm.Side{}, err
	}
	return client.Template(ctx, helm.Template{
		Release: "demo", Chart: helm.Chart{Ref: chart}, Revision: 1,
		Rendering: helm.Rendering{WithLens: true, SkipSchemaValidation: true, Values: values.Options{ValueFiles: []string{file.Name()}}},
	})
}

// plant chooses keys of the new chart, the same ones in each run, that make a difference or not: most are
// given on the new side, some on both, some on the old one. A key with which the chart cannot be
// rendered is none of them.
func plant(ctx context.Context, lens *helm.Lens, seed string) plan {
	random := charts.Random(seed)
	defaults := valuelens.Effective(lens.Chart, nil)
	all := charts.Leaves(defaults)
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	p := plan{old: map[string]any{}, updated: map[string]any{}, keys: map[string][]string{}}
	for i, path := range all {
		if len(p.keys) == given || i == tried {
			break
		}
		value, other := alteredOnce(valuelens.At(defaults, path)), valuelens.At(defaults, path)
		if value == nil {
			continue
		}
		more := valuelens.Copy(p.updated)
		valuelens.Set(more, path, value)
		if _, err := lens.Render(ctx, more); err != nil {
			continue
		}
		switch len(p.keys) % 5 {
		case 3:
			valuelens.Set(p.old, path, value) // no longer given
		case 4:
			valuelens.Set(p.old, path, other)
			p.updated = more
		default:
			p.updated = more
		}
		p.keys[valuelens.TextOf(path)] = path
	}
	return p
}

// alteredOnce returns another value of the same type; nil for one that is not altered.
func alteredOnce(value any) any {
	switch v := value.(type) {
	case bool:
		return !v
	case string:
		return v + "x"
	case int64:
		return v + 1
	case float64:
		return v + 1
	}
	return nil
}

// has reports whether values give a key.
func has(values map[string]any, path []string) bool {
	for _, key := range path[:len(path)-1] {
		below, is := values[key].(map[string]any)
		if !is {
			return false
		}
		values = below
	}
	_, is := values[path[len(path)-1]]
	return is
}

// without returns the new values with some keys as they were.
func (p *plan) without(texts []string) map[string]any {
	out := valuelens.Copy(p.updated)
	for _, text := range texts {
		path := p.keys[text]
		if has(p.old, path) {
			valuelens.Set(out, path, valuelens.At(p.old, path))
			continue
		}
		if m, is := valuelens.At(out, path[:len(path)-1]).(map[string]any); is {
			delete(m, path[len(path)-1])
		}
	}
	return out
}

func say(log io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(log, format, args...) }
