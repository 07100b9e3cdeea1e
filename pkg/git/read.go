package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Read returns files of a commit, nil for each missing file. The names are slash-separated
// paths from the top. Links are followed, also through folders, but not out of the commit:
// that is an error, and so is a name that is not a file.
func (r *Repository) Read(ctx context.Context, commit string, names []string) ([][]byte, error) {
	var wanted bytes.Buffer
	for _, name := range names {
		line, err := asked(commit, name)
		if err != nil {
			return nil, err
		}
		wanted.WriteString(line)
	}
	out, err := r.run(ctx, wanted.Bytes(), "cat-file", "--batch", "--follow-symlinks")
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(names))
	for i, name := range names {
		if contents[i], out, err = next(out); err != nil {
			return nil, fmt.Errorf("read %q out of git (commit %.12s): %w", name, commit, err)
		}
	}
	return contents, nil
}

// next takes the first answer from the output of `git cat-file --batch --follow-symlinks`.
// An answer is "OBJECT TYPE SIZE", or "WHY SIZE" for a link whose target is missing, each
// followed by that many bytes; or it is one line (git-cat-file(1), "BATCH OUTPUT"). nil
// means that there is no such file.
func next(out []byte) (content, rest []byte, err error) {
	line, rest, _ := bytes.Cut(out, []byte("\n"))
	head := string(line)
	if absent(head) {
		return nil, rest, nil
	}
	fields := strings.Fields(head)
	size := -1
	if len(fields) > 0 {
		if n, err := strconv.Atoi(fields[len(fields)-1]); err == nil {
			size = n
		}
	}
	if size < 0 || size >= len(rest) {
		return nil, nil, fmt.Errorf("git answers %q", head)
	}
	content, rest = rest[:size:size], rest[size+1:]
	if len(fields) == 3 && fields[1] == "blob" {
		return content, rest, nil
	}
	return nil, rest, unsuitable(fields, "file")
}

// asked is the request to `git cat-file --batch` for a path of a commit.
func asked(commit, name string) (string, error) {
	if strings.Contains(name, "\n") {
		return "", fmt.Errorf("read %q out of git: its path has a line break", name)
	}
	return commit + ":" + name + "\n", nil
}

// absent reports whether git answers that there is nothing at a path, or another
// repository.
func absent(head string) bool {
	return strings.HasSuffix(head, " missing") || strings.HasSuffix(head, " submodule")
}

// unsuitable says why the answer of git is not what was wanted, such as a "file"; nil if
// there is nothing at the path.
func unsuitable(fields []string, wanted string) error {
	switch {
	case len(fields) == 3:
		return fmt.Errorf("it is a %s, not a %s", fields[1], wanted)
	case fields[0] == "symlink":
		return errors.New("it is a link that leads out of the repository")
	case fields[0] == "loop":
		return errors.New("its links lead in a circle")
	default: // dangling, notdir
		return nil
	}
}
