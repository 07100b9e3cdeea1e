package controlplane

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

var (
	record = flag.Bool("record", false, "keep what is observed, in test/observed")
	chosen = flag.String("select", "all", `upgrades to measure: "all", "new" (not observed yet), or "tenth" (these and a tenth of the rest)`)
	commit = flag.String("commit", "", `decides which tenth "-select tenth" takes`)
	noted  = flag.String("journal", "", "file in which a run notes what it has observed, so that the next one goes on where it was killed")
)

// TestCases makes upgrades of testdata/cases with real Helm on a real control plane.
// Nothing may differ: what happened and what was observed before, and what the program
// says of it.
func TestCases(t *testing.T) {
	start := time.Now()
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	store, err := observed.Load("../observed")
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		t.Fatal(err)
	}
	o := &observing{store: store, cases: list}
	if o.journal, err = openJournal(*noted); err != nil {
		t.Fatal(err)
	}
	defer o.journal.close()
	for i := range list {
		c := &list[i]
		switch {
		case !wanted.MatchString(c.Name):
		case c.Unmeasured != "":
			fmt.Printf("not measured: %s: %s\n", c.Name, c.Unmeasured)
		default:
			o.choose(t.Context(), c)
		}
	}
	fmt.Printf("%d upgrades to measure, %d of them measured already\n", o.chosen, o.resumed)
	if o.chosen > o.resumed {
		o.run = newRun(t)
		o.useLaboratory()
		o.all(t.Context())
		o.onlyRead(lab.Reader)
	}
	o.conclude(t)
	fmt.Printf("%d upgrades took %s\n", o.chosen-o.resumed, time.Since(start).Round(time.Second))
}

// observing is a run over cases.
type observing struct {
	*run
	store   *observed.Store
	cases   []cases.Case
	journal *journal

	ordinary, definitions, alone []task
	contradicted                 []task // not measured, or not as predicted
	chosen, resumed              int
	others                       int // upgrades that went otherwise than before, though as predicted
	// foresaw returns what was predicted before, by the key of the observation; nil to predict it
	// when it is asked.
	foresaw func(key string) *change.Set
}

// task is a case and the ways in which it is measured.
type task struct {
	c     *cases.Case
	ways  []int // of observed.Ways
	alone bool  // what is observed counts, as nothing else runs meanwhile or a record is made
}

// choose decides in which ways a case is measured, and when. Definitions that come and
// go keep the garbage collector busy with discovery, so their cases run when the others
// are done; those with nodes or default classes of their own run one at a time.
func (o *observing) choose(ctx context.Context, c *cases.Case) {
	t := task{c: c, alone: *record}
	for i, way := range observed.Ways() {
		key := observed.Key(c, way)
		if o.store.Observations[key] != nil && o.replayable(ctx, c, way) && (*chosen == "new" || *chosen == "tenth" && !tenth(key)) {
			continue
		}
		o.chosen++
		if o.journal.entries[key] != nil {
			o.resumed++
			continue
		}
		t.ways = append(t.ways, i)
	}
	switch {
	case len(t.ways) == 0:
	case observed.Alone(c):
		t.alone = true
		o.alone = append(o.alone, t)
	case strings.Contains(c.Old+c.New+c.Cluster, "kind: CustomResourceDefinition"):
		o.definitions = append(o.definitions, t)
	default:
		o.ordinary = append(o.ordinary, t)
	}
}

// replayable reports whether the record of the cluster answers all that the program asks.
func (o *observing) replayable(ctx context.Context, c *cases.Case, way observed.Way) bool {
	_, err := o.store.Predict(ctx, c, way)
	return err == nil
}

// tenth reports whether an upgrade is in the tenth of this commit.
func tenth(key string) bool {
	sum := sha256.Sum256([]byte(*commit + key))
	return sum[0] < 26
}

// useLaboratory compares what the empty cluster serves with what is kept of it.
func (o *observing) useLaboratory() {
	empty := o.bench.Laboratory()
	normal, err := observed.NewNormal(&cases.Case{}, "no namespace").Objects(empty.Objects)
	if err != nil {
		o.t.Fatal(err)
	}
	empty.Objects = normal
	if o.store.Laboratory != nil && !*record {
		if diff := cmp.Diff(len(o.store.Laboratory.Groups), len(empty.Groups)); diff != "" {
			o.t.Errorf("the empty cluster does not serve what is kept of it: measure all cases with -record\n%s", diff)
		}
	}
	if o.store.Laboratory == nil {
		o.store.Laboratory = empty
	}
}

func (o *observing) all(ctx context.Context) {
	measureAll := func(name string, tasks []task) func(i int) {
		return func(i int) { o.one(ctx, fmt.Sprintf("%s-%d", name, i), tasks[i]) }
	}
	o.each(len(o.ordinary), measureAll("case", o.ordinary))
	o.each(len(o.definitions), measureAll("crd", o.definitions))
	if err := o.byThemselves(ctx); err != nil {
		o.t.Error(err)
	}
	if len(o.alone) == 0 {
		return
	}
	restore, err := o.bench.Alone(ctx)
	for i := range o.alone {
		measureAll("alone", o.alone)(i)
	}
	if err := errors.Join(err, restore()); err != nil {
		o.t.Error(err)
	}
}

// one measures a case in some ways, one after the other.
func (o *observing) one(ctx context.Context, name string, t task) {
	for _, k := range t.ways {
		way := observed.Ways()[k]
		found, err := o.accepted(ctx, t.c, k, fmt.Sprintf("%s-%d", name, k))
		if err == nil {
			err = o.journal.add(found)
		}
		switch {
		case err == nil && len(found.Differences) == 0:
		case !t.alone && ctx.Err() == nil:
			fmt.Printf("not as predicted so far: %s, %s: %v\n", t.c.Name, way.Name, errors.Join(err, found.contradiction()))
			o.mu.Lock()
			o.contradicted = append(o.contradicted, task{c: t.c, ways: []int{k}, alone: true})
			o.mu.Unlock()
		case err != nil:
			fail(o.t, t.c.Name+", "+way.Name, err)
		}
	}
}

// mostContradicted is how many upgrades are measured by themselves. If there are more, it is not chance.
const mostContradicted = 20

// byThemselves measures anew what could not be measured, or was not as predicted, when nothing else
// runs. A prediction is about an upgrade by itself, and other cases can be in its way: they hold
// classes, volumes and room, and keep the machine busy. What is observed now is what counts.
func (o *observing) byThemselves(ctx context.Context) error {
	switch n := len(o.contradicted); {
	case n == 0:
		return nil
	case n > mostContradicted:
		return fmt.Errorf("%d upgrades could not be measured or were not as predicted", n)
	}
	if err := o.bench.StopPods(ctx); err != nil {
		return err
	}
	for i, t := range o.contradicted {
		fmt.Printf("measured by itself: %s, %s\n", t.c.Name, observed.Ways()[t.ways[0]].Name)
		o.one(ctx, fmt.Sprintf("again-%d", i), t)
	}
	return nil
}

// tries is how often an upgrade is measured at most.
const tries = 4

// accepted measures an upgrade until there is no doubt about what happens. What leaves
// none at once was measured once; else two measurements must agree, whatever they say: how long
// things take is chance on a busy machine, and what happens only once proves nothing.
func (o *observing) accepted(ctx context.Context, c *cases.Case, k int, namespace string) (*entry, error) {
	way := observed.Ways()[k]
	kept := o.store.Observations[observed.Key(c, way)]
	var all []*entry
	var again []string
	for try := range tries {
		found, doubt, err := o.measured(ctx, c, k, fmt.Sprintf("%s-%d", namespace, try))
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			again = append(again, "could not be measured")
			fmt.Printf("measured again: %s, %s: %v\n", c.Name, way.Name, err)
			if try == tries-1 || errors.Is(err, measure.ErrInstall) && !*record {
				return nil, err
			}
			continue
		case slices.ContainsFunc(all, func(other *entry) bool { return outcome(other.Observation) == outcome(found.Observation) }):
			found.Observation.Again = again
			return found, nil
		case len(all) > 0 && *record:
			doubt = "the measurements differ"
		case kept != nil && outcome(kept) != outcome(found.Observation):
			doubt = "differs from what was observed before"
		}
		if doubt == "" {
			found.Observation.Again = again
			return found, nil
		}
		fmt.Printf("measured again: %s, %s: %s\n", c.Name, way.Name, doubt)
		all, again = append(all, found), append(again, doubt)
	}
	var diffs strings.Builder
	for _, other := range all[1:] {
		diffs.WriteString(cmp.Diff(outcome(all[0].Observation), outcome(other.Observation)))
	}
	return nil, fmt.Errorf("no two of %d measurements agree:\n%s", len(all), diffs.String())
}

// outcome is all that an observation says of what happened.
func outcome(o *observed.Observation) string {
	u := o.Upgrade
	u.Case = "" // may have another name meanwhile
	text, _ := json.MarshalIndent(u, "", " ")
	return string(text)
}

// measured makes one upgrade. doubt is why what happened may be chance.
func (o *observing) measured(ctx context.Context, c *cases.Case, k int, namespace string) (found *entry, doubt string, err error) {
	way, kept := ways()[k], observed.Ways()[k]
	place := func(text string) string { return inNamespace(text, namespace) }
	m, err := o.caseIn(c, namespace)
	if err != nil {
		return nil, "", err
	}
	var looked change.Set
	var dump []map[string]any
	m.Between = func(ctx context.Context, namespace string) error {
		var err1, err2 error
		looked, err1 = o.look(ctx, c, &m, way, namespace)
		dump, err2 = o.bench.Dump(ctx, m, namespace)
		return errors.Join(err1, err2)
	}
	unlock := o.lock(o.bench.Outside(m))
	happened, late, err := o.bench.Run(ctx, m, way, namespace)
	err = errors.Join(err, o.bench.Clear(ctx, m, namespace))
	unlock()
	if err != nil {
		return nil, "", err
	}
	unlooked := lookedDifferences(c, kept, &looked, happened, place)
	normal := observed.NewNormal(c, namespace)
	normal.Upgrade(happened)
	objects, err := normal.Objects(dump)
	if err != nil {
		return nil, "", err
	}
	found = &entry{
		Observation: &observed.Observation{Key: observed.Key(c, kept), Upgrade: *happened, Versions: kept.Versions()},
		Cluster:     &observed.Cluster{Key: observed.ClusterKey(c, kept), Objects: objects},
	}
	if !*record {
		doubt, err = o.differs(ctx, c, kept, found, unlooked)
		return found, doubt, err
	}
	doubt, err = o.doubt(ctx, c, kept, found, &looked, normal)
	if doubt == "" && late > 0 {
		doubt = "pods were late"
	}
	return found, doubt, err
}

// caseIn returns a case as it is measured in a namespace, with its charts.
func (r *run) caseIn(c *cases.Case, namespace string) (measure.Case, error) {
	place := func(text string) string { return inNamespace(text, namespace) }
	m := measure.Case{Name: c.Name, Old: place(c.Old), New: place(c.New), Cluster: place(c.Cluster), Drift: place(c.Drift)}
	if c.TakeOwnership {
		m.NewArgs = append(m.NewArgs, "--take-ownership")
	}
	if c.Wait {
		m.NewArgs = append(m.NewArgs, "--wait")
	}
	if c.Timeout != "" {
		m.NewArgs = append(m.NewArgs, "--timeout", c.Timeout)
	}
	return m, r.charts(&m, place(c.Before), namespace)
}

// lookedDifferences lists where what the program said after its look at the cluster did
// not come true, or is not what the case wants. Names are those of the run.
func lookedDifferences(
	c *cases.Case, way observed.Way, looked *change.Set, happened *agreement.Upgrade, place func(string) string,
) []string {
	var score agreement.Score
	score.Add(looked, happened)
	var list []string
	for _, d := range score.Differences {
		list = append(list, "with a look at the cluster: "+d.String())
	}
	said, told := c.WantedLive(way.ServerSide)
	list = append(list, cases.Missing(looked, place(told))...)
	if diff := cmp.Diff(place(said), cases.Said(looked)); said != "" && diff != "" {
		list = append(list, "with a look at the cluster the case says (-), the program says (+):\n"+diff)
	}
	return list
}

// differs writes into an entry where predictions did not come true, those of the
// manifests alone and those that have looked at the cluster itself. No record is made of
// it, so what was late and came true all the same is no doubt.
func (o *observing) differs(ctx context.Context, c *cases.Case, way observed.Way, found *entry, unlooked []string) (string, error) {
	o.mu.Lock() // the version of Kubernetes is a property of the process
	defer o.mu.Unlock()
	offline, err := o.offline(ctx, c, way)
	if err != nil {
		return "", err
	}
	found.Differences = unlooked
	if c.Drift == "" {
		var score agreement.Score
		score.Add(offline, &found.Observation.Upgrade)
		for _, d := range score.Differences {
			found.Differences = append(found.Differences, d.String())
		}
	}
	if len(found.Differences) > 0 {
		return "differs from what was predicted", nil
	}
	return "", nil
}

// offline returns what is said of the manifests alone.
func (o *observing) offline(ctx context.Context, c *cases.Case, way observed.Way) (*change.Set, error) {
	if o.foresaw != nil {
		if set := o.foresaw(observed.Key(c, way)); set != nil {
			return set, nil
		}
	}
	set, err := observed.Offline(ctx, c, way)
	return &set, err
}

// doubt returns why a measurement may be chance. The error says that the record of the
// cluster does not lead to what the program said when it has looked at the cluster itself.
func (o *observing) doubt(
	ctx context.Context, c *cases.Case, way observed.Way, found *entry, looked *change.Set, normal *observed.Normal,
) (string, error) {
	o.mu.Lock() // the version of Kubernetes is a property of the process
	defer o.mu.Unlock()
	alone := observed.Store{Laboratory: o.store.Laboratory, Clusters: map[string]*observed.Cluster{found.Cluster.Key: found.Cluster}}
	said, err := alone.Predict(ctx, c, way)
	if err != nil {
		return "", err
	}
	words := func(set *change.Set) string { return normal.Text(cases.Said(set) + cases.OneWay(set)) }
	if diff := cmp.Diff(words(looked), words(&said.Looked)); diff != "" {
		return "", fmt.Errorf("with a look at the cluster (-) the program says something else than with the record of it (+):\n%s", diff)
	}
	if differences := said.Differences(c, way, &found.Observation.Upgrade); len(differences) > 0 {
		fmt.Printf("wrong so far: %s, %s: %v\n", c.Name, way.Name, differences)
		return "differs from what was predicted", nil
	}
	return "", nil
}

// charts writes the manifests of a case as charts.
func (r *run) charts(m *measure.Case, first, namespace string) error {
	var err1, err2, err3 error
	folder := filepath.Join(r.dir, namespace)
	if definitions, more := measure.Definitions(m.Old); first == "" && more {
		first = definitions
	}
	if first != "" {
		m.FirstChart, err3 = measure.Chart(folder, "0.1.0", first)
	}
	m.OldChart, err1 = measure.Chart(folder, "1.0.0", m.Old)
	m.NewChart, err2 = measure.Chart(folder, "2.0.0", m.New)
	return errors.Join(err1, err2, err3)
}

// look predicts an upgrade with nothing but the two manifests and what the cluster
// answers to an account that may only read.
func (r *run) look(ctx context.Context, c *cases.Case, m *measure.Case, way measure.Way, namespace string) (change.Set, error) {
	config := rest.CopyConfig(r.bench.Config())
	config.BearerToken = lab.ReaderToken
	reader, err := live.New(config, live.Options{})
	if err != nil {
		return change.Set{}, err
	}
	r.mu.Lock() // the version of Kubernetes is a property of the process
	defer r.mu.Unlock()
	opts := c.Options(way.ServerSide)
	opts.Namespace, opts.Release.Namespace, opts.KubeVersion, opts.Cluster = namespace, namespace, lab.Version, nil
	opts.Look = reader.Read
	return safediff.Compare(ctx, safediff.Manifest{Name: "old.yaml", Text: m.Old}, safediff.Manifest{Name: "new.yaml", Text: m.New}, opts)
}

// conclude holds what was observed against what was observed before and against what
// the program says, and keeps it if that is asked for.
func (o *observing) conclude(t *testing.T) {
	t.Helper()
	var sum observed.Sum
	held := 0
	for i := range o.cases {
		c := &o.cases[i]
		for _, way := range observed.Ways() {
			found := o.journal.entries[observed.Key(c, way)]
			if found == nil {
				continue
			}
			key := found.Observation.Key
			if kept := o.store.Observations[key]; kept == nil || outcome(kept) != outcome(found.Observation) {
				if kept != nil && !*record {
					o.otherwise(t, c.Name+", "+way.Name, kept, found)
				}
				o.store.Observations[key] = found.Observation
			}
			if !*record {
				for _, what := range found.Differences {
					fail(t, c.Name+", "+way.Name, what)
				}
				held++
				continue
			}
			if !o.replayable(t.Context(), c, way) {
				o.store.Clusters[found.Cluster.Key] = found.Cluster
			}
			said, err := o.store.Predict(t.Context(), c, way)
			if err != nil {
				fail(t, c.Name+", "+way.Name, err)
				continue
			}
			for _, what := range said.Differences(c, way, &found.Observation.Upgrade) {
				fail(t, way.Name, what)
			}
			sum.Add(c, &said, &found.Observation.Upgrade)
		}
	}
	if !*record {
		fmt.Printf("%d upgrades were held against what was predicted of them\n", held)
		if o.others > max(3, held/50) {
			t.Errorf("%d of %d upgrades went otherwise than they did before, though as predicted: measure them anew with -record", o.others, held)
		}
	}
	if *record {
		fmt.Println(sum.Table())
		if err := o.store.Keep(o.cases); err != nil {
			t.Fatal(err)
		}
	}
	if !t.Failed() || *record {
		o.journal.done()
	}
}

// otherwise tells of an upgrade that went otherwise than what is kept of it says, two times in the
// same way. It is an error if that was not predicted. If both were, it may be chance: of what
// no prediction speaks, such as why a pod waits, the laboratory does not always show the same. Many
// such upgrades are an error all the same.
func (o *observing) otherwise(t *testing.T, name string, kept *observed.Observation, found *entry) {
	t.Helper()
	diff := cmp.Diff(outcome(kept), outcome(found.Observation))
	if len(found.Differences) > 0 {
		t.Errorf("%s: what was observed before (-) and now (+):\n%s", name, diff)
		return
	}
	o.others++
	fmt.Printf("%s: as predicted, and otherwise than it was observed before (-):\n%s\n", name, diff)
}

var (
	placePattern = regexp.MustCompile(`(?m)((?:namespace|kubernetes\.io/metadata\.name): *)` + cases.Namespace + `\b`)
	groupPattern = regexp.MustCompile(`(registry\.)?` + regexp.QuoteMeta(cases.Group))
)

// inNamespace moves what a case puts into its namespace, or defines, to where
// nobody else is. The registry of its images stays: the hash of a pod template, which the
// names of pods have, depends on it.
func inNamespace(text, namespace string) string {
	text = placePattern.ReplaceAllString(text, "${1}"+namespace)
	return groupPattern.ReplaceAllStringFunc(text, func(found string) string {
		if found != cases.Group {
			return found
		}
		return namespace + "." + found
	})
}
