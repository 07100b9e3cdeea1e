// Package cli holds the commands: it reads flags and environment, obtains the two
// sides, has them judged, and prints one report. It judges and formats nothing
// itself.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	helmcli "helm.sh/helm/v3/pkg/cli"
	"k8s.io/klog/v2"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/renderer"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// Main runs the command line args (without the name of the program) in the
// environment of the process, and returns the exit code: one of the change.Exit
// constants.
//
// A report, and nothing else, goes to stdout; it is written at once and only if
// all went well.
//
// With renderer.Command as its only argument it renders charts for another process of
// the program, which starts itself so.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	if len(args) == 1 && args[0] == renderer.Command {
		return renderer.Serve(stdin, stdout, stderr)
	}
	a := &app{settings: helmcli.New(), stdin: stdin, stdout: stdout}
	a.tell(stderr)
	defer func() {
		_ = a.said.Flush() // if that fails, there is nobody left to tell
	}()
	defer func() {
		if p := recover(); p != nil {
			a.printPanic(p, debug.Stack())
			a.discard()
			code = change.ExitError
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A reader that goes away early, such as head, is no reason to be killed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	root := a.rootCommand()
	root.SetArgs(joinColor(args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(a.said)
	addCompletion(root)
	if err := root.ExecuteContext(ctx); err != nil {
		a.printError(err)
		if wrong := new(usageError); !errors.As(err, &wrong) {
			a.discard()
		}
		return change.ExitError
	}
	return a.code
}

// app is one run of the program.
type app struct {
	settings       *helmcli.EnvSettings
	stdin          io.Reader
	stdout, stderr io.Writer
	// said is stderr for all that others have written: it makes their text safe.
	said *safetext.Writer
	// config is what policy file and environment say.
	config config
	// insteadOfHelmDiff says that the caller takes this for helm-diff.
	insteadOfHelmDiff bool
	// command is the one that runs, nil before its flags are read.
	command *cobra.Command
	// code is what the command that ran wants to end with.
	code int
}

// tell sends what is said besides the report to a writer.
func (a *app) tell(stderr io.Writer) { a.stderr, a.said = stderr, &safetext.Writer{To: stderr} }

// quieten sends the logs of the libraries to stderr if the user asked for them,
// and nowhere otherwise: some of Helm's warnings quote values.
func (a *app) quieten() {
	out := io.Discard
	if a.settings.Debug {
		out = a.said
	}
	log.SetOutput(out)
	klog.SetSlogLogger(slog.New(slog.NewTextHandler(out, nil))) // with klog.SetOutput alone, errors go to stderr besides
}

// printError prints one sentence, and below it what to do, if anybody knows.
func (a *app) printError(err error) {
	var defect *helm.PanicError
	if errors.As(err, &defect) {
		a.printPanic(defect.Value, defect.Stack)
		return
	}
	a.say("Error: %v", err)
	var hinting interface{ Hint() string }
	if errors.As(err, &hinting) {
		a.say("hint: %s", hinting.Hint())
	}
}

// printPanic says that the program is at fault. What was panicked with may quote
// input, so it is printed only to those who ask for details.
func (a *app) printPanic(p any, stack []byte) {
	a.say("Error: this is a defect of helm safe-diff, not of your chart: it stopped where it should not have")
	if !a.settings.Debug {
		a.say("hint: please report it, with what HELM_DEBUG=true prints here")
		return
	}
	a.say("%v\n%s", p, stack)
}

// say prints a line of diagnostics. If that fails, there is nobody left to tell.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.said, format+"\n", args...)
}

// writeText writes what a command says that makes no report.
func (a *app) writeText(text string) error { return a.write([]byte(safetext.Text(text))) }

// write writes the whole report at once. That nobody reads it to its end is no
// error.
func (a *app) write(report []byte) error {
	if _, err := a.stdout.Write(report); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
