package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

const acceptedName = ".helm-safe-diff-accepted.yaml"

const acceptHelp = `Accept findings: "we know, go on". REPORT is what --output json has printed, a file or
- for stdin. --rule and --object select the findings; in both "*" stands for any text.
--all selects every finding, which adopts a release as it is.

An acceptance covers exactly this change of this object in this release: if the change
differs in anything, or the day is over, the finding is back. It is written to
.helm-safe-diff-accepted.yaml beside the policy file, or in the working folder, and
every command heeds it. With --environment it holds for that environment only.`

// acceptFlags say what is accepted, why, by whom, until when.
type acceptFlags struct {
	rule, object, reason, until, by string
	all                             bool
	config                          configFlags
}

// acceptedFor is how long an acceptance holds of which nobody says how long.
const acceptedFor = 90 * 24 * time.Hour

func (a *app) acceptCommand() *cobra.Command {
	var f acceptFlags
	cmd := &cobra.Command{
		Use:     "accept REPORT",
		Short:   "Accept findings of a report until a given day",
		Long:    acceptHelp,
		Example: "  helm safe-diff upgrade shop ./chart -o json > report.json\n  helm safe-diff accept report.json --rule pod-restart --object Deployment/web \\\n    --reason \"announced\" --until 2027-01-31",
		Args:    arguments("REPORT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Context(), time.Now()); err != nil {
				return usage(cmd, err)
			}
			set, err := a.readFiles(args[0])
			if err != nil {
				return err
			}
			list, err := f.chosen(args[0], set.files)
			if err != nil {
				return err
			}
			return a.accept(list)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rule, "rule", "", "the rule")
	flags.StringVar(&f.object, "object", "", "the object, as KIND/NAME or KIND/NAMESPACE/NAME")
	flags.BoolVar(&f.all, "all", false, "every finding of the report")
	flags.StringVar(&f.reason, "reason", "", "why it does no harm")
	flags.StringVar(&f.until, "until", "", "the last day on which it holds, such as 2027-01-31 (by default 90 days from now)")
	flags.StringVar(&f.by, "by", "", "who accepts it (by default the user name in git)")
	f.config.addNameTo(flags)
	f.config.addPlaceTo(flags)
	return cmd
}

// check fills in what need not be said, and wants every other flag to say something.
func (f *acceptFlags) check(ctx context.Context, now time.Time) error {
	if f.all && f.rule+f.object != "" {
		return errors.New("--all selects every finding; --rule and --object select some")
	}
	if f.all {
		f.rule, f.object = "*", "*"
	}
	f.until = cmp.Or(f.until, now.Add(acceptedFor).Format(time.DateOnly))
	if strings.TrimSpace(f.by) == "" {
		f.by = cmp.Or(os.Getenv("GIT_AUTHOR_NAME"), git.User(ctx), os.Getenv("USER"))
	}
	var missing []string
	for _, flag := range [][2]string{{"rule", f.rule}, {"object", f.object}, {"reason", f.reason}, {"by", f.by}} {
		if strings.TrimSpace(flag[1]) == "" {
			missing = append(missing, "--"+flag[0])
		}
	}
	if len(missing) > 0 {
		return errors.New("accept: missing " + strings.Join(missing, ", "))
	}
	if _, err := time.Parse(time.DateOnly, f.until); err != nil {
		return fmt.Errorf("--until is a day such as 2027-01-31, not %q", f.until)
	}
	if f.until < now.Format(time.DateOnly) {
		return fmt.Errorf("--until %s is over", f.until)
	}
	return nil
}

// acceptable is what of a report in JSON is needed; of one about several charts or
// releases, what of each.
type acceptable struct {
	SchemaVersion string
	Release       struct{ Name string }
	Changes       []struct {
		APIVersion, Kind, Namespace, Name string
		Findings                          []struct{ Rule, Digest string }
	}
	Charts []struct {
		Cases []struct{ Report acceptable }
	}
	Releases []struct{ Report acceptable }
}

// parts returns the reports that a report is made of.
func (a *acceptable) parts() []acceptable {
	parts := []acceptable{*a}
	for _, chart := range a.Charts {
		for _, one := range chart.Cases {
			parts = append(parts, one.Report)
		}
	}
	for _, one := range a.Releases {
		parts = append(parts, one.Report)
	}
	return parts
}

// chosen returns the acceptances of the findings that the flags mean.
func (f *acceptFlags) chosen(name string, files []manifestFile) ([]policy.Acceptance, error) {
	var report acceptable
	if len(files) != 1 || json.Unmarshal([]byte(files[0].text), &report) != nil || report.SchemaVersion == "" {
		return nil, fmt.Errorf("%s is no report: make one with --output json", name)
	}
	var list []policy.Acceptance
	var others []string
	for _, part := range report.parts() {
		fit, rest, err := f.of(&part)
		if err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
		for _, one := range fit {
			if !slices.Contains(list, one) {
				list = append(list, one)
			}
		}
		others = append(others, rest...)
	}
	slices.Sort(others)
	others = slices.Compact(others)
	switch {
	case len(others) == 0:
		return nil, fmt.Errorf("%s has no finding to accept", name)
	case len(list) == 0:
		return nil, fmt.Errorf("no finding fits --rule %s and --object %s; %s has %s", f.rule, f.object, name, strings.Join(others, ", "))
	}
	return list, nil
}

// of returns the acceptances that are meant of the findings in one report, and which
// findings it has.
func (f *acceptFlags) of(report *acceptable) (list []policy.Acceptance, others []string, err error) {
	rule, object := policy.Wildcard(f.rule), policy.Wildcard(f.object)
	for _, c := range report.Changes {
		group, _, grouped := strings.Cut(c.APIVersion, "/")
		if !grouped {
			group = ""
		}
		ref := manifest.Ref{Group: group, Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
		for _, found := range c.Findings {
			if found.Rule == risk.PolicyChanged().ID { // it is approved, by a different digest
				continue
			}
			if found.Digest == "" {
				return nil, nil, errors.New("is the report of an older version, without digests")
			}
			others = append(others, found.Rule+" "+c.Kind+"/"+c.Name)
			if !rule.Fits(found.Rule) || !object.Fits(c.Kind+"/"+c.Name) && !object.Fits(c.Kind+"/"+c.Namespace+"/"+c.Name) && !object.Fits(policy.ObjectName(ref)) {
				continue
			}
			list = append(list, policy.Acceptance{
				Rule: found.Rule, Object: policy.ObjectName(ref), Release: report.Release.Name, Environment: f.config.environment,
				Digest: found.Digest, Reason: f.reason, By: f.by, Until: f.until,
			})
		}
	}
	return list, others, nil
}

// accept writes acceptances to their file and says so. What stands there already is not
// written again.
func (a *app) accept(list []policy.Acceptance) error {
	list = slices.DeleteFunc(list, func(one policy.Acceptance) bool {
		return slices.ContainsFunc(a.config.accepted, func(other policy.Acceptance) bool { return one.Same(&other) })
	})
	if len(list) == 0 {
		return a.writeText(a.config.texts.Accepted.Name + " says so already\n")
	}
	path := a.config.texts.Accepted.Name
	if path == "" {
		path = filepath.Join(filepath.Dir(a.config.texts.Policy.Name), acceptedName)
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read acceptances: %w", err)
	}
	written, err := policy.AddAccepted(shortPath(path), string(text), list)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(written), 0o644); err != nil { //nolint:gosec // to be committed, and no secret
		return fmt.Errorf("write acceptances: %w", err)
	}
	var b strings.Builder
	for _, one := range list {
		fmt.Fprintf(&b, "accepted until %s: %s of %s\n", one.Until, one.Rule, one.Object)
	}
	fmt.Fprintf(&b, "written to %s\n", shortPath(path))
	return a.writeText(b.String())
}
