// Package stevedore reads the manifests of Stevedore (github.com/gojek/stevedore), which
// say what releases there are to be: kind StevedoreManifest, version 2, as people write
// them and as `stevedore plan --artifacts-path` does.
//
// What Stevedore fills in itself before it asks Helm (overrides, environments, stores of
// configuration) is not read here. A manifest that needs it is refused: its values would
// be others than those of the upgrade. In what Stevedore's own plan has written all of
// that is filled in.
package stevedore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// Release is one release that a manifest asks for.
type Release struct {
	// Name and Namespace are those of the release.
	Name, Namespace string
	// Chart is a reference as Helm takes it, Version what version of it is wanted; "" for
	// the latest one.
	Chart, Version string
	// Values are the values of the user's, as one JSON object; "" if there are none.
	Values string
	// Planned is the revision that the release is to have after the upgrade, as Stevedore
	// noted it when it planned; 0 if it has not.
	Planned int
}

// document is a manifest as it is written. Fields that it does not name are an error.
type document struct {
	Kind     string              `json:"kind"`
	Version  any                 `json:"version"`
	DeployTo []map[string]string `json:"deployTo"`
	Spec     []specification     `json:"spec"`
}

type specification struct {
	Release release `json:"release"`
	// Configs say where placeholders are looked up, DependsOn in which order releases are
	// made. Neither changes what an upgrade does if there is no placeholder.
	Configs   any `json:"configs"`
	DependsOn any `json:"dependsOn"`
	// Mounts put what is in a store into the values.
	Mounts map[string]any `json:"mounts"`
}

type release struct {
	Name         string          `json:"name"`
	Namespace    string          `json:"namespace"`
	Chart        string          `json:"chart"`
	ChartVersion string          `json:"chartVersion"`
	Values       json.RawMessage `json:"values"`
	Privileged   bool            `json:"privileged"`
	// ChartSpec has Stevedore build a chart of dependencies.
	ChartSpec struct {
		Name         string `json:"name"`
		Dependencies []any  `json:"dependencies"`
	} `json:"chartSpec"`
	CurrentReleaseVersion int `json:"currentReleaseVersion"`
}

// artifacts is what to do where Stevedore itself has something to fill in.
const artifacts = "let Stevedore fill it in (stevedore plan -a DIR) and give that DIR"

// Parse reads the manifests of a file, which it calls name in errors. The error lists
// everything that is wrong or not supported, and quotes no value.
func Parse(name, text string) ([]Release, error) {
	var list []Release
	var errs []error
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for n := 1; ; n++ {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(bytes.TrimSpace(doc)) == 0 {
			continue
		}
		releases, mistakes := parse(doc)
		for _, err := range mistakes {
			errs = append(errs, fmt.Errorf("%s: document %d: %w", name, n, err))
		}
		list = append(list, releases...)
	}
	if len(list) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: there is no release in it", name))
	}
	return list, errors.Join(errs...)
}

// parse reads one manifest, and returns all that is wrong with it.
func parse(text []byte) (list []Release, mistakes []error) {
	var kind struct {
		Kind    string `json:"kind"`
		Version any    `json:"version"`
	}
	if err := sigsyaml.Unmarshal(text, &kind); err != nil {
		return nil, []error{clean(err)}
	}
	switch {
	case slices.Contains([]string{"StevedoreOverride", "StevedoreEnv", "StevedoreIgnore"}, kind.Kind):
		return nil, []error{fmt.Errorf("kind %s is not supported; %s", kind.Kind, artifacts)}
	case kind.Kind != "StevedoreManifest":
		return nil, []error{fmt.Errorf("kind %q is not StevedoreManifest", kind.Kind)}
	case fmt.Sprint(kind.Version) != "2":
		return nil, []error{fmt.Errorf("version %v of StevedoreManifest is not supported, only version 2", kind.Version)}
	}
	var doc document
	if err := sigsyaml.UnmarshalStrict(text, &doc); err != nil {
		return nil, []error{clean(err)}
	}
	for i := range doc.Spec {
		r, err := doc.Spec[i].read()
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("release %q: %w", doc.Spec[i].Release.Name, err))
		}
		list = append(list, r)
	}
	return list, mistakes
}

// clean returns an error of the YAML library without what it quotes of the document.
func clean(err error) error {
	reason := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	reason = strings.TrimPrefix(reason, "error unmarshaling JSON: while decoding JSON: ")
	return errors.New(regexp.MustCompile(`'[^']*'`).ReplaceAllString(reason, "(left out)"))
}

// read returns the release, and an error for what would make it another one.
func (s *specification) read() (Release, error) {
	r := &s.Release
	values := string(r.Values)
	if values == "null" || values == "{}" {
		values = ""
	}
	switch {
	case r.Name == "" || r.Namespace == "":
		return Release{}, errors.New("it has no name, or no namespace")
	case len(r.ChartSpec.Dependencies) > 0 || r.ChartSpec.Name != "":
		return Release{}, errors.New("a chart that Stevedore builds (chartSpec) is not supported; package it and name it as chart")
	case r.Chart == "":
		return Release{}, errors.New("it has no chart")
	case r.Privileged:
		return Release{}, errors.New("privileged is not supported: it is about the Tiller of Helm 2")
	case len(s.Mounts) > 0:
		return Release{}, fmt.Errorf("mounts are not supported; %s", artifacts)
	case values != "" && !strings.HasPrefix(values, "{"):
		return Release{}, errors.New("its values are no map")
	}
	if names := placeholders(values); len(names) > 0 {
		return Release{}, fmt.Errorf("its values have %s; %s", strings.Join(names, ", "), artifacts)
	}
	return Release{
		Name: r.Name, Namespace: r.Namespace, Chart: r.Chart, Version: r.ChartVersion,
		Values: values, Planned: r.CurrentReleaseVersion,
	}, nil
}

// placeholders lists the names that Stevedore fills in, in keys as in values.
func placeholders(values string) []string {
	names := regexp.MustCompile(`\$\{\w*\}`).FindAllString(values, -1)
	slices.Sort(names)
	return slices.Compact(names)
}
