package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/plan"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
)

const verifyHelp = `Tell whether an upgrade or a rollback is still the one that was approved. PLAN is what
"upgrade --out" or "rollback --out" has written; arguments and flags behind it are those
of that command (values can be secret, and are not in the plan). The release is read, the
chart rendered and the upgrade judged once more. What has moved is listed: the release,
the cluster, the values, the policy, objects that are rendered differently, findings that
are new or about more than they were.

Exit code 0 if the plan stands, whatever was found when it was made; 3 if it does not.`

const showHelp = `Print what was judged when a plan was made, in any format. The exit code is 0, also
for an upgrade that is risky: "upgrade" and "verify" are there to stop somebody.`

// planTo makes a plan part of what is written. The error is about the file.
func (r *reportOptions) planTo(file string) error {
	if file == "" {
		return nil
	}
	file = filepath.Clean(file)
	for _, o := range r.outputs {
		if o.file == file {
			return fmt.Errorf("--output %s and --out would both go to %q", o.format.Name, file)
		}
	}
	if err := checkPlace(file); err != nil {
		return fmt.Errorf("--out %s: %w", file, err)
	}
	r.planFile = file
	return nil
}

// judgeStep judges an upgrade, writes report and plan, and sets the exit code.
func (a *app) judgeStep(ctx context.Context, s step, r reportOptions) error {
	set, failOn, err := a.compare(ctx, manifestOf(s.old), manifestOf(s.updated), &s.opts, &r)
	if err != nil {
		return err
	}
	r.failOn = failOn
	if r.planFile != "" {
		p, err := a.plan(ctx, s, set, r)
		if err != nil {
			return err
		}
		if r.plan, err = p.Encode(); err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
	}
	return a.report(ctx, &set, r)
}

// plan makes the plan of an upgrade that was judged.
func (a *app) plan(ctx context.Context, s step, set change.Set, r reportOptions) (*plan.Plan, error) {
	uid, err := a.clusterUID(ctx)
	if err != nil {
		return nil, err
	}
	p, err := plan.New(plan.Input{
		Set: set, FailOn: r.failOn, Old: s.old.Manifest, New: s.updated.Manifest, CRDs: s.updated.CRDs,
		NoHooks: s.opts.NoHooks, IncludeCRDs: s.includeCRDs, Failed: s.old.Failed, Offline: s.opts.Look == nil, Values: s.updated.Values, Cluster: uid, Policy: a.policyText(s.opts.Policy),
	})
	if err != nil {
		return nil, fmt.Errorf("make plan: %w", err)
	}
	return p, nil
}

// policyText is all that a policy is made of: the file, and what of it and of the
// acceptances is in force.
func (a *app) policyText(p *policy.Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q\n", a.config.texts.Policy.Text)
	for _, entry := range p.Entries() {
		fmt.Fprintf(&b, "%q\n", entry.What)
	}
	return b.String()
}

func readPlan(file string) (*plan.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	p, err := plan.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("read plan %q: %w", file, err)
	}
	return p, nil
}

func (a *app) verifyCommand() *cobra.Command {
	var (
		f      upgradeFlags
		config configFlags
	)
	cmd := &cobra.Command{
		Use:   "verify PLAN RELEASE (CHART | [REVISION])",
		Short: "Tell whether an upgrade or a rollback is still the approved one",
		Long:  verifyHelp,
		Example: "  helm safe-diff upgrade shop ./chart -f prod.yaml --namespace prod --out plan.json\n" +
			"  helm safe-diff verify plan.json shop ./chart -f prod.yaml --namespace prod",
		Args: argumentsOf([]string{"PLAN", "RELEASE"}, "CHART"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return usage(cmd, err)
			}
			approved, err := readPlan(args[0])
			if err != nil {
				return err
			}
			s, err := a.stepAgain(cmd, approved, &f, args[1:])
			if err != nil {
				return err
			}
			r := reportOptions{failOn: approved.FailOn, environment: config.environment}
			set, failOn, err := a.compare(cmd.Context(), manifestOf(s.old), manifestOf(s.updated), &s.opts, &r)
			if err != nil {
				return err
			}
			r.failOn = failOn
			now, err := a.plan(cmd.Context(), s, set, r)
			if err != nil {
				return err
			}
			return a.verified(approved, approved.MovedTo(now))
		},
	}
	f.addTo(cmd)
	config.addTo(cmd.Flags())
	return cmd
}

// stepAgain reads and renders what a plan is about once more; args are those of
// "upgrade" or of "rollback".
func (a *app) stepAgain(cmd *cobra.Command, p *plan.Plan, f *upgradeFlags, args []string) (step, error) {
	if p.Back == 0 {
		if len(args) < 2 {
			return step{}, usage(cmd, errors.New("verify: missing CHART: the plan is of an upgrade"))
		}
		return a.step(cmd.Context(), f, args[0], args[1])
	}
	revision, err := revisions(args[1:])
	if err != nil {
		return step{}, usage(cmd, fmt.Errorf("the plan is of a rollback: %w", err))
	}
	if rollback, _, err := cmd.Root().Find([]string{"rollback"}); err == nil {
		cmd.Flags().Visit(func(given *pflag.Flag) {
			if rollback.Flags().Lookup(given.Name) == nil && cmd.InheritedFlags().Lookup(given.Name) == nil {
				err = errors.Join(err, fmt.Errorf("--%s: the plan is of a rollback, which has no such flag", given.Name))
			}
		})
		if err != nil {
			return step{}, usage(cmd, err)
		}
	}
	shared := storedFlags{apply: f.apply, about: f.about, live: f.live, wait: f.wait}
	shared.reading.NoHooks, shared.reading.KubeVersion = f.render.NoHooks, f.render.KubeVersion
	return a.rollbackStep(cmd.Context(), &shared, args[0], revision[0])
}

// verified says whether a plan stands and sets the exit code.
func (a *app) verified(p *plan.Plan, moved []string) error {
	var b strings.Builder
	what, back := change.Upgrade, ""
	if p.Back > 0 {
		what, back = change.Rollback, fmt.Sprintf(" → %d", p.Back)
	}
	if len(moved) == 0 {
		fmt.Fprintf(&b, "STANDS  nothing has moved since the plan was made\nrelease %s in namespace %s, revision %d%s, chart %s\n", p.Release, p.Namespace, p.Revision, back, p.Chart)
	} else {
		b.WriteString("MOVED  this is not the " + string(what) + " that was approved\n  " + strings.Join(moved, "\n  ") + "\n")
		a.code = change.ExitRisky
	}
	return a.writeText(b.String())
}

func (a *app) showCommand() *cobra.Command {
	var output reportFlags
	cmd := &cobra.Command{
		Use:     "show PLAN",
		Short:   "Print the report of a plan",
		Long:    showHelp,
		Example: "  helm safe-diff show plan.json --output markdown",
		Args:    arguments("PLAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := output.options(a)
			if err == nil && r.showSecrets {
				err = errors.New("--show-secrets: there is no secret in a plan")
			}
			if err != nil {
				return usage(cmd, err)
			}
			p, err := readPlan(args[0])
			if err != nil {
				return err
			}
			if !r.failOnGiven {
				r.failOn = p.FailOn
			}
			r.planned = true
			err = a.report(cmd.Context(), &p.Set, r)
			a.code = change.ExitSafe
			return err
		},
	}
	output.addTo(cmd)
	return cmd
}
