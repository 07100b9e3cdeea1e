package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// What a run writes may lie in a repository of which every file, and every link, comes
// from a pull request. So no link is followed, no file is opened that was there before,
// and a file of that name never outlives a run that has failed.

// deliver writes each report to its place, stdout last. All drafts are complete before
// the first is renamed, so that no reader sees half a file.
func (a *app) deliver(outputs []output, pages [][]byte) error {
	places := map[string]string{} // by draft
	defer func() {
		for draft := range places {
			// Those that were renamed are not there any more.
			_ = os.Remove(draft)
		}
	}()
	for i, o := range outputs {
		if o.file == "" {
			continue
		}
		if !replaceable(o.file) {
			if err := os.WriteFile(o.file, pages[i], 0o644); err != nil { //nolint:gosec // a report is for others to read
				return fmt.Errorf("write report: %w", err)
			}
			continue
		}
		draft, err := writeDraft(o.file, pages[i])
		places[draft] = o.file
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	for draft, place := range places {
		if err := os.Rename(draft, place); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	for i, o := range outputs {
		if o.file == "" {
			return a.write(pages[i])
		}
	}
	return nil
}

// writeDraft writes a new file beside a place and returns its name.
func writeDraft(place string, content []byte) (string, error) {
	draft, err := createBeside(place)
	if err != nil {
		return "", err
	}
	_, err = draft.Write(content)
	return draft.Name(), errors.Join(err, draft.Close())
}

// createBeside creates a file in the folder of another one. Unlike one of os.CreateTemp
// it can be read by others, as far as the umask allows: a report is for them.
func createBeside(place string) (*os.File, error) {
	for {
		name := place + "." + strconv.FormatUint(rand.Uint64(), 36) + ".tmp"     //nolint:gosec // O_EXCL refuses a name that was guessed
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a report is for others to read
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
}

// discard removes the files that the command line asks a command to write, after the
// command has failed: one that was committed under that name would be taken for its
// report. Flags that are not valid name no file.
func (a *app) discard() {
	if a.command == nil {
		return
	}
	var files []string
	if flag := a.command.Flags().Lookup("output"); flag != nil {
		values, is := flag.Value.(pflag.SliceValue)
		if !is {
			return
		}
		outputs, err := parseOutputs(values.GetSlice(), a.formats())
		if err != nil {
			return
		}
		for _, o := range outputs {
			files = append(files, o.file)
		}
	}
	if flag := a.command.Flags().Lookup("out"); flag != nil && checkPlace(flag.Value.String()) == nil {
		files = append(files, flag.Value.String())
	}
	for _, file := range files {
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() {
			if err := os.Remove(file); err != nil {
				a.say("warning: %s is not of this run, and cannot be removed: %v", file, err)
			}
		}
	}
}

// replaceable reports whether a file is written by renaming another one to it: not so a
// device, a pipe, or a name of one that the system has, such as /dev/stdout.
func replaceable(file string) bool {
	info, err := os.Lstat(file)
	return err != nil || info.Mode().IsRegular()
}

// checkPlace returns why a file cannot be written, as far as that can be known before.
// "" stands for stdout.
func checkPlace(file string) error {
	if file == "" {
		return nil
	}
	file = filepath.Clean(file)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return errors.New("it is a directory")
	}
	if link := linkIn(file); link != "" {
		return fmt.Errorf("%q is a link, and reports are not written through links", link)
	}
	if !replaceable(file) {
		return nil
	}
	probe, err := createBeside(file)
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			return fmt.Errorf("no file can be made in %q: %w", filepath.Dir(file), at.Err)
		}
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// linkIn returns the first part of a path that is a link and may come out of a
// repository, "" if there is none: the file itself, and the folders of a relative path
// or below the top of the repository. Others, such as /tmp on macOS, are the system's.
func linkIn(file string) string {
	slashed := filepath.ToSlash(file)
	if strings.HasPrefix(slashed, "/dev/") || strings.HasPrefix(slashed, "/proc/self/fd/") {
		return ""
	}
	var folders []string
	for dir := filepath.Dir(file); dir != filepath.Dir(dir) && dir != "."; dir = filepath.Dir(dir) {
		folders = append(folders, dir)
	}
	slices.Reverse(folders)
	inside := !filepath.IsAbs(file)
	top := repositoryTop()
	for _, dir := range append(folders, file) {
		info, err := os.Lstat(dir)
		if err != nil {
			return ""
		}
		if info.Mode()&fs.ModeSymlink != 0 && (inside || dir == file) {
			return dir
		}
		inside = inside || top != nil && os.SameFile(info, top)
	}
	return ""
}

// repositoryTop returns the nearest folder above that holds .git; the working folder if
// there is none.
func repositoryTop() fs.FileInfo {
	here, err := os.Getwd()
	if err != nil {
		return nil
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			info, _ := os.Stat(dir)
			return info
		}
		if dir == filepath.Dir(dir) {
			info, _ := os.Stat(here)
			return info
		}
	}
}
