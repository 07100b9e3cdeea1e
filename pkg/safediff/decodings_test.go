package safediff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// shops are a Deployment, a Service and a ConfigMap each, in which everything changes
// between two versions.
func shops(n, version int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-%[1]d
  labels: {version: "%[2]d"}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: shop-%[1]d}}
  template:
    metadata: {labels: {app: shop-%[1]d}}
    spec:
      containers:
      - name: app
        image: shop:%[2]d
        ports: [{name: http, containerPort: 8080}]
        envFrom: [{configMapRef: {name: shop-%[1]d}}, {secretRef: {name: not-here}}]
---
apiVersion: v1
kind: Service
metadata:
  name: shop-%[1]d
  labels: {version: "%[2]d"}
spec:
  selector: {app: shop-%[1]d}
  ports: [{port: 80, targetPort: http}, {name: other, port: 90, targetPort: 809%[2]d}]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-%[1]d
  labels: {version: "%[2]d"}
data: {greeting: hello %[2]d}
`, i, version)
	}
	return b.String()
}

// A changed object is decoded once a side, whatever rules ask about it together with others.
// Decoded values that stay would be most of the memory of a large release.
func TestChangedObjectsAreDecodedOnce(t *testing.T) {
	const shopsOf = 20
	for _, opts := range []Options{{}, {ServerSide: true}, {Picture: true}} {
		before := manifest.Parsed()
		set, err := Compare(t.Context(), Manifest{Name: "old", Text: shops(shopsOf, 1)}, Manifest{Name: "new", Text: shops(shopsOf, 2)}, opts)
		if err != nil || len(set.Changes) != 3*shopsOf {
			t.Fatalf("%d changes, %v", len(set.Changes), err)
		}
		if decoded := manifest.Parsed() - before; decoded != 2*3*shopsOf {
			t.Errorf("%d documents are decoded, of %d", decoded, 2*3*shopsOf)
		}
	}
}
