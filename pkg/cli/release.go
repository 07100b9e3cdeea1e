package cli

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	helmcli "helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

const releaseHelp = `Judge what would happen if the objects of one installed release became those of
another in its place: to see in what two releases differ, or what changes for a
component that moves to another cluster. Nothing is written to either.

RELEASE2 may be left out if the flags say that it is elsewhere. Names and namespaces
must differ then: where a value differs only in the name or the namespace of the
release, it is hidden and counted as "renamed"; --show-hidden shows each. So is a
checksum of a configuration (checksum/*) that differs in names only. Names of images
are never taken for the same.`

// placeFlags say where a release is.
type placeFlags struct{ context, namespace, kubeconfig string }

func (f *placeFlags) addTo(cmd *cobra.Command, side, release string) {
	flags := cmd.Flags()
	flags.StringVar(&f.context, side+"-context", "", "context of the kubeconfig for "+release+", instead of --kube-context")
	flags.StringVar(&f.namespace, side+"-namespace", "", "namespace of "+release+", instead of --namespace")
	flags.StringVar(&f.kubeconfig, side+"-kubeconfig", "", "kubeconfig for "+release+", instead of --kubeconfig")
}

// take cuts the namespace off a release that is named as NAMESPACE/RELEASE, as helm-diff
// has it. No release has a slash in its name.
func (f *placeFlags) take(release *string) {
	if namespace, name, named := strings.Cut(*release, "/"); named {
		f.namespace, *release = namespace, name
	}
}

func (a *app) releaseCommand() *cobra.Command {
	var (
		shared   storedFlags
		from, to placeFlags
	)
	cmd := &cobra.Command{
		Use:     "release RELEASE1 [RELEASE2]",
		Short:   "Judge one installed release in the place of another",
		Long:    releaseHelp,
		Example: "  helm safe-diff release shop --namespace prod --old-context east --new-context west",
		Args:    argumentsOf([]string{"RELEASE1"}, "RELEASE2"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := shared.options(a)
			from.take(&args[0])
			if len(args) == 2 {
				to.take(&args[1])
			}
			if err == nil && len(args) == 1 && from == to {
				err = errors.New("release: missing RELEASE2, or flags such as --new-context that say where else RELEASE1 is")
			}
			if err != nil {
				return usage(cmd, err)
			}
			old, err := a.clientAt(cmd, from).Installed(cmd.Context(), shared.stored(args[0]))
			if err != nil {
				return err
			}
			updated, err := a.clientAt(cmd, to).Installed(cmd.Context(), shared.stored(args[len(args)-1]))
			if err != nil {
				return err
			}
			opts := optionsOf(old, updated)
			opts.Operation, opts.Release.NewRevision = change.Upgrade, updated.Revision
			opts.Release.Context = cmp.Or(to.context, to.kubeconfig)
			opts.Release.From = change.Place{Name: old.Release, Namespace: old.Namespace, Context: cmp.Or(from.context, from.kubeconfig)}
			updated.ServerSide = old.ServerSide
			return shared.judge(a, cmd, old, updated, opts, r)
		},
		ValidArgsFunction: a.completeReleases(2),
	}
	shared.addStepTo(cmd)
	from.addTo(cmd, "old", "RELEASE1")
	to.addTo(cmd, "new", "RELEASE2")
	return cmd
}

// clientAt returns the way to Helm with other settings for the cluster.
func (a *app) clientAt(cmd *cobra.Command, place placeFlags) *helm.Client {
	client := a.helmClient()
	client.Settings = a.settingsAt(place.kubeconfig, place.context, cmp.Or(place.namespace, cmd.Flag("namespace").Value.String()))
	return client
}

// settingsAt returns the environment of Helm with another kubeconfig, context or
// namespace, where they are not "".
func (a *app) settingsAt(kubeconfig, context, namespace string) *helmcli.EnvSettings {
	s, here := helmcli.New(), a.settings
	s.KubeToken, s.KubeAsUser, s.KubeAsGroups = here.KubeToken, here.KubeAsUser, here.KubeAsGroups
	s.KubeAPIServer, s.KubeCaFile, s.KubeTLSServerName = here.KubeAPIServer, here.KubeCaFile, here.KubeTLSServerName
	s.KubeInsecureSkipTLSVerify, s.Debug = here.KubeInsecureSkipTLSVerify, here.Debug
	s.BurstLimit, s.QPS = here.BurstLimit, here.QPS
	s.KubeConfig, s.KubeContext = cmp.Or(kubeconfig, here.KubeConfig), cmp.Or(context, here.KubeContext)
	s.SetNamespace(namespace)
	return s
}
