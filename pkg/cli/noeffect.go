package cli

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// upgradeNoEffect returns the flags of `helm upgrade`, in Helm 3.22 and Helm 4.3, that
// say how an upgrade is carried out or reported, not what is rendered. They are
// accepted, so that a command line can be pasted, and do nothing.
func upgradeNoEffect() []noEffectFlag {
	return []noEffectFlag{
		{name: "adopt", value: true}, // helmfile
		{name: "atomic", waits: true},
		{name: "cleanup-on-fail"},
		{name: "create-namespace"},
		{name: "description", value: true},
		{name: "disable-openapi-validation"},
		{name: "disable-validation"}, // helm-diff
		{name: "hide-notes"},
		{name: "hide-secret"},
		{name: "history-max", value: true},
		{name: "labels", shorthand: "l", value: true},
		{name: "recreate-pods"},
		{name: "rollback-on-failure", waits: true},
		{name: "three-way-merge"}, // helm-diff
		{name: "timeout", value: true, times: true},
		{name: "wait", waits: true},
		{name: "wait-for-jobs", jobs: true},
	}
}

// helmDiffNoEffect returns the flags of all commands of helm-diff that ask for what is
// done anyway, or for what cannot differ: values are compared, and not lines.
func helmDiffNoEffect() []noEffectFlag {
	return []noEffectFlag{
		{name: "find-renames", shorthand: "D", value: true},
		{name: "include-tests"},
		{name: "normalize-manifests"},
		{name: "strip-trailing-cr"},
	}
}

// rollbackNoEffect returns the like of `helm rollback`.
func rollbackNoEffect() []noEffectFlag {
	return []noEffectFlag{
		{name: "cleanup-on-fail"},
		{name: "description", value: true},
		{name: "history-max", value: true},
		{name: "timeout", value: true, times: true},
		{name: "wait", waits: true},
		{name: "wait-for-jobs", jobs: true},
	}
}

// uninstallNoEffect returns the like of `helm uninstall`.
func uninstallNoEffect() []noEffectFlag {
	return []noEffectFlag{
		{name: "description", value: true},
		{name: "timeout", value: true},
		{name: "wait"},
	}
}

type noEffectFlag struct {
	name, shorthand string
	// value says whether a value must follow; without, one may follow after "=".
	value bool
	// waits says that Helm waits until what it has made is ready: what hangs then makes the
	// upgrade fail. jobs says that it then waits for Jobs, too, and times that the value is for how
	// long.
	waits, jobs, times bool
}

// addNoEffectFlags adds them, hidden. What they say of waiting is noted in wait, which may be
// nil.
func addNoEffectFlags(flags *pflag.FlagSet, list []noEffectFlag, wait *change.Wait) {
	if wait != nil {
		wait.Timeout = change.DefaultTimeout
	}
	for _, f := range list {
		var value pflag.Value = noEffect{}
		switch {
		case wait == nil:
		case f.waits:
			value = waiting{noEffect{}, wait}
		case f.jobs:
			value = waitingForJobs{noEffect{}, wait}
		case f.times:
			value = timing{noEffect{}, wait}
		}
		flag := flags.VarPF(value, f.name, f.shorthand, "accepted and without effect")
		flag.Hidden = true
		if !f.value {
			flag.NoOptDefVal = "true"
		}
	}
}

// waiting is the value of a flag that has Helm wait. Helm 4's --wait takes a strategy, one
// of which waits for hooks alone, as Helm always does.
type waiting struct {
	noEffect
	wait *change.Wait
}

// Set takes any value.
func (w waiting) Set(value string) error {
	w.wait.Waits = w.wait.Waits || value != "false" && value != "hookOnly"
	w.wait.Legacy = w.wait.Legacy || value == "legacy"
	return nil
}

// waitingForJobs is the value of a flag that has Helm wait for Jobs, too, if it waits.
type waitingForJobs struct {
	noEffect
	wait *change.Wait
}

// Set takes any value.
func (w waitingForJobs) Set(value string) error {
	w.wait.Jobs = value != "false"
	return nil
}

// timing is the value of a flag that says for how long Helm waits.
type timing struct {
	noEffect
	wait *change.Wait
}

// Set takes a duration, as Helm does.
func (w timing) Set(value string) (err error) {
	w.wait.Timeout, err = time.ParseDuration(value)
	return err
}

// noEffect is the value of a flag that does nothing.
type noEffect struct{}

// String returns nothing: there is no default to show.
func (noEffect) String() string { return "" }

// Set takes any value.
func (noEffect) Set(string) error { return nil }

// Type returns what a value is called in the help.
func (noEffect) Type() string { return "string" }
