package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const manifestsHelp = `Judge the change from one set of rendered manifests to another, whatever rendered
them. Each side is a file, a directory or - for stdin. Of a directory all .yaml,
.yml and .json files are read, those of its subdirectories too.`

func (a *app) manifestsCommand() *cobra.Command {
	var (
		apply       applyFlags
		about       clusterFlags
		output      reportFlags
		kubeVersion string
		noHooks     bool
	)
	cmd := &cobra.Command{
		Use:     "manifests OLD NEW",
		Short:   "Judge the change from one set of rendered manifests to another",
		Long:    manifestsHelp,
		Example: "  kustomize build overlays/prod | helm safe-diff manifests deployed.yaml -",
		Args:    arguments("OLD", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := output.options(a)
			if err == nil {
				err = errors.Join(stdinOnce(args...), apply.check(), about.check(args...))
			}
			if err == nil {
				err = helm.CheckKubeVersion(kubeVersion)
			}
			if err != nil {
				return usage(cmd, err)
			}
			old, err := a.readFiles(args[0])
			if err != nil {
				return err
			}
			updated, err := a.readFiles(args[1])
			if err != nil {
				return err
			}
			cluster, err := about.read(a)
			if err != nil {
				return err
			}
			opts := safediff.Options{
				Namespace:   a.settings.Namespace(),
				KubeVersion: kubeVersion,
				NoHooks:     noHooks,
				Cluster:     cluster,
			}
			if err := apply.apply(&opts, false); err != nil {
				return err
			}
			r.locate = inFiles(old, updated)
			return blame(a.judge(cmd.Context(), old.manifest(), updated.manifest(), opts, r), old, updated)
		},
	}
	cmd.Flags().StringVar(&kubeVersion, "kube-version", "", "version of Kubernetes to judge for, such as 1.36")
	cmd.Flags().BoolVar(&noHooks, "no-hooks", false, "judge an upgrade that runs no hooks")
	apply.addTo(cmd, "false")
	apply.addOwnershipTo(cmd)
	about.addTo(cmd.Flags())
	output.addTo(cmd)
	return cmd
}
