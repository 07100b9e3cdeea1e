package measure

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// helm runs a Helm of the lab, with a home of its own. An error is what it says.
func (b *Bench) helm(ctx context.Context, program string, args ...string) (string, error) {
	return output(b.command(ctx, program, args...))
}

func (b *Bench) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+b.lab.Kubeconfig, "HOME="+b.home, "HELM_DATA_HOME="+filepath.Join(b.home, "data"),
		"HELM_CONFIG_HOME="+filepath.Join(b.home, "config"), "HELM_CACHE_HOME="+filepath.Join(b.home, "cache"), "HELM_BURST_LIMIT=1000", "HELM_QPS=500",
		"GOGC=400") // it is over before its garbage is worth collecting
	return cmd
}

// output returns what a command prints; codes are exit codes that are no error.
func output(cmd *exec.Cmd, codes ...int) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) && slices.Contains(codes, exit.ExitCode()) {
		return stdout.String(), nil
	}
	return "", errors.New(strings.TrimSpace(stderr.String()))
}
