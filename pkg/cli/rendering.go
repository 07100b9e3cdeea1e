package cli

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/renderer"
)

// limitFlags limit how charts are rendered that nobody trusts.
type limitFlags struct{ timeout time.Duration }

func (f *limitFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, renderFlagGroup)()
	flags.DurationVar(&f.timeout, "render-timeout", 2*time.Minute, "how long one rendering of a chart may take; on Linux it may also use at most 1 GiB of memory")
}

// check returns an error for a value that cannot be right.
func (f *limitFlags) check() error {
	if f.timeout <= 0 {
		return fmt.Errorf("--render-timeout %s: it must be longer than nothing", f.timeout)
	}
	return nil
}

// renderer returns what renders charts within limits. It says so if the system cannot
// limit memory.
func (f *limitFlags) renderer(a *app) *renderer.Renderer {
	if !renderer.LimitsMemory() {
		a.say("warning: on this system rendering is limited in time only, not in memory")
	}
	return &renderer.Renderer{Helm: a.helmAsked(), Time: f.timeout, ReadStdin: sync.OnceValues(a.readStdin)}
}

// failureOf returns an error as what a report says of it. The stack of a defect may quote
// input and is not in it.
func failureOf(err error) *change.Failure {
	f := &change.Failure{Reason: err.Error()}
	var defect *helm.PanicError
	if errors.As(err, &defect) {
		f.Reason = "this is a defect of helm safe-diff, not of your chart: it stopped where it should not have"
	}
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) {
		f.Hint = hinting.Hint()
	}
	return f
}

// sayFailure prints what could not be judged.
func (a *app) sayFailure(f change.Failure) {
	a.say("Error: %s", f.Reason)
	if f.Hint != "" {
		a.say("hint: %s", f.Hint)
	}
}
