package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"
)

// maxFolders is how deep the folders of a chart may be nested; deeper ones go in a
// circle of links.
const maxFolders = 64

// Inside returns the file that a path leads to, all links followed, which must be in
// root and not in its .git folder. The error of a link that leads out says no more than
// that, so that nobody learns which files there are.
func Inside(root, name string) (string, error) {
	top, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	if name, err = filepath.Abs(name); err != nil {
		return "", err
	}
	if info, err := os.Lstat(name); err != nil {
		return "", err
	} else if info.Mode()&fs.ModeSymlink == 0 {
		if _, err := os.Stat(name); err != nil {
			return "", err
		}
	}
	leads := &outsideError{name: name}
	followed, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", leads
	}
	rel, err := filepath.Rel(top, followed)
	if err != nil || !filepath.IsLocal(rel) || slices.Contains(strings.Split(filepath.ToSlash(rel), "/"), ".git") {
		return "", leads
	}
	return followed, nil
}

// outsideError says that a path leads out of the repository.
type outsideError struct{ name, dependency string }

func (e *outsideError) Error() string {
	if e.dependency != "" {
		return fmt.Sprintf("dependency %q: %q leads out of the repository, or to nothing", e.dependency, e.name)
	}
	return fmt.Sprintf("%q leads out of the repository, or to nothing", e.name)
}

// ReadInside reads a file that must be in root.
func ReadInside(root, name string) ([]byte, error) {
	file, err := Inside(root, name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// loadWithin loads a chart from a folder as Helm does (pkg/chart/loader, LoadDir), but
// follows no link out of root, and leaves out what git keeps in .git: the configuration
// there may hold a token.
func loadWithin(engine engine, root, dir string) (*chart.Chart, error) {
	top, err := Inside(root, dir)
	if err != nil {
		return nil, err
	}
	w := walker{root: root, rules: ignore.Empty()}
	if text, err := ReadInside(root, filepath.Join(top, ignore.HelmIgnore)); err == nil {
		if w.rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	w.rules.AddDefaults()
	if err := w.walk(top, "", 0); err != nil {
		return nil, err
	}
	return engine.loadFiles(w.files)
}

// walker collects the files of a chart.
type walker struct {
	root  string
	rules *ignore.Rules
	files []*loader.BufferedFile
}

func (w *walker) walk(dir, inChart string, depth int) error {
	if depth > maxFolders {
		return fmt.Errorf("folders are nested deeper than %d in %q, or its links go in a circle", maxFolders, dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == ".git" {
			continue
		}
		if err := w.add(filepath.Join(dir, entry.Name()), path.Join(inChart, entry.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) add(file, inChart string, depth int) error {
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	if w.rules.Ignore(inChart, info) {
		return nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if file, err = Inside(w.root, file); err != nil {
			return err
		}
		if info, err = os.Stat(file); err != nil {
			return err
		}
		if w.rules.Ignore(inChart, info) {
			return nil
		}
	}
	switch {
	case info.IsDir():
		return w.walk(file, inChart, depth+1)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is no file", file)
	case info.Size() > loader.MaxDecompressedFileSize:
		return fmt.Errorf("%q is larger than %d bytes, the most that Helm reads", file, loader.MaxDecompressedFileSize)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	w.files = append(w.files, &loader.BufferedFile{Name: inChart, Data: bytes.TrimPrefix(data, []byte("\ufeff"))})
	return nil
}

// allowed returns why a dependency may not be fetched; nil if it may.
func (src *Chart) allowed(name, repository, url string) error {
	if src.Within == "" {
		return nil
	}
	if !plainName.MatchString(name) {
		return fmt.Errorf("%q is no name of a chart", name)
	}
	for _, known := range src.Repositories {
		if sameRepository(known, repository) || sameRepository(known, url) {
			return nil
		}
	}
	for _, known := range src.Registries {
		if below(repository, known) || below(url, known) {
			return nil
		}
	}
	return withHint(fmt.Errorf("no chart of the base names the repository %q", repository), "--allow-registry "+repository+" allows it")
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`)

// sameRepository compares what Chart.yaml calls two repositories.
func sameRepository(a, b string) bool {
	return strings.TrimRight(normal(a), "/") == strings.TrimRight(normal(b), "/")
}

// normal returns a URL with scheme and host in lower case, as neither depends on case.
func normal(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Host = strings.ToLower(u.Host)
	return u.String()
}

// below reports whether a repository is a registry that is allowed, or in it. A registry
// without a scheme is a host, with a path or without.
func below(repository, registry string) bool {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(u.EscapedPath(), "%") || slices.Contains(strings.Split(u.Path, "/"), "..") {
		return false
	}
	if !strings.Contains(registry, "://") {
		if u.Scheme != "https" && u.Scheme != "oci" {
			return false
		}
		registry = u.Scheme + "://" + registry
	}
	allowed, err := url.Parse(registry)
	if err != nil || allowed.Scheme != u.Scheme || !strings.EqualFold(allowed.Host, u.Host) {
		return false
	}
	top := strings.TrimRight(allowed.Path, "/")
	return strings.TrimRight(u.Path, "/") == top || strings.HasPrefix(u.Path, top+"/")
}

// CheckRegistry returns why a text names no registry.
func CheckRegistry(text string) error {
	full := text
	if !strings.Contains(full, "://") {
		full = "oci://" + full
	}
	if u, err := url.Parse(full); err != nil || u.Host == "" || !slices.Contains([]string{"oci", "https", "http"}, u.Scheme) {
		return fmt.Errorf("%q is no registry: write a host or a URL, such as ghcr.io/team or https://charts.example.com", text)
	}
	return nil
}

var status = regexp.MustCompile(`\b[45][0-9][0-9]\b`)

// fetchError says why a dependency could not be fetched, without a word of what the
// server answered: whoever chooses the address would read it in the report.
func fetchError(err error, repository string) error {
	reason := "what it answers is no repository with that version of the chart"
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	switch found := status.FindString(err.Error()); {
	case errors.As(err, &dns):
		reason = "its host name is not known"
	case errors.As(err, &timeout) && timeout.Timeout():
		reason = "it does not answer in time"
	case errors.As(err, &op):
		reason = "it cannot be reached"
	case strings.Contains(err.Error(), "x509:"):
		reason = "its certificate is not trusted"
	case found != "":
		reason = "it answers with status " + found
	}
	return fmt.Errorf("fetch it from %q: %s", repository, reason)
}
