package helm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
)

// PostRenderer names a program that changes what a chart rendered: an executable
// (Helm 3) or a plugin of the type postrenderer/v1 (Helm 4).
type PostRenderer struct {
	Name string
	Args []string
}

// executable is a post-renderer of Helm 3.
type executable struct {
	name   string
	path   string
	args   []string
	stderr io.Writer
	done   context.Context //nolint:containedctx // of the work that it is a part of
}

func findExecutable(ctx context.Context, c *Client, p PostRenderer) (*executable, error) {
	path, err := exec.LookPath(p.Name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, err
	}
	return &executable{p.Name, path, p.Args, c.Stderr, ctx}, nil
}

// Run runs the program. What it prints on stderr goes to the user as it is; the
// error does not repeat it.
func (e *executable) Run(in *bytes.Buffer) (*bytes.Buffer, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(e.done, e.path, e.args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, e.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run post-renderer %q: %w", e.name, err)
	}
	return &out, nil
}
