// Package cireport prints the findings of a judged change.Set for CI, each at the file and
// line that causes it.
package cireport

import (
	"io"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// Options are the options of the formats for CI, in which several things that were judged
// are one report.
type Options struct {
	reporting.Options
	// failOn is the FailOn of a change, if it is not the same for all.
	failOn map[*change.Change]change.FailOn
	// verdict is the verdict of several sets that were made one; "" for one set.
	verdict change.Verdict
	// failures are what could not be judged, in a report about several things.
	failures []Failed
	// Values is set for a report about values, which judges no upgrade.
	Values *Values
}

// fails reports whether a finding fails the run.
func (o *Options) fails(c *change.Change, f *change.Finding) bool {
	if failOn, own := o.failOn[c]; own {
		return failOn.Fails(f)
	}
	return o.FailOn.Fails(f)
}

// verdictOf judges a set by its FailOn.
func (o *Options) verdictOf(set *change.Set) change.Verdict {
	if o.verdict != "" {
		return o.verdict
	}
	return set.Verdict(o.FailOn)
}

// Values replaces the verdict in a report about values, which judges no upgrade.
type Values struct {
	Line     string
	Category string // by which collectors of reports distinguish it from reports about an upgrade
}

// Together turns a format for one set into a format for charts. A change that occurs in
// several value sets of a chart is printed once.
func Together(write func(io.Writer, *change.Set, Options) error) func(io.Writer, *change.Charts, reporting.Options) error {
	return func(w io.Writer, charts *change.Charts, of reporting.Options) error {
		type key struct {
			chart int
			ref   string
			what  reporting.Signature
		}
		var set change.Set
		var failOn []change.FailOn
		seen := map[key]bool{}
		unchecked, oneWay := map[change.Notice]bool{}, map[change.Notice]bool{}
		for i, cases := range grouped(charts) {
			for _, one := range cases {
				set.Same += one.Set.Same
				for j := range one.Set.Changes {
					c := &one.Set.Changes[j]
					k := key{i, c.Ref.String(), reporting.Sign(c, true, func(s string) string { return s }, string(one.Set.Verdict(one.FailOn)))}
					if !seen[k] {
						seen[k] = true
						set.Changes, failOn = append(set.Changes, *c), append(failOn, one.FailOn)
					}
				}
				set.Unchecked = append(set.Unchecked, fresh(one.Set.Unchecked, unchecked)...)
				set.OneWay = append(set.OneWay, fresh(one.Set.OneWay, oneWay)...)
			}
		}
		opt := Options{Options: of, failures: failures(charts), verdict: charts.Verdict(), failOn: map[*change.Change]change.FailOn{}}
		for i := range set.Changes {
			opt.failOn[&set.Changes[i]] = failOn[i]
		}
		return write(w, &set, opt)
	}
}

// grouped returns the value sets of each chart, after the policy, which counts as a chart.
func grouped(charts *change.Charts) [][]change.Case {
	var groups [][]change.Case
	if charts.Policy != nil {
		groups = append(groups, []change.Case{*charts.Policy})
	}
	for i := range charts.Charts {
		groups = append(groups, charts.Charts[i].Cases)
	}
	return groups
}

// fresh returns the notices that were not printed before.
func fresh(notices []change.Notice, told map[change.Notice]bool) []change.Notice {
	var list []change.Notice
	for _, n := range notices {
		if !told[n] {
			told[n] = true
			list = append(list, n)
		}
	}
	return list
}
