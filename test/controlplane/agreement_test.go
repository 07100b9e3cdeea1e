// Package controlplane holds what helm-safe-diff predicts against what a real
// control plane does: `make test-cluster`.
package controlplane

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
	"github.com/safe-diff/helm-safe-diff/test/observed"
)

var (
	bin      = flag.String("bin", "", "folder of the control plane's programs")
	pattern  = flag.String("cases", "", "only cases whose name matches")
	parallel = flag.Int("at-once", min(32, 8*runtime.NumCPU()), "upgrades at the same time")
)

// ways are how a release may come about.
func ways() []measure.Way {
	var list []measure.Way
	for _, w := range observed.Ways() {
		list = append(list, measure.Way{
			Name: w.Name, ServerSide: w.ServerSide,
			Install: filepath.Join(*bin, "helm-"+w.Install), Upgrade: filepath.Join(*bin, "helm-"+w.Upgrade),
		})
	}
	return list
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

// run is one run over upgrades.
type run struct {
	t     *testing.T
	bench *measure.Bench
	dir   string

	mu     sync.Mutex
	locks  map[string]*sync.Mutex // by object outside of namespaces
	scores map[string]*agreement.Score
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

// trying names the predictions of a way for which the API server has tried the changes.
const trying = ", tried by the API server"

func (r *run) print(textual bool) {
	for _, way := range ways() {
		for _, name := range []string{way.Name, way.Name + trying} {
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
