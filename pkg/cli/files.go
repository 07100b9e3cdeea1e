package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	at   string // where annotations are to show it, if that is not its name
}

// readFiles reads a file, a directory or stdin. Nothing on stdin or in a pipe is an
// error: the program that should have written there has failed.
func (a *app) readFiles(name string) (fileSet, error) { return a.readSide(name, false) }

// readSide is readFiles, which allows an empty stdin if it is told so.
func (a *app) readSide(name string, allowEmpty bool) (fileSet, error) {
	if name == "-" {
		text, err := a.readStdin()
		if err == nil && !allowEmpty && blank(text) {
			err = &emptyError{"stdin"}
		}
		return fileSet{"stdin", []manifestFile{{name: "stdin", text: string(text)}}}, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return fileSet{}, fmt.Errorf("read manifests %q: %w", name, err)
	}
	if info.IsDir() {
		return readDirectory(name)
	}
	text, err := readText(name)
	if err != nil {
		return fileSet{}, fmt.Errorf("read manifests %q: %w", name, err)
	}
	if !allowEmpty && isStream(name, info) && blank([]byte(text)) {
		return fileSet{}, &emptyError{name}
	}
	return fileSet{name, []manifestFile{{name: name, text: text}}}, nil
}

// readText reads a file. Manifests can be large, so they are not held a second time as
// bytes.
func readText(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	var text strings.Builder
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		text.Grow(int(info.Size()))
	}
	_, err = io.Copy(&text, file)
	return text.String(), err
}

// isStream reports whether what is read is what some program writes: a pipe, such as a
// shell makes for <(…), or stdin by its name.
func isStream(name string, info fs.FileInfo) bool {
	return info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0 || slices.Contains([]string{"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}, name)
}

func blank(text []byte) bool {
	return len(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))) == 0
}

// emptyError says that there was nothing to read where a program should have written.
type emptyError struct{ name string }

func (e *emptyError) Error() string {
	return fmt.Sprintf("read manifests from %s: it is closed or empty", e.name)
}

// Hint says what to do about it.
func (*emptyError) Hint() string {
	return "did the command that writes there fail? (set -o pipefail); `manifests` takes nothing for no objects with --allow-empty"
}

// isManifest reports whether kubectl takes a file of a directory for one with manifests
// (FileExtensions in k8s.io/cli-runtime/pkg/resource).
func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
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
		if err == nil && !entry.IsDir() && isManifest(path) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return set, fmt.Errorf("read manifests %q: %w", dir, err)
	}
	for _, path := range paths {
		text, err := readText(path)
		if err != nil {
			return set, fmt.Errorf("read manifests %q: %w", dir, err)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return set, fmt.Errorf("read manifests %q: %w", dir, err)
		}
		set.files = append(set.files, manifestFile{name: filepath.Join(dir, rel), rel: filepath.ToSlash(rel), text: text})
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
