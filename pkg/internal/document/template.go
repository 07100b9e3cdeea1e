package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// ParseTemplate reads a template for the format "template". As in a chart's template,
// Sprig's functions and toYaml are available, except those that read the clock, the
// environment or the network, or generate values: the same change gives the same report.
func ParseTemplate(name, text string) (*template.Template, error) {
	functions := sprig.HermeticTxtFuncMap()
	functions["toYaml"] = func(v any) (string, error) {
		text, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	return template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
}

// WriteTemplate executes the user's template over the document of the JSON report, with the
// same field names.
func WriteTemplate(w io.Writer, set *change.Set, opt reporting.Options) error {
	return execute(w, documentOf(set, opt), opt)
}

func execute(w io.Writer, told any, opt reporting.Options) error {
	if opt.Template == nil {
		return errors.New("there is no template")
	}
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	var document map[string]any
	// Whole numbers stay whole, so that a template can compare them.
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(text, &document); err != nil {
		return err
	}
	// The template is the user's own, but the text that it prints comes from a chart.
	safe := eachString(document, safetext.Text)
	var page bytes.Buffer
	if err := opt.Template.Execute(&page, safe); err != nil {
		return err
	}
	_, err = w.Write(page.Bytes())
	return err
}
