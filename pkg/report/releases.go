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

// Judged is one of several releases that are judged together.
type Judged struct {
	// File is where the release is asked for.
	File string
	Set  *change.Set
	// FailOn are the classes that make this one risky.
	FailOn []change.Risk
	// Moved is why the upgrade is not the one that was planned, one clause; "" if it is.
	Moved string
}

// Risky reports whether somebody must look at the release before it is upgraded.
func (j *Judged) Risky() bool { return j.Moved != "" || j.Set.Verdict(j.FailOn) == change.Risky }

// Telling reports whether there is more to say of the release than what changes.
func (j *Judged) Telling() bool {
	sum := j.Set.Summary()
	return j.Moved != "" || len(sum.Risks)+len(j.Set.Unchecked)+len(j.Set.Drift) > 0
}

// Name names the release by namespace and name.
func (j *Judged) Name() string {
	return printable(named{j.Set.Release.Namespace, j.Set.Release.Name}.String())
}

// WriteReleases prints what changes in each release and in each file, as Stevedore does
// (RELEASE / CHANGES and FILE / ADDITIONS, MODIFICATIONS, DESTRUCTIONS), and the verdict
// of all. An object that stays in the cluster when it leaves its release (=) is counted
// nowhere, one that is made anew (-/+) twice.
func WriteReleases(w io.Writer, list []Judged, opt Options) error {
	p := page{styles: stylesFor(opt.Color), all: opt.ShowHidden}
	releases := table{{"RELEASE", "CHANGES"}}
	files := table{{"FILE", "ADDITIONS", "MODIFICATIONS", "DESTRUCTIONS"}}
	for i := range list {
		first := true
		for _, line := range changesOf(list[i].Set, p.all) {
			about := ""
			if first {
				about, first = fmt.Sprintf("%s (%s)", list[i].Name(), printable(list[i].File)), false
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
	_, err := io.WriteString(w, p.out.String())
	return err
}

// changesOf lists what changes in a release: what comes, what changes, what goes.
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
func fileRow(list []Judged) []string {
	var additions, modifications, destructions int
	for i := range list {
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

// overall prints the verdict of all releases, and of each that is not as it was planned
// or has something at risk.
func (p *page) overall(list []Judged) {
	risky := 0
	for i := range list {
		if list[i].Risky() {
			risky++
		}
	}
	if risky > 0 {
		p.line(p.strong(p.bad("RISKY")), fmt.Sprintf("  %d of %s", risky, plural(len(list), "release")))
	} else {
		p.line(p.strong(p.good("SAFE")), "  no risk found in ", plural(len(list), "release"))
	}
	for i := range list {
		j := &list[i]
		if j.Moved != "" {
			p.line("  ", j.Name(), ": ", p.bad("moved"), ": ", printable(j.Moved))
		}
		sum := j.Set.Summary()
		var parts []string
		for _, risk := range change.Risks() {
			if n := sum.Risks[risk]; n > 0 {
				parts = append(parts, p.risk(risk)(fmt.Sprintf("%d %s", n, risk)))
			}
		}
		if n := len(j.Set.Unchecked); n > 0 {
			parts = append(parts, fmt.Sprintf("%d unchecked", n))
		}
		if len(parts) > 0 {
			p.line("  ", j.Name(), ": ", strings.Join(parts, ", "))
		}
	}
}

// table is rows of cells, the first of which are the titles.
type table [][]string

// String writes the columns below each other.
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
