package factory

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// Run counts what became of upgrades that were made up.
type Run struct {
	Seed  string
	Asked int
	Shard string

	measured, uninstallable, failed int
	wrong, wrongLooked, open        int // upgrades
	scores                          map[string]*agreement.Score
	classes, changes                map[string]*share
	textual, helmDiff               Other
}

// share counts upgrades, and those of which something wrong was said.
type share struct{ all, wrong int }

// Looked begins a difference of a prediction that has looked at the cluster.
const Looked = "with a look at the cluster"

// Unmeasured counts an upgrade that could not be made.
func (r *Run) Unmeasured(uninstallable bool) {
	if uninstallable {
		r.uninstallable++
	} else {
		r.failed++
	}
}

// Add counts an upgrade. differences are where predictions did not come true, those with a look at
// the cluster too.
func (r *Run) Add(u *Upgrade, said *change.Set, happened *agreement.Upgrade, differences []string) {
	if r.scores == nil {
		r.scores, r.classes, r.changes = map[string]*agreement.Score{}, map[string]*share{}, map[string]*share{}
	}
	way := observed.Ways()[u.Way].Name
	if r.scores[way] == nil {
		r.scores[way] = &agreement.Score{}
	}
	score := r.scores[way]
	r.measured++
	openBefore := score.Open
	score.Add(said, happened)
	failOn, err := change.ParseFailOn("breaking", nil)
	if score.Open > openBefore || err == nil && said.Verdict(failOn) == change.Undecided {
		r.open++
	}
	looked := slices.IndexFunc(differences, func(d string) bool { return strings.HasPrefix(d, Looked) }) >= 0
	offline := slices.ContainsFunc(differences, func(d string) bool { return !strings.HasPrefix(d, Looked) })
	if offline {
		r.wrong++
	}
	if looked {
		r.wrongLooked++
	}
	tell(r.classes, worst(said), offline || looked)
	for _, name := range u.Changes {
		tell(r.changes, name, offline || looked)
	}
	old, updated := read(u.Case.Old), read(u.Case.New)
	r.textual.add(happened, old, updated, textual)
	r.helmDiff.add(happened, old, updated, helmDiff)
}

func tell(counts map[string]*share, name string, wrong bool) {
	if counts[name] == nil {
		counts[name] = &share{}
	}
	counts[name].all++
	if wrong {
		counts[name].wrong++
	}
}

// worst returns the worst class of the findings of an upgrade.
func worst(set *change.Set) string {
	var all []change.Risk
	for i := range set.Changes {
		all = append(all, set.Changes[i].Risks()...)
	}
	if len(all) == 0 {
		return "nothing said"
	}
	return string(slices.MinFunc(all, change.Risk.Compare))
}

// Bound returns the upper end of a one-sided 95 % confidence interval for the share of wrong
// predictions (Clopper and Pearson): about 3/n where none of n was wrong.
func Bound(wrong, n int) float64 {
	if n == 0 || wrong >= n {
		return 1
	}
	low, high := 0.0, 1.0
	for range 60 {
		if p := (low + high) / 2; atMost(wrong, n, p) > 0.05 {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// atMost is the probability of at most k of n at the share p.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	all, _ := math.Lgamma(float64(n + 1))
	for i := range k + 1 {
		some, _ := math.Lgamma(float64(i + 1))
		rest, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(all - some - rest + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// Table returns the score in Markdown.
func (r *Run) Table() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	percent := func(part, all int) string { return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(1, all))) }
	line("Seed `%s`, %d upgrades asked for, part %s.\n", r.Seed, r.Asked, r.Shard)
	line("| what | number |\n|---|--:|")
	line("| upgrades measured | %d |", r.measured)
	line("| old side could not be installed | %d |", r.uninstallable)
	line("| could not be measured otherwise | %d |", r.failed)
	line("| something wrong was said, offline | %d (%s) |", r.wrong, percent(r.wrong, r.measured))
	line("| 95 %% bound of that share | %.1f %% |", 100*Bound(r.wrong, r.measured))
	line("| something wrong was said with a look at the cluster | %d (%s) |", r.wrongLooked, percent(r.wrongLooked, r.measured))
	line("| left open, or `UNDECIDED`, offline | %d (%s) |", r.open, percent(r.open, r.measured))
	line("| the rule that anything under `spec` restarts: something wrong | %d (%s) |", r.textual.Wrong, percent(r.textual.Wrong, r.measured))
	line("| helm-diff's output, read as a forecast: something wrong | %d (%s) |\n", r.helmDiff.Wrong, percent(r.helmDiff.Wrong, r.measured))
	list := make([]*agreement.Score, 0, len(r.scores))
	for _, way := range slices.Sorted(maps.Keys(r.scores)) {
		list = append(list, r.scores[way])
	}
	b.WriteString(agreement.Markdown(false, list...))
	line("\n| predictor | object's verdict: wrong | pods restart: missed | false alarms | upgrade fails: missed |\n|---|--:|--:|--:|--:|")
	sum := agreement.Sum(list...)
	v, p, f := sum[agreement.Verdict], sum[agreement.Restart], sum[agreement.Fails]
	line("| helm safe-diff | %d of %d | %d | %d | %d |", v.Missed, v.Agree+v.Missed, p.Missed, p.Alarm, f.Missed)
	for _, other := range []struct {
		name string
		of   *Other
	}{{"anything under `spec` restarts", &r.textual}, {"helm-diff, read as a forecast", &r.helmDiff}} {
		o := other.of
		line("| %s | %d of %d | %d | %d | %d |", other.name, o.Verdicts.Missed, o.Verdicts.Agree+o.Verdicts.Missed, o.Restarts.Missed, o.Restarts.Alarm, o.Fails.Missed)
	}
	r.shares(line, "worst class said", r.classes)
	r.shares(line, "change made", r.changes)
	return b.String()
}

func (r *Run) shares(line func(format string, args ...any), what string, counts map[string]*share) {
	line("\n| %s | upgrades | something wrong |\n|---|--:|--:|", what)
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b].all-counts[a].all, strings.Compare(a, b))
	})
	for _, name := range names {
		line("| %s | %d | %d |", name, counts[name].all, counts[name].wrong)
	}
}
