package live

import (
	"context"
	"encoding/json"
	"errors"

	"k8s.io/apimachinery/pkg/types"
)

// ClusterUID returns the UID of the namespace kube-system, by which clusters are told
// apart: Kubernetes makes that namespace once, and lets nobody delete it. The error says
// in one clause why it cannot be read.
func (r *Reader) ClusterUID(ctx context.Context) (types.UID, error) {
	o := r.get(ctx, request{endpoint: endpoint{"", "v1"}, path: "/api/v1/namespaces/kube-system"})
	if !o.ok() {
		return "", errors.New(reason(o, permission("get", "namespaces", "", "kube-system")))
	}
	var namespace struct {
		Metadata struct{ UID types.UID }
	}
	if err := json.Unmarshal(o.body, &namespace); err != nil || namespace.Metadata.UID == "" {
		return "", errors.New("the answer is no namespace")
	}
	return namespace.Metadata.UID, nil
}
