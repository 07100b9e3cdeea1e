package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// tables prints what was measured, as Markdown, and to log which upgrades break.
func tables(w, log io.Writer, all []upgrade, version string) error {
	var page, names strings.Builder
	facts(&page, all, version)
	judged := slices.DeleteFunc(slices.Clone(all), func(u upgrade) bool { return u.failed })
	both := slices.DeleteFunc(slices.Clone(judged), func(u upgrade) bool { return u.mute })
	hidden(&page, both)
	lengths(&page, both)
	restarted(&page, judged)
	verdicts(&page, judged)
	failing(&page, &names, judged)
	findings(&page, judged)
	if _, err := io.WriteString(log, names.String()); err != nil {
		return err
	}
	_, err := io.WriteString(w, page.String())
	return err
}

// head prints the head of a table, under a title.
func head(page *strings.Builder, title string, columns ...string) {
	fmt.Fprintf(page, "\n## %s\n\n", title)
	row(page, columns...)
	fmt.Fprintf(page, "|---|%s\n", strings.Repeat("---:|", len(columns)-1))
}

func row(page *strings.Builder, cells ...string) {
	fmt.Fprintf(page, "| %s |\n", strings.Join(cells, " | "))
}

// facts prints what was measured with what.
func facts(page *strings.Builder, all []upgrade, version string) {
	charts := map[string]bool{}
	again, failed, mute := 0, 0, 0
	for i := range all {
		chart := path.Dir(all[i].name)
		charts[chart] = true
		again, failed, mute = again+one(all[i].again), failed+one(all[i].failed), mute+one(all[i].mute)
	}
	fmt.Fprintf(page, "Judged for Kubernetes %s, with %s and %s.\n", version, module("k8s.io/kubernetes"), module("github.com/databus23/helm-diff/v3"))
	head(page, "Measured", "what", "number")
	row(page, "upgrades", number(len(all)))
	row(page, "charts", number(len(charts)))
	row(page, "upgrades that come out differently each time", number(again))
	row(page, "upgrades that could not be judged", number(failed))
	row(page, "upgrades that helm-diff could not read", number(mute))
}

// hidden prints how much of what helm-diff prints is hidden.
func hidden(page *strings.Builder, all []upgrade) {
	var theirs, left printed
	byFilter := map[string]int{}
	for i := range all {
		u := &all[i]
		theirs.all, theirs.updated = theirs.all.plus(u.theirs.all), theirs.updated.plus(u.theirs.updated)
		left.all, left.updated = left.all.plus(u.left.all), left.updated.plus(u.left.updated)
		for filter, n := range u.set.Summary().Hidden.ByFilter {
			byFilter[filter] += n
		}
	}
	compare := func(what string, printed, left int) {
		row(page, what, number(printed), number(left), share(printed-left, printed))
	}
	head(page, "Hidden", "what", "helm-diff prints", "we print, in the same form", "hidden")
	compare("objects", theirs.all.objects, left.all.objects)
	compare("lines with + or -", theirs.all.changed, left.all.changed)
	compare("objects that stand on both sides", theirs.updated.objects, left.updated.objects)
	compare("their lines with + or -", theirs.updated.changed, left.updated.changed)
	head(page, "Hidden, by filter", "filter", "fields hidden")
	for _, filter := range slices.Sorted(maps.Keys(byFilter)) {
		row(page, "`"+filter+"`", number(byFilter[filter]))
	}
}

// lengths prints how long the reports are, all their lines counted.
func lengths(page *strings.Builder, all []upgrade) {
	ours, theirs, narrow := make([]int, len(all)), make([]int, len(all)), make([]int, len(all))
	for i := range all {
		ours[i], theirs[i], narrow[i] = all[i].text, all[i].theirs.lines, all[i].narrow.lines
	}
	put := func(name string, lines []int) {
		slices.Sort(lines)
		row(page, name, number(quantile(lines, 50)), number(quantile(lines, 90)), number(quantile(lines, 100)), number(sum(lines)))
	}
	head(page, "Lines of a report", "report", "median", "90 %", "largest", "all")
	put("helm safe-diff, text", ours)
	put("helm-diff", theirs)
	put("helm-diff `--context 3`", narrow)
}

// restarted prints whose pods are replaced.
func restarted(page *strings.Builder, all []upgrade) {
	workloads, unnamed, needless, random, some, idle := 0, 0, 0, 0, 0, 0
	for i := range all {
		restarting, without := 0, 0
		for j := range all[i].set.Changes {
			c := &all[i].set.Changes[j]
			if !restarts(c) {
				continue
			}
			restarting++
			unnamed += one(c.Outcome.Pods.Cause == "")
			without += one(c.Outcome.Pods.Needless)
		}
		for j := range all[i].set.Rotating {
			random += one(all[i].set.Rotating[j].Restarts)
		}
		workloads, needless = workloads+restarting, needless+without
		some, idle = some+one(restarting > 0), idle+one(without > 0)
	}
	head(page, "Restarts", "what", "number", "share")
	row(page, "workloads whose pods are replaced", number(workloads), "")
	put := func(what string, part, whole int) { row(page, what, number(part), share(part, whole)) }
	put("… with a named cause", workloads-unnamed, workloads)
	put("… **without a named cause**", unnamed, workloads)
	put("… for nothing functional", needless, workloads)
	put("… because something comes out differently each time", random, workloads)
	put("upgrades that replace pods", some, len(all))
	put("upgrades that replace some for nothing functional", idle, len(all))
}

// verdicts prints what the upgrades are judged to be, by their worst finding.
func verdicts(page *strings.Builder, all []upgrade) {
	worst, verdicts := map[change.Risk]int{}, map[change.Verdict]int{}
	unchecked, rotating := 0, 0
	for i := range all {
		set := &all[i].set
		verdicts[set.Verdict(change.DefaultFailOn())]++
		unchecked, rotating = unchecked+one(len(set.Unchecked) > 0), rotating+one(len(set.Rotating) > 0)
		risks := set.Summary().Risks
		for _, risk := range change.Risks() {
			if risks[risk] > 0 {
				worst[risk]++
				break
			}
		}
	}
	put := func(what string, n int) { row(page, what, number(n), share(n, len(all))) }
	head(page, "Verdicts", "verdict", "upgrades", "share")
	for _, verdict := range change.Verdicts() {
		put(string(verdict), verdicts[verdict])
	}
	put("something is unchecked", unchecked)
	put("something rotates", rotating)
	head(page, "The worst finding of an upgrade", "worst class", "upgrades", "share")
	for _, risk := range change.Risks() {
		put(string(risk), worst[risk])
	}
}

// findings prints the findings per class and rule.
func findings(page *strings.Builder, all []upgrade) {
	type key struct {
		risk change.Risk
		rule string
	}
	found, in := map[key]int{}, map[key]int{}
	for i := range all {
		here := map[key]bool{}
		for j := range all[i].set.Changes {
			for _, f := range all[i].set.Changes[j].Findings {
				k := key{f.Risk, f.Rule}
				found[k]++
				here[k] = true
			}
		}
		for k := range here {
			in[k]++
		}
	}
	keys := slices.SortedFunc(maps.Keys(found), func(a, b key) int {
		return cmp.Or(a.risk.Compare(b.risk), cmp.Compare(found[b], found[a]), cmp.Compare(a.rule, b.rule))
	})
	head(page, "Findings", "class", "rule", "findings", "upgrades")
	for _, k := range keys {
		row(page, string(k.risk), "`"+k.rule+"`", number(found[k]), number(in[k]))
	}
}

// module returns a module that this program is built with, and its version.
func module(name string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == name {
			return name + " " + m.Version
		}
	}
	return name
}

// quantile returns the value that so many of a hundred do not exceed; the list is
// sorted.
func quantile(sorted []int, percent int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

func sum(list []int) int {
	total := 0
	for _, n := range list {
		total += n
	}
	return total
}

func share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// number writes a number with commas.
func number(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", number(n/1000), n%1000)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
