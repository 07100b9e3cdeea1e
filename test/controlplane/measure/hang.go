package measure

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
)

// hangs tells how the rollout of a workload has not come to an end; nil if it has, or if
// it has none. It is asked when nothing happens any more.
func (b *Bench) hangs(ctx context.Context, was, is snapshot, o *unstructured.Unstructured) (*agreement.Hang, error) {
	own := ownOf(o)
	if done, has := is.workloads[own]; done || !has || !runs(o) {
		return nil, nil
	}
	done, has := was.workloads[own]
	hang := &agreement.Hang{Before: has && !done}
	about := map[string]bool{own.name: true}
	for uid, p := range is.pods[own] {
		about[p.name] = true
		if _, old := was.pods[own][uid]; old {
			hang.Old++
			continue
		}
		hang.New++
		if p.ready {
			hang.Ready++
		}
	}
	sets, err := b.core.AppsV1().ReplicaSets(own.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range sets.Items {
		if owner := metav1.GetControllerOf(&sets.Items[i]); owner != nil && owner.Kind == own.kind && owner.Name == own.name {
			about[sets.Items[i].Name] = true
		}
	}
	events, err := b.core.CoreV1().Events(own.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range events.Items {
		if e := &events.Items[i]; e.Type == corev1.EventTypeWarning && about[e.InvolvedObject.Name] {
			hang.Why = append(hang.Why, e.Reason+": "+strings.TrimSpace(e.Message))
		}
	}
	slices.Sort(hang.Why)
	hang.Why = slices.Compact(hang.Why)
	return hang, nil
}
