package drain_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/drain"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// large returns a cluster of nodes, each with ten pods, in namespaces of ten workloads with ten pods
// each: one workload of each namespace spreads by anti-affinity, and one is bound to a node.
func large(nodes int) drain.State {
	s := drain.State{Budgets: map[string][]*policyv1.PodDisruptionBudget{}}
	for i := range nodes {
		name := fmt.Sprint("node-", i)
		s.Nodes = append(s.Nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}})
	}
	one := intstr.FromInt32(1)
	for i := range nodes {
		namespace, name := fmt.Sprint("space-", i/10), fmt.Sprint("web-", i%10)
		labels := map[string]string{"app": name}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Labels: labels}}
		switch i % 10 {
		case 0:
			pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
				{LabelSelector: &metav1.LabelSelector{MatchLabels: labels}, TopologyKey: corev1.LabelHostname},
			}}}
		case 1:
			pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: fmt.Sprint("node-", i)}
		}
		g := &drain.Group{Of: manifest.Ref{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: namespace, Name: name}, Pod: pod, Count: 10}
		for k := range 10 {
			on := (i + 97*k) % nodes
			if i%10 == 1 {
				on = i
			}
			g.Running = append(g.Running, &corev1.Pod{Spec: corev1.PodSpec{NodeName: fmt.Sprint("node-", on)}})
		}
		s.Groups = append(s.Groups, g)
		s.Budgets[namespace] = append(s.Budgets[namespace], &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
			Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}},
		})
	}
	return s
}

// Of a large cluster, each node that alone can hold the pods of a workload with a budget never empties.
func TestLargeCluster(t *testing.T) {
	t.Parallel()
	found := drain.Of(large(200))
	var want []string
	for i := 1; i < 200; i += 10 {
		want = append(want, fmt.Sprint("node-", i))
	}
	slices.Sort(want)
	if got := found.Held(); !slices.Equal(got, want) || len(found.Unknown) > 0 {
		t.Errorf("%v never empty, want %v; not known: %v", got, want, found.Unknown)
	}
}

// BenchmarkOf judges a cluster of 5,000 nodes and 50,000 pods.
func BenchmarkOf(b *testing.B) {
	s := large(5000)
	for b.Loop() {
		drain.Of(s)
	}
}
