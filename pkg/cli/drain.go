package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cluster"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const drainHelp = `Tell which nodes never empty when the nodes of the cluster are drained one by one, as
in a cluster upgrade, and which pods then find no other node. With CHART, the answer is
for the cluster after the upgrade of RELEASE, rendered as "helm upgrade" with the same
flags would render it. With RELEASE alone, it is for the cluster as it is. Pods of all
namespaces count. Nothing is evicted, and nothing is written to the cluster.

With --manifests, no cluster is asked. --cluster-objects has the nodes and what runs on
them. --old-manifests has what is installed, if that is different.

The answer holds while all pods are ready, and nobody changes nodes, budgets or
workloads. What depends on something else (an autoscaler, pods of others that may go) is
listed as unknown.`

// failOnDrain is what fails a run of drain unless the user says otherwise.
const failOnDrain = "breaking"

// drainFlags are the flags of drain.
type drainFlags struct {
	up             upgradeFlags
	manifests, old []string
	outputs        []string
	failOn         string
}

func (a *app) drainCommand() *cobra.Command {
	var f drainFlags
	cmd := &cobra.Command{
		Use:   "drain (RELEASE [CHART] | --manifests FILE)",
		Short: "Tell which nodes never empty after an upgrade, and which pods find no other one",
		Long:  drainHelp,
		Example: "  helm safe-diff drain shop ./chart -f prod.yaml --namespace prod\n" +
			"  kubectl get no,po,pdb,hpa,pvc,pv -A -o yaml > cluster.yaml\n" +
			"  helm safe-diff drain --manifests new.yaml --cluster-objects cluster.yaml",
		Args: cobra.ArbitraryArgs, // by --manifests, which the environment may give
		RunE: func(cmd *cobra.Command, args []string) error {
			outputs, err := parseOutputs(f.outputs, drainFormats())
			if err == nil {
				err = f.checkDrain(cmd, args)
			}
			var failOn change.FailOn
			if err == nil {
				failOn, err = a.parseFailOn(f.failOn)
			}
			if err != nil {
				return usage(cmd, err)
			}
			return a.drain(cmd.Context(), &f, args, outputs, failOn)
		},
		ValidArgsFunction: a.completeUpgrade,
	}
	f.up.addTo(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.manifests, "manifests", nil, "judge the manifests of this file, directory or - instead of a release (repeatable)")
	flags.StringArrayVar(&f.old, "old-manifests", nil, "with --manifests: what is installed before the upgrade (repeatable; default: the same)")
	flags.StringArrayVarP(&f.outputs, "output", "o", []string{"text"}, "format, or FORMAT=FILE to write it to a file (repeatable): "+formatList(drainFormats()))
	flags.StringVar(&f.failOn, "fail-on", failOnDrain, failOnUsage)
	into(flags, reportFlagGroup, "output")
	into(flags, policyFlagGroup, "fail-on")
	complete(cmd, "output", formatNames(drainFormats()))
	complete(cmd, "fail-on", failOnNames())
	return cmd
}

// checkDrain returns an error for arguments and flags that cannot be right.
func (f *drainFlags) checkDrain(cmd *cobra.Command, args []string) error {
	names, optional := []string{"RELEASE"}, []string{"CHART"}
	switch {
	case len(f.manifests) > 0:
		names, optional = nil, nil
	case len(f.old) > 0:
		return errors.New("--old-manifests needs --manifests")
	}
	if f.up.live.dryRun == "server" {
		return errors.New("drain only reads from the cluster: --dry-run=server is for upgrade")
	}
	if err := argumentsOf(names, optional...)(cmd, args); err != nil {
		return err
	}
	return errors.Join(f.up.check(), stdinOnce(slices.Concat(f.manifests, f.old, f.up.about.paths)...))
}

// drainFormats returns the formats of --output.
func drainFormats() []report.Format { return named(report.DrainFormats()) }

// drain prints what happens when nodes are drained.
func (a *app) drain(ctx context.Context, f *drainFlags, args []string, outputs []output, failOn change.FailOn) error {
	old, updated, opts, err := a.drainSides(ctx, f, args)
	if err != nil {
		return err
	}
	var around func(context.Context) (*cluster.State, error)
	if opts.Look != nil {
		reader, err := a.reader(live.Options{Progress: a.progress("reading the cluster")})
		if err != nil {
			return err
		}
		around = reader.Drains
	}
	found, err := safediff.Drain(ctx, old, updated, opts, around)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	opt := report.Options{FailOn: failOn, ExitCode: found.ExitCode(failOn)}
	if err := deliverAs(a, outputs, report.DrainFormats(), &found, opt); err != nil {
		return err
	}
	a.code = opt.ExitCode
	return nil
}

// drainSides returns what is installed and what is to be, the same if nothing is upgraded.
func (a *app) drainSides(ctx context.Context, f *drainFlags, args []string) (old, updated safediff.Manifest, opts safediff.Options, err error) {
	switch {
	case len(f.manifests) > 0:
		return a.drainFiles(f)
	case len(args) == 2:
		s, err := a.step(ctx, &f.up, args[0], args[1])
		return manifestOf(s.old), manifestOf(s.updated), s.opts, err
	}
	stored := storedFlags{
		reading: helm.Stored{Release: args[0], NoHooks: f.up.render.NoHooks, KubeVersion: f.up.render.KubeVersion},
		apply:   f.up.apply, about: f.up.about, live: f.up.live,
	}
	side, err := a.helmClient().Installed(ctx, stored.reading)
	if err != nil {
		return old, updated, opts, err
	}
	s, err := stored.step(a, side, side, optionsOf(side, side))
	return manifestOf(side), manifestOf(side), s.opts, err
}

// drainFiles reads rendered manifests.
func (a *app) drainFiles(f *drainFlags) (old, updated safediff.Manifest, opts safediff.Options, err error) {
	if updated, err = a.joined("--manifests", f.manifests); err != nil {
		return old, updated, opts, err
	}
	if old = updated; len(f.old) > 0 {
		if old, err = a.joined("--old-manifests", f.old); err != nil {
			return old, updated, opts, err
		}
	}
	opts = safediff.Options{Namespace: a.settings.Namespace(), KubeVersion: f.up.render.KubeVersion, NoHooks: f.up.render.NoHooks}
	if opts.Cluster, err = f.up.about.read(a); err != nil {
		return old, updated, opts, err
	}
	return old, updated, opts, f.up.apply.apply(&opts, false)
}

// joined reads some files as one manifest.
func (a *app) joined(name string, paths []string) (safediff.Manifest, error) {
	var all fileSet
	for _, path := range paths {
		set, err := a.readFiles(path)
		if err != nil {
			return safediff.Manifest{}, err
		}
		all.files = append(all.files, set.files...)
	}
	all.name = name
	return all.manifest(), nil
}
