package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/plan"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const gateHelp = `Run as a post-renderer of "helm upgrade" and block an upgrade that is not the approved
one. On stdin comes the very manifest that Helm is about to apply. It is passed on
unchanged, or the upgrade ends there, before anything is sent, and stderr says why.

With --plan the manifest must be the one of the plan, and release, policy, cluster and
findings must be as they were then: what "verify" compares, except values and the chart,
which Helm does not show. What could not be compared is said on stderr.
With --release it is judged as "upgrade" judges, against what is installed, and blocked
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
		Short: "Block, as a post-renderer, an upgrade that is risky or not the approved one",
		Long:  gateHelp,
		Example: "  # Helm 3\n  helm upgrade shop ./chart --post-renderer helm-safe-diff \\\n    --post-renderer-args gate --post-renderer-args --plan=plan.json\n" +
			"  # Helm 4\n  helm upgrade shop ./chart --post-renderer safe-diff-gate --post-renderer-args --plan=plan.json",
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
			failOn, failOnErr := a.parseFailOn(f.failOn)
			if err = errors.Join(err, failOnErr); err != nil {
				return usage(cmd, err)
			}
			r := reportOptions{failOn: failOn, failOnGiven: a.config.sources["fail-on"] != "", environment: f.config.environment}
			return a.gate(cmd.Context(), &f, r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.plan, "plan", "", "the plan that was approved, as upgrade --out writes it")
	flags.StringVar(&f.release, "release", "", "without a plan: the release that is upgraded")
	flags.StringVar(&f.failOn, "fail-on", failOnUpgrade, "without a plan: "+failOnUsage)
	addHelmTo(flags)
	flags.BoolVar(&f.noHooks, "no-hooks", false, "Helm runs no hooks")
	flags.StringVar(&f.stderrFile, "stderr-file", "", "also write what goes to stderr to a file, since Helm 4 does not show it")
	into(flags, policyFlagGroup, "fail-on")
	into(flags, renderFlagGroup, "no-hooks")
	complete(cmd, "fail-on", failOnNames())
	f.apply.addTo(cmd, "what Helm 4 noted of the release")
	f.apply.addOwnershipTo(cmd)
	f.about.addTo(flags)
	f.live.addTo(flags)
	flags.Lookup("offline").Usage = "with a plan: compare manifests, and read nothing from the cluster; without: read nothing but the release"
	f.config.addTo(flags)
	return cmd
}

// alsoTo lets a file have a copy of what goes to stderr; "" for none.
func (a *app) alsoTo(file string) error {
	if file == "" {
		return nil
	}
	if err := checkPlace(file); err != nil {
		return fmt.Errorf("--stderr-file %s: %w", file, err)
	}
	if replaceable(file) {
		draft, err := writeDraft(file, nil)
		if err == nil {
			err = os.Rename(draft, file)
		}
		if err != nil {
			return fmt.Errorf("--stderr-file: %w", err)
		}
	}
	a.tell(io.MultiWriter(a.stderr, appending(file)))
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
	manifest, whole, err := helm.PostRendered(ctx, string(given))
	if err != nil {
		return err
	}
	var refusal string
	if f.plan != "" {
		refusal, err = a.againstPlan(ctx, f, manifest, whole, r)
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
func (a *app) againstPlan(ctx context.Context, f *gateFlags, manifest string, whole bool, r reportOptions) (string, error) {
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
	var now standing
	if f.live.offline {
		now.unseen = "not compared with the plan, because of --offline: the installed release, drift and findings"
	} else {
		if now, err = a.standing(ctx, f, p, manifest, whole, r); err != nil {
			return "", err
		}
		moved = slices.Concat(now.moved, moved, now.worse)
	}
	if len(moved) == 0 {
		if now.unseen != "" {
			a.say("%s", now.unseen)
		}
		return "", nil
	}
	return "this is not the upgrade that was approved\n  " + strings.Join(moved, "\n  ") + "\nhint: " + gateHint, nil
}

// standing is what a plan is about, as it is now: what of the release and the policy has
// moved, and what of the judgement; and what could not be compared, "" if all was.
type standing struct {
	moved, worse []string
	unseen       string
}

// standing asks the cluster what verify asks it.
func (a *app) standing(ctx context.Context, f *gateFlags, p *plan.Plan, manifest string, whole bool, r reportOptions) (s standing, err error) {
	a.settings.SetNamespace(p.Namespace)
	uid, err := a.clusterUID(ctx)
	if err != nil {
		return s, err
	}
	base, err := a.baseOf(ctx, p, p.NoHooks)
	if err != nil {
		return s, err
	}
	now := plan.Fingerprint{Release: p.Release, Namespace: p.Namespace, Revision: base.Revision, Failed: base.Failed, Cluster: uid}
	s.moved = p.BeginsFrom(now, base.Manifest)
	switch {
	case len(s.moved) > 0: // what was judged then is about something else
		return s, nil
	case p.Offline:
		s.unseen = "not compared with the plan, because it was made with --offline: drift and findings"
		return s, nil
	}
	partial := !whole && !f.noHooks && p.Manifest.Has(plan.Hooks)
	if partial {
		s.unseen = "not compared with the plan, because Helm 3 keeps hooks from post-renderers: hooks and findings; `helm safe-diff verify` compares them"
		if base, err = a.baseOf(ctx, p, true); err != nil {
			return s, err
		}
	}
	set, policy, err := a.judgePassing(ctx, f, p, base, manifest, r)
	if err != nil {
		return s, err
	}
	if partial {
		set = change.Set{Drift: set.Drift}
	} else if !p.UnderPolicy(policy) {
		s.moved = append(s.moved, "the policy is not the same")
	}
	s.worse = p.Worse(&plan.Plan{Set: set})
	return s, nil
}

// baseOf returns the installed release that a plan is about.
func (a *app) baseOf(ctx context.Context, p *plan.Plan, noHooks bool) (helm.Side, error) {
	return a.helmClient().Base(ctx, helm.Upgrade{
		Release: p.Release, Install: true, Rendering: helm.Rendering{NoHooks: noHooks, IncludeCRDs: p.IncludeCRDs},
	})
}

// judgePassing judges the manifest that passes through the gate as that of the plan was,
// and returns the text of the policy, too.
func (a *app) judgePassing(ctx context.Context, f *gateFlags, p *plan.Plan, base helm.Side, manifest string, r reportOptions) (change.Set, string, error) {
	cluster, err := f.about.read(a)
	if err != nil {
		return change.Set{}, "", err
	}
	updated := base
	updated.Name, updated.Manifest = "what Helm has rendered", manifest
	updated.Release, updated.Namespace, updated.Chart = p.Release, p.Namespace, p.Chart
	opts := optionsOf(base, updated)
	opts.KubeVersion, opts.NoHooks, opts.Cluster, opts.Operation = p.Set.Release.KubeVersion, p.NoHooks, cluster, change.Upgrade
	opts.Again.Known = p.Set.Rotating
	opts.Release.Context, opts.Release.Cluster = a.place()
	if base.Revision == 0 {
		opts.Operation = change.Install
	}
	if err := errors.Join(f.apply.apply(&opts, updated.ServerSide), f.live.look(a, &opts)); err != nil {
		return change.Set{}, "", err
	}
	set, _, err := a.compare(ctx, manifestOf(base), safediff.Manifest{Name: updated.Name, Text: manifest}, &opts, &r)
	return set, a.policyText(opts.Policy), err
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
		opts.Notices = append(opts.Notices, change.Notice{Reason: unseenHooks, Hides: change.Rejected})
	}
	if err := errors.Join(f.apply.apply(&opts, updated.ServerSide), f.live.look(a, &opts)); err != nil {
		return "", err
	}
	set, failOn, err := a.compare(ctx, manifestOf(base), safediff.Manifest{Name: updated.Name, Text: manifest}, &opts, &r)
	r.failOn = failOn
	if err != nil || set.ExitCode(failOn, false) != change.ExitRisky {
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
