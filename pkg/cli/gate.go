package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/plan"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const gateHelp = `Stand inside "helm upgrade", as its post-renderer, and refuse what is not to be. On
stdin comes the very manifest that Helm is about to apply. It is passed on as it is, or
the upgrade ends there, before anything is sent, and stderr says why.

With --plan the manifest must be the one of the plan, and the release as it was then.
With --release it is judged as "upgrade" judges, against what is installed, and refused
for a finding that --fail-on names.

Helm tells a post-renderer neither namespace nor context: set HELM_NAMESPACE and
HELM_KUBECONTEXT, which both read, rather than flags. Helm 3 keeps hooks to itself;
"verify" sees them. Helm 4 does not show why a post-renderer fails: --stderr-file does.`

const (
	unseenHooks = "Helm 3 keeps hooks from post-renderers: they were not judged"
	gateHint    = "`helm safe-diff verify` tells all that has moved; a new plan has to be approved"
)

// gateFlags say what an upgrade is held against.
type gateFlags struct {
	plan, release, failOn, stderrFile string
	noHooks                           bool
	config                            configFlags
	apply                             applyFlags
	about                             clusterFlags
	live                              liveFlags
}

func (a *app) gateCommand() *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate (--plan PLAN | --release RELEASE)",
		Short: "Refuse, as a post-renderer, an upgrade that is not the approved one, or is risky",
		Long:  gateHelp,
		Example: "  helm upgrade shop ./chart --post-renderer helm-safe-diff --post-renderer-args gate --post-renderer-args --plan=plan.json   # Helm 3\n" +
			"  helm upgrade shop ./chart --post-renderer safe-diff-gate --post-renderer-args --plan=plan.json                             # Helm 4",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.alsoTo(f.stderrFile); err != nil {
				return err
			}
			err := errors.Join(f.apply.check(), f.live.check(), f.about.check("-"))
			switch {
			case f.plan == "" && f.release == "":
				err = errors.New("gate: missing --plan or --release")
			case f.plan != "" && f.release != "":
				err = errors.New("--plan and --release exclude each other: a plan names its release")
			}
			failOn, riskErr := change.ParseRisks(f.failOn)
			if err = errors.Join(err, riskErr); err != nil {
				return usage(cmd, err)
			}
			r := reportOptions{failOn: failOn, failOnGiven: a.config.sources["fail-on"] != "", environment: f.config.environment}
			return a.gate(cmd.Context(), &f, r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.plan, "plan", "", "the plan that was approved, as `upgrade --out` writes it")
	flags.StringVar(&f.release, "release", "", "without a plan: the release that is upgraded")
	flags.StringVar(&f.failOn, "fail-on", strings.Join(names(change.DefaultFailOn()), ","), `without a plan: risks that stop the upgrade, or "none"`)
	flags.BoolVar(&f.noHooks, "no-hooks", false, "Helm runs no hooks")
	flags.StringVar(&f.stderrFile, "stderr-file", "", "also write what goes to stderr into a file: Helm 4 shows nothing of it")
	complete(cmd, "fail-on", append(names(change.Risks()), "none"))
	f.apply.addTo(cmd, "what Helm 4 noted of the release")
	f.apply.addOwnershipTo(cmd)
	f.about.addTo(flags)
	f.live.addTo(flags)
	flags.Lookup("offline").Usage = "with a plan: compare manifests, and ask the cluster for nothing; without: ask it for nothing but the release"
	f.config.addTo(flags)
	return cmd
}

// alsoTo lets a file have a copy of what goes to stderr; "" for none.
func (a *app) alsoTo(file string) error {
	if file == "" {
		return nil
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil { //nolint:gosec // it is for others to read, as stderr is
		return fmt.Errorf("--stderr-file: %w", err)
	}
	a.stderr = io.MultiWriter(a.stderr, appending(file))
	return nil
}

// appending is a file that each Write makes longer.
type appending string

// Write implements io.Writer.
func (file appending) Write(text []byte) (int, error) {
	f, err := os.OpenFile(string(file), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	n, err := f.Write(text)
	return n, errors.Join(err, f.Close())
}

// gate passes stdin on to stdout, or says on stderr why not and sets the exit code.
func (a *app) gate(ctx context.Context, f *gateFlags, r reportOptions) error {
	given, err := a.readStdin()
	if err != nil {
		return err
	}
	manifest, whole, err := helm.PostRendered(string(given))
	if err != nil {
		return err
	}
	var refusal string
	if f.plan != "" {
		refusal, err = a.againstPlan(ctx, f, manifest, whole)
	} else {
		refusal, err = a.byPolicy(ctx, f, manifest, whole, r)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case refusal != "":
		a.say("REFUSED  Helm gets nothing to apply\n%s", strings.TrimSuffix(refusal, "\n"))
		a.code = change.ExitRisky
		return nil
	default:
		return a.write(given)
	}
}

// againstPlan returns what of the upgrade is not as in the plan; "" if it is all the
// same. Of a manifest that is not whole the hooks are missing.
func (a *app) againstPlan(ctx context.Context, f *gateFlags, manifest string, whole bool) (string, error) {
	p, err := readPlan(f.plan)
	if err != nil {
		return "", err
	}
	if p.Back > 0 {
		return "", fmt.Errorf("--plan %s: it is of a rollback, in which Helm asks no post-renderer; `helm safe-diff verify` checks it", f.plan)
	}
	if said := os.Getenv("HELM_NAMESPACE"); said != "" && said != p.Namespace {
		return fmt.Sprintf("  the plan is for namespace %s, not for %s", p.Namespace, said), nil
	}
	seen, err := p.ManifestOf(manifest, nil, p.Set.Rotating)
	if err != nil {
		return "", fmt.Errorf("read what Helm has rendered: %w", err)
	}
	parts := []plan.Part{plan.Templates}
	if whole && !f.noHooks {
		parts = append(parts, plan.Hooks)
	}
	moved := p.Manifest.Moved(&seen, parts...)
	if !f.live.offline {
		a.settings.SetNamespace(p.Namespace)
		uid, err := a.clusterUID(ctx)
		if err != nil {
			return "", err
		}
		base, err := a.helmClient().Base(ctx, helm.Upgrade{Release: p.Release, Install: true, Rendering: helm.Rendering{NoHooks: p.NoHooks, IncludeCRDs: p.IncludeCRDs}})
		if err != nil {
			return "", err
		}
		now := plan.Fingerprint{Release: p.Release, Namespace: p.Namespace, Revision: base.Revision, Failed: base.Failed, Cluster: uid}
		moved = append(p.BeginsFrom(now, base.Manifest), moved...)
	}
	if len(moved) == 0 {
		return "", nil
	}
	return "this is not the upgrade that was approved\n  " + strings.Join(moved, "\n  ") + "\nhint: " + gateHint, nil
}

// byPolicy judges the upgrade and returns the report of one that is too risky; "" for
// one that is not.
func (a *app) byPolicy(ctx context.Context, f *gateFlags, manifest string, whole bool, r reportOptions) (string, error) {
	cluster, err := f.about.read(a)
	if err != nil {
		return "", err
	}
	base, err := a.helmClient().Base(ctx, helm.Upgrade{Release: f.release, Install: true, Rendering: helm.Rendering{NoHooks: !whole || f.noHooks}})
	if err != nil {
		return "", err
	}
	updated := base
	updated.Name, updated.Manifest = "what Helm has rendered", manifest
	opts := optionsOf(base, updated)
	opts.NoHooks, opts.Cluster, opts.Operation = f.noHooks, cluster, change.Upgrade
	opts.Release.Context, opts.Release.Cluster = a.place()
	if base.Revision == 0 {
		opts.Operation = change.Install
	}
	if !whole && !f.noHooks {
		opts.Notices = append(opts.Notices, change.Notice{Reason: unseenHooks})
	}
	if err := errors.Join(f.apply.apply(&opts, updated.ServerSide), f.live.look(a, &opts)); err != nil {
		return "", err
	}
	set, failOn, err := a.compare(ctx, manifestOf(base), safediff.Manifest{Name: updated.Name, Text: manifest}, &opts, &r)
	r.failOn = failOn
	if err != nil || set.Verdict(failOn) != change.Risky {
		return "", err
	}
	set.Release.OldChart, set.Release.NewChart = "", "" // the new one is not known here
	format, err := report.Find("text")
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	err = format.Write(&page, &set, report.Options{FailOn: r.failOn, ExitCode: change.ExitRisky})
	return page.String(), err
}
