package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// parseOutputs reads the values of --output, each FORMAT or FORMAT=FILE, and checks
// that the files can be written.
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
		if err := checkPlace(o.file); err != nil {
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

// rules describe the team's own rules and all others.
func (r *reportOptions) rules() []report.Rule {
	about := make([]report.Rule, 0, len(r.ownRules))
	for i := range r.ownRules {
		about = append(about, report.Rule{ID: r.ownRules[i].ID, Why: r.ownRules[i].Message, Fix: r.ownRules[i].Hint, Own: true})
	}
	rules := risk.Rules()
	for i := range rules {
		about = append(about, report.Rule{ID: rules[i].ID, Why: rules[i].Why, Fix: rules[i].Fix})
	}
	return about
}

// print makes all reports; write prints one.
func (r *reportOptions) print(code int, write func(report.Format, io.Writer, report.Options) error) ([][]byte, error) {
	about := r.rules()
	pages := make([][]byte, len(r.outputs))
	for i, o := range r.outputs {
		width := 0
		if o.file == "" {
			width = r.width
		}
		var page bytes.Buffer
		err := write(o.format, &page, report.Options{
			Color: r.color && o.file == "", Width: width, ShowHidden: r.showHidden, ShowSecrets: r.showSecrets, FailOn: r.failOn, ExitCode: code,
			Planned: r.planned, Part: r.part, MaxBytes: r.maxBytes, Template: r.template, Locate: r.locate, Seen: seenFromHere, Rules: about, Version: ownVersion(), Context: &r.context,
		})
		if err != nil {
			return nil, fmt.Errorf("write report: %w", err)
		}
		pages[i] = page.Bytes()
	}
	return pages, nil
}

// templates lists the file of --template, if there is one.
func (r *reportOptions) templates() []string {
	if r.templateFile == "" {
		return nil
	}
	return []string{r.templateFile}
}

// named returns formats by their names, as parseOutputs takes them.
func named[T any](formats []report.FormatOf[T]) []report.Format {
	list := make([]report.Format, len(formats))
	for i := range formats {
		list[i].Name = formats[i].Name
	}
	return list
}

// deliverAs prints a report in each format that outputs name, and delivers all of them.
func deliverAs[T any](a *app, outputs []output, formats []report.FormatOf[T], about *T, opt report.Options) error {
	pages := make([][]byte, len(outputs))
	for i, o := range outputs {
		k := slices.IndexFunc(formats, func(f report.FormatOf[T]) bool { return f.Name == o.format.Name })
		var page bytes.Buffer
		if err := formats[k].Write(&page, about, opt); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		pages[i] = page.Bytes()
	}
	return a.deliver(outputs, pages)
}
