package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
)

// liveFlags say whether and how the cluster is asked about the objects of a release.
type liveFlags struct {
	offline bool
}

func (f *liveFlags) addTo(flags *pflag.FlagSet) {
	flags.BoolVar(&f.offline, "offline", false, "ask the cluster for nothing but the release itself, and take its objects to be as Helm left them")
}

// look returns what reads the cluster; nil if the flags say not to.
func (f *liveFlags) look(a *app) (func(context.Context, []live.Wanted) (*live.State, error), error) {
	if f.offline || a.helmClient().Driver == "memory" { // such releases are in no cluster
		return nil, nil
	}
	config, err := a.settings.RESTClientGetter().ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the cluster's address: %w", err)
	}
	reader, err := live.New(config, live.Options{Progress: a.progress("reading the cluster")})
	if err != nil {
		return nil, err
	}
	return reader.Read, nil
}

// progress returns what shows, on a terminal, how far work has come that takes more
// than a second.
func (a *app) progress(doing string) func(done, total int) {
	file, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	begun, shown := time.Now(), time.Time{}
	return func(done, total int) {
		now := time.Now()
		switch {
		case done == total && !shown.IsZero():
			_, _ = fmt.Fprint(a.stderr, "\r\033[K")
			shown = time.Time{}
		case now.Sub(begun) > time.Second && now.Sub(shown) > 100*time.Millisecond:
			_, _ = fmt.Fprintf(a.stderr, "\r\033[K%s: %d of %d", doing, done, total)
			shown = now
		}
	}
}
