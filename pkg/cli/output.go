package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

// output is one report to make, and where it goes.
type output struct {
	format report.Format
	file   string // "" for stdout
}

// parseOutputs reads the values of --output, each FORMAT or FORMAT=FILE, and finds
// out whether the files can be written.
func parseOutputs(values []string, formats []report.Format) ([]output, error) {
	outputs := make([]output, 0, len(values))
	taken := map[string]string{}
	for _, value := range values {
		name, file, named := strings.Cut(value, "=")
		format, err := report.FindIn(formats, name)
		if err != nil {
			return nil, err
		}
		if named && file == "" {
			return nil, fmt.Errorf("--output %s: the name of the file is missing", value)
		}
		if file == "-" {
			file = ""
		}
		if file != "" {
			file = filepath.Clean(file)
		}
		switch other, twice := taken[file]; {
		case twice && file == "":
			return nil, fmt.Errorf("--output %s and --output %s would both go to stdout; write one to a file: --output %s=FILE", other, name, name)
		case twice:
			return nil, fmt.Errorf("--output %s and --output %s would both go to %q", other, name, file)
		}
		taken[file] = name
		outputs = append(outputs, output{format, file})
	}
	for _, o := range outputs {
		if err := writable(o.file); err != nil {
			return nil, fmt.Errorf("--output %s=%s: %w", o.format.Name, o.file, err)
		}
	}
	return outputs, nil
}

// parseTemplate reads the file of --template, which must be there if, and only if,
// a report is made by it.
func (f *reportFlags) parseTemplate(a *app, outputs []output) (*template.Template, error) {
	file, parse, wanted := f.template, report.ParseTemplate, false
	for _, o := range outputs {
		wanted = wanted || o.format.Name == "template"
	}
	if a.insteadOfHelmDiff {
		parse = report.ParseTemplateAsHelmDiff
		if wanted {
			file = cmp.Or(file, os.Getenv("HELM_DIFF_TPL"))
		}
	}
	switch {
	case wanted && file == "" && a.insteadOfHelmDiff:
		return nil, nil //nolint:nilnil // helm-diff has a template of its own
	case wanted && file == "":
		return nil, errors.New("--output template needs --template FILE")
	case !wanted && file != "":
		return nil, errors.New("--template needs --output template")
	case !wanted:
		return nil, nil //nolint:nilnil // no template is asked for
	}
	text, err := os.ReadFile(file) //nolint:gosec // the user says which, by flag or variable
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	parsed, err := parse(filepath.Base(file), string(text))
	if err != nil {
		return nil, fmt.Errorf("read template %q: %w", file, err)
	}
	return parsed, nil
}

// print makes all reports; write prints one.
func (r *reportOptions) print(code int, write func(report.Format, io.Writer, report.Options) error) ([][]byte, error) {
	about := make([]report.Rule, 0, len(r.ownRules))
	for i := range r.ownRules {
		about = append(about, report.Rule{ID: r.ownRules[i].ID, Why: r.ownRules[i].Message, Fix: r.ownRules[i].Hint})
	}
	rules := risk.Rules()
	for i := range rules {
		about = append(about, report.Rule{ID: rules[i].ID, Why: rules[i].Why, Fix: rules[i].Fix})
	}
	pages := make([][]byte, len(r.outputs))
	for i, o := range r.outputs {
		var page bytes.Buffer
		err := write(o.format, &page, report.Options{
			Color: r.color && o.file == "", ShowHidden: r.showHidden, ShowSecrets: r.showSecrets, FailOn: r.failOn, ExitCode: code,
			MaxBytes: r.maxBytes, Template: r.template, Locate: r.locate, Rules: about, Context: &r.context,
		})
		if err != nil {
			return nil, fmt.Errorf("write report: %w", err)
		}
		pages[i] = page.Bytes()
	}
	return pages, nil
}

// deliver writes each report to where it goes, stdout last. A file appears whole
// or stays as it was: all are written beside their places before the first one is
// moved there.
func (a *app) deliver(outputs []output, pages [][]byte) error {
	var drafts []string
	defer func() {
		for _, draft := range drafts {
			// Those that were moved are not there any more.
			_ = os.Remove(draft)
		}
	}()
	places := map[string]string{}
	for i, o := range outputs {
		if o.file == "" {
			continue
		}
		place, regular := target(o.file)
		draft := place
		if regular {
			draft = place + "." + strconv.Itoa(os.Getpid()) + ".tmp"
			drafts = append(drafts, draft)
			places[draft] = place
		}
		if err := os.WriteFile(draft, pages[i], 0o644); err != nil { //nolint:gosec // a report is for others to read
			return fmt.Errorf("write report: %w", err)
		}
	}
	for _, draft := range drafts {
		if err := os.Rename(draft, places[draft]); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	for i, o := range outputs {
		if o.file == "" {
			return a.write(pages[i])
		}
	}
	return nil
}

// target follows links to where a file is written, and tells files from what cannot
// be replaced, such as a device or a pipe.
func target(file string) (place string, regular bool) {
	info, err := os.Stat(file)
	if err != nil {
		return file, true
	}
	if followed, err := filepath.EvalSymlinks(file); err == nil {
		file = followed
	}
	return file, info.Mode().IsRegular()
}

// writable returns why a file cannot be written, as far as that can be known before
// it is.
func writable(file string) error {
	if file == "" {
		return nil
	}
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		return errors.New("it is a directory")
	}
	place, regular := target(file)
	if !regular {
		return nil
	}
	probe, err := os.CreateTemp(filepath.Dir(place), ".helm-safe-diff-*")
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			return fmt.Errorf("no file can be made in %q: %w", filepath.Dir(place), at.Err)
		}
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
