package cli

import (
	"os"

	"github.com/spf13/cobra"
)

const rootHelp = `Tell what a Helm upgrade will do to the cluster before you run it: what the API server
will reject, which data is lost, which workloads go down, and whose pods restart and
why. What has no effect is hidden and counted.

Exit codes:
  0  no finding that --fail-on names
  1  the comparison could not be made
  2  only with --detailed-exitcode: there are changes, but none that --fail-on names
  3  a finding that --fail-on names`

// rootCommand returns the command tree.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "helm-safe-diff",
		Short:         "Tell what a Helm upgrade will do to the cluster",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.command = cmd
			a.quieten()
			return a.configure(cmd.Context(), cmd)
		},
		DisableAutoGenTag: true,
		RunE:              helpOrUnknown,
	}
	if os.Getenv("HELM_PLUGIN_DIR") != "" {
		name := "helm safe-diff"
		if os.Getenv("HELM_PLUGIN_NAME") == diffName {
			name = "helm" // followed by the command "diff"
		}
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: name}
	}
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(printUsage)
	a.addEnvironmentFlags(root)
	root.AddCommand(a.upgradeCommand(), a.rollbackCommand(), a.revisionCommand(), a.releaseCommand(), a.uninstallCommand(), a.drainCommand(),
		a.localCommand(), a.chartCommand(), a.valuesCommand(), a.stevedoreCommand(), a.planCommand(), a.manifestsCommand(), a.verifyCommand(), a.showCommand(), a.gateCommand(), a.rulesCommand(),
		a.explainCommand(), a.configCommand(), a.acceptCommand(), a.versionCommand(), a.diffCommand())
	commandGroups(root)
	return root
}

// addCompletion adds Cobra's own command, to a root that knows where to write.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = cobra.ArbitraryArgs, helpOrUnknown // a shell that Cobra does not know
		}
	}
}

// helpOrUnknown runs a command that is there for its subcommands only.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// addEnvironmentFlags adds the flags that choose cluster and namespace. Run by
// Helm, they never arrive here: Helm takes them and passes them on as environment
// variables (manuallyProcessArgs in cmd/helm/load_plugins.go).
func (a *app) addEnvironmentFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	a.settings.AddFlags(flags)
	for _, name := range []string{
		"burst-limit", "qps", "kube-as-group", "kube-as-user", "kube-apiserver", "kube-ca-file", "kube-token",
		"kube-tls-server-name", "kube-insecure-skip-tls-verify", "registry-config", "repository-cache", "repository-config",
	} {
		flags.Lookup(name).Hidden = true
	}
	flags.Var(inEnvironment("HELM_CONTENT_CACHE"), "content-cache", "folder in which Helm 4 keeps charts that it has downloaded")
	flags.Lookup("content-cache").Hidden = true
	flags.Lookup("namespace").Usage = "namespace of the release, and of objects that name none"
	flags.Lookup("debug").Usage = "print what Helm and the Kubernetes libraries log"
}

// inEnvironment is the value of a flag that a variable of the environment stands for, too.
type inEnvironment string

// String returns the value.
func (name inEnvironment) String() string { return os.Getenv(string(name)) }

// Type returns what a value is called in the help.
func (inEnvironment) Type() string { return "string" }

// Set puts a value into the environment, which the process that renders charts inherits.
func (name inEnvironment) Set(text string) error { return os.Setenv(string(name), text) }
