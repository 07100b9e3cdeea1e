package measure

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Chart writes a chart that renders a manifest as it is. What the manifest says to
// come from a crds directory goes into one.
func Chart(dir, version, manifest string) (string, error) {
	dir = filepath.Join(dir, version)
	templates, crds := split(manifest)
	about := "apiVersion: v2\nname: case\nversion: " + version + "\n"
	files := map[string]string{"Chart.yaml": about, "templates/all.yaml": strings.ReplaceAll(templates, "{{", `{{"{{"}}`)}
	if crds != "" {
		files["crds/all.yaml"] = crds
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

var fromCRDs = regexp.MustCompile(`(?m)^# Source: [^/]+/crds/`)

func split(manifest string) (templates, crds string) {
	var inTemplates, inCRDs strings.Builder
	for _, document := range documents(manifest) {
		if fromCRDs.MatchString(document) {
			inCRDs.WriteString(document)
		} else {
			inTemplates.WriteString(document)
		}
	}
	return inTemplates.String(), inCRDs.String()
}

var isDefinition = regexp.MustCompile(`(?m)^kind: CustomResourceDefinition`)

// Definitions returns the CustomResourceDefinitions among the templates of a
// manifest, and whether there is anything besides them. Helm cannot install both
// at once.
func Definitions(manifest string) (definitions string, more bool) {
	var b strings.Builder
	for _, document := range documents(manifest) {
		switch {
		case fromCRDs.MatchString(document):
		case isDefinition.MatchString(document):
			b.WriteString(document)
		default:
			more = true
		}
	}
	return b.String(), more
}

// documents cuts a manifest that has none but plain separators.
func documents(manifest string) []string {
	list := strings.Split(manifest, "\n---\n")
	for i := range list[:len(list)-1] {
		list[i] += "\n---\n"
	}
	return list
}
