package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// liveFlags say whether and how the cluster is asked about the objects of a release.
type liveFlags struct {
	offline bool
	dryRun  string
}

func (f *liveFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, clusterFlagGroup)()
	flags.BoolVar(&f.offline, "offline", false, "read nothing from the cluster but the release itself, and take its objects to be as Helm left them")
	flags.StringVar(&f.dryRun, "dry-run", "none", `"server": the API server tries each creation and patch, but no deletion, without storing it (dryRun=All), webhooks, policies and quotas included; Helm's other values have no effect`)
	flags.Lookup("dry-run").NoOptDefVal = "client"
}

// check returns an error for a value that the flag does not know, and for flags that
// contradict each other.
func (f *liveFlags) check() error {
	if !slices.Contains([]string{"", "none", "client", "server", "true", "false"}, f.dryRun) {
		return fmt.Errorf("unknown value %q of --dry-run; valid are none, client, server", f.dryRun)
	}
	if f.dryRun == "server" && f.offline {
		return errors.New("--dry-run=server and --offline exclude each other")
	}
	return nil
}

// look writes into opts what asks the cluster, unless the flags say not to.
func (f *liveFlags) look(a *app, opts *safediff.Options) error {
	if f.offline || a.helmClient().Driver == "memory" { // such releases are in no cluster
		return nil
	}
	reader, err := a.reader(live.Options{Progress: a.progress("reading the cluster"), DryRun: f.dryRun == "server"})
	if err != nil {
		return err
	}
	opts.Look = reader.Read
	if f.dryRun == "server" {
		opts.Try = reader.Try
	}
	return nil
}

// reader returns the way to the cluster that the environment names.
func (a *app) reader(options live.Options) (*live.Reader, error) {
	config, err := a.settings.RESTClientGetter().ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the cluster's address: %w", err)
	}
	return live.New(config, options)
}

// clusterUID tells the cluster from others; "" if it cannot be told, and that is said.
func (a *app) clusterUID(ctx context.Context) (string, error) {
	if a.helmClient().Driver == "memory" {
		return "", nil
	}
	reader, err := a.reader(live.Options{})
	if err != nil {
		return "", err
	}
	uid, err := reader.ClusterUID(ctx)
	if err != nil {
		a.say("warning: a plan cannot tell this cluster from others: %v", err)
	}
	return string(uid), nil
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
