package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
	"github.com/safe-diff/helm-safe-diff/test/observed"
	"github.com/safe-diff/helm-safe-diff/test/remedy"
)

// TestRemedies follows what rules advise, as the program prints it, in each case that has a line "remedy:".
// Afterwards the finding must be gone, the upgrade made, and nothing lost that should stay.
func TestRemedies(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(*pattern)
	// A sample has a tenth of the cases, each in all ways.
	wanted := func(name string) bool { return named.MatchString(name) && (*chosen != "tenth" || tenth(name)) }
	var all []attempt
	for i := range list {
		for k := range ways() {
			for _, r := range list[i].Remedies {
				if wanted(list[i].Name) {
					all = append(all, attempt{c: &list[i], way: k, remedy: r, namespace: fmt.Sprintf("remedy-%d", len(all))})
				}
			}
		}
	}
	r := newRun(t)
	var followed []observed.Followed
	r.each(len(all), func(i int) {
		hints, err := r.follow(t.Context(), &all[i])
		if err != nil {
			fail(t, fmt.Sprintf("%s, %s, %s", all[i].remedy.Rule, all[i].c.Name, ways()[all[i].way].Name), err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		followed = append(followed, hints...)
	})
	fmt.Printf("%d hints were followed\n", len(followed))
	for _, a := range all {
		if !slices.ContainsFunc(followed, func(f observed.Followed) bool { return f.Case == a.c.Name && f.Rule == a.remedy.Rule }) {
			t.Errorf("%s was not helpful in %s", a.remedy.Rule, a.c.Name)
		}
	}
	holdRemedies(t, followed, wanted)
}

// holdRemedies compares which hints were followed with what is kept of them.
func holdRemedies(t *testing.T, followed []observed.Followed, wanted func(name string) bool) {
	t.Helper()
	kept, err := observed.Remedies("../observed")
	if err != nil {
		t.Fatal(err)
	}
	if *record {
		others := slices.DeleteFunc(kept, func(f observed.Followed) bool { return wanted(f.Case) })
		if err := observed.KeepRemedies("../observed", append(others, followed...)); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept = slices.DeleteFunc(kept, func(f observed.Followed) bool { return !wanted(f.Case) })
	if diff := cmp.Diff(kept, observed.SortedRemedies(followed)); diff != "" {
		t.Errorf("hints that were followed before (-) and now (+); -record keeps them:\n%s", diff)
	}
}

// TestWrongRemedies follows hints that somebody has spoiled: each must be found out.
func TestWrongRemedies(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	namespaces := regexp.MustCompile(` -n \S+`)
	spoiled := []struct{ rule, name, how, says string }{
		{"volume-claim-templates-immutable", "statefulset/claim-grown", "without namespace", "not found"},
		{"volume-claim-templates-immutable", "statefulset/claim-grown", "without orphans", "pods"},
		{"volume-claim-templates-immutable", "statefulset/claim-grown", "without claims", "storage is 1Gi"},
		{"job-immutable", "job/image", "another name", "not found"},
		{"job-immutable", "job/image", "nothing", "job-immutable is still there"},
	}
	r := newRun(t)
	r.each(len(spoiled), func(i int) {
		s := spoiled[i]
		k := slices.IndexFunc(list, func(c cases.Case) bool { return c.Name == s.name })
		a := attempt{c: &list[k], way: i % len(ways()), namespace: fmt.Sprintf("wrong-%d", i)}
		a.remedy = list[k].Remedies[slices.IndexFunc(list[k].Remedies, func(r cases.Remedy) bool { return r.Rule == s.rule })]
		a.spoil = func(command string) string {
			switch s.how {
			case "without namespace":
				return namespaces.ReplaceAllString(command, "")
			case "without orphans":
				return strings.Replace(command, " --cascade=orphan", "", 1)
			case "without claims":
				if strings.Contains(command, " patch ") {
					return "true"
				}
			case "another name":
				return strings.Replace(command, " migrate", " migration", 1)
			case "nothing":
				return "true"
			}
			return command
		}
		if _, err := r.follow(t.Context(), &a); err == nil || !strings.Contains(err.Error(), s.says) {
			t.Errorf("%s, %s: %v", s.name, s.how, err)
		}
	})
}

// attempt is a hint to be followed.
type attempt struct {
	c         *cases.Case
	way       int
	remedy    cases.Remedy
	namespace string
	// spoil changes commands before they are run; nil for none.
	spoil func(command string) string
}

// follow installs the old side of a case, asks the program what to do about a finding, does that, and
// looks at what has come of it. It returns the hints; none if the program finds nothing this way.
func (r *run) follow(ctx context.Context, a *attempt) (hints []observed.Followed, err error) {
	m, err := r.caseIn(a.c, a.namespace)
	if err != nil {
		return nil, err
	}
	defer r.lock(r.bench.Outside(m))()
	defer func() { err = errors.Join(err, r.bench.Clear(ctx, m, a.namespace)) }()
	stage, err := r.bench.Stage(ctx, m, ways()[a.way], a.namespace)
	defer stage.Leave()
	if err != nil {
		return nil, err
	}
	advice, others, err := r.advice(ctx, a, m)
	if err != nil {
		return nil, err
	}
	if len(advice) == 0 {
		fmt.Printf("nothing to follow: %s does not find %s, but %s: %s\n", ways()[a.way].Name, a.remedy.Rule, others, a.c.Name)
		return nil, nil
	}
	if a.c.Mended != "" {
		m.New = inNamespace(a.c.Mended, a.namespace)
		if m.NewChart, err = measure.Chart(filepath.Join(r.dir, a.namespace, "mended"), "2.0.0", m.New); err != nil {
			return nil, err
		}
		stage.Mend(m.NewChart)
	}
	if err := r.take(ctx, a, m, stage, advice); err != nil {
		return nil, fmt.Errorf("%q: %w", advice, err)
	}
	for _, hint := range advice {
		hints = append(hints, observed.Followed{
			Rule: a.remedy.Rule, Case: a.c.Name, Helm: ways()[a.way].Name,
			Hint: strings.NewReplacer(a.namespace+"."+cases.Group, cases.Group, a.namespace, cases.Namespace).Replace(hint),
		})
	}
	return hints, nil
}

// take takes the steps of hints, makes the upgrade, and looks at what has come of it.
func (r *run) take(ctx context.Context, a *attempt, m measure.Case, stage *measure.Stage, advice []string) error {
	var steps remedy.Steps
	for _, hint := range advice {
		s := remedy.Read(hint)
		steps.Before, steps.After, steps.Flags = append(steps.Before, s.Before...), append(steps.After, s.After...), append(steps.Flags, s.Flags...)
	}
	if steps.None() && a.c.Mended == "" {
		return errors.New("there is nothing to do in this hint")
	}
	was, err := stage.Held(ctx)
	if err != nil {
		return err
	}
	run := func(commands []string) error {
		for _, command := range commands {
			command = strings.ReplaceAll(command, " CHART ", " "+m.NewChart+" ")
			if a.spoil != nil {
				command = a.spoil(command)
			}
			if err := stage.Shell(ctx, command); err != nil {
				return err
			}
		}
		return stage.Settle(ctx)
	}
	if err := run(steps.Before); err != nil {
		return err
	}
	if strings.Contains(strings.Join(steps.Before, "\n"), "--cascade=orphan") {
		if err := stayed(ctx, stage, was, []string{"pods", "claims"}); err != nil {
			return err
		}
	}
	m.NewArgs = append(slices.Clone(m.NewArgs), steps.Flags...)
	if err := r.gone(ctx, a, m); err != nil {
		return err
	}
	if err := stage.Upgrade(ctx, steps.Flags...); err != nil {
		return err
	}
	if err := run(steps.After); err != nil {
		return err
	}
	if err := errors.Join(stage.Reached(ctx, m.New), stayed(ctx, stage, was, a.remedy.Keeps), replaced(ctx, stage, was, a.remedy.Replaces)); err != nil {
		return err
	}
	return r.gone(ctx, a, m)
}

// stayed returns an error if one of what was there is not there any more, or is another one of that name.
func stayed(ctx context.Context, stage *measure.Stage, was map[string][]string, kinds []string) error {
	is, err := stage.Held(ctx)
	for _, kind := range kinds {
		for _, one := range was[kind] {
			if !slices.Contains(is[kind], one) {
				err = errors.Join(err, fmt.Errorf("of the %s, %s has not stayed: %s", kind, one, is[kind]))
			}
		}
	}
	return err
}

// replaced returns an error if one of what was there is still there, or nothing has come in its place.
func replaced(ctx context.Context, stage *measure.Stage, was map[string][]string, kinds []string) error {
	is, err := stage.Held(ctx)
	for _, kind := range kinds {
		if len(is[kind]) != len(was[kind]) || slices.ContainsFunc(is[kind], func(one string) bool { return slices.Contains(was[kind], one) }) {
			err = errors.Join(err, fmt.Errorf("the %s were %s and are %s", kind, was[kind], is[kind]))
		}
	}
	return err
}

// gone waits until the program does not find any more what it has found: a definition takes a moment to be served.
func (r *run) gone(ctx context.Context, a *attempt, m measure.Case) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		advice, _, err := r.advice(ctx, a, m)
		switch {
		case err != nil:
			return err
		case len(advice) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the finding %s is still there: %q", a.remedy.Rule, advice)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// advice asks the program about the upgrade, and returns the hints of one rule, and which others find something.
func (r *run) advice(ctx context.Context, a *attempt, m measure.Case) (hints, others []string, err error) {
	args := append([]string{"upgrade", measure.Release, m.NewChart, "--output", "json"}, m.NewArgs...)
	text, err := r.bench.Plugin(ctx, *program, ways()[a.way], a.namespace, lab.ReaderToken, args...)
	if err != nil {
		return nil, nil, err
	}
	var report struct {
		Changes []struct {
			Findings []struct{ Rule, Hint string }
		}
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return nil, nil, fmt.Errorf("read the report: %w", err)
	}
	for _, c := range report.Changes {
		for _, f := range c.Findings {
			switch {
			case f.Rule != a.remedy.Rule:
				others = append(others, f.Rule)
			case !slices.Contains(hints, f.Hint):
				hints = append(hints, f.Hint)
			}
		}
	}
	return hints, others, nil
}
