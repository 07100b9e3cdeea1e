package cli

import "github.com/spf13/pflag"

// upgradeNoEffect returns the flags of `helm upgrade`, in Helm 3.22 and Helm 4.3, that
// say how an upgrade is carried out or reported, not what is rendered. They are
// accepted, so that a command line can be pasted, and do nothing.
func upgradeNoEffect() []noEffectFlag {
	return []noEffectFlag{
		{name: "adopt", value: true}, // helmfile
		{name: "atomic"},
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
		{name: "rollback-on-failure"},
		{name: "three-way-merge"}, // helm-diff
		{name: "timeout", value: true},
		{name: "wait"},
		{name: "wait-for-jobs"},
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
		{name: "timeout", value: true},
		{name: "wait"},
		{name: "wait-for-jobs"},
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
}

// addNoEffectFlags adds them, hidden.
func addNoEffectFlags(flags *pflag.FlagSet, list []noEffectFlag) {
	for _, f := range list {
		flag := flags.VarPF(noEffect{}, f.name, f.shorthand, "accepted and without effect")
		flag.Hidden = true
		if !f.value {
			flag.NoOptDefVal = "true"
		}
	}
}

// noEffect is the value of a flag that does nothing.
type noEffect struct{}

// String returns nothing: there is no default to show.
func (noEffect) String() string { return "" }

// Set takes any value.
func (noEffect) Set(string) error { return nil }

// Type returns what a value is called in the help.
func (noEffect) Type() string { return "string" }
