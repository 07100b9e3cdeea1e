package renderer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"time"

	"helm.sh/helm/v3/pkg/cli"
	"k8s.io/klog/v2"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// maxRendered is how much a chart may render, in bytes: many times what a release may
// hold, which is stored in one Secret of a MiB, compressed.
const maxRendered = 64 << 20

// Serve answers requests until there are none left, and returns the exit code of the
// process. It limits the memory of the process that calls it.
func Serve(requests io.Reader, answers io.Writer, stderr io.Writer) int {
	// The garbage collector works harder before the limit is reached.
	debug.SetMemoryLimit(Memory / 4 * 3)
	if err := limitMemory(Memory); err != nil {
		_, _ = fmt.Fprintln(stderr, "limit memory:", err)
		return 1
	}
	signal.Ignore(os.Interrupt) // of a terminal, which whoever started the process heeds
	log.SetOutput(io.Discard)
	klog.SetOutput(io.Discard)
	decoder, encoder := json.NewDecoder(requests), json.NewEncoder(answers)
	var known lenses
	for {
		ask := request{Settings: cli.New()}
		if err := decoder.Decode(&ask); err != nil {
			if errors.Is(err, io.EOF) {
				return 0
			}
			_, _ = fmt.Fprintln(stderr, "read request:", err)
			return 1
		}
		late := time.AfterFunc(ask.Time+searchTime, func() { os.Exit(1) })
		got := ask.answer(&known, func(name string) { _ = encoder.Encode(answer{Rendering: name}) })
		late.Stop()
		if err := encoder.Encode(got); err != nil {
			return 1
		}
	}
}

func (ask *request) answer(known *lenses, at func(string)) (got answer) {
	ask.Settings.SetNamespace(ask.Namespace)
	var stderr bytes.Buffer
	client := &helm.Client{
		Settings: ask.Settings, Helm: ask.Helm, Driver: os.Getenv("HELM_DRIVER"), Stderr: &stderr,
		ReadStdin: func() ([]byte, error) { return ask.Stdin, nil },
	}
	if ask.Settings.Debug {
		log.SetOutput(&stderr)
	}
	var err error
	switch ctx := context.Background(); {
	case ask.Search:
		err = client.EachTemplate(ctx, ask.alone(), at)
	case ask.Instead != nil:
		got.Text, err = known.render(ctx, client, ask)
	case ask.Template != nil:
		err = ask.template(ctx, client, known, &got)
	case ask.Upgrade != nil:
		got.Sides[0], got.Sides[1], err = client.Upgrade(ctx, *ask.Upgrade)
	}
	for _, side := range got.Sides {
		if size := len(side.Manifest) + len(side.CRDs) + len(side.Again); err == nil && size > maxRendered {
			err = fmt.Errorf("it renders %d MiB; more than %d are not judged", size>>20, maxRendered>>20)
		}
	}
	if err != nil {
		got.Sides, got.Lens, got.Text = [2]helm.Side{}, nil, ""
	}
	got.Stderr, got.Failure = stderr.String(), failureOf(err)
	return got
}

// template renders the chart of the request, and keeps its lens if one is asked for.
func (ask *request) template(ctx context.Context, client *helm.Client, known *lenses, got *answer) error {
	side, err := client.Template(ctx, *ask.Template)
	if err != nil {
		return err
	}
	got.Sides[0] = side
	if got.Lens, err = sent(side.Lens); err != nil || got.Lens == nil {
		return err
	}
	name, err := ask.name()
	known.keep(name, side.Lens)
	return err
}

// alone returns the chart of the request as one to render without a cluster.
func (ask *request) alone() helm.Template {
	if ask.Template != nil {
		return *ask.Template
	}
	up := ask.Upgrade
	return helm.Template{Release: up.Release, Chart: up.Chart, Rendering: up.Rendering, Revision: 2}
}
