package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/nearest"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const (
	configName = ".helm-safe-diff.yaml"
	envPrefix  = "HELM_SAFE_DIFF_"
)

// config is what file and environment say.
type config struct {
	file *policy.File // nil if there is none
	// texts are the files of the policy that counts, accepted what is accepted in them.
	texts    policy.Texts
	accepted []policy.Acceptance
	// proposal is a policy of the working folder that is not the one of the base; nil if
	// there is none.
	proposal *proposal
	// hide are the filters that flags ask for.
	hide []policy.Hide
	// sources tells of each flag that has a value where that comes from.
	sources map[string]string
}

// configFlags are the flags of every command that heeds a policy.
type configFlags struct{ path, environment, from, approved string }

func (f *configFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, policyFlagGroup)()
	f.addFileTo(flags)
	f.addPlaceTo(flags)
	flags.StringVar(&f.approved, "approve-policy", "",
		"digest of a policy in the working folder that its owners have approved: it counts instead of the one of --policy-from")
}

// addPlaceTo adds what overrides and acceptances are for.
func (f *configFlags) addPlaceTo(flags *pflag.FlagSet) {
	defer gather(flags, policyFlagGroup)()
	flags.StringVar(&f.environment, "environment", "", "name of the environment, for overrides in the policy")
}

// addFileTo adds what says which policy is read, for a command that is about no release.
func (f *configFlags) addFileTo(flags *pflag.FlagSet) {
	defer gather(flags, policyFlagGroup)()
	f.addNameTo(flags)
	flags.StringVar(&f.from, "policy-from", "",
		"branch or commit whose policy and acceptances count, such as origin/main, or "+fromWorktree+" for those of the working folder")
}

// addNameTo adds what names the file.
func (f *configFlags) addNameTo(flags *pflag.FlagSet) {
	defer gather(flags, policyFlagGroup)()
	flags.StringVar(&f.path, "config", "", "policy file, or none; if not given, "+configName+" in the working folder or above it")
}

// configure gives the flags of a command that are not on the command line the values
// that the environment or the policy file has for them. The error lists all mistakes.
func (a *app) configure(ctx context.Context, cmd *cobra.Command) error {
	if cmd.Flags().Lookup("config") == nil {
		return nil // a command that has nothing to do with releases
	}
	b := binding{cmd: cmd, sources: map[string]string{}}
	cmd.Flags().Visit(func(f *pflag.Flag) { b.sources[f.Name] = "flag" })
	b.environment(os.Environ())
	if a.insteadOfHelmDiff = insteadOfHelmDiff(cmd); a.insteadOfHelmDiff {
		b.helmDiff()
	}
	choice, err := choiceOf(cmd.Flags())
	if err != nil {
		return usage(cmd, errors.Join(append(b.errs, err)...))
	}
	a.config = config{sources: b.sources}
	if a.config.texts, a.config.proposal, err = choice.choose(ctx); err != nil {
		return errors.Join(append(b.errs, err)...)
	}
	if text := a.config.texts.Policy; text.Path != "" {
		a.config.file, err = policy.Read(text.Name, text.Text, knownToPolicy())
		b.errs = append(b.errs, err)
		b.file(a.config.file, choice.named == "", choice.reviewed())
	}
	b.errs = append(b.errs, checkEnvironment(cmd.Flags().Lookup("environment"), a.config.file))
	a.config.accepted, err = policy.ReadAccepted(a.config.texts.Accepted.Name, a.config.texts.Accepted.Text)
	b.errs = append(b.errs, err)
	if err := errors.Join(b.errs...); err != nil {
		hint := "docs/policy.md tells what a policy can say; `helm safe-diff config` prints what is in force"
		if choice.from != "" {
			hint += fmt.Sprintf("; the policy is that of %s, and --policy-from %s takes the one of the working folder", choice.from, fromWorktree)
		}
		return &configError{err, hint}
	}
	return nil
}

// checkEnvironment returns an error for an environment that no override is for and that is
// spelt almost like one: the overrides that are meant would be left out. Any other name is an
// environment without overrides.
func checkEnvironment(flag *pflag.Flag, file *policy.File) error {
	if flag == nil || flag.Value.String() == "" {
		return nil
	}
	name := flag.Value.String()
	var texts []string
	for _, e := range file.Environments() {
		if e.Fits(name) {
			return nil
		}
		texts = append(texts, e.Text)
	}
	if near := nearest.Of(name, texts); near != "" {
		return fmt.Errorf("--environment %s: no override of the policy is for it; did you mean %s?", name, near)
	}
	return nil
}

// configError is a mistake in the policy or in the environment.
type configError struct {
	error
	hint string
}

func (e *configError) Unwrap() error { return e.error }

// Hint says where to read on.
func (e *configError) Hint() string { return e.hint }

// from says of a mistake in the value of a flag where that comes from, if not from the
// command line.
func (c *config) from(flag string, err error) error {
	if at := c.sources[flag]; at != "" && at != "flag" {
		return fmt.Errorf("%s: %w", at, err)
	}
	return err
}

// policyFor returns what is in force for a release.
func (a *app) policyFor(opts *safediff.Options, environment string) *policy.Policy {
	release := &opts.Release
	return a.config.at(policy.Place{
		Release: release.Name, Namespace: cmp.Or(release.Namespace, opts.Namespace),
		Chart: cmp.Or(release.NewChart, release.OldChart), Context: release.Context, Environment: environment,
	})
}

// at returns what is in force at a place, today.
func (c *config) at(place policy.Place) *policy.Policy {
	p := c.file.For(place)
	p.Hide = slices.Concat(p.Hide, c.hide)
	p.Accepted, p.Today = c.accepted, time.Now().Format(time.DateOnly)
	return p
}

func knownToPolicy() policy.Known {
	var known policy.Known
	for _, r := range risk.Rules() {
		known.Rules = append(known.Rules, r.ID)
	}
	slices.Sort(known.Rules)
	for _, f := range noise.Filters() {
		known.Filters = append(known.Filters, f.ID)
	}
	return known
}

// configPath returns the policy file that is meant, "" if there is none. If none is
// named, it is looked for in the working folder and above, as far as the folder that
// holds .git, the home folder or the root.
func configPath(named string) (string, error) {
	switch named {
	case "":
		return findUpwards(configName)
	case "none":
		return "", nil
	default:
		return named, nil
	}
}

// findUpwards looks for a file in the working folder and above; "" if there is none.
func findUpwards(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", name, err)
	}
	home, _ := os.UserHomeDir()
	for {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find %s: %w", name, err)
		}
		_, err := os.Stat(filepath.Join(dir, ".git"))
		if parent := filepath.Dir(dir); err == nil || dir == home || parent == dir {
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// shortPath names a file from the working folder, if it is in or above it.
func shortPath(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || len(rel) > len(path) {
		return path
	}
	return rel
}

// binding gives flags the values of lower sources.
type binding struct {
	cmd     *cobra.Command
	sources map[string]string
	errs    []error
}

// rivals are flags that speak about the same thing: what one of them says in a higher
// source, another does not contradict in a lower one.
func rivals() [][]string {
	return [][]string{
		{"color", "colour", "no-color"},
		{"offline", "dry-run"},
		{"force", "force-replace", "force-conflicts", "server-side"},
		{"reuse-values", "reset-values", "reset-then-reuse-values"},
	}
}

// environment reads the variables of this program.
func (b *binding) environment(environ []string) {
	taken := b.taken()
	slices.Sort(environ)
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(variable, envPrefix)
		if !ours || value == "" {
			continue
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		b.set(variable, name, taken, func(f *pflag.Flag) error {
			values := []string{value}
			if _, is := f.Value.(pflag.SliceValue); is {
				values = strings.Split(strings.TrimSuffix(value, "\n"), "\n")
			}
			return give(f, values)
		})
	}
}

// file reads the values of the policy file. One that was found, and not named, may only
// say how to judge; one that was reviewed a little more.
func (b *binding) file(file *policy.File, found, reviewed bool) {
	taken := b.taken()
	for _, f := range file.Flags {
		switch {
		case f.Name == "config":
			b.errs = append(b.errs, fmt.Errorf("%s: config cannot be in the file itself", f.At))
		case found && b.known(f.Name) && checkFound(f.At, f.Name, reviewed) != nil:
			b.errs = append(b.errs, checkFound(f.At, f.Name, reviewed))
		default:
			b.set(f.At, f.Name, taken, func(flag *pflag.Flag) error {
				if list, is := flag.Value.(pflag.SliceValue); is {
					return list.Replace(f.Values)
				}
				if len(f.Values) != 1 {
					return fmt.Errorf("takes one value, not %d", len(f.Values))
				}
				return give(flag, f.Values)
			})
		}
	}
}

// taken returns what lower sources do not speak about any more.
func (b *binding) taken() func(*pflag.Flag) bool {
	var values []pflag.Value
	names := map[string]bool{}
	for name := range b.sources {
		names[name] = true
		if f := b.cmd.Flags().Lookup(name); f != nil {
			values = append(values, f.Value)
		}
		for _, group := range rivals() {
			for _, rival := range group {
				names[rival] = names[rival] || slices.Contains(group, name)
			}
		}
	}
	return func(f *pflag.Flag) bool { return names[f.Name] || slices.Contains(values, f.Value) }
}

// known reports whether any command has a flag of its own of this name.
func (b *binding) known(name string) bool { return slices.Contains(flagNames(b.cmd.Root()), name) }

// set gives a flag its values, unless a higher source has.
func (b *binding) set(at, name string, taken func(*pflag.Flag) bool, give func(*pflag.Flag) error) {
	if b.cmd.Root().PersistentFlags().Lookup(name) != nil {
		b.errs = append(b.errs, fmt.Errorf("%s: --%s is a flag of Helm itself, which has variables of its own for it, such as HELM_NAMESPACE (`helm env`)", at, name))
		return
	}
	f := b.cmd.Flags().Lookup(name)
	if f == nil {
		if !b.known(name) {
			b.errs = append(b.errs, fmt.Errorf("%s: no command has a flag --%s%s", at, name, orNearest(name, b.cmd)))
		}
		return
	}
	if taken(f) || f.Annotations[byHand] != nil {
		return
	}
	if err := give(f); err != nil {
		b.errs = append(b.errs, fmt.Errorf("%s: %s: %w", at, name, err))
		return
	}
	b.sources[name] = at
}

// byHand marks a flag that only the command line can set, since it has the name of another
// commands' flag and does not mean the same.
const byHand = "only on the command line"

// onlyOnCommandLine keeps variables and the policy file from setting a flag.
func onlyOnCommandLine(flags *pflag.FlagSet, name string) {
	flags.Lookup(name).Annotations = map[string][]string{byHand: {}}
}

// give sets a flag. As on the command line, the first of several values takes the
// place of the default, and the others come behind it.
func give(f *pflag.Flag, values []string) error {
	for _, value := range values {
		if err := errors.Join(checkFlag(f.Name, value), f.Value.Set(value)); err != nil {
			return err
		}
	}
	return nil
}

// checkFlag finds a value out that the flag takes and the command does not, so that
// the mistake is told with its place.
func checkFlag(name, value string) error {
	var err error
	switch name {
	case "kube-version":
		err = checkKubeVersions(value)
	case "server-side":
		err = (&applyFlags{serverSide: value}).check()
	case "dry-run":
		err = (&liveFlags{dryRun: value}).check()
	}
	return err
}

// flagNames lists the flags that any command has.
func flagNames(root *cobra.Command) []string {
	seen := map[string]bool{}
	for _, c := range root.Commands() {
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { seen[f.Name] = true })
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func orNearest(name string, cmd *cobra.Command) string {
	if near := nearestFlag(name, cmd.Flags()); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
