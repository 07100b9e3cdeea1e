package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// TestEvictions asks a real API server to evict a pod, as a drain does, under disruption
// budgets of which the program says that they let none be evicted, and under others.
func TestEvictions(t *testing.T) {
	l := startLab(t)
	client, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	const own = "app: web"
	for i, c := range []struct {
		name    string
		budgets []string
		refused int32 // HTTP status, 0 if the pod may go
	}{
		{"no budget", nil, 0},
		{"spares one", []string{budget("a", "maxUnavailable: 1", own)}, 0},
		{"spares none", []string{budget("a", "maxUnavailable: 0", own)}, 429},
		{"asks for all", []string{budget("a", "minAvailable: 2", own)}, 429},
		{"two that spare one each", []string{budget("a", "maxUnavailable: 1", own), budget("b", "maxUnavailable: 1", own)}, 500},
		{"two, one for others", []string{budget("a", "maxUnavailable: 1", own), budget("b", "maxUnavailable: 0", "app: other")}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			namespace := fmt.Sprint("evictions-", i)
			web := strings.Replace(fmt.Sprintf(webOf, "web:1", "web"), "spec:\n", "spec:\n  replicas: 2\n", 1)
			all := strings.Join(append([]string{web}, c.budgets...), "---\n")
			set, err := safediff.Compare(t.Context(), safediff.Manifest{Name: "old.yaml", Text: web}, safediff.Manifest{Name: "new.yaml", Text: all}, safediff.Options{Namespace: namespace})
			if err != nil {
				t.Fatal(err)
			}
			said := slices.ContainsFunc(set.Changes, func(c change.Change) bool {
				return slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Rule == "evictions-blocked" })
			})
			space := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + namespace + "}\n---\n"
			if err := l.Apply(t.Context(), space+all, namespace); err != nil {
				t.Fatal(err)
			}
			if happened := evict(t, client, namespace); happened != c.refused || said != (c.refused != 0) {
				t.Errorf("the API server answers %d, and the program says %t that evictions are blocked", happened, said)
			}
		})
	}
}

func budget(name, asks, selects string) string {
	return fmt.Sprintf("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: %s}\nspec: {%s, selector: {matchLabels: {%s}}}\n", name, asks, selects)
}

// evict has the API server try to evict a pod of a Deployment with two, once they are
// ready and the budgets know of them, and returns with what it is refused.
func evict(t *testing.T, client *kubernetes.Clientset, namespace string) int32 {
	t.Helper()
	var pod string
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		pods, err1 := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		budgets, err2 := client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, metav1.ListOptions{})
		if err1 != nil || err2 != nil || len(pods.Items) < 2 {
			return false, err1
		}
		for _, p := range pods.Items {
			if pod = p.Name; !slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
				return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
			}) {
				return false, nil
			}
		}
		// Of several budgets over a pod the controller tells one that the pod is ready.
		known := func(b policyv1.PodDisruptionBudget) bool { return b.Status.CurrentHealthy == 2 }
		return len(budgets.Items) == 0 || slices.ContainsFunc(budgets.Items, known), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	eviction := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: pod, Namespace: namespace},
		DeleteOptions: &metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}},
	}
	var status apierrors.APIStatus
	switch err := client.PolicyV1().Evictions(namespace).Evict(t.Context(), eviction); {
	case err == nil:
		return 0
	case !errors.As(err, &status):
		t.Fatal(err)
	}
	return status.Status().Code
}
