// Command notices tells what is linked into a program: the licences of its modules in one
// text, as they ask to be passed on, and an SPDX 2.3 list of them.
//
//	go run ./hack/notices -notices FILE -sbom FILE -version 0.1.0 -created TIME PROGRAM
//
// Both files depend on the program, its version and the time alone.
package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

func main() {
	notices := flag.String("notices", "", "`file` for the licences")
	sbom := flag.String("sbom", "", "`file` for the SPDX list")
	version := flag.String("version", "", "version of the program")
	created := flag.String("created", "", "time of the list, such as 2026-11-30T00:00:00Z")
	flag.Parse()
	if err := run(flag.Arg(0), *version, *created, *notices, *sbom); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// run writes both files about a program.
func run(program, version, created, notices, sbom string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	modules, err := linked(info)
	if err != nil {
		return err
	}
	if err := write(notices, func(w io.Writer) error { return writeNotices(w, modules) }); err != nil {
		return err
	}
	return write(sbom, func(w io.Writer) error { return writeSPDX(w, info.Main.Path, version, created, modules) })
}

func write(file string, to func(io.Writer) error) error {
	var text bytes.Buffer
	if err := to(&text); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644) //nolint:gosec // it goes into an archive that everybody reads
}

// module is a module that is linked into the program.
type module struct {
	path, version, sum string
	licence            string // an SPDX expression; NOASSERTION if it is not known
	texts              []text
}

// text is a file that a module wants to be passed on.
type text struct{ name, text string }

// linked returns the modules of a program with their licences, Go's own library first. It
// fails if one of them has no licence: such a module must not be passed on.
func linked(info *buildinfo.BuildInfo) ([]module, error) {
	dirs, err := folders(info.Deps)
	if err != nil {
		return nil, err
	}
	root, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go's own library: %w", err)
	}
	modules := []module{{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}}
	at := []string{strings.TrimSpace(string(root))}
	for _, dep := range info.Deps {
		from := dep
		if dep.Replace != nil {
			from = dep.Replace
		}
		modules = append(modules, module{path: dep.Path, version: from.Version, sum: from.Sum})
		at = append(at, dirs[from.Path+"@"+from.Version])
	}
	for i := range modules {
		m := &modules[i]
		if m.texts, m.licence, err = licences(at[i]); err != nil {
			return nil, fmt.Errorf("read the licence of %s %s: %w", m.path, m.version, err)
		}
	}
	return modules, nil
}

// folders returns where the module cache has the modules, by PATH@VERSION.
func folders(deps []*debug.Module) (map[string]string, error) {
	args := append(make([]string, 0, 3+len(deps)), "mod", "download", "-json")
	for _, dep := range deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		args = append(args, dep.Path+"@"+dep.Version)
	}
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("find the modules of the program: %w", err)
	}
	dirs := map[string]string{}
	for found := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version, Dir string }
		if err := found.Decode(&m); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path+"@"+m.Version] = m.Dir
	}
}

// licences reads the licences and notices in a module's folder.
func licences(dir string) ([]text, string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, "", err
	}
	var texts []text
	var ids []string
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		isLicence := strings.HasPrefix(upper, "LICENSE") || strings.HasPrefix(upper, "LICENCE") || strings.HasPrefix(upper, "COPYING")
		if e.IsDir() || !isLicence && !strings.HasPrefix(upper, "NOTICE") || strings.HasSuffix(upper, ".GO") {
			continue
		}
		read, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, "", err
		}
		texts = append(texts, text{e.Name(), string(read)})
		if isLicence {
			for _, match := range licensecheck.Scan(read).Match {
				ids = append(ids, match.ID)
			}
		}
	}
	if len(texts) == 0 {
		return nil, "", errors.New("there is none")
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return texts, "NOASSERTION", nil
	}
	return texts, strings.Join(ids, " AND "), nil
}

// writeNotices writes each text once, below the modules that it is of.
func writeNotices(w io.Writer, modules []module) error {
	of := map[string][]string{}
	var texts []string
	for _, m := range modules {
		for _, t := range m.texts {
			if of[t.text] == nil {
				texts = append(texts, t.text)
			}
			of[t.text] = append(of[t.text], fmt.Sprintf("%s %s (%s)", m.path, m.version, t.name))
		}
	}
	var all strings.Builder
	fmt.Fprintf(&all, "helm-safe-diff contains the %d modules below, each under its own licence.\n", len(modules))
	for _, t := range texts {
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(of[t], "\n"), strings.TrimSpace(t))
	}
	_, err := io.WriteString(w, all.String())
	return err
}
