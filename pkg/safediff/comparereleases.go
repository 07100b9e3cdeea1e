package safediff

import (
	"context"
	"errors"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/renamedreleases"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// CompareReleases judges what would happen if the objects of one release, the one
// that opts.Release.From names, became those of another in its place.
//
// Where a value of the second release is that of the first with the name or the
// namespace of the release replaced as a whole word, and nothing else differs, the
// first is taken to have said the same; so is a checksum of a configuration that
// says the same then. Each of these values is in the Set as a
// hidden edit, so that it is counted and can be shown. What an image is called is
// never replaced.
func CompareReleases(ctx context.Context, old, updated Manifest, opts Options) (change.Set, error) {
	r := renamedreleases.New(opts.Release.From, opts.Release.Name, opts.Namespace)
	if r == nil {
		return Compare(ctx, old, updated, opts)
	}
	server, err := apiserver.New(opts.KubeVersion)
	if err != nil {
		return change.Set{}, err
	}
	read := func(m Manifest, namespace string) ([]*manifest.Object, error) {
		return manifest.Parse(m.Text, manifest.Options{File: m.Name, Namespace: namespace, Namespaced: server.Namespaced})
	}
	before, errOld := read(old, opts.Release.From.Namespace)
	after, errNew := read(updated, opts.Namespace)
	if err := errors.Join(errOld, errNew); err != nil {
		return change.Set{}, err
	}
	if old.Text, err = r.Manifest(before, after); err != nil {
		return change.Set{}, err
	}
	set, err := Compare(ctx, old, updated, opts)
	if err != nil {
		return set, err
	}
	r.Note(&set)
	return set, nil
}
