package reference_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// of returns what an object of the namespace demo names, a line each: for what, the
// object, its key, where the name stands.
func of(t *testing.T, text string, template []string, pods bool) []string {
	t.Helper()
	objects, err := manifest.Parse(text, manifest.Options{Namespace: "demo", Namespaced: func(_, kind string) bool {
		return !strings.HasPrefix(kind, "Cluster") && !strings.Contains(kind, "Configuration") && kind != "APIService"
	}})
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v, in\n%s", len(objects), err, text)
	}
	value, err := objects[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range reference.Of(objects[0].Ref, value, template, pods) {
		line := fmt.Sprintf("%s: %s %s/%s", r.Use, r.To.Kind, r.To.Namespace, r.To.Name)
		if r.Key != "" {
			line += " key " + r.Key
		}
		if r.Optional {
			line += ", optional"
		}
		lines = append(lines, line+" at "+r.Path.String())
	}
	return lines
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a kind that names nothing", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {configMap: b}}", nil},
		{"an Ingress", `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a}
spec:
  defaultBackend: {service: {name: rest, port: {number: 80}}}
  tls: [{hosts: [a.example]}, {secretName: cert}]
  rules:
  - http: {paths: [{path: /, backend: {resource: {kind: Bucket, name: b}}}, {path: /x, backend: {service: {name: web, port: {name: http}}}}]}
`, []string{
			"backend: Service demo/rest key 80 at .spec.defaultBackend.service.name",
			"backend: Service demo/web key http at .spec.rules[0].http.paths[1].backend.service.name",
			"tls: Secret demo/cert key tls.crt at .spec.tls[1].secretName",
		}},
		{"a route", `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec:
  rules:
  - backendRefs: [{name: web, port: 80}, {name: far, namespace: other, kind: Service, port: 81}]
  - backendRefs: [{group: example.com, kind: Bucket, name: b}, {kind: Other, name: c}]
`, []string{
			"backend: Service demo/web key 80 at .spec.rules[0].backendRefs[0].name",
			"backend: Service other/far key 81 at .spec.rules[0].backendRefs[1].name",
		}},
		{"an autoscaler", `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}}
`, []string{"target: StatefulSet demo/db at .spec.scaleTargetRef.name"}},
		{"a vertical autoscaler", `
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: a}
spec: {targetRef: {apiVersion: apps/v1, kind: DaemonSet, name: agent}}
`, []string{"target: DaemonSet demo/agent at .spec.targetRef.name"}},
		{"KEDA, which scales a Deployment if not told otherwise", `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: a}
spec: {scaleTargetRef: {name: web}}
`, []string{"target: Deployment demo/web at .spec.scaleTargetRef.name"}},
		{"a binding", `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: jane}, {kind: ServiceAccount, name: here}, {kind: ServiceAccount, name: there, namespace: other}]
`, []string{
			"role: Role demo/reader at .roleRef.name",
			"subject: ServiceAccount demo/here at .subjects[1].name",
			"subject: ServiceAccount other/there at .subjects[2].name",
		}},
		{"a binding of a cluster's role", `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
`, []string{"role: ClusterRole /reader at .roleRef.name"}},
		{"webhooks: by URL, ignored and not", `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: a}
webhooks:
- {name: url.example.com, clientConfig: {url: "https://a.example"}}
- {name: soft.example.com, failurePolicy: Ignore, clientConfig: {service: {namespace: hooks, name: soft}}}
- {name: hard.example.com, clientConfig: {service: {namespace: hooks, name: hard, port: 8443}}}
`, []string{
			"api server: Service hooks/soft key 443, optional at .webhooks[1].clientConfig.service.name",
			"api server: Service hooks/hard key 8443 at .webhooks[2].clientConfig.service.name",
		}},
		{"an API of somebody else's server", `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.a.example}
spec: {service: {namespace: apis, name: server, port: 443}}
`, []string{"api server: Service apis/server key 443 at .spec.service.name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, of(t, c.text, nil, false)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPods(t *testing.T) {
	const workload = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a}
spec:
  serviceName: peers
  template:
    spec:
      serviceAccountName: runner
      priorityClassName: high
      runtimeClassName: sandbox
      imagePullSecrets: [{name: pull}]
      initContainers:
      - name: first
        env: [{name: A, value: a}, {name: B, valueFrom: {secretKeyRef: {name: pass, key: b, optional: true}}}]
      containers:
      - name: main
        envFrom: [{configMapRef: {name: env}}, {prefix: X_, secretRef: {name: more, optional: true}}]
        volumeMounts:
        - {name: whole, mountPath: /whole}
        - {name: some, mountPath: /etc/b, subPath: b.conf}
        - {name: expr, mountPath: /expr, subPathExpr: $(POD)}
      volumes:
      - {name: whole, secret: {secretName: files}}
      - {name: some, configMap: {name: conf, items: [{key: a, path: a.conf}, {key: b, path: b.conf}]}}
      - {name: expr, configMap: {name: by-pod}}
      - {name: unseen, projected: {sources: [{serviceAccountToken: {path: t}}, {configMap: {name: ca, optional: true}}]}}
      - {name: data, persistentVolumeClaim: {claimName: data}}
      - {name: scratch, emptyDir: {}}
`
	const spec, volumes = ".spec.template.spec", ".spec.template.spec.volumes"
	want := []string{
		"start: ServiceAccount demo/runner at " + spec + ".serviceAccountName",
		"start: PriorityClass /high at " + spec + ".priorityClassName",
		"start: RuntimeClass /sandbox at " + spec + ".runtimeClassName",
		"pull: Secret demo/pull at " + spec + `.imagePullSecrets[name="pull"]`,
		"env: Secret demo/pass key b, optional at " + spec + `.initContainers[name="first"].env[name="B"].valueFrom.secretKeyRef`,
		"env: ConfigMap demo/env at " + spec + `.containers[name="main"].envFrom[0].configMapRef`,
		"env: Secret demo/more, optional at " + spec + `.containers[name="main"].envFrom[1].secretRef`,
		"start: Secret demo/files at " + volumes + `[name="whole"].secret`,
		"file: Secret demo/files, optional at " + volumes + `[name="whole"].secret`,
		"start: ConfigMap demo/conf key a at " + volumes + `[name="some"].configMap`,
		"start: ConfigMap demo/conf key b at " + volumes + `[name="some"].configMap`,
		"subPath: ConfigMap demo/conf key b, optional at " + volumes + `[name="some"].configMap`,
		"start: ConfigMap demo/by-pod at " + volumes + `[name="expr"].configMap`,
		"subPath: ConfigMap demo/by-pod, optional at " + volumes + `[name="expr"].configMap`,
		"start: ConfigMap demo/ca, optional at " + volumes + `[name="unseen"].projected.sources[1].configMap`,
		"start: PersistentVolumeClaim demo/data at " + volumes + `[name="data"].persistentVolumeClaim.claimName`,
		"name: Service demo/peers at .spec.serviceName",
	}
	if diff := cmp.Diff(want, of(t, workload, []string{"spec", "template"}, true)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if alone := of(t, "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {serviceAccount: old}}", nil, true); len(alone) != 1 ||
		alone[0] != "start: ServiceAccount demo/old at .spec.serviceAccountName" {
		t.Errorf("a pod alone names %q", alone)
	}
}
