package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// reportFlags are the flags of every command that prints a report.
type reportFlags struct {
	outputs          []string
	template         string
	maxBytes         int
	color            colorMode
	noColor          bool
	showHidden       bool
	showSecrets      bool
	failOn           string
	detailedExitcode bool
	familiar         helmDiffFlags
	config           configFlags
}

// colorMode is the value of --color: of Helm 4's flag, or of helm-diff's, which has
// none.
type colorMode string

const (
	colorAuto   colorMode = "auto"
	colorAlways colorMode = "always"
	colorNever  colorMode = "never"
)

// String returns the mode; "" is as good as auto.
func (m *colorMode) String() string { return string(*m) }

// Type returns what a value is called in the help.
func (*colorMode) Type() string { return "when" }

// Set takes a mode or a boolean.
func (m *colorMode) Set(text string) error {
	if on, err := strconv.ParseBool(text); err == nil {
		*m = colorNever
		if on {
			*m = colorAlways
		}
		return nil
	}
	switch *m = colorMode(text); *m {
	case colorAuto, colorAlways, colorNever:
		return nil
	default:
		return errors.New("valid are auto, always, never")
	}
}

// joinColor lets the mode stand behind --color as a word of its own, as Helm 4 has
// it. A flag whose value may be left out takes it only behind "=".
func joinColor(args []string) []string {
	joined := make([]string, 0, len(args))
	for _, arg := range args {
		last := len(joined) - 1
		if last >= 0 && (joined[last] == "--color" || joined[last] == "--colour") && slices.Contains([]colorMode{colorAuto, colorAlways, colorNever}, colorMode(arg)) {
			joined[last] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

// reportOptions is what reportFlags mean.
type reportOptions struct {
	outputs  []output
	template *template.Template
	// templateFile is what --template names, "" for nothing.
	templateFile string
	maxBytes     int
	color        bool
	width        int // of the terminal; 0 where the report goes elsewhere
	showHidden   bool
	showSecrets  bool
	context      int // lines around a changed one
	failOn       change.FailOn
	// failOnGiven says that the user has said so, and not only the default.
	failOnGiven bool
	detailed    bool
	environment string
	// ownRules are the rules of the team's own that are in force.
	ownRules []policy.OwnRule
	// pull says that the change of the policy is told once for several sets.
	pull bool
	// locate finds the files that the objects come from; nil if there are none.
	locate func(*manifest.Object) (path, text string)
	// explain tells what the edits of a set are due to; nil if that is not asked for.
	explain func(context.Context, *change.Set) error
	// planFile is where the plan goes, "" for nowhere.
	planFile string
	plan     []byte
	// planned says that the report is that of the run that made a plan, part that it is one
	// of several.
	planned, part bool
}

func (f *reportFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	defer gather(flags, reportFlagGroup)()
	flags.StringArrayVarP(&f.outputs, "output", "o", []string{"text"}, "format of the report, or FORMAT=FILE to write it to a file (repeatable): "+formatList(report.Formats()))
	flags.StringVar(&f.template, "template", "", "file with the Go template of --output template")
	flags.IntVar(&f.maxBytes, "markdown-max-bytes", report.DefaultMaxBytes, "length at which --output markdown cuts the least harmful objects")
	for _, name := range []string{"color", "colour"} {
		flags.Var(&f.color, name, "use colours: always (also if no value is given), never, or auto for on a terminal")
		flags.Lookup(name).NoOptDefVal = "always"
	}
	flags.Lookup("colour").Hidden = true
	flags.BoolVar(&f.noColor, "no-color", false, "use no colours")
	flags.BoolVar(&f.showHidden, "show-hidden", false, "also show what has no effect")
	flags.BoolVar(&f.showSecrets, "show-secrets", false, "show the values of Secrets")
	flags.StringVar(&f.failOn, "fail-on", failOnUpgrade, failOnUsage)
	flags.BoolVar(&f.detailedExitcode, "detailed-exitcode", false, "exit with 2 if there are changes, none of them in --fail-on")
	into(flags, policyFlagGroup, "fail-on", "detailed-exitcode")
	flags.BoolVar(&f.showSecrets, "show-secrets-decoded", false, "same as --show-secrets")
	flags.Lookup("show-secrets-decoded").Hidden = true
	f.familiar.addTo(flags)
	f.config.addTo(flags)
	complete(cmd, "output", formatNames(report.Formats()))
	complete(cmd, "fail-on", failOnNames())
	completeRefs(cmd, "policy-from", fromWorktree)
}

// options checks the flags. The error lists what is valid.
func (f *reportFlags) options(a *app) (reportOptions, error) {
	outputs, err := parseOutputs(f.outputs, a.formats())
	if err != nil {
		return reportOptions{}, a.config.from("output", err)
	}
	parsed, err := f.parseTemplate(a, outputs)
	if err != nil {
		return reportOptions{}, err
	}
	if a.config.hide, err = f.familiar.hide(); err != nil {
		return reportOptions{}, err
	}
	if f.maxBytes < report.LeastMaxBytes {
		return reportOptions{}, a.config.from("markdown-max-bytes", fmt.Errorf("--markdown-max-bytes %d: the least is %d", f.maxBytes, report.LeastMaxBytes))
	}
	failOn, err := a.parseFailOn(f.failOn)
	if err != nil {
		return reportOptions{}, err
	}
	if f.color == colorAlways && f.noColor {
		return reportOptions{}, errors.New("--color and --no-color exclude each other")
	}
	return reportOptions{
		outputs:      outputs,
		template:     parsed,
		templateFile: f.template,
		maxBytes:     f.maxBytes,
		color:        f.colored(a),
		width:        a.width(),
		showHidden:   f.showHidden,
		showSecrets:  f.showSecrets,
		context:      f.familiar.context,
		failOn:       failOn,
		failOnGiven:  a.config.sources["fail-on"] != "",
		environment:  f.config.environment,
		detailed:     f.detailedExitcode,
	}, nil
}

// colored decides on colour: the flag first, then helm-diff's variable, then
// NO_COLOR (no-color.org), then Helm 4's variable, then the terminal.
func (f *reportFlags) colored(a *app) bool {
	if f.noColor || f.color == colorAlways || f.color == colorNever {
		return f.color == colorAlways
	}
	if on, err := strconv.ParseBool(os.Getenv("HELM_DIFF_COLOR")); err == nil {
		return on
	}
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	switch strings.ToLower(os.Getenv("HELM_COLOR")) {
	case "always":
		return true
	case "never":
		return false
	}
	out, ok := a.stdout.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(out.Fd()))
}

// usualWidth is how many columns a terminal has that does not say.
const usualWidth = 80

// width returns how many columns the terminal has; 0 where stdout is none. What goes to a
// file, a pipe or a log of a CI system is not wrapped: lines can be searched there.
func (a *app) width() int {
	out, ok := a.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return 0
	}
	if columns, _, err := term.GetSize(int(out.Fd())); err == nil && columns > 0 {
		return columns
	}
	return usualWidth
}

// judge compares the two sides, writes the report and sets the exit code.
func (a *app) judge(ctx context.Context, old, updated safediff.Manifest, opts safediff.Options, r reportOptions) error {
	set, failOn, err := a.compare(ctx, old, updated, &opts, &r)
	if err != nil {
		return err
	}
	r.failOn = failOn
	return a.report(ctx, &set, r)
}

// compare compares the two sides by the policy, which it writes into opts, and returns
// besides what fails the run. It notes in r which rules of the team's own
// were in force.
func (a *app) compare(ctx context.Context, old, updated safediff.Manifest, opts *safediff.Options, r *reportOptions) (change.Set, change.FailOn, error) {
	input := len(old.Text) + len(updated.Text) + len(opts.OldCRDs.Text) + len(opts.NewCRDs.Text) + len(opts.Again.Text)
	for _, m := range opts.Cluster {
		input += len(m.Text)
	}
	spendMemory(input)
	opts.Policy = a.policyFor(opts, r.environment)
	failOn := r.failOn
	for _, own := range opts.Policy.OwnRules {
		if !slices.ContainsFunc(r.ownRules, func(o policy.OwnRule) bool { return o.ID == own.ID }) {
			r.ownRules = append(r.ownRules, own)
		}
	}
	if opts.Policy.FailOn != nil && !r.failOnGiven {
		failOn = opts.Policy.FailOn
	}
	by := func(p *policy.Policy) (change.Set, error) {
		compare, opts := safediff.Compare, *opts
		if opts.Release.From != (change.Place{}) {
			compare = safediff.CompareReleases
		}
		opts.Policy, opts.Picture = p, r.draws(a)
		return compare(ctx, old, updated, opts)
	}
	set, err := by(opts.Policy)
	if err == nil {
		err = a.propose(&set, opts, failOn, r, by)
	}
	return set, failOn, err
}

// draws reports whether a report is asked for that draws the upgrade, or a plan, of which one
// may be made later.
func (r *reportOptions) draws(a *app) bool {
	out := a.command.Flags().Lookup("out")
	return out != nil && out.Value.String() != "" || slices.ContainsFunc(r.outputs, func(o output) bool { return o.format.Name == "html" })
}

// report writes the reports of a set, and sets the exit code.
func (a *app) report(ctx context.Context, set *change.Set, r reportOptions) error {
	if r.explain != nil {
		if err := r.explain(ctx, set); err != nil {
			return err
		}
	}
	code := a.exitCode(set, &r)
	if r.showSecrets {
		shown := set.Revealed()
		set = &shown
	}
	return a.publish(ctx, r, code, func(f report.Format, w io.Writer, opt report.Options) error { return f.Write(w, set, opt) })
}

// publish makes all reports, delivers them, and the plan if there is one, and sets the
// exit code.
func (a *app) publish(ctx context.Context, r reportOptions, code int, write func(report.Format, io.Writer, report.Options) error) error {
	pages, err := r.print(code, write)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	outputs := r.outputs
	if r.planFile != "" {
		outputs, pages = append(slices.Clone(outputs), output{file: r.planFile}), append(pages, r.plan)
	}
	if err := a.deliver(outputs, pages); err != nil {
		return err
	}
	a.code = code
	return nil
}

// formats returns the formats that --output knows.
func (a *app) formats() []report.Format {
	if a.insteadOfHelmDiff {
		return report.FormatsAsHelmDiff()
	}
	return report.Formats()
}

func formatList(formats []report.Format) string { return strings.Join(formatNames(formats), ", ") }

func formatNames(formats []report.Format) []string {
	list := make([]string, len(formats))
	for i, format := range formats {
		list[i] = format.Name
	}
	return list
}

// complete makes the shell offer values for a flag.
func complete(cmd *cobra.Command, flag string, values []string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
