package measure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// Stage is a case whose old side is installed, for somebody who goes on by hand.
type Stage struct {
	b         *Bench
	c         Case
	way       Way
	namespace string
	record    *recorder
	running   bool
	path      string
}

// Stage brings about the old side of a case in a namespace of its own. Whoever calls it must call Leave.
func (b *Bench) Stage(ctx context.Context, c Case, way Way, namespace string) (*Stage, error) {
	s := &Stage{b: b, c: c, way: way, namespace: namespace, record: b.watch.record(b.namespacesOf(c, namespace))}
	var err error
	if s.path, err = b.programs(way, namespace); err != nil {
		return s, err
	}
	_, s.running, err = b.begin(ctx, c, way, namespace, s.record)
	return s, err
}

// Leave ends what Stage has begun, and leaves the namespace as it is.
func (s *Stage) Leave() { s.b.watch.forget(s.b.namespacesOf(s.c, s.namespace)) }

// programs makes a folder in which kubectl and the Helm of a way have the names that people type.
func (b *Bench) programs(way Way, namespace string) (string, error) {
	dir := filepath.Join(b.home, "programs", namespace)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	kubectl := filepath.Join(filepath.Dir(way.Upgrade), "kubectl-"+lab.Version)
	for name, program := range map[string]string{"helm": way.Upgrade, "kubectl": kubectl} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// Shell runs a command as somebody does who pastes it into a shell, as an administrator whose namespace is
// "default".
func (s *Stage) Shell(ctx context.Context, command string) error {
	cmd := s.b.command(ctx, "sh", "-e", "-c", command)
	cmd.Env = append(cmd.Env, "PATH="+s.path+string(filepath.ListSeparator)+os.Getenv("PATH"))
	if _, err := output(cmd); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// Settle waits until nothing happens any more.
func (s *Stage) Settle(ctx context.Context) error {
	s.b.lab.Rediscover()
	return s.b.watch.settle(ctx, s.b.namespacesOf(s.c, s.namespace), s.record, s.running)
}

// Upgrade makes the upgrade, with further arguments, and waits until nothing happens any more.
func (s *Stage) Upgrade(ctx context.Context, args ...string) error {
	all := append([]string{"upgrade", Release, s.c.NewChart, "--namespace", s.namespace}, s.c.NewArgs...)
	if _, err := s.b.helm(ctx, s.way.Upgrade, append(all, args...)...); err != nil {
		return fmt.Errorf("helm upgrade: %w", err)
	}
	return s.Settle(ctx)
}

// Held returns by kind, in lower case, the UIDs of what must not be lost: of pods, and of claims with the
// names of their volumes.
func (s *Stage) Held(ctx context.Context) (map[string][]string, error) {
	held := map[string][]string{}
	pods, err := s.b.core.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if p := &pods.Items[i]; p.DeletionTimestamp == nil {
			held["pods"] = append(held["pods"], p.Name+" "+string(p.UID))
		}
	}
	claims, err := s.b.core.CoreV1().PersistentVolumeClaims(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range claims.Items {
		if p := &claims.Items[i]; p.DeletionTimestamp == nil {
			held["claims"] = append(held["claims"], p.Name+" "+string(p.UID)+" "+p.Spec.VolumeName)
		}
	}
	return held, nil
}

// Mend has the upgrade made with another chart.
func (s *Stage) Mend(chart string) { s.c.NewChart = chart }
