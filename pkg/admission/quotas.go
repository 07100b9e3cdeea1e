package admission

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	quota "k8s.io/apiserver/pkg/quota/v1"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/utils/clock"
)

// quota says why a ResourceQuota lets no such pod in, however many there are: the pod does not
// state what is counted, or asks for more than there is (checkRequest in
// k8s.io/apiserver/pkg/admission/plugin/resourcequota).
func (g *Guards) quota(pod *api.Pod, namespace string) string {
	if len(g.quotas[namespace]) == 0 {
		return ""
	}
	evaluator := core.NewPodEvaluator(nil, clock.RealClock{})
	for _, q := range g.quotas[namespace] {
		q := counting(q)
		if matches, err := evaluator.Matches(q, pod); err != nil || !matches {
			continue
		}
		hard := q.Status.Hard
		counted := evaluator.MatchingResources(quota.ResourceNames(hard))
		if err := evaluator.Constraints(counted, pod); err != nil {
			return fmt.Sprintf("ResourceQuota %s (%s)", q.Name, flat(err))
		}
		usage, err := evaluator.Usage(pod)
		if err != nil {
			continue
		}
		asks := quota.Mask(usage, counted)
		if fits, exceeded := quota.LessThanOrEqual(asks, hard); !fits {
			return fmt.Sprintf("ResourceQuota %s (a pod asks for %s, of %s)", q.Name, amounts(asks, exceeded), amounts(hard, exceeded))
		}
	}
	return ""
}

func amounts(list corev1.ResourceList, names []corev1.ResourceName) string {
	words := make([]string, len(names))
	for i, name := range names {
		amount := list[name]
		words[i] = string(name) + " " + amount.String()
	}
	return strings.Join(words, ", ")
}
