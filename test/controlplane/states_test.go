package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
)

// A Deployment with an image and a label that its selector asks for, and a hook that
// never ends.
const (
	webOf = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec: {containers: [{name: web, image: "%[1]s"}]}
`
	endless = `---
apiVersion: batch/v1
kind: Job
metadata: {name: wait, annotations: {helm.sh/hook: pre-upgrade}}
spec:
  template:
    metadata: {annotations: {lab/forever: "true"}}
    spec: {restartPolicy: Never, containers: [{name: wait, image: wait}]}
`
)

// TestReleaseStates judges upgrades of releases whose last revision failed, or was
// never finished since somebody has killed Helm, and makes them.
func TestReleaseStates(t *testing.T) {
	if *bin == "" || *program == "" {
		t.Fatal("run `make test-cluster`, which builds the control plane and the program first")
	}
	l, err := lab.Start(t.Context(), *bin, filepath.Join(t.TempDir(), "lab"))
	t.Cleanup(l.Stop)
	if err != nil {
		t.Fatal(err)
	}
	for i, way := range ways() {
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			s := &states{t: t, lab: l, way: way, namespace: fmt.Sprint("states-", i)}
			sound := s.chart("1.0.0", fmt.Sprintf(webOf, "web:1", "web"))
			refused := s.chart("2.0.0", fmt.Sprintf(webOf, "web:2", "other"))
			hanging := s.chart("3.0.0", fmt.Sprintf(webOf, "web:3", "web")+endless)
			other := s.chart("4.0.0", fmt.Sprintf(webOf, "web:4", "web"))

			s.must(way.Install, "install", measure.Release, sound, "--create-namespace", "--wait")
			if _, err := s.run(way.Upgrade, "upgrade", measure.Release, refused); err == nil {
				t.Fatal("Helm makes an upgrade that changes a selector")
			}
			s.holdFailed(other)
			s.must(way.Upgrade, "upgrade", measure.Release, other, "--wait")
			s.kill(4, "upgrade", measure.Release, hanging)
			s.holdPending(other)
		})
	}
}

type states struct {
	t         *testing.T
	lab       *lab.Lab
	way       measure.Way
	namespace string
}

func (s *states) chart(version, manifest string) string {
	path, err := measure.Chart(filepath.Join(s.t.TempDir(), "chart"), version, manifest)
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *states) command(program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.t.Context(), program, append(args, "--namespace", s.namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.lab.Kubeconfig, "HOME="+s.t.TempDir(), "HELM_BIN="+s.way.Upgrade)
	return cmd
}

// run returns all that a program prints.
func (s *states) run(program string, args ...string) (string, error) {
	out, err := s.command(program, args...).CombinedOutput()
	return string(out), err
}

func (s *states) must(program string, args ...string) {
	s.t.Helper()
	if out, err := s.run(program, args...); err != nil {
		s.t.Fatalf("helm %s: %v\n%s", args, err, out)
	}
}

// kill runs Helm and kills it when its record of a revision is there.
func (s *states) kill(revision int, args ...string) {
	s.t.Helper()
	client, err := kubernetes.NewForConfig(s.lab.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := s.command(s.way.Upgrade, args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	name := fmt.Sprintf("sh.helm.release.v1.%s.v%d", measure.Release, revision)
	for err = context.Canceled; err != nil && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		_, err = client.CoreV1().Secrets(s.namespace).Get(ctx, name, metav1.GetOptions{})
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		s.t.Fatalf("wait for revision %d: %v", revision, err)
	}
}

// holdFailed judges an upgrade behind a revision that failed: the one before it is
// what the upgrade starts from, and since the cluster was asked nothing is open.
func (s *states) holdFailed(chart string) {
	s.t.Helper()
	cmd := s.command(*program, "upgrade", measure.Release, chart, "--output", "json")
	out, _ := cmd.Output()
	var said struct {
		Release   struct{ Revision int }
		Unchecked []any
	}
	if err := json.Unmarshal(out, &said); err != nil {
		s.t.Fatalf("read the report: %v\n%s", err, out)
	}
	if code := cmd.ProcessState.ExitCode(); code != change.ExitRisky || said.Release.Revision != 1 || len(said.Unchecked) > 0 {
		s.t.Errorf("behind a failed revision, the program ends with %d and says\n%s", code, out)
	}
}

// holdPending judges an upgrade while Helm believes that another one runs: both must
// refuse it, and the program says what to do.
func (s *states) holdPending(chart string) {
	s.t.Helper()
	helm, err1 := s.run(s.way.Upgrade, "upgrade", measure.Release, chart)
	said, err2 := s.run(*program, "upgrade", measure.Release, chart)
	if err1 == nil || err2 == nil || !strings.Contains(helm, "another operation (install/upgrade/rollback) is in progress") ||
		!strings.Contains(said, "revision 4 is in status pending-upgrade: another operation is in progress\nhint: wait until it ends") {
		s.t.Errorf("behind a pending revision, Helm says\n%s\nand the program\n%s", helm, said)
	}
}
