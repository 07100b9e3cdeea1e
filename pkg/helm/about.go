package helm

import (
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"
)

// About is what a Chart.yaml says of its chart.
type About struct {
	Name, Version string
	// Library says that the chart is there for other charts only.
	Library bool
	// Folders are the charts that it takes from folders (file://), as paths from its
	// own.
	Folders []string
}

// ReadAbout reads a Chart.yaml. The error quotes nothing of it.
func ReadAbout(text []byte) (About, error) {
	var m chart.Metadata
	if err := yaml.Unmarshal(text, &m); err != nil {
		return About{}, fmt.Errorf("read Chart.yaml: %w", clean(err))
	}
	if m.Name == "" || m.Version == "" {
		return About{}, errors.New("read Chart.yaml: it has no name or no version")
	}
	about := About{Name: m.Name, Version: m.Version, Library: m.Type == "library"}
	for _, d := range m.Dependencies {
		if folder, is := strings.CutPrefix(d.Repository, "file://"); is {
			about.Folders = append(about.Folders, folder)
		}
	}
	return about, nil
}
