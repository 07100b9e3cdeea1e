package helm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/Masterminds/semver/v3"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
)

// maxDepth is how deep charts that depend on folders may be nested; deeper ones go in
// a circle.
const maxDepth = 16

// complete adds to a chart what `helm dependency build` would put into its charts
// directory, at the versions of Chart.lock, and leaves the directory as it is. What
// is vendored is taken from there, and for what is a folder nobody is asked.
func (c *Client) complete(ctx context.Context, ch *chart.Chart, src Chart, dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("charts depend on each other in a circle, or are nested deeper than %d", maxDepth)
	}
	for _, d := range ch.Metadata.Dependencies {
		if vendored(ch, d) {
			continue
		}
		version, err := locked(ch, d)
		if err != nil {
			return err
		}
		added, err := c.dependency(ctx, d, version, src, dir, depth)
		if err != nil {
			return fmt.Errorf("dependency %q: %w", d.Name, err)
		}
		ch.AddDependency(added)
	}
	return nil
}

// vendored reports whether a dependency is in the charts directory, as
// action.CheckDependencies does; of two with one name each is needed.
func vendored(ch *chart.Chart, d *chart.Dependency) bool {
	wanted, got := 0, 0
	for _, other := range ch.Metadata.Dependencies {
		if other.Name == d.Name && other.Version != d.Version {
			wanted++
		}
	}
	for _, there := range ch.Dependencies() {
		if there.Name() == d.Name && (wanted == 0 || inRange(d.Version, there.Metadata.Version)) {
			got++
		}
	}
	return got > 0
}

// locked returns the version of Chart.lock; the one that Chart.yaml asks for if there
// is no lock.
func locked(ch *chart.Chart, d *chart.Dependency) (string, error) {
	if ch.Lock == nil {
		return d.Version, nil
	}
	for _, l := range ch.Lock.Dependencies {
		if l.Name == d.Name && l.Repository == d.Repository && (d.Version == "" || inRange(d.Version, l.Version)) {
			return l.Version, nil
		}
	}
	return "", withHint(fmt.Errorf("dependency %q: Chart.lock and Chart.yaml do not agree", d.Name), "run `helm dependency update` and commit Chart.lock")
}

func inRange(constraint, version string) bool {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return false
	}
	v, err := semver.NewVersion(version)
	return err == nil && c.Check(v)
}

// dependency loads one that is not vendored.
func (c *Client) dependency(ctx context.Context, d *chart.Dependency, version string, src Chart, dir string, depth int) (*chart.Chart, error) {
	engine := c.engine(ctx)
	if folder, is := strings.CutPrefix(d.Repository, "file://"); is {
		path := filepath.FromSlash(folder)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		added, err := src.loadFolder(engine, path)
		var outside *outsideError
		if full, absErr := filepath.Abs(path); errors.As(err, &outside) && absErr == nil && outside.name == full {
			return nil, &outsideError{d.Repository, d.Name}
		}
		if err != nil {
			return nil, clean(err)
		}
		return added, c.complete(ctx, added, src, path, depth+1)
	}
	if src.Archives != "" {
		archive := filepath.Join(src.Archives, d.Name+"-"+version+".tgz")
		_, err := os.Stat(archive)
		if src.Within != "" && err == nil {
			_, err = Inside(src.ArchivesWithin, archive)
		}
		if err == nil {
			return engine.load(archive)
		}
	}
	if d.Repository == "" {
		return nil, errors.New("it is not in charts/, and Chart.yaml names no repository for it")
	}
	path, err := c.fetch(ctx, d, version, src)
	if err != nil {
		return nil, clean(err)
	}
	added, err := engine.load(path)
	if err != nil && src.Within != "" {
		return nil, fetchError(err, d.Repository)
	}
	return added, err
}

// loadFolder loads a chart from a folder, or from wherever a path leads if that does not
// matter.
func (src *Chart) loadFolder(engine engine, path string) (*chart.Chart, error) {
	if src.Within == "" {
		return engine.load(path)
	}
	return loadWithin(engine, src.Within, path)
}

// fetch returns where a dependency was downloaded to, which is done once.
func (c *Client) fetch(ctx context.Context, d *chart.Dependency, version string, src Chart) (string, error) {
	c.updating.Lock()
	defer c.updating.Unlock()
	key := d.Repository + " " + d.Name + " " + version
	if path, known := c.fetched[key]; known {
		return path, nil
	}
	// Not by its bare name: a folder of that name would be taken for it.
	from := Chart{Ref: strings.TrimSuffix(d.Repository, "/") + "/" + d.Name, Source: action.ChartPathOptions{
		Version: version, Keyring: src.Source.Keyring, Verify: src.Source.Verify, PlainHTTP: src.Source.PlainHTTP,
	}}
	entry := &repo.Entry{URL: d.Repository}
	if !isOCI(d.Repository) {
		var err error
		if entry, err = c.repository(ctx, d.Repository); err != nil {
			return "", err
		}
	}
	if err := src.allowed(d.Name, d.Repository, entry.URL); err != nil {
		return "", err
	}
	path, err := c.download(ctx, d, version, from, entry)
	if err != nil && src.Within != "" {
		err = fetchError(err, d.Repository)
	}
	if err != nil {
		return "", err
	}
	if c.fetched == nil {
		c.fetched = map[string]string{}
	}
	c.fetched[key] = path
	return path, nil
}

// download fetches a dependency from a repository, or from an OCI registry.
func (c *Client) download(ctx context.Context, d *chart.Dependency, version string, from Chart, entry *repo.Entry) (string, error) {
	if !isOCI(d.Repository) {
		s := &from.Source
		s.Username, s.Password, s.PassCredentialsAll = entry.Username, entry.Password, entry.PassCredentialsAll
		s.CertFile, s.KeyFile, s.CaFile, s.InsecureSkipTLSverify = entry.CertFile, entry.KeyFile, entry.CAFile, entry.InsecureSkipTLSverify
		var err error
		if from.Ref, err = c.engine(ctx).chartURL(c, entry, d.Name, version); err != nil {
			return "", err
		}
	}
	return c.locate(ctx, from)
}

func isOCI(url string) bool { return strings.HasPrefix(url, "oci://") }

// repository returns what Helm knows of a repository: one that is named by an alias
// ("@name", "alias:name") must be known, of another there may be credentials.
func (c *Client) repository(ctx context.Context, named string) (*repo.Entry, error) {
	name, alias := strings.CutPrefix(named, "@")
	if !alias {
		name, alias = strings.CutPrefix(named, "alias:")
	}
	known, err := c.engine(ctx).repositories(c.Settings.RepositoryConfig)
	if err != nil {
		return nil, clean(err)
	}
	for _, e := range known {
		if alias && e.Name == name || strings.TrimSuffix(e.URL, "/") == strings.TrimSuffix(named, "/") {
			return e, nil
		}
	}
	if alias {
		return nil, withHint(fmt.Errorf("Helm knows no repository %q", name), "`helm repo add` adds one") //nolint:staticcheck // a name
	}
	return &repo.Entry{URL: named}, nil
}
