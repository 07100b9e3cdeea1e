package controlplane

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
	"github.com/safe-diff/helm-safe-diff/test/factory"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

var (
	many    = flag.Int("factory", 0, "how many upgrades to make up")
	seed    = flag.String("seed", "", "decides which upgrades are made up: the commit under test")
	shard   = flag.String("shard", "0/1", "which part of the upgrades to measure: I/N, I from 0")
	found   = flag.String("found", "", "folder for upgrades that went otherwise than predicted, as cases")
	score   = flag.String("score", "", "file for the score")
	shrinks = flag.Int("shrink", 1, "how many of them to shrink")
	most    = flag.Int("budget", 80, "how many upgrades may be measured to shrink one")
)

// TestFactory makes up upgrades that nobody chose, predicts them, makes them for real, and holds what
// happened against what was predicted.
func TestFactory(t *testing.T) {
	if *many == 0 {
		t.Skip("run `make factory N=200`")
	}
	f := &factoryRun{sum: &factory.Run{Seed: *seed, Asked: *many, Shard: *shard}, predicted: map[string]*change.Set{}}
	f.prepare(t)
	defer f.journal.close()
	if len(f.left)+len(f.wrong) > 0 {
		f.run = newRun(t)
		f.useLaboratory()
		f.each(len(f.left), func(i int) { f.one(t.Context(), f.left[i], fmt.Sprintf("made-%d", f.left[i])) })
		f.again(t.Context())
	}
	f.conclude(t)
}

// factoryRun is a run over upgrades that were made up.
type factoryRun struct {
	observing
	sum       *factory.Run
	upgrades  []factory.Upgrade
	left      []int                  // indices of those to be measured
	predicted map[string]*change.Set // before anything was measured, by the key of the observation

	guard sync.Mutex // of wrong
	wrong []int
}

// prepare makes the upgrades of this shard and predicts them.
func (f *factoryRun) prepare(t *testing.T) {
	t.Helper()
	start := time.Now()
	index, count, _ := strings.Cut(*shard, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	maker, err3 := factory.NewMaker("../../testdata/cases", "../../pkg/apiserver/testdata/kinds.yaml")
	kept, err4 := observed.Load("../observed")
	journal, err5 := openJournal(*noted)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil || n < 1 {
		t.Fatal(err)
	}
	f.store = &observed.Store{Laboratory: kept.Laboratory, Observations: map[string]*observed.Observation{}, Clusters: map[string]*observed.Cluster{}}
	f.journal = journal
	for k := i; k < *many; k += n {
		u, err := maker.Make(t.Context(), *seed, k)
		if err != nil {
			t.Fatal(err)
		}
		set, err := observed.Offline(t.Context(), &u.Case, observed.Ways()[u.Way])
		if err != nil {
			t.Fatal(err)
		}
		key := observed.Key(&u.Case, observed.Ways()[u.Way])
		f.predicted[key] = &set
		switch e := f.journal.entries[key]; {
		case e == nil:
			f.left = append(f.left, len(f.upgrades))
		case f.heldAnew(&set, e):
			f.wrong = append(f.wrong, len(f.upgrades))
		}
		f.upgrades = append(f.upgrades, u)
	}
	f.foresaw = func(key string) *change.Set { return f.predicted[key] }
	fmt.Printf("%d upgrades were made up and predicted in %s; %d are measured already, of which %d go otherwise than predicted and are measured again\n",
		len(f.upgrades), time.Since(start).Round(time.Second), len(f.upgrades)-len(f.left), len(f.wrong))
}

// heldAnew holds what an earlier run has observed against what is predicted now, and reports whether
// it goes otherwise. What was said with a look at the cluster is not said again.
func (f *factoryRun) heldAnew(set *change.Set, e *entry) bool {
	if e.Unmeasured != "" {
		return !uninstallable(e)
	}
	var sum agreement.Score
	sum.Add(set, &e.Observation.Upgrade)
	e.Differences = slices.DeleteFunc(e.Differences, func(d string) bool { return !strings.HasPrefix(d, factory.Looked) })
	for _, d := range sum.Differences {
		e.Differences = append(e.Differences, d.String())
	}
	return len(e.Differences) > 0
}

// one measures an upgrade.
func (f *factoryRun) one(ctx context.Context, i int, namespace string) {
	u := &f.upgrades[i]
	found, err := f.accepted(ctx, &u.Case, u.Way, namespace)
	if err != nil && ctx.Err() == nil {
		fmt.Printf("not measured: %s: %v\n", u.Case.Name, err)
		found = &entry{Observation: &observed.Observation{Key: observed.Key(&u.Case, observed.Ways()[u.Way])}, Unmeasured: err.Error()}
	}
	if found == nil {
		return
	}
	if err := f.journal.add(found); err != nil {
		fail(f.t, u.Case.Name, err)
	}
	if len(found.Differences) > 0 || found.Unmeasured != "" && !uninstallable(found) {
		f.guard.Lock()
		f.wrong = append(f.wrong, i)
		f.guard.Unlock()
	}
}

// uninstallable reports whether an upgrade could not be made as its old side cannot be installed.
func uninstallable(e *entry) bool { return strings.HasPrefix(e.Unmeasured, measure.ErrInstall.Error()) }

// again measures by themselves what could not be measured, or went otherwise than predicted, as
// byThemselves does.
func (f *factoryRun) again(ctx context.Context) {
	if len(f.wrong) == 0 {
		return
	}
	if err := f.bench.StopPods(ctx); err != nil {
		f.t.Error(err)
		return
	}
	list := f.wrong
	f.wrong = nil
	slices.Sort(list)
	for k, i := range list {
		fmt.Printf("measured by itself: %s\n", f.upgrades[i].Case.Name)
		f.one(ctx, i, fmt.Sprintf("again-%d", k))
	}
}

// conclude counts, keeps what went otherwise, and shrinks the first of it.
func (f *factoryRun) conclude(t *testing.T) {
	t.Helper()
	for i := range f.upgrades {
		u := &f.upgrades[i]
		key := observed.Key(&u.Case, observed.Ways()[u.Way])
		e := f.journal.entries[key]
		switch {
		case e == nil:
		case e.Unmeasured != "":
			f.sum.Unmeasured(uninstallable(e))
		default:
			e.Observation.Case = u.Case.Name
			f.sum.Add(u, f.predicted[key], &e.Observation.Upgrade, e.Differences)
			if len(e.Differences) > 0 {
				t.Errorf("%s, %s: %s\n%s", u.Case.Name, observed.Ways()[u.Way].Name, u.Case.Comment, strings.Join(e.Differences, "\n"))
				f.keep(t, u, u.Case.Name, e.Differences)
			}
		}
	}
	for _, i := range f.wrong[:min(len(f.wrong), *shrinks)] {
		f.shrink(t, i)
	}
	table := f.sum.Table()
	fmt.Println(table)
	if *score != "" {
		if err := os.WriteFile(*score, []byte(table), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// keep writes an upgrade as a case.
func (f *factoryRun) keep(t *testing.T, u *factory.Upgrade, name string, differences []string) {
	t.Helper()
	if *found == "" {
		return
	}
	want := [2]string{}
	for i, way := range observed.Ways()[:2] {
		set, err := observed.Offline(t.Context(), &u.Case, way)
		if err != nil {
			t.Error(err)
			return
		}
		want[i] = cases.Said(&set)
	}
	note := observed.Ways()[u.Way].Name + ":\n" + strings.Join(differences, "\n") + "\n"
	file := filepath.Join(*found, strings.TrimPrefix(name, "factory/")+".txtar")
	if err := errors.Join(os.MkdirAll(*found, 0o700), os.WriteFile(file, factory.File(&u.Case, note, want[0], want[1]), 0o600)); err != nil {
		t.Error(err)
	}
}

var inTheWay = regexp.MustCompile(`: (true|false|[a-z0-9]+), predicted (\S+)`)

// kindsOf returns what went otherwise, without names and details: what a smaller upgrade has to show,
// too.
func kindsOf(differences []string) map[string]bool {
	kinds := map[string]bool{}
	for _, d := range differences {
		for _, q := range agreement.Questions() {
			if at := strings.Index(d, ": "+string(q)+": "); at >= 0 {
				kinds[string(q)+inTheWay.FindString(d[at+len(q)+2:])] = true
			}
		}
	}
	return kinds
}

// shrink makes an upgrade smaller as long as the same goes otherwise.
func (f *factoryRun) shrink(t *testing.T, i int) {
	t.Helper()
	u := f.upgrades[i]
	way := u.Way
	wanted := kindsOf(f.journal.entries[observed.Key(&u.Case, observed.Ways()[way])].Differences)
	if len(wanted) == 0 {
		return
	}
	tried := 0
	k := &factory.Shrinker{AtOnce: *parallel, Budget: *most}
	k.First = func(list []cases.Case) int {
		holds := make([]bool, len(list))
		f.each(len(list), func(n int) {
			holds[n] = f.shows(t.Context(), &list[n], way, fmt.Sprintf("smaller-%d-%d-%d", i, tried, n), wanted)
		})
		tried++
		return slices.Index(holds, true)
	}
	small := k.Shrink(u.Case)
	fmt.Printf("%s was shrunk in %d upgrades\n", u.Case.Name, k.Tried)
	f.keep(t, &factory.Upgrade{Case: small, Way: way}, u.Case.Name+"-small", f.journal.entries[observed.Key(&u.Case, observed.Ways()[way])].Differences)
}

// shows reports whether an upgrade goes otherwise than predicted in a wanted way.
func (f *factoryRun) shows(ctx context.Context, c *cases.Case, way int, namespace string, wanted map[string]bool) bool {
	if installable, err := factory.Installable(ctx, c, way); err != nil || !installable {
		return false
	}
	e, _, err := f.measured(ctx, c, way, namespace)
	if err != nil {
		return false
	}
	for kind := range kindsOf(e.Differences) {
		if wanted[kind] {
			return true
		}
	}
	return false
}
