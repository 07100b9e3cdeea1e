package factory

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// put adds objects to the cluster, to one side or to both; where to both, vary may change them on
// the new side.
func (g *grown) put(objects []object, vary func(updated []object)) bool {
	free := func(list []object) bool { return !doubled(slices.Concat(list, objects)) }
	if !free(g.old) || !free(g.new) || !free(g.cluster) {
		return false
	}
	switch g.IntN(6) {
	case 0:
		g.new = append(g.new, objects...)
	case 1:
		g.old = append(g.old, objects...)
	case 2, 3:
		g.cluster = append(g.cluster, objects...)
	default:
		g.old = append(g.old, copies(objects)...)
		if g.IntN(2) == 0 {
			vary(objects)
		}
		g.new = append(g.new, objects...)
	}
	return true
}

func named(apiVersion, kind, name string, spec object) object {
	return object{"apiVersion": apiVersion, "kind": kind, "metadata": object{"name": name}, "spec": spec}
}

// limit makes a LimitRange.
func (g *grown) limit() bool {
	values := func(resource string) string {
		switch resource {
		case "cpu":
			return pick(g.Rand, "50m", "100m", "200m", "500m", "1", "2", "4")
		case "storage", "ephemeral-storage":
			return pick(g.Rand, "1Gi", "5Gi", "10Gi", "100Gi")
		default:
			return pick(g.Rand, "32Mi", "64Mi", "128Mi", "512Mi", "1Gi", "2Gi", "4Gi")
		}
	}
	made := func() object {
		item := object{"type": pick(g.Rand, "Container", "Container", "Container", "Pod", "PersistentVolumeClaim")}
		bounds := []string{"max", "min"}
		resources := []string{"cpu", "memory"}
		switch item["type"] {
		case "Container":
			bounds = []string{"max", "min", "default", "defaultRequest", "maxLimitRequestRatio"}
		case "PersistentVolumeClaim":
			resources = []string{"storage"}
		}
		for times := 1 + g.IntN(2); times > 0; times-- {
			bound, resource := pick(g.Rand, bounds...), pick(g.Rand, resources...)
			if bound == "maxLimitRequestRatio" {
				item[bound] = object{resource: pick(g.Rand, "1", "2", "4")}
				continue
			}
			item[bound] = object{resource: values(resource)}
		}
		return object{"limits": []any{item}}
	}
	o := named("v1", "LimitRange", fmt.Sprintf("limits-%d", g.n), made())
	return g.put([]object{o}, func(updated []object) { updated[0]["spec"] = made() })
}

// quota makes a ResourceQuota.
func (g *grown) quota() bool {
	made := func() object {
		hard := object{}
		for times := 1 + g.IntN(3); times > 0; times-- {
			switch name := pick(g.Rand, "pods", "requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "cpu", "memory", "services", "configmaps", "secrets",
				"persistentvolumeclaims", "requests.storage", "count/deployments.apps", "count/jobs.batch", "count/services", "count/statefulsets.apps", "services.loadbalancers"); {
			case strings.Contains(name, "cpu"):
				hard[name] = pick(g.Rand, "100m", "500m", "1", "2", "8")
			case strings.Contains(name, "memory"):
				hard[name] = pick(g.Rand, "128Mi", "512Mi", "1Gi", "4Gi", "32Gi")
			case strings.Contains(name, "storage"):
				hard[name] = pick(g.Rand, "1Gi", "10Gi", "50Gi")
			default:
				hard[name] = pick(g.Rand, "0", "1", "2", "3", "5", "10")
			}
		}
		spec := object{"hard": hard}
		if g.IntN(6) == 0 {
			spec = object{"hard": object{"pods": pick(g.Rand, "1", "2", "4")}, "scopes": []any{pick(g.Rand, "BestEffort", "NotBestEffort", "Terminating", "NotTerminating")}}
		}
		return spec
	}
	o := named("v1", "ResourceQuota", fmt.Sprintf("quota-%d", g.n), made())
	return g.put([]object{o}, func(updated []object) { updated[0]["spec"] = made() })
}

// resource is what a policy can be about.
type apiResource struct{ kind, group, version, plural string }

func resources() []apiResource {
	return []apiResource{
		{"Deployment", "apps", "v1", "deployments"}, {"StatefulSet", "apps", "v1", "statefulsets"}, {"DaemonSet", "apps", "v1", "daemonsets"},
		{"Pod", "", "v1", "pods"}, {"ConfigMap", "", "v1", "configmaps"}, {"Service", "", "v1", "services"}, {"Job", "batch", "v1", "jobs"},
		{"CronJob", "batch", "v1", "cronjobs"}, {"PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"}, {"Ingress", "networking.k8s.io", "v1", "ingresses"},
		{"Role", "rbac.authorization.k8s.io", "v1", "roles"}, {"ServiceAccount", "", "v1", "serviceaccounts"},
	}
}

// about returns one of the resources, most often one that the upgrade has.
func (g *grown) about() apiResource {
	list := resources()
	if g.IntN(6) > 0 {
		mine := slices.DeleteFunc(resources(), func(r apiResource) bool {
			return !slices.ContainsFunc(slices.Concat(g.old, g.new), func(o object) bool { return o["kind"] == r.kind })
		})
		if len(mine) > 0 {
			list = mine
		}
	}
	return pick(g.Rand, list...)
}

func (r apiResource) rule(operations ...any) object {
	return object{"resourceRules": []any{object{
		"apiGroups": []any{r.group}, "apiVersions": []any{r.version}, "resources": []any{r.plural}, "operations": operations,
	}}}
}

// binding binds a policy to the namespace of the upgrade.
func binding(kind, name string, more object) object {
	spec := object{"policyName": name, "matchResources": object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": cases.Namespace}}}}
	for field, value := range more {
		spec[field] = value
	}
	return named("admissionregistration.k8s.io/v1", kind+"Binding", name, spec)
}

// policy makes a ValidatingAdmissionPolicy with its binding.
func (g *grown) policy() bool {
	r := g.about()
	expression := func() string {
		general := []string{
			"has(object.metadata.labels) && 'app' in object.metadata.labels", "!has(object.metadata.annotations)", "object.metadata.name.size() < 4",
			"object.metadata.name.startsWith('w')", "oldObject == null || oldObject.metadata.name == object.metadata.name", "request.operation != 'UPDATE'", "false", "true",
			"has(object.metadata.labels) && object.metadata.labels['app'] == 'web'", "object.metadata.namespace == request.namespace",
			"!has(object.metadata.labels) || object.metadata.labels.all(k, k != 'tier')",
		}
		switch r.plural {
		case "deployments", "statefulsets":
			general = append(general, "object.spec.replicas <= 2", "object.spec.replicas >= 2", "oldObject == null || object.spec.replicas >= oldObject.spec.replicas")
			fallthrough
		case "daemonsets", "jobs":
			general = append(general, "object.spec.template.spec.containers.all(c, c.image.endsWith(':1'))", "object.spec.template.spec.containers.all(c, has(c.resources) && has(c.resources.limits))",
				"object.spec.template.spec.containers.size() == 1", "!has(object.spec.template.spec.volumes)")
		case "pods":
			general = append(general, "object.spec.containers.all(c, !c.image.endsWith(':2'))", "has(object.spec.securityContext) && has(object.spec.securityContext.runAsNonRoot)", "object.spec.containers.size() < 2")
		case "services":
			general = append(general, "object.spec.type != 'LoadBalancer'", "object.spec.ports.all(p, p.port < 1024)")
		case "configmaps":
			general = append(general, "has(object.data) && object.data.size() < 2")
		}
		return pick(g.Rand, general...)
	}
	operations := [][]any{{"CREATE", "UPDATE"}, {"UPDATE"}, {"CREATE"}, {"DELETE"}, {"CREATE", "UPDATE", "DELETE"}, {"*"}}
	made := func() object {
		spec := object{
			"failurePolicy": pick(g.Rand, "Fail", "Fail", "Ignore"), "matchConstraints": r.rule(operations[g.IntN(len(operations))]...),
			"validations": []any{object{"expression": expression()}},
		}
		if g.IntN(4) == 0 {
			spec["matchConditions"] = []any{object{"name": "some", "expression": pick(g.Rand, "object != null && object.metadata.name != 'web'", "request.operation == 'UPDATE'", "object != null && !has(object.metadata.labels)")}}
		}
		return spec
	}
	name := fmt.Sprintf("rule-%d", g.n)
	actions := pick(g.Rand, []any{"Deny"}, []any{"Deny"}, []any{"Deny"}, []any{"Warn"}, []any{"Audit", "Deny"})
	return g.put([]object{
		named("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", name, made()), binding("ValidatingAdmissionPolicy", name, object{"validationActions": actions}),
	}, func(updated []object) { updated[0]["spec"] = made() })
}

// mutator makes a MutatingAdmissionPolicy with its binding.
func (g *grown) mutator() bool {
	r := g.about()
	made := func() object {
		expressions := []string{
			`Object{metadata: Object.metadata{labels: {"added": "yes"}}}`, `Object{metadata: Object.metadata{annotations: {"note": "from a policy"}}}`,
		}
		switch r.plural {
		case "deployments", "statefulsets":
			expressions = append(expressions, `Object{spec: Object.spec{replicas: 2}}`, `Object{spec: Object.spec{minReadySeconds: 1}}`,
				`Object{spec: Object.spec{template: Object.spec.template{metadata: Object.spec.template.metadata{labels: {"added": "yes"}}}}}`)
		case "services":
			expressions = append(expressions, `Object{spec: Object.spec{sessionAffinity: "ClientIP"}}`)
		}
		return object{
			"failurePolicy": pick(g.Rand, "Fail", "Ignore"), "reinvocationPolicy": pick(g.Rand, "Never", "IfNeeded"),
			"matchConstraints": r.rule(pick(g.Rand, []any{"CREATE", "UPDATE"}, []any{"CREATE"}, []any{"UPDATE"})...),
			"mutations":        []any{object{"patchType": "ApplyConfiguration", "applyConfiguration": object{"expression": pick(g.Rand, expressions...)}}},
		}
	}
	name := fmt.Sprintf("change-%d", g.n)
	return g.put([]object{named("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", name, made()), binding("MutatingAdmissionPolicy", name, nil)},
		func(updated []object) { updated[0]["spec"] = runtime.DeepCopyJSON(made()) })
}
