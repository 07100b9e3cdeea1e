package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// writeReleases prints what changes in each release and in each file, as Stevedore does
// (RELEASE / CHANGES and FILE / ADDITIONS, MODIFICATIONS, DESTRUCTIONS), and the verdict of
// all. An object that leaves its release and stays in the cluster (=) is not counted. A
// recreated object (-/+) is counted twice.
func writeReleases(w io.Writer, list []change.Judged, opt Options) error {
	p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden}
	releases := table{{"RELEASE", "CHANGES"}}
	files := table{{"FILE", "ADDITIONS", "MODIFICATIONS", "DESTRUCTIONS"}}
	for i := range list {
		if list[i].Failure != nil {
			releases = append(releases, []string{fmt.Sprintf("%s (%s)", printable(list[i].Name()), printable(list[i].File)), notJudged})
			continue
		}
		first := true
		for _, line := range changesOf(list[i].Set, p.all) {
			about := ""
			if first {
				about, first = fmt.Sprintf("%s (%s)", printable(list[i].Name()), printable(list[i].File)), false
			}
			releases = append(releases, []string{about, line})
		}
	}
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].File == list[from].File {
			to++
		}
		if row := fileRow(list[from:to]); row != nil {
			files = append(files, row)
		}
		from = to
	}
	if len(releases) > 1 {
		p.line(releases.String())
		p.line(files.String())
	}
	p.overall(list)
	p.line(releasesExit(list, &opt))
	_, err := io.WriteString(w, p.out.String())
	return err
}

// changesOf lists the changes of a release: created, changed and deleted objects.
func changesOf(set *change.Set, all bool) []string {
	kinds := []struct {
		op   change.Op
		sign string
	}{{change.Create, "+"}, {change.Update, "~"}, {change.Recreate, "-/+"}, {change.Delete, "-"}, {change.Keep, "="}}
	lines := make([]string, 0, len(set.Changes))
	for _, kind := range kinds {
		var objects []string
		for i := range set.Changes {
			c := &set.Changes[i]
			if c.Op != kind.op || c.Hidden() && !all {
				continue
			}
			name := strings.TrimPrefix(groupNames(group{c}, true), set.Release.Namespace+"/")
			object := kind.sign + printable(c.Ref.Kind+"/"+name)
			if risks := c.Risks(); len(risks) > 0 {
				object += "  " + strings.Join(each(risks, func(r *change.Risk) string { return string(*r) }), ", ")
			}
			objects = append(objects, object)
		}
		slices.Sort(objects)
		lines = append(lines, objects...)
	}
	return lines
}

// fileRow counts what the releases of one file add, change and destroy; nil if that is
// nothing.
func fileRow(list []change.Judged) []string {
	var additions, modifications, destructions int
	for i := range list {
		if list[i].Failure != nil {
			continue
		}
		sum := list[i].Set.Summary()
		additions += sum.Ops[change.Create] + sum.Ops[change.Recreate]
		modifications += sum.Ops[change.Update]
		destructions += sum.Ops[change.Delete] + sum.Ops[change.Recreate]
	}
	if additions+modifications+destructions == 0 {
		return nil
	}
	return []string{printable(list[0].File), strconv.Itoa(additions), strconv.Itoa(modifications), strconv.Itoa(destructions)}
}

// overallOf returns the verdict of all releases, and how many have it.
func overallOf(list []change.Judged) (verdict change.Verdict, sentence string) {
	worst, as, failed := change.Nothing, 0, 0
	for i := range list {
		if list[i].Failure != nil {
			failed++
			continue
		}
		switch v := list[i].Verdict(); {
		case v.Compare(worst) < 0:
			worst, as = v, 1
		case v == worst:
			as++
		}
	}
	if failed > 0 {
		return change.NotJudged, fmt.Sprintf("%d of %s cannot be judged", failed, plural(len(list), "release"))
	}
	return worst, fmt.Sprintf("%d of %s", as, plural(len(list), "release"))
}

// overall prints the verdict of all releases, and of each release that differs from its
// plan or has something at risk.
func (p *page) overall(list []change.Judged) {
	verdict, sentence := overallOf(list)
	p.line(p.verdict(verdict), "  ", sentence)
	for i := range list {
		j := &list[i]
		if j.Failure != nil {
			p.line("  ", printable(j.Name()), ": ", p.bad(notJudged), ": ", printable(j.Failure.Reason))
			continue
		}
		if j.Moved != "" {
			p.line("  ", printable(j.Name()), ": ", p.bad("moved"), ": ", printable(j.Moved))
		}
		sum := j.Set.Summary()
		if verdict := j.Set.Verdict(j.FailOn); verdict.Compare(change.Changes) < 0 || len(sum.Risks)+len(sum.Accepted)+len(j.Set.Unchecked) > 0 {
			p.line("  ", printable(j.Name()), ": ", strings.ToUpper(string(verdict)), "  ", p.counted(verdict, j.Set, &sum, j.FailOn))
		}
	}
}

// releasesExit says why the exit code is what it is.
func releasesExit(list []change.Judged, opt *Options) string {
	var of []verdictOn
	moved := 0
	for i := range list {
		if list[i].Failure != nil {
			continue
		}
		of = append(of, verdictOn{list[i].Set, list[i].FailOn})
		if list[i].Moved != "" {
			moved++
		}
	}
	if moved > 0 && opt.ExitCode != change.ExitError {
		are := " are"
		if moved == 1 {
			are = " is"
		}
		return fmt.Sprintf("exit %d: %s%s not as planned", opt.ExitCode, plural(moved, "release"), are)
	}
	return exitLine(opt, of...)
}

// table is rows of cells, the first of which are the titles.
type table [][]string

// String aligns the columns.
func (t table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range t {
		// It fails only if its writer does.
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
	return b.String()
}
