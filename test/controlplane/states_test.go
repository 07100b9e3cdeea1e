package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
	"github.com/safe-diff/helm-safe-diff/test/remedy"
)

// A Deployment with an image and a label that its selector asks for, and a hook for an
// event that never ends.
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
metadata: {name: wait, annotations: {helm.sh/hook: %s}}
spec:
  template:
    metadata: {annotations: {lab/forever: "true"}}
    spec: {restartPolicy: Never, containers: [{name: wait, image: wait}]}
`
)

// TestReleaseStates judges upgrades of releases whose last revision failed, or was
// never finished since somebody has killed Helm, and makes them.
func TestReleaseStates(t *testing.T) {
	l := startLab(t, program)
	for i, way := range ways() {
		t.Run(way.Name, func(t *testing.T) {
			t.Parallel()
			s := &states{t: t, lab: l, way: way, namespace: fmt.Sprint("states-", i)}
			sound := s.chart("1.0.0", fmt.Sprintf(webOf, "web:1", "web"))
			refused := s.chart("2.0.0", fmt.Sprintf(webOf, "web:2", "other"))
			hanging := s.chart("3.0.0", fmt.Sprintf(webOf, "web:3", "web")+fmt.Sprintf(endless, "pre-upgrade"))
			other := s.chart("4.0.0", fmt.Sprintf(webOf, "web:4", "web"))

			s.must(way.Install, "install", measure.Release, sound, "--create-namespace", "--wait")
			if _, err := s.run(way.Upgrade, "upgrade", measure.Release, refused); err == nil {
				t.Fatal("Helm makes an upgrade that changes a selector")
			}
			s.holdFailed(other)
			s.must(way.Upgrade, "upgrade", measure.Release, other, "--wait")
			s.kill(way.Upgrade, "upgrade", measure.Release, hanging)
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

// kill runs Helm and kills it when its hook runs that never ends.
func (s *states) kill(helm string, args ...string) {
	s.t.Helper()
	client, err := kubernetes.NewForConfig(s.lab.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := s.command(helm, args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for err = context.Canceled; err != nil && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		_, err = client.BatchV1().Jobs(s.namespace).Get(ctx, "wait", metav1.GetOptions{})
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		s.t.Fatalf("wait for the hook of helm %s: %v", args, err)
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

// A broken is a release that somebody has left half done.
type broken struct {
	state string
	// bring brings it about, with charts that hold webOf with one image or the other.
	bring func(s *states)
	// helm is why Helm refuses an upgrade, and said why the program does; "" if they
	// do not.
	helm, said string
	// then is what Helm does with the release after all; nil for what the program advises. fate is
	// what becomes of the Deployment.
	then []string
	fate string
}

// web returns a chart of a Deployment, and of a hook that never ends, unless it is for
// no event.
func (s *states) web(version, event string) string {
	text := fmt.Sprintf(webOf, "web:"+version, "web")
	if event != "" {
		text += fmt.Sprintf(endless, event)
	}
	return s.chart(version+".0.0", text)
}

func brokenReleases() []broken {
	const busy = "another operation (install/upgrade/rollback) is in progress"
	return []broken{
		{
			state: "pending-install",
			bring: func(s *states) {
				s.kill(s.way.Install, "install", measure.Release, s.web("1", "post-install"), "--create-namespace")
			},
			helm: busy,
			said: "revision 1 is in status pending-install: another operation is in progress\nhint: wait until it ends; if it was killed, `helm uninstall ",
			fate: "deleted",
		},
		{
			state: "pending-upgrade",
			bring: func(s *states) {
				s.must(s.way.Install, "install", measure.Release, s.web("1", ""), "--create-namespace")
				s.kill(s.way.Upgrade, "upgrade", measure.Release, s.web("2", "post-upgrade"))
			},
			helm: busy,
			said: "revision 2 is in status pending-upgrade: another operation is in progress\nhint: wait until it ends; if it was killed, `helm rollback ",
			fate: "changed",
		},
		{
			state: "pending-rollback",
			bring: func(s *states) {
				s.must(s.way.Install, "install", measure.Release, s.web("1", "pre-rollback"), "--create-namespace")
				s.must(s.way.Upgrade, "upgrade", measure.Release, s.web("2", ""))
				s.kill(s.way.Upgrade, "rollback", measure.Release, "1")
			},
			helm: busy,
			said: "revision 3 is in status pending-rollback: another operation is in progress\nhint: wait until it ends; if it was killed, `helm rollback ",
			fate: "as it was",
		},
		{
			state: "uninstalling",
			bring: func(s *states) {
				s.must(s.way.Install, "install", measure.Release, s.web("1", ""), "--create-namespace")
				s.must(s.way.Upgrade, "upgrade", measure.Release, s.web("2", "post-delete"))
				s.kill(s.way.Upgrade, "uninstall", measure.Release)
			},
			helm: "has no deployed releases",
			said: "no revision of it is deployed; the last one, 2, is in status uninstalling\nhint: wait until it ends; if it was killed, `helm uninstall ",
			then: []string{"rollback", measure.Release}, fate: "created",
		},
		{
			state: "failed",
			bring: func(s *states) {
				chart := s.chart("1.0.0", strings.Replace(fmt.Sprintf(webOf, "web:1", "web"), "labels: {app: web}", "labels: {app: other}", 1))
				if _, err := s.run(s.way.Install, "install", measure.Release, chart, "--create-namespace"); err == nil {
					s.t.Fatal("Helm installs a Deployment that does not select its own pods")
				}
			},
			then: []string{"upgrade", measure.Release, "CHART"}, fate: "created",
		},
	}
}

// TestBrokenReleases holds what the program says of releases that somebody has left half
// done against what Helm does with them.
func TestBrokenReleases(t *testing.T) {
	l := startLab(t, program)
	for i, way := range ways() {
		for _, b := range brokenReleases() {
			t.Run(b.state+", "+way.Name, func(t *testing.T) {
				t.Parallel()
				s := &states{t: t, lab: l, way: way, namespace: fmt.Sprint(b.state, "-", i)}
				b.bring(s)
				if out, err := s.run(way.Upgrade, "status", measure.Release); err != nil || !strings.Contains(out, "STATUS: "+b.state+"\n") {
					t.Fatalf("the release is not %s (%v):\n%s", b.state, err, out)
				}
				chart := s.web("4", "")
				if b.helm != "" {
					s.holdRefused(b, "upgrade", measure.Release, chart)
					said := s.holdRefused(b, "upgrade", "--install", measure.Release, chart)
					if len(b.then) == 0 {
						b.then = s.advised(said)
					}
				}
				if b.then[len(b.then)-1] == "CHART" {
					b.then[len(b.then)-1] = chart
				}
				s.holdMade(b)
			})
		}
	}
}

// holdRefused runs a command that Helm refuses, and returns what the program says of it.
func (s *states) holdRefused(b broken, args ...string) string {
	s.t.Helper()
	helm, err1 := s.run(s.way.Upgrade, args...)
	said, err2 := s.run(*program, args...)
	if err1 == nil || err2 == nil || !strings.Contains(helm, b.helm) || !strings.Contains(said, b.said) {
		s.t.Errorf("of %s, Helm says\n%s\nand the program\n%s", args[:2], helm, said)
	}
	return said
}

// advised returns the arguments of the one Helm command in a hint.
func (s *states) advised(said string) []string {
	s.t.Helper()
	_, hint, _ := strings.Cut(said, "hint: ")
	steps := remedy.Read(hint)
	if len(steps.Before) != 1 || !strings.HasPrefix(steps.Before[0], "helm ") {
		s.t.Fatalf("the hint has not one command: %s", hint)
	}
	return strings.Fields(steps.Before[0])[1:]
}

// holdMade judges a command that Helm does not refuse, and makes it.
func (s *states) holdMade(b broken) {
	s.t.Helper()
	cmd := s.command(*program, append(slices.Clone(b.then), "--output", "json")...)
	out, _ := cmd.Output()
	set, err := readReport(string(out))
	if err != nil || cmd.ProcessState.ExitCode() == change.ExitError {
		s.t.Fatalf("read the report: %v\n%s", err, out)
	}
	said := "as it was"
	for i := range set.Changes {
		if c := &set.Changes[i]; c.Ref.Kind == "Deployment" && c.Outcome.Changed {
			said = map[change.Op]string{change.Create: "created", change.Update: "changed", change.Delete: "deleted"}[c.Op]
		}
	}
	before := s.deployment()
	s.must(s.way.Upgrade, b.then...)
	happened := "as it was"
	switch after := s.deployment(); {
	case before == nil && after != nil:
		happened = "created"
	case before != nil && after == nil:
		happened = "deleted"
	case before != nil && before.Generation != after.Generation:
		happened = "changed"
	}
	if said != b.fate || happened != b.fate {
		s.t.Errorf("of the Deployment the program says that it is %s by %s, it is %s, and should be %s:\n%s", said, b.then[0], happened, b.fate, out)
	}
}

// deployment returns the Deployment of the release, nil if there is none.
func (s *states) deployment() *appsv1.Deployment {
	s.t.Helper()
	client, err := kubernetes.NewForConfig(s.lab.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := client.AppsV1().Deployments(s.namespace).Get(s.t.Context(), "web", metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		s.t.Fatal(err)
	}
	return d
}
