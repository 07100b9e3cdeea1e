package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const manifestsHelp = `Judge the change from one set of rendered manifests to another, whatever rendered them.
Each side is a file, a directory or - for stdin. Of a directory all .yaml, .yml and
.json files are read, those of its subdirectories too. An empty file is a side without
objects; an empty stdin or pipe is an error, because the program that should have
written to it may have failed: --allow-empty allows it.

With --base REF the only argument is a folder of a git repository with rendered
manifests. Its files in the working folder, without those that git ignores, are compared
with the same folder at the merge base of HEAD and REF. The pull request decides only
what is judged: policy and acceptances are those of REF, a change to them is a finding
of the class "policy" and fails the run, and links must not lead out of the repository.`

// manifestsFlags are the flags of manifests.
type manifestsFlags struct {
	apply       applyFlags
	about       clusterFlags
	output      reportFlags
	base        string
	kubeVersion string
	helm        helmMajor
	noHooks     bool
	allowEmpty  bool
}

func (f *manifestsFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.base, "base", "", "branch or commit to compare one folder with, such as origin/main")
	flags.StringVar(&f.kubeVersion, "kube-version", "", "version of Kubernetes to judge for, such as 1.36")
	flags.Var(&f.helm, "helm", "major version of the Helm that applies the manifests, 3 or 4 (default: unknown)")
	flags.BoolVar(&f.noHooks, "no-hooks", false, "judge an upgrade that runs no hooks")
	flags.BoolVar(&f.allowEmpty, "allow-empty", false, "treat an empty stdin or pipe as no objects; otherwise it is an error")
	into(flags, renderFlagGroup, "helm", "kube-version", "no-hooks")
	f.apply.addTo(cmd, "true with --helm 4, else false")
	f.apply.addOwnershipTo(cmd)
	f.about.addTo(flags)
	f.output.addTo(cmd)
	completeRefs(cmd, "base")
}

// check returns an error for arguments and flags that cannot be right.
func (f *manifestsFlags) check(cmd *cobra.Command, args []string) error {
	names := []string{"OLD", "NEW"}
	if f.base != "" {
		names = []string{"DIR"}
		if len(args) > 1 {
			return fmt.Errorf("manifests: --base takes one folder, and compares it with git: %q is one too many", args[1])
		}
	}
	if err := argumentsOf(names)(cmd, args); err != nil {
		return err
	}
	return errors.Join(stdinOnce(args...), f.apply.check(), f.about.check(args...), helm.CheckKubeVersion(f.kubeVersion))
}

func (a *app) manifestsCommand() *cobra.Command {
	var f manifestsFlags
	cmd := &cobra.Command{
		Use:   "manifests (OLD NEW | --base REF DIR)",
		Short: "Judge the change from one set of rendered manifests to another",
		Long:  manifestsHelp,
		Example: "  kustomize build overlays/prod | helm safe-diff manifests deployed.yaml -\n" +
			"  helm safe-diff manifests --base origin/main clusters/prod",
		Args: cobra.ArbitraryArgs, // by --base, which the environment may give
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.output.options(a)
			if err == nil {
				err = f.check(cmd, args)
			}
			if err != nil {
				return usage(cmd, err)
			}
			return a.manifests(cmd.Context(), &f, args, r)
		},
	}
	f.addTo(cmd)
	return cmd
}

// manifests judges two sides of rendered manifests.
func (a *app) manifests(ctx context.Context, f *manifestsFlags, args []string, r reportOptions) error {
	old, updated, err := a.manifestSides(ctx, f, args, &r)
	if err != nil {
		return err
	}
	cluster, err := f.about.read(a)
	if err != nil {
		return err
	}
	opts := safediff.Options{Namespace: a.settings.Namespace(), KubeVersion: f.kubeVersion, NoHooks: f.noHooks, Cluster: cluster}
	opts.Release.Helm = int(f.helm)
	if err := f.apply.apply(&opts, f.helm == 4); err != nil {
		return err
	}
	before, after := old.manifest(), updated.manifest()
	if before.Text != after.Text { // else the record is that of the installed release, which fits
		stored := a.helmClient().RecordOf(after.Text)
		opts.Record = safediff.Record{Kind: stored.Kind, Bytes: stored.Bytes, AtLeast: true}
	}
	r.locate = inFiles(old, updated)
	return blame(a.judge(ctx, before, after, opts, r), old, updated)
}

// manifestSides reads both sides. What a pull request changes in the policy fails a run that
// compares it with its base, as it does in chart.
func (a *app) manifestSides(ctx context.Context, f *manifestsFlags, args []string, r *reportOptions) (old, updated fileSet, err error) {
	if f.base != "" {
		if !r.failOnGiven {
			if r.failOn, err = a.parseFailOn(failOnUpgrade + "," + string(change.Policy)); err != nil {
				return old, updated, err
			}
		}
		return readBased(ctx, f.base, args[0], slices.Concat(f.about.paths, r.templates()))
	}
	if old, err = a.readSide(args[0], f.allowEmpty); err != nil {
		return old, updated, err
	}
	updated, err = a.readSide(args[1], f.allowEmpty)
	return old, updated, err
}
