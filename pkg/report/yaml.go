package report

import (
	"io"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// writeYAML prints the document of the JSON report as YAML.
func writeYAML(w io.Writer, set *change.Set, opt Options) error {
	return encodeYAML(w, documentOf(set, opt))
}

func encodeYAML(w io.Writer, document any) error {
	text, err := yaml.Marshal(document)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
