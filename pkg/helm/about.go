package helm

import (
	"cmp"
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
	Library      bool
	Dependencies []Dependency
}

// Dependency is a chart that another one is made of.
type Dependency struct {
	// Name is what it is called, Alias what the other one calls it; the same if there is
	// no alias.
	Name, Alias string
	// Folder is where it is, as a path from the other's folder, if it is taken from
	// there (file://); "" for one from elsewhere.
	Folder string
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
		folder, is := strings.CutPrefix(d.Repository, "file://")
		if !is {
			folder = ""
		}
		about.Dependencies = append(about.Dependencies, Dependency{Name: d.Name, Alias: cmp.Or(d.Alias, d.Name), Folder: folder})
	}
	return about, nil
}

// RepositoriesOf lists the repositories that a Chart.yaml or Chart.lock names, or what
// came before them, requirements.yaml and requirements.lock. A text that cannot be read
// names none.
func RepositoriesOf(text []byte) []string {
	var file struct {
		Dependencies []struct {
			Repository string `json:"repository"`
		} `json:"dependencies"`
	}
	if yaml.Unmarshal(text, &file) != nil {
		return nil
	}
	var list []string
	for _, d := range file.Dependencies {
		if d.Repository != "" {
			list = append(list, d.Repository)
		}
	}
	return list
}
