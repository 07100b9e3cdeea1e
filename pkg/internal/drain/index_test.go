package drain

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// The index leaves out no group that a look at each would find.
func TestIndexAsEach(t *testing.T) {
	t.Parallel()
	in := scheduling.Namespace{Name: "demo", Known: true}
	excluding, covered := 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		x := &index{}
		for range 12 {
			x.add(randomGroup(r))
		}
		for _, g := range x.all {
			near := x.near(g)
			for _, other := range x.all {
				if len(scheduling.Exclusions(g.Pod, other.Pod, in)) == 0 {
					continue
				}
				excluding++
				if !slices.Contains(near, other) {
					t.Fatalf("seed %d: a group with %v does not see one with %v", seed, g.Pod.Labels, other.Pod.Labels)
				}
			}
		}
		b := &policyv1.PodDisruptionBudget{Spec: policyv1.PodDisruptionBudgetSpec{Selector: randomSelector(r)}}
		d := &drain{State: State{Budgets: map[string][]*policyv1.PodDisruptionBudget{"demo": {b}}}, spaces: map[string]*index{"demo": x}}
		d.cover()
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(x.all), func(g *Group) bool { return !selector.Matches(labels.Set(g.Pod.Labels)) })
		if covered += len(want); !slices.Equal(d.covered[b], want) {
			t.Fatalf("seed %d: %v covers %d groups, want %d", seed, b.Spec.Selector, len(d.covered[b]), len(want))
		}
	}
	if excluding < 1000 || covered < 100 {
		t.Errorf("only %d exclusions and %d covered groups were compared", excluding, covered)
	}
}

func randomGroup(r *rand.Rand) *Group {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Labels: map[string]string{}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{}}}}
	for _, key := range []string{"app", "tier"} {
		if r.IntN(3) > 0 {
			pod.Labels[key] = strconv.Itoa(r.IntN(3))
		}
	}
	if r.IntN(5) == 0 {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: int32(80 + r.IntN(2)), ContainerPort: 80, Protocol: corev1.ProtocolTCP}}
	}
	if r.IntN(2) == 0 {
		term := corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: randomSelector(r)}
		if r.IntN(3) == 0 {
			term.MatchLabelKeys = []string{"tier"}
		}
		pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}}
	}
	return &Group{Pod: pod}
}

func randomSelector(r *rand.Rand) *metav1.LabelSelector {
	one := func() string { return strconv.Itoa(r.IntN(3)) }
	switch r.IntN(6) {
	case 0:
		return &metav1.LabelSelector{}
	case 1:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"0", "1"}}}}
	case 2:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{one()}}, {Key: "tier", Operator: metav1.LabelSelectorOpIn, Values: []string{one()}}}}
	case 3:
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: metav1.LabelSelectorOpExists}}}
	default:
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": one()}}
	}
}
