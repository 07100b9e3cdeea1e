// Package renderer renders charts that nobody trusts: in a process of its own, whose
// time and memory are limited. The process is this program once more, started with
// Command as its only argument, which must then call Serve.
//
// Requests and answers are JSON, one after the other, on stdin and stdout of the
// process. One process renders many charts, one at a time; a Renderer starts as many as
// are asked at the same time. One that exceeds a limit is killed.
package renderer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// Command is the argument with which the process is started.
const Command = "render-charts"

// Memory is what a process may use, in bytes, where the system can limit it.
const Memory = 1 << 30

// searchTime limits how long the template is searched for that exceeds a limit.
const searchTime = 10 * time.Second

// Renderer renders charts in other processes. Its methods may run at the same time.
type Renderer struct {
	// Helm is the major version of the Helm that renders; 0 for the one that helm.Client
	// takes.
	Helm int
	// Time limits how long one chart may take.
	Time time.Duration
	// ReadStdin returns stdin for a values file named "-".
	ReadStdin func() ([]byte, error)

	mutex sync.Mutex
	idle  []*process
}

// Warm starts a process before it is needed. An error is told by whoever needs it.
func (r *Renderer) Warm() {
	if p, err := start(); err == nil {
		r.release(p)
	}
}

// Close ends the processes.
func (r *Renderer) Close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, p := range r.idle {
		p.end()
	}
	r.idle = nil
	return nil
}

// Template is helm.Client.Template in another process, in which its lens renders, too.
func (r *Renderer) Template(ctx context.Context, settings *cli.EnvSettings, stderr io.Writer, t helm.Template) (helm.Side, error) {
	sides, err := r.render(ctx, request{Template: &t}, settings, stderr)
	return sides[0], err
}

// Upgrade is helm.Client.Upgrade in another process.
func (r *Renderer) Upgrade(ctx context.Context, settings *cli.EnvSettings, stderr io.Writer, up helm.Upgrade) (old, updated helm.Side, err error) {
	sides, err := r.render(ctx, request{Upgrade: &up}, settings, stderr)
	return sides[0], sides[1], err
}

func (r *Renderer) render(ctx context.Context, ask request, settings *cli.EnvSettings, stderr io.Writer) (sides [2]helm.Side, err error) {
	ask.Settings, ask.Namespace, ask.Helm, ask.Time = settings, settings.Namespace(), r.Helm, r.Time
	var chart *helm.Chart
	var values []string
	if ask.Template != nil {
		chart, values = &ask.Template.Chart, ask.Template.Values.ValueFiles
	} else {
		chart, values = &ask.Upgrade.Chart, ask.Upgrade.Values.ValueFiles
	}
	if r.ReadStdin != nil && slices.ContainsFunc(values, func(file string) bool { return strings.TrimSpace(file) == "-" }) {
		if ask.Stdin, err = r.ReadStdin(); err != nil {
			return sides, err
		}
	}
	got, err := r.exchange(ctx, &ask, r.Time, nil)
	var exceeded *limitError
	if errors.As(err, &exceeded) {
		exceeded.template = r.search(ctx, ask)
		exceeded.time = r.Time
		return sides, &helm.RenderError{Ref: chart.Ref, Err: exceeded}
	}
	if err != nil {
		return sides, err
	}
	_, _ = io.WriteString(stderr, got.Stderr)
	if got.Failure != nil {
		return sides, got.Failure.err()
	}
	sides = got.Sides
	sides[0].Lens, err = got.Lens.lens(r.with(ask))
	return sides, err
}

// search returns the template that exceeds a limit; "" if none does alone.
func (r *Renderer) search(ctx context.Context, ask request) string {
	last := ""
	ask.Search = true
	_, err := r.exchange(ctx, &ask, min(r.Time, searchTime), func(name string) { last = name })
	var exceeded *limitError
	if !errors.As(err, &exceeded) {
		return ""
	}
	return last
}

// exchange sends a request to a process and returns the answer. Each template that the
// process names before goes to at.
func (r *Renderer) exchange(ctx context.Context, ask *request, limit time.Duration, at func(string)) (answer, error) {
	p, err := r.take()
	if err != nil {
		return answer{}, err
	}
	type outcome struct {
		answer
		err error
	}
	done := make(chan outcome, 1)
	names := make(chan string)
	go func() {
		got, err := p.ask(ask, names)
		done <- outcome{got, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case name := <-names:
			at(name)
		case got := <-done:
			if got.err != nil && ctx.Err() == nil {
				return answer{}, p.cause()
			}
			if got.err != nil {
				p.kill()
				return answer{}, errors.New("interrupted")
			}
			r.release(p)
			return got.answer, nil
		case <-timer.C:
			p.kill()
			return answer{}, &limitError{}
		case <-ctx.Done():
			p.kill()
			return answer{}, errors.New("interrupted")
		}
	}
}

func (r *Renderer) take() (*process, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if n := len(r.idle); n > 0 {
		p := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return p, nil
	}
	return start()
}

func (r *Renderer) release(p *process) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.idle = append(r.idle, p)
}

// limitError says that rendering exceeds a limit: that of the memory, or else of time.
type limitError struct {
	memory   bool
	time     time.Duration
	template string
}

func (e *limitError) Error() string {
	what := "it"
	if e.template != "" {
		what = fmt.Sprintf("template %q", e.template)
	}
	if e.memory {
		return fmt.Sprintf("%s takes more than %d MiB of memory", what, Memory>>20)
	}
	return fmt.Sprintf("%s takes longer than %s", what, e.time)
}

// Hint says what to do about it.
func (e *limitError) Hint() string {
	if e.memory {
		return "does a loop or a value grow without end?"
	}
	return "--render-timeout allows more time"
}

// LimitsMemory reports whether the system limits the memory of the process.
func LimitsMemory() bool { return limitsMemory }

// executable returns this very program, and the name by which it was started, by which
// a program that is several can tell which it is.
func executable() (path, name string, err error) {
	path, err = os.Executable()
	return path, os.Args[0], err
}
