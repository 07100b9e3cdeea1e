package cli

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// clusterFlags tell what is in the cluster besides the release.
type clusterFlags struct{ paths []string }

func (f *clusterFlags) addTo(flags *pflag.FlagSet) {
	defer gather(flags, clusterFlagGroup)()
	flags.StringArrayVar(&f.paths, "cluster-objects", nil,
		`what else is in the cluster: a file, directory or - with objects as "kubectl get -o yaml" prints them, such as definitions of custom resources and storage classes (repeatable)`)
}

// check makes sure that stdin is read once, if at all; others are the other names
// that may stand for it.
func (f *clusterFlags) check(others ...string) error {
	names := slices.Clone(f.paths)
	if slices.Contains(others, "-") {
		names = append(names, "-")
	}
	return stdinOnce(names...)
}

// read returns every file as a stream of its own, so that errors name it.
func (f *clusterFlags) read(a *app) ([]safediff.Manifest, error) {
	var streams []safediff.Manifest
	for _, path := range f.paths {
		set, err := a.readFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range set.files {
			streams = append(streams, safediff.Manifest{Name: file.name, Text: file.text})
		}
	}
	return streams, nil
}
