package textreport

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// WriteReleases prints what changes in each release and in each file, as Stevedore does
// (RELEASE / CHANGES and FILE / ADDITIONS, MODIFICATIONS, DESTRUCTIONS), and the verdict of
// all. An object that leaves its release and stays in the cluster (=) is not counted. A
// recreated object (-/+) is counted twice.
func WriteReleases(w io.Writer, list []change.Judged, opt reporting.Options) error {
	p := Page{Styles: reporting.StylesFor(opt.Color), All: opt.ShowHidden}
	releases := table{{"RELEASE", "CHANGES"}}
	files := table{{"FILE", "ADDITIONS", "MODIFICATIONS", "DESTRUCTIONS"}}
	for i := range list {
		if list[i].Failure != nil {
			releases = append(releases, []string{fmt.Sprintf("%s (%s)", reporting.Printable(list[i].Name()), reporting.Printable(list[i].File)), reporting.NotJudged})
			continue
		}
		first := true
		for _, line := range changesOf(list[i].Set, p.All) {
			about := ""
			if first {
				about, first = fmt.Sprintf("%s (%s)", reporting.Printable(list[i].Name()), reporting.Printable(list[i].File)), false
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
	p.line(ReleasesExit(list, &opt))
	_, err := io.WriteString(w, p.Out.String())
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
			name := strings.TrimPrefix(reporting.GroupNames(reporting.Group{c}, true), set.Release.Namespace+"/")
			object := kind.sign + reporting.Printable(c.Ref.Kind+"/"+name)
			if risks := c.Risks(); len(risks) > 0 {
				object += "  " + strings.Join(reporting.Each(risks, func(r *change.Risk) string { return string(*r) }), ", ")
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
	return []string{reporting.Printable(list[0].File), strconv.Itoa(additions), strconv.Itoa(modifications), strconv.Itoa(destructions)}
}

// OverallOf returns the verdict of all releases, and how many have it.
func OverallOf(list []change.Judged) (verdict change.Verdict, sentence string) {
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
		return change.NotJudged, fmt.Sprintf("%d of %s cannot be judged", failed, reporting.Plural(len(list), "release"))
	}
	return worst, fmt.Sprintf("%d of %s", as, reporting.Plural(len(list), "release"))
}

// overall prints the verdict of all releases, and of each release that differs from its
// plan or has something at risk.
func (p *Page) overall(list []change.Judged) {
	verdict, sentence := OverallOf(list)
	p.line(p.verdict(verdict), "  ", sentence)
	for i := range list {
		j := &list[i]
		if j.Failure != nil {
			p.line("  ", reporting.Printable(j.Name()), ": ", p.Bad(reporting.NotJudged), ": ", reporting.Printable(j.Failure.Reason))
			continue
		}
		if j.Moved != "" {
			p.line("  ", reporting.Printable(j.Name()), ": ", p.Bad("moved"), ": ", reporting.Printable(j.Moved))
		}
		sum := j.Set.Summary()
		if verdict := j.Set.Verdict(j.FailOn); verdict.Compare(change.Changes) < 0 || len(sum.Risks)+len(sum.Accepted)+len(j.Set.Unchecked) > 0 {
			p.line("  ", reporting.Printable(j.Name()), ": ", strings.ToUpper(string(verdict)), "  ", p.Counted(verdict, j.Set, &sum, j.FailOn))
		}
	}
}

// ReleasesExit says why the exit code is what it is.
func ReleasesExit(list []change.Judged, opt *reporting.Options) string {
	var of []reporting.VerdictOn
	moved := 0
	for i := range list {
		if list[i].Failure != nil {
			continue
		}
		of = append(of, reporting.VerdictOn{Set: list[i].Set, FailOn: list[i].FailOn})
		if list[i].Moved != "" {
			moved++
		}
	}
	if moved > 0 && opt.ExitCode != change.ExitError {
		are := " are"
		if moved == 1 {
			are = " is"
		}
		return fmt.Sprintf("exit %d: %s%s not as planned", opt.ExitCode, reporting.Plural(moved, "release"), are)
	}
	return reporting.ExitLine(opt, of...)
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
