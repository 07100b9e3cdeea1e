package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/databus23/helm-diff/v3/diff"
	helmdiff "github.com/databus23/helm-diff/v3/manifest"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cli"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// childFlag makes this program do one piece of work and print what it cost.
const childFlag = "-child"

// cost is what one piece of work took.
type cost struct {
	CPU, Wall time.Duration
	// Peak is the largest resident memory of the process, start-up and input
	// included, in bytes.
	Peak int64
}

// subjects are the pieces of work.
func subjects() map[string]func(args []string) (work func() error, err error) {
	return map[string]func(args []string) (func() error, error){
		"safe-diff": program(manifests),
		"helm-diff": onManifests(helmDiff),
		"render":    program(renderBoth),
		"local":     program(local),
		"reading":   program(reading),
		"drain":     program(drain),
		"rollout":   program(rollout),
	}
}

func child(subject string, args []string, w io.Writer) error {
	prepare, known := subjects()[subject]
	if !known {
		return fmt.Errorf("there is no subject %q", subject)
	}
	work, err := prepare(args)
	if err != nil {
		return err
	}
	stop, err := profile(os.Getenv("BENCH_PROFILE"))
	if err != nil {
		return err
	}
	before, start := usage(), time.Now()
	if err := work(); err != nil {
		return err
	}
	wall, after := time.Since(start), usage()
	stop()
	return json.NewEncoder(w).Encode(cost{CPU: cpu(after) - cpu(before), Wall: wall, Peak: peak(after)})
}

// peak returns the largest resident memory of this process. Linux hands the
// figure in rusage down from the parent, so it is read elsewhere if possible.
func peak(u syscall.Rusage) int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return u.Maxrss << 10
}

// profile writes a CPU profile of the work to a file, if one is named.
func profile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

func usage() syscall.Rusage {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u
}

func cpu(u syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func program(main func(args []string) error) func([]string) (func() error, error) {
	return func(args []string) (func() error, error) { return func() error { return main(args) }, nil }
}

func onManifests(engine func(old, updated string) error) func([]string) (func() error, error) {
	return func(args []string) (func() error, error) {
		old, err := os.ReadFile(args[0])
		if err != nil {
			return nil, err
		}
		updated, err := os.ReadFile(args[1])
		if err != nil {
			return nil, err
		}
		before, after := string(old), string(updated)
		return func() error { return engine(before, after) }, nil
	}
}

// manifests is the whole of "helm safe-diff manifests", the reading of the files
// included.
func manifests(args []string) error {
	return run(append([]string{"manifests", "--namespace", "bench"}, args...))
}

// helmDiff is helm-diff's engine with the options of a plain "helm diff upgrade".
// It ends the process on input that it cannot read.
func helmDiff(old, updated string) error {
	diff.Manifests(helmdiff.Parse(old, "bench", false), helmdiff.Parse(updated, "bench", false),
		&diff.Options{OutputFormat: "diff", OutputContext: -1}, &bytes.Buffer{})
	return nil
}

// local is the whole of "helm safe-diff local" with the arguments.
func local(args []string) error {
	return run(append([]string{"local"}, args...))
}

// reading decodes the objects of a cluster, the last argument, and does nothing with them.
func reading(args []string) error {
	text, err := os.ReadFile(args[len(args)-1])
	if err != nil {
		return err
	}
	objects, err := manifest.Parse(string(text), manifest.Options{})
	for _, o := range objects {
		_, wrong := o.Value()
		err = errors.Join(err, wrong)
	}
	return err
}

// drain and rollout get the two manifests and the cluster.
func drain(args []string) error {
	return run([]string{"drain", "--namespace", "bench", "--old-manifests", args[0], "--manifests", args[1], "--cluster-objects", args[2]})
}

func rollout(args []string) error {
	return manifests([]string{args[0], args[1], "--cluster-objects", args[2]})
}

func run(args []string) error {
	var stderr bytes.Buffer
	if code := cli.Main(args, &bytes.Buffer{}, io.Discard, &stderr); code == change.ExitError {
		return fmt.Errorf("%s: %s", args[0], stderr.String())
	}
	return nil
}
