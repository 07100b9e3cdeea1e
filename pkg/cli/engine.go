package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// helmMajor is the value of --helm; 0 if it is not given.
type helmMajor int

// String returns the version; "" stands for the one that is there.
func (m *helmMajor) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.Itoa(int(*m))
}

// Type returns what a value is called in the help.
func (*helmMajor) Type() string { return "version" }

// Set takes a version that is known.
func (m *helmMajor) Set(text string) error {
	n, err := helm.ParseMajor(text)
	*m = helmMajor(n)
	return err
}

// addHelmTo adds the flag that every command has which reads releases or renders charts.
func addHelmTo(flags *pflag.FlagSet) {
	defer gather(flags, renderFlagGroup)()
	flags.Var(new(helmMajor), "helm", fmt.Sprintf(
		"which Helm reads and renders, 3 or 4 (by default the one that runs this program, else the newest installed, else %d)", helm.Newest))
}

// helmAsked returns what --helm of the command that runs says, 0 if nothing.
func (a *app) helmAsked() int {
	if a.command == nil {
		return 0
	}
	if flag := a.command.Flags().Lookup("helm"); flag != nil {
		if major, is := flag.Value.(*helmMajor); is {
			return int(*major)
		}
	}
	return 0
}
