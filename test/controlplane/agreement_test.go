// Package controlplane holds what helm-safe-diff predicts against what a real
// control plane does: `make test-cluster`.
package controlplane

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
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
)

var (
	bin      = flag.String("bin", "", "folder of the control plane's programs")
	pattern  = flag.String("cases", "", "only cases whose name matches")
	update   = flag.Bool("update", false, "write the table into the README")
	parallel = flag.Int("at-once", min(32, 8*runtime.NumCPU()), "upgrades at the same time")
)

// ways are how a release may come about.
func ways() []measure.Way {
	helm3, helm4 := filepath.Join(*bin, "helm-v3.22.0"), filepath.Join(*bin, "helm-v4.3.1")
	return []measure.Way{
		{Name: "Helm 3", Install: helm3, Upgrade: helm3},
		{Name: "Helm 4", Install: helm4, Upgrade: helm4, ServerSide: true},
		{Name: "Helm 3, then 4", Install: helm3, Upgrade: helm4},
	}
}

// newRun starts a control plane.
func newRun(t *testing.T) *run {
	t.Helper()
	if *bin == "" {
		t.Fatal("run `make test-cluster`, which builds the control plane first")
	}
	dir := t.TempDir()
	start := time.Now()
	l, err := lab.Start(t.Context(), *bin, filepath.Join(dir, "lab"))
	t.Cleanup(l.Stop)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("Kubernetes %s is up after %s\n", lab.Version, time.Since(start).Round(100*time.Millisecond))
	bench, err := measure.New(t.Context(), l, filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	return &run{t: t, bench: bench, dir: dir, locks: map[string]*sync.Mutex{}, scores: map[string]*agreement.Score{}}
}

// TestCases makes every upgrade of testdata/cases with real Helm on a real control
// plane. Nothing may differ: what the case says must be said, what the program
// says, and what happened.
func TestCases(t *testing.T) {
	start := time.Now()
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(c cases.Case) bool { return !wanted.MatchString(c.Name) })
	r := newRun(t)
	r.all(t.Context(), list)
	r.print(true)
	r.onlyRead(lab.Reader)
	if *pattern == "" {
		r.holdReadme()
	}
	fmt.Printf("%d upgrades took %s\n", r.made, time.Since(start).Round(time.Second))
}

// run is one run over the cases.
type run struct {
	t     *testing.T
	bench *measure.Bench
	dir   string

	mu     sync.Mutex
	locks  map[string]*sync.Mutex // by object outside of namespaces
	scores map[string]*agreement.Score
	made   int
}

func (r *run) all(ctx context.Context, list []cases.Case) {
	// Definitions that come and go keep the garbage collector busy with
	// discovery, so their cases run when the others are done; those with nodes
	// or default classes of their own run one at a time.
	var ordinary, definitions, alone []cases.Case
	for _, c := range list {
		switch {
		case c.Unmeasured != "":
			fmt.Printf("not measured: %s: %s\n", c.Name, c.Unmeasured)
		case strings.Contains(c.Cluster, "kind: Node\n"), strings.Contains(c.Cluster, "is-default-class"):
			alone = append(alone, c)
		case strings.Contains(c.Old+c.New+c.Cluster, "kind: CustomResourceDefinition"):
			definitions = append(definitions, c)
		default:
			ordinary = append(ordinary, c)
		}
	}
	r.each(len(ordinary), func(i int) { r.one(ctx, fmt.Sprintf("case-%d", i), &ordinary[i], true) })
	r.each(len(definitions), func(i int) { r.one(ctx, fmt.Sprintf("crd-%d", i), &definitions[i], true) })
	restore, err := r.bench.Alone(ctx)
	for i := range alone {
		r.one(ctx, fmt.Sprintf("alone-%d", i), &alone[i], false)
	}
	if err := errors.Join(err, restore()); err != nil {
		r.t.Error(err)
	}
}

// each calls do for 0 to n-1, many at the same time.
func (r *run) each(n int, do func(i int)) {
	slots := make(chan struct{}, *parallel)
	var wait sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wait.Wait()
}

// scoreOf returns the score of a way; the caller holds the lock.
func (r *run) scoreOf(way string) *agreement.Score {
	if r.scores[way] == nil {
		r.scores[way] = &agreement.Score{}
	}
	return r.scores[way]
}

// one measures a case in all ways, one after the other, in the furnished cluster
// or in one of its own. What differs, or cannot be measured, is measured again, at
// most twice: how long things take is chance on a busy machine, and what happens only
// once proves nothing.
func (r *run) one(ctx context.Context, name string, c *cases.Case, furnished bool) {
	for k, way := range ways() {
		namespace := fmt.Sprintf("%s-%d", name, k)
		found, err := r.measured(ctx, c, way, namespace, furnished)
		for again := 0; again < 2 && (err != nil || found.differs()); again++ {
			fmt.Printf("measured again: %s, %s\n", c.Name, way.Name)
			found, err = r.measured(ctx, c, way, fmt.Sprintf("%s-again-%d", namespace, again), furnished)
		}
		if err != nil {
			r.t.Errorf("%s, %s: %v", c.Name, way.Name, err)
			continue
		}
		for _, what := range found.unsaid {
			r.t.Errorf("%s, %s, with a look at the cluster: %s", c.Name, way.Name, what)
		}
		r.count(way, found)
	}
}

// finding is what happened in an upgrade, and what was said of it beforehand: from
// the manifests alone, and with a look at the cluster.
type finding struct {
	happened        *agreement.Upgrade
	offline, looked change.Set
	// unaware says that the manifests tell nothing of what was done in the cluster.
	unaware bool
	// unsaid is what the case wants to be said after the look, and is not.
	unsaid []string
}

// differs reports whether a prediction did not come true.
func (f *finding) differs() bool {
	var score agreement.Score
	if !f.unaware {
		score.Add(&f.offline, f.happened)
	}
	score.Add(&f.looked, f.happened)
	return len(score.Differences) > 0 || len(f.unsaid) > 0
}

// count adds what was found to the scores.
func (r *run) count(way measure.Way, f *finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made++
	if !f.unaware {
		r.scoreOf(way.Name).Add(&f.offline, f.happened)
	}
	r.scoreOf(way.Name+seeing).Add(&f.looked, f.happened)
}

// measured makes one upgrade.
func (r *run) measured(ctx context.Context, c *cases.Case, way measure.Way, namespace string, furnished bool) (*finding, error) {
	place := func(text string) string { return inNamespace(text, namespace) }
	m := measure.Case{Name: c.Name, Old: place(c.Old), New: place(c.New), Cluster: place(c.Cluster), Drift: place(c.Drift)}
	f := &finding{unaware: c.Drift != ""}
	m.Between = func(ctx context.Context, namespace string) (err error) {
		f.looked, err = r.look(ctx, c, &m, way, namespace)
		return err
	}
	if c.TakeOwnership {
		m.NewArgs = []string{"--take-ownership"}
	}
	if err := r.charts(&m, place(c.Before), namespace); err != nil {
		return nil, err
	}
	unlock := r.lock(r.bench.Outside(m))
	happened, err := r.bench.Run(ctx, m, way, namespace)
	cleared := r.bench.Clear(ctx, m, namespace)
	unlock()
	if err := errors.Join(err, cleared); err != nil {
		return nil, err
	}
	f.happened = happened
	f.unsaid = unsaid(c, &f.looked, way, place)
	f.offline, err = r.predict(ctx, c, &m, way, namespace, furnished)
	return f, err
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

// seeing names the predictions of a way that are made with a look at the cluster,
// trying those for which the API server has tried the changes.
const (
	seeing = ", with a look at the cluster"
	trying = ", tried by the API server"
)

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

// predict holds what the case says against what the program says of it, and returns
// what the program says if it is told what stands in this cluster.
func (r *run) predict(ctx context.Context, c *cases.Case, m *measure.Case, way measure.Way, namespace string, furnished bool) (change.Set, error) {
	r.mu.Lock() // the version of Kubernetes is a property of the process
	defer r.mu.Unlock()
	opts := c.Options(way.ServerSide)
	said, err := safediff.Compare(ctx, safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, opts)
	if err != nil {
		return said, err
	}
	if diff := cmp.Diff(c.Wanted(way.ServerSide), cases.Said(&said)); diff != "" {
		r.t.Errorf("%s, %s: the case says (-), the program says (+):\n%s", c.Name, way.Name, diff)
	}
	opts.Namespace, opts.Release.Namespace, opts.KubeVersion = namespace, namespace, lab.Version
	opts.Cluster = []safediff.Manifest{{Name: "cluster.yaml", Text: m.Cluster}}
	if furnished {
		opts.Cluster = append(opts.Cluster, safediff.Manifest{Name: "lab", Text: lab.Cluster()})
	}
	return safediff.Compare(ctx, safediff.Manifest{Name: "old.yaml", Text: m.Old}, safediff.Manifest{Name: "new.yaml", Text: m.New}, opts)
}

// unsaid lists where the case wants something else to be said after a look at the
// cluster than the program says.
func unsaid(c *cases.Case, looked *change.Set, way measure.Way, place func(string) string) []string {
	said, told := c.WantedLive(way.ServerSide)
	list := cases.Missing(looked, place(told))
	if diff := cmp.Diff(place(said), cases.Said(looked)); said != "" && diff != "" {
		list = append(list, "the case says (-), the program says (+):\n"+diff)
	}
	return list
}

// lock keeps other cases from objects that live in no namespace. The names are
// sorted, so that nobody waits for each other.
func (r *run) lock(names []string) (unlock func()) {
	held := make([]*sync.Mutex, len(names))
	for i, name := range names {
		r.mu.Lock()
		if r.locks[name] == nil {
			r.locks[name] = &sync.Mutex{}
		}
		held[i] = r.locks[name]
		r.mu.Unlock()
		held[i].Lock()
	}
	return func() {
		for _, lock := range held {
			lock.Unlock()
		}
	}
}

func (r *run) print(textual bool) {
	for _, way := range ways() {
		for _, name := range []string{way.Name, way.Name + seeing, way.Name + trying} {
			score := r.scores[name]
			if score == nil {
				continue
			}
			fmt.Printf("\n%s\n", name)
			score.Print(os.Stdout, textual && name == way.Name)
			for _, d := range score.Differences {
				r.t.Errorf("%s, %s", name, d)
			}
		}
	}
}

// holdReadme holds the table in the README against the scores.
func (r *run) holdReadme() {
	const file, begin, end = "../../README.md", "<!-- agreement -->\n", "<!-- /agreement -->\n"
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	before, rest, found1 := strings.Cut(string(text), begin)
	table, after, found2 := strings.Cut(rest, end)
	if !found1 || !found2 {
		r.t.Fatalf("%s has no place for the table", file)
	}
	var offline, looked []*agreement.Score
	for _, way := range ways() {
		offline, looked = append(offline, r.scoreOf(way.Name)), append(looked, r.scoreOf(way.Name+seeing))
	}
	measured := agreement.Markdown(true, offline...) + "\nWith a look at the cluster and nothing else given, and somebody at work behind Helm's back in some:\n\n" +
		agreement.Markdown(false, looked...)
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+measured+end+after), 0o600); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	if !near(table, measured) {
		r.t.Errorf("the table in %s (-), measured (+); -update writes it:\n%s", file, cmp.Diff(table, measured))
	}
}

// near reports whether two tables say the same. The number of predictions may differ by
// one in a hundred: whether an answer that was left open counts hangs on how far
// controllers have come when somebody looks.
func near(table, measured string) bool {
	rows, others := strings.Split(table, "\n"), strings.Split(measured, "\n")
	return slices.EqualFunc(rows, others, func(row, other string) bool {
		cells, counted := strings.Split(row, "|"), strings.Split(other, "|")
		return slices.EqualFunc(cells, counted, func(a, b string) bool {
			n, err1 := strconv.Atoi(strings.TrimSpace(a))
			m, err2 := strconv.Atoi(strings.TrimSpace(b))
			return a == b || err1 == nil && err2 == nil && n > 100 && max(n-m, m-n)*100 <= n
		})
	})
}

// inNamespace moves what a case puts into its namespace, or defines, to where
// nobody else is.
func inNamespace(text, namespace string) string {
	text = regexp.MustCompile(`(?m)(namespace: *)`+cases.Namespace+`\b`).ReplaceAllString(text, "${1}"+namespace)
	return strings.ReplaceAll(text, cases.Group, namespace+"."+cases.Group)
}
