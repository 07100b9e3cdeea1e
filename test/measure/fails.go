package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// bumpOf tells by the name of an upgrade, which ends in OLD..NEW, which part of the
// version is raised.
func bumpOf(name string) string {
	old, updated, _ := strings.Cut(path.Base(name), "..")
	from, errFrom := semver.NewVersion(old)
	to, errTo := semver.NewVersion(updated)
	switch {
	case errFrom != nil || errTo != nil:
		return "other"
	case from.Major() != to.Major():
		return "major"
	case from.Minor() != to.Minor():
		return "minor"
	default:
		return "patch"
	}
}

// failing prints which share of the runs fails, by what --fail-on says and by the kind of
// bump, and names those that break, or that nobody can decide.
func failing(page, log *strings.Builder, all []upgrade) {
	bumps := []string{"patch", "minor", "major", "other"}
	in := map[string]int{}
	for i := range all {
		in[bumpOf(all[i].name)]++
	}
	columns := append(make([]string, 0, 2+len(bumps)), "--fail-on", "all")
	for _, bump := range bumps {
		columns = append(columns, fmt.Sprintf("%s (%d)", bump, in[bump]))
	}
	head(page, "Runs that fail", columns...)
	line := func(what string, fails func(*change.Set) bool) {
		counts, sum := map[string]int{}, 0
		for i := range all {
			if fails(&all[i].set) {
				counts[bumpOf(all[i].name)]++
				sum++
			}
		}
		cells := append(make([]string, 0, 2+len(bumps)), what, share(sum, len(all)))
		for _, bump := range bumps {
			cells = append(cells, share(counts[bump], in[bump]))
		}
		row(page, cells...)
	}
	for _, preset := range change.Presets() {
		failOn := make(change.FailOn, 0, len(preset.Risks))
		for _, r := range preset.Risks {
			failOn = append(failOn, string(r))
		}
		line("`"+preset.Name+"`", func(set *change.Set) bool { return set.ExitCode(failOn, false) == change.ExitRisky })
		line("`"+preset.Name+"`: `UNDECIDED`", func(set *change.Set) bool { return set.Verdict(failOn) == change.Undecided })
	}
	named(log, all)
}

// named lists the upgrades that break or are undecided by the preset breaking.
func named(log *strings.Builder, all []upgrade) {
	failOn, err := change.ParseFailOn("breaking", nil)
	if err != nil {
		return
	}
	for i := range all {
		set := &all[i].set
		verdict := set.Verdict(failOn)
		for j := range set.Changes {
			for _, f := range set.Changes[j].Findings {
				if failOn.Fails(&f) {
					fmt.Fprintf(log, "%s: %s: %s %s (%s): %s\n", all[i].name, verdict, f.Risk, set.Changes[j].Ref, f.Rule, f.Message)
				}
			}
		}
		if verdict == change.Undecided {
			for _, n := range set.Undecided(failOn) {
				fmt.Fprintf(log, "%s: %s: %s: %s (at worst %s)\n", all[i].name, verdict, n.Ref, n.Reason, n.Hides)
			}
		}
	}
}
