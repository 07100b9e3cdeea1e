package reporting

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// VerdictOn is a set, and what fails the run for it.
type VerdictOn struct {
	Set    *change.Set
	FailOn change.FailOn
}

// ExitLine says why the exit code is what it is.
func ExitLine(opt *Options, of ...VerdictOn) string {
	at := ""
	if opt.Planned {
		at = " when it was planned"
	}
	return fmt.Sprintf("exit %d%s: %s", opt.ExitCode, at, ExitReason(opt.ExitCode, of...))
}

// ExitReason is exitLine without the code.
func ExitReason(code int, of ...VerdictOn) string {
	var t exitTally
	for _, one := range of {
		t.add(one.Set, one.FailOn)
	}
	switch code {
	case change.ExitError:
		return "not all could be judged"
	case change.ExitRisky:
		return t.sentence(t.failing, "in --fail-on")
	case change.ExitChanged:
		return "objects change, and nothing in --fail-on was found (--detailed-exitcode)"
	}
	var parts []string
	for _, part := range []string{t.sentence(t.others, "not in --fail-on"), t.sentence(t.accepted, "accepted"), t.sentence(t.off, "switched off")} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, "; ")
	case t.worst == change.Nothing || t.worst == "":
		return "no object changes"
	default:
		return "no finding"
	}
}

// exitTally counts, by class or rule, what decides an exit code and what does not.
type exitTally struct {
	failing, others, accepted, off tally
	worst                          change.Verdict
}

// tally is numbers by name; 0 for a name that is not counted.
type tally map[string]int

func (c *tally) add(name string, n int) {
	if *c == nil {
		*c = tally{}
	}
	(*c)[name] += n
}

func (t *exitTally) add(set *change.Set, failOn change.FailOn) {
	sum := set.Summary()
	classes, rules := set.Failing(failOn)
	for class, n := range classes {
		t.failing.add(string(class), n)
	}
	for rule, n := range rules {
		t.failing.add(rule, n)
	}
	for class, n := range sum.Risks {
		if !failOn.Names(class) {
			t.others.add(string(class), n)
		}
	}
	for class, n := range sum.AcceptedRisks {
		t.accepted.add(string(class), n)
	}
	for class, n := range sum.OffRisks {
		t.off.add(string(class), n)
	}
	verdict := set.Verdict(failOn)
	switch {
	case failOn.Undecided() && len(set.Undecided(failOn)) > 0:
		t.failing.add(change.OnUndecided, 0)
	case verdict == change.Undecided:
		t.others.add(change.OnUndecided, 0)
	}
	if t.worst == "" || verdict.Compare(t.worst) < 0 {
		t.worst = verdict
	}
}

// sentence describes everything that was counted; "" if nothing was.
func (t *exitTally) sentence(of tally, what string) string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	order := append(Each(change.Risks(), func(r *change.Risk) string { return string(*r) }), change.OnUndecided)
	slices.SortFunc(names, func(a, b string) int {
		at := func(name string) int { return slices.Index(order, name) }
		if c := at(a) - at(b); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name
		if of[name] > 0 {
			parts[i] = fmt.Sprintf("%d %s", of[name], name)
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) == 1 && of[names[0]] <= 1:
		return parts[0] + " is " + what
	default:
		return strings.Join(parts, ", ") + " are " + what
	}
}

// DrainReason says why the exit code is what it is.
func DrainReason(d *change.Drain, opt Options) string {
	var t exitTally
	for i := range d.Findings {
		if r := d.Findings[i].Risk; opt.FailOn.Names(r) {
			t.failing.add(string(r), 1)
		} else {
			t.others.add(string(r), 1)
		}
	}
	if undecided := d.Verdict(opt.FailOn) == change.Undecided; undecided && opt.FailOn.Undecided() {
		t.failing.add(change.OnUndecided, 0)
	} else if undecided {
		t.others.add(change.OnUndecided, 0)
	}
	return cmp.Or(t.sentence(t.failing, "in --fail-on"), t.sentence(t.others, "not in --fail-on"), "no finding")
}
