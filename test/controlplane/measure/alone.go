package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/metadata"
)

// Alone prepares for cases whose cluster has nodes or classes of its own: nothing else may
// run until the returned function is called. Cases leave behind what they have made. Without
// nodes their pods would be pending, and take the room and the host ports of the first
// nodes that come, so all that makes pods goes first.
func (b *Bench) Alone(ctx context.Context) (restore func() error, err error) {
	return func() error { return b.lab.Furnish(ctx) }, errors.Join(b.StopPods(ctx), b.lab.Strip(ctx))
}

// makers are the resources that make pods, and pods.
var makers = []schema.GroupVersionResource{ //nolint:gochecknoglobals // a constant table
	{Group: "batch", Version: "v1", Resource: "cronjobs"},
	{Group: "batch", Version: "v1", Resource: "jobs"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "apps", Version: "v1", Resource: "daemonsets"},
	{Group: "apps", Version: "v1", Resource: "replicasets"},
	{Version: "v1", Resource: "replicationcontrollers"},
	{Version: "v1", Resource: "pods"},
}

// StopPods deletes all that makes pods, in all namespaces, and waits until there is no pod.
func (b *Bench) StopPods(ctx context.Context) error {
	client, err := metadata.NewForConfig(b.lab.Config)
	if err != nil {
		return err
	}
	propagation := metav1.DeletePropagationBackground
	for _, maker := range makers {
		list, err := client.Resource(maker).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, o := range list.Items {
			if metav1.GetControllerOf(&o) != nil {
				continue
			}
			err := client.Resource(maker).Namespace(o.Namespace).Delete(ctx, o.Name, metav1.DeleteOptions{PropagationPolicy: &propagation})
			if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	left := 0
	err = wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		left = len(list.Items)
		return left == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%d pods of other cases do not go: %w", left, err)
	}
	return nil
}
