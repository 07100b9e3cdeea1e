package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// reportFlags are the flags of every command that prints a report.
type reportFlags struct {
	output           string
	color, noColor   bool
	showHidden       bool
	showSecrets      bool
	failOn           string
	detailedExitcode bool
}

// reportOptions is what reportFlags mean.
type reportOptions struct {
	format      report.Format
	color       bool
	showHidden  bool
	showSecrets bool
	failOn      []change.Risk
	detailed    bool
}

func (f *reportFlags) addTo(cmd *cobra.Command) {
	formats := formatNames()
	failOn := names(change.DefaultFailOn())
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "text", "format of the report: "+strings.Join(formats, ", "))
	flags.BoolVar(&f.color, "color", false, "use colours even if this is no terminal")
	flags.BoolVar(&f.noColor, "no-color", false, "use no colours")
	flags.BoolVar(&f.showHidden, "show-hidden", false, "also show what has no effect")
	flags.BoolVar(&f.showSecrets, "show-secrets", false, "show the values of Secrets")
	flags.StringVar(&f.failOn, "fail-on", strings.Join(failOn, ","), `risks that make the exit code 3, or "none"`)
	flags.BoolVar(&f.detailedExitcode, "detailed-exitcode", false, "exit with 2 if there are changes without risk")
	complete(cmd, "output", formats)
	complete(cmd, "fail-on", append(names(change.Risks()), "none"))
}

// options checks the flags. The error lists what is valid.
func (f *reportFlags) options(a *app) (reportOptions, error) {
	format, err := report.Find(f.output)
	if err != nil {
		return reportOptions{}, err
	}
	failOn, err := change.ParseRisks(f.failOn)
	if err != nil {
		return reportOptions{}, err
	}
	if f.color && f.noColor {
		return reportOptions{}, errors.New("--color and --no-color exclude each other")
	}
	return reportOptions{
		format:      format,
		color:       f.colored(a),
		showHidden:  f.showHidden,
		showSecrets: f.showSecrets,
		failOn:      failOn,
		detailed:    f.detailedExitcode,
	}, nil
}

// colored decides on colour: the flag first, then helm-diff's variable, then
// NO_COLOR (no-color.org), then Helm 4's variable, then the terminal.
func (f *reportFlags) colored(a *app) bool {
	if f.color || f.noColor {
		return f.color
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

// judge compares the two sides, writes the report and sets the exit code.
func (a *app) judge(ctx context.Context, old, updated safediff.Manifest, opts safediff.Options, r reportOptions) error {
	input := len(old.Text) + len(updated.Text) + len(opts.OldCRDs.Text) + len(opts.NewCRDs.Text)
	for _, m := range opts.Cluster {
		input += len(m.Text)
	}
	spendMemory(input)
	set, err := safediff.Compare(ctx, old, updated, opts)
	if err != nil {
		return err
	}
	code := set.Verdict(r.failOn).ExitCode(r.detailed)
	if r.showSecrets {
		set = set.Revealed()
	}
	var page bytes.Buffer
	err = r.format.Write(&page, &set, report.Options{
		Color: r.color, ShowHidden: r.showHidden, ShowSecrets: r.showSecrets, FailOn: r.failOn, ExitCode: code,
	})
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	a.code = code
	return a.write(page.Bytes())
}

func formatNames() []string {
	formats := report.Formats()
	list := make([]string, len(formats))
	for i, format := range formats {
		list[i] = format.Name
	}
	return list
}

func names(risks []change.Risk) []string {
	list := make([]string, len(risks))
	for i, risk := range risks {
		list[i] = string(risk)
	}
	return list
}

// complete makes the shell offer values for a flag.
func complete(cmd *cobra.Command, flag string, values []string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
