package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// fileSet is one side of rendered manifests.
type fileSet struct {
	name  string
	files []manifestFile
}

type manifestFile struct {
	name string // as the user can find it
	rel  string // inside the directory; "" for a side that is one file
	text string
}

// readFiles reads a file, a directory or stdin.
func (a *app) readFiles(name string) (fileSet, error) {
	if name == "-" {
		text, err := a.readStdin()
		return fileSet{"stdin", []manifestFile{{name: "stdin", text: string(text)}}}, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return fileSet{}, fmt.Errorf("read manifests %q: %w", name, err)
	}
	if info.IsDir() {
		return readDirectory(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return fileSet{}, fmt.Errorf("read manifests %q: %w", name, err)
	}
	return fileSet{name, []manifestFile{{name: name, text: string(text)}}}, nil
}

// readDirectory reads all manifest files below dir, in the order of their names.
func readDirectory(dir string) (fileSet, error) {
	set := fileSet{name: dir}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return set, fmt.Errorf("read manifests %q: %w", dir, err)
	}
	var paths []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return set, fmt.Errorf("read manifests %q: %w", dir, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return set, fmt.Errorf("read manifests %q: %w", dir, err)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return set, fmt.Errorf("read manifests %q: %w", dir, err)
		}
		set.files = append(set.files, manifestFile{filepath.Join(dir, rel), filepath.ToSlash(rel), string(text)})
	}
	if len(set.files) == 0 {
		return set, fmt.Errorf("read manifests %q: there is no .yaml, .yml or .json file in it", dir)
	}
	return set, nil
}

// manifest returns the side as one stream. Files of a directory are told apart
// by the comment that Helm writes above each template.
func (s fileSet) manifest() safediff.Manifest {
	if len(s.files) == 1 && s.files[0].rel == "" {
		return safediff.Manifest{Name: s.name, Text: s.files[0].text}
	}
	var b strings.Builder
	for _, f := range s.files {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s", f.rel, strings.TrimPrefix(f.text, "\ufeff"))
		if !strings.HasSuffix(f.text, "\n") {
			b.WriteByte('\n')
		}
	}
	return safediff.Manifest{Name: s.name, Text: b.String()}
}

// blame returns err with the place of a broken document counted in its file. The
// place in the stream that the files of a directory make is of no use to anybody.
func blame(err error, sides ...fileSet) error {
	var syntax *manifest.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	for _, side := range sides {
		if side.name != syntax.At.File || len(side.files) == 1 && side.files[0].rel == "" {
			continue
		}
		for _, f := range side.files {
			if err := check(f); err != nil {
				return err
			}
		}
	}
	return err
}

// check returns why a file cannot be read, if so.
func check(f manifestFile) error {
	objects, err := manifest.Parse(f.text, manifest.Options{File: f.name})
	if err != nil {
		return err
	}
	for _, o := range objects {
		if _, err := o.Value(); err != nil {
			return err
		}
	}
	return nil
}
