package lab

import (
	"context"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// Furnish adds to the cluster what observed.Furniture returns, and Strip takes it out again.
func (l *Lab) Furnish(ctx context.Context) error { return l.Apply(ctx, observed.Furniture(), "") }

// Strip takes out of the cluster what Furnish has added.
func (l *Lab) Strip(ctx context.Context) error {
	objects, err := Objects(observed.Furniture())
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := l.Delete(ctx, o, ""); err != nil {
			return err
		}
	}
	return nil
}

// awaitAccounts waits until the controllers have made the account that pods run
// as; until then pods are refused.
func (l *Lab) awaitAccounts(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// equip gives a Node what its kubelet would: the word that it is ready, and room, as far as
// it does not say itself how much.
func equip(o *unstructured.Unstructured) error {
	room := map[string]any{"cpu": "10000", "memory": "100Ti", "ephemeral-storage": "100Ti", "pods": "100000"}
	if own, _, _ := unstructured.NestedMap(o.Object, "status", "allocatable"); own != nil {
		maps.Copy(room, own)
	}
	ready := map[string]any{
		"type": "Ready", "status": "True", "reason": "Lab",
		"lastHeartbeatTime": metav1.Now().Format(time.RFC3339), "lastTransitionTime": metav1.Now().Format(time.RFC3339),
	}
	return unstructured.SetNestedMap(o.Object, map[string]any{
		"capacity": room, "allocatable": room, "conditions": []any{ready},
	}, "status")
}
