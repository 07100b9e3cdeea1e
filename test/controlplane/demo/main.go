// Command demo leaves a small Kubernetes cluster running on this machine, with a
// release in it to try helm-safe-diff on: `make demo-cluster`, and
// `make stop-demo-cluster` to end it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

func main() {
	bin := flag.String("bin", "", "folder of the control plane's programs")
	charts := flag.String("charts", "", "folder of the shipped charts")
	program := flag.String("program", "", "the built helm-safe-diff")
	stop := flag.Bool("stop", false, "end the cluster")
	flag.Parse()
	if err := run(*bin, *charts, *program, *stop); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(bin, charts, program string, stop bool) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	dir := filepath.Join(cache, "helm-safe-diff", "demo-cluster")
	if err := end(dir); err != nil || stop {
		return err
	}
	l, err := lab.Start(context.Background(), bin, dir)
	if err == nil {
		err = errors.Join(remember(dir, l.Processes()), install(filepath.Join(bin, "helm-v3.22.0"), charts, l.Kubeconfig))
	}
	if err != nil {
		l.Stop()
		return err
	}
	fmt.Printf(`
Kubernetes %s is running, and release shop 1.4.2 is installed in namespace prod.
Pods become ready, but no container runs. Try:

  export KUBECONFIG=%s
  %s upgrade shop %s --namespace prod

With the plugin installed (make install) that is "helm safe-diff upgrade …".
"make stop-demo-cluster" ends the cluster.
`, lab.Version, l.Kubeconfig, program, filepath.Join(charts, "shop", "2.0.0"))
	return nil
}

func install(helm, charts, kubeconfig string) error {
	cmd := exec.CommandContext(context.Background(), helm, "install", "shop", filepath.Join(charts, "shop", "1.4.2"), "--namespace", "prod", "--create-namespace")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install release shop: %w\n%s", err, out)
	}
	return nil
}

func remember(dir string, processes []int) error {
	var b strings.Builder
	for _, id := range processes {
		fmt.Fprintln(&b, id)
	}
	return os.WriteFile(filepath.Join(dir, "processes"), []byte(b.String()), 0o600)
}

// end ends the cluster that an earlier run has left, if any.
func end(dir string) error {
	list, err := os.ReadFile(filepath.Join(dir, "processes"))
	if err != nil {
		return nil // there is none
	}
	for line := range strings.Lines(string(list)) {
		id, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(dir, "processes"), err)
		}
		if ours(id, dir) {
			_ = syscall.Kill(id, syscall.SIGKILL)
		}
	}
	return os.RemoveAll(dir)
}

// ours guards against a process that has got the number of one of ours since.
func ours(id int, dir string) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
	return err != nil || strings.Contains(string(args), dir)
}
