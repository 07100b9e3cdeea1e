// Package reference reads from an object which other objects it names: the ConfigMap
// that a container's environment comes from, the Service behind an Ingress, the role
// of a binding. It knows where such names stand, and nothing of what becomes of them.
package reference

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Reference is one name of another object.
type Reference struct {
	// To is the object that is named. Its version is not known.
	To manifest.Identity
	// Key is the key of a ConfigMap or Secret, the port of a Service by name or number, or the
	// listener of a Gateway; "" for the object as a whole.
	Key string
	// Path is where it is named: the name, or the reference that holds name and key.
	Path fieldpath.Path
	// Optional says that nothing is wrong if the object, or the key, is not there.
	Optional bool
	// Use is what the object is needed for.
	Use Use
}

// Among reports whether a list has a reference to the same object for the same use. Keys differ
// only where both have one.
func (r *Reference) Among(list []Reference) bool {
	return slices.ContainsFunc(list, func(o Reference) bool {
		return o.To == r.To && o.Use == r.Use && (o.Key == r.Key || o.Key == "" || r.Key == "")
	})
}

// Of returns what an object names, in the order of its manifest. template is where
// its pod template stands if it makes pods, nil otherwise. A Pod is its own template,
// of no path.
func Of(ref manifest.Ref, value map[string]any, template []string, pods bool) []Reference {
	r := reader{namespace: ref.Namespace}
	if pods {
		node, path := value, fieldpath.Path{}
		for _, name := range template {
			node, path = object(node[name]), path.Child(fieldpath.Field(name))
		}
		r.pod(path.Child(fieldpath.Field("spec")), object(node["spec"]))
	}
	if read := readers[kind{ref.Group, ref.Kind}]; read != nil {
		read(&r, value)
	}
	return r.list
}

// gatewayGroup is the group of the Gateway API.
const gatewayGroup = "gateway.networking.k8s.io"

// kind names a kind in any version.
type kind struct{ group, name string }

// readers know where the kinds that run no pods name other objects.
var readers = map[kind]func(*reader, map[string]any){ //nolint:gochecknoglobals // a constant table
	{"", "PersistentVolumeClaim"}:                                      (*reader).claim,
	{"", "Secret"}:                                                     (*reader).token,
	{"", "ServiceAccount"}:                                             (*reader).account,
	{"apps", "StatefulSet"}:                                            (*reader).statefulSet,
	{"networking.k8s.io", "Ingress"}:                                   (*reader).ingress,
	{"autoscaling", "HorizontalPodAutoscaler"}:                         (*reader).scaler,
	{"autoscaling.k8s.io", "VerticalPodAutoscaler"}:                    (*reader).verticalScaler,
	{"keda.sh", "ScaledObject"}:                                        (*reader).scalerOfKEDA,
	{"rbac.authorization.k8s.io", "RoleBinding"}:                       (*reader).binding,
	{"rbac.authorization.k8s.io", "ClusterRoleBinding"}:                (*reader).binding,
	{"admissionregistration.k8s.io", "MutatingWebhookConfiguration"}:   (*reader).webhooks,
	{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"}: (*reader).webhooks,
	{"apiregistration.k8s.io", "APIService"}:                           (*reader).apiService,
	{"apiextensions.k8s.io", "CustomResourceDefinition"}:               (*reader).conversion,
	{gatewayGroup, "Gateway"}:                                          (*reader).gateway,
	{gatewayGroup, "HTTPRoute"}:                                        (*reader).route,
	{gatewayGroup, "GRPCRoute"}:                                        (*reader).route,
	{gatewayGroup, "TLSRoute"}:                                         (*reader).route,
	{gatewayGroup, "TCPRoute"}:                                         (*reader).route,
	{gatewayGroup, "UDPRoute"}:                                         (*reader).route,
	{"route.openshift.io", "Route"}:                                    (*reader).openShift,
	{"traefik.io", "IngressRoute"}:                                     (*reader).services,
	{"traefik.io", "IngressRouteTCP"}:                                  (*reader).services,
	{"traefik.io", "IngressRouteUDP"}:                                  (*reader).services,
	{"projectcontour.io", "HTTPProxy"}:                                 (*reader).services,
	{"networking.istio.io", "VirtualService"}:                          (*reader).destinations,
}

// Refers reports whether objects of a kind may name others. workload says that the
// kind makes pods.
func Refers(ref manifest.Ref, workload bool) bool {
	return workload || readers[kind{ref.Group, ref.Kind}] != nil
}

// reader collects the references of one object.
type reader struct {
	namespace string
	ofKEDA    bool
	list      []Reference
}

// add notes a reference to an object of a core kind in the same namespace. A name
// that is empty names nothing.
func (r *reader) add(use Use, kind string, name any, key string, optional bool, path fieldpath.Path) {
	r.to(use, manifest.Identity{Kind: kind, Namespace: r.namespace, Name: text(name)}, key, optional, path)
}

func (r *reader) to(use Use, to manifest.Identity, key string, optional bool, path fieldpath.Path) {
	if to.Name != "" {
		r.list = append(r.list, Reference{To: to, Key: key, Path: path, Optional: optional, Use: use})
	}
}

func (r *reader) statefulSet(value map[string]any) {
	spec := object(value["spec"])
	r.add(AsName, "Service", spec["serviceName"], "", false, fieldpath.Fields("spec", "serviceName"))
	for i, template := range objects(spec["volumeClaimTemplates"]) {
		r.class(fieldpath.Path{fieldpath.Field("spec"), fieldpath.Field("volumeClaimTemplates"), fieldpath.Index(i)}, template)
	}
}

func (r *reader) claim(value map[string]any) { r.class(nil, value) }

// class reads the StorageClass of a claim (GetPersistentVolumeClaimClass in
// k8s.io/component-helpers/storage/volume). For a claim that names its volume none is made.
func (r *reader) class(at fieldpath.Path, claim map[string]any) {
	const annotation = "volume.beta.kubernetes.io/storage-class"
	spec := object(claim["spec"])
	name, path := object(object(claim["metadata"])["annotations"])[annotation], fieldpath.Fields("metadata", "annotations", annotation)
	if name == nil {
		name, path = spec["storageClassName"], fieldpath.Fields("spec", "storageClassName")
	}
	to := manifest.Identity{Group: "storage.k8s.io", Kind: "StorageClass", Name: text(name)}
	r.to(ForClaims, to, "", text(spec["volumeName"]) != "", at.Join(path))
}

// token reads the ServiceAccount whose token a Secret holds.
func (r *reader) token(value map[string]any) {
	if value["type"] != "kubernetes.io/service-account-token" {
		return
	}
	annotations := object(object(value["metadata"])["annotations"])
	const name = "kubernetes.io/service-account.name"
	r.add(ForToken, "ServiceAccount", annotations[name], "", false, fieldpath.Fields("metadata", "annotations", name))
}

// account reads with which Secrets the images of an account's pods are pulled (serviceaccount in
// k8s.io/kubernetes/plugin/pkg/admission).
func (r *reader) account(value map[string]any) {
	r.pulls(fieldpath.Fields("imagePullSecrets"), value["imagePullSecrets"])
}

func (r *reader) pulls(at fieldpath.Path, secrets any) {
	for i, secret := range objects(secrets) {
		r.add(ToPull, "Secret", secret["name"], "", false, at.Child(named(secret, i)))
	}
}

func (r *reader) ingress(value map[string]any) {
	r.auth(value)
	spec, at := object(value["spec"]), fieldpath.Fields("spec")
	r.backend(at.Child(fieldpath.Field("defaultBackend")), object(spec["defaultBackend"]))
	for i, rule := range objects(spec["rules"]) {
		paths := at.Join(fieldpath.Path{fieldpath.Field("rules"), fieldpath.Index(i), fieldpath.Field("http"), fieldpath.Field("paths")})
		for k, path := range objects(object(rule["http"])["paths"]) {
			r.backend(paths.Join(fieldpath.Path{fieldpath.Index(k), fieldpath.Field("backend")}), object(path["backend"]))
		}
	}
	for i, tls := range objects(spec["tls"]) {
		path := at.Join(fieldpath.Path{fieldpath.Field("tls"), fieldpath.Index(i), fieldpath.Field("secretName")})
		r.add(ForTLS, "Secret", tls["secretName"], certificateKey, false, path)
	}
}

// certificateKey is where a Secret has the certificate that an Ingress or a Gateway serves.
const certificateKey = "tls.crt"

// authSecrets are the annotations by which ingress-nginx asks for who calls
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#authentication).
var authSecrets = []string{"nginx.ingress.kubernetes.io/auth-secret", "nginx.ingress.kubernetes.io/auth-tls-secret"} //nolint:gochecknoglobals // a constant table

// auth reads the Secrets by which the proxy judges who calls: NAME or NAMESPACE/NAME.
func (r *reader) auth(value map[string]any) {
	for _, annotation := range authSecrets {
		to := manifest.Identity{Kind: "Secret", Namespace: r.namespace, Name: text(object(object(value["metadata"])["annotations"])[annotation])}
		if namespace, name, two := strings.Cut(to.Name, "/"); two {
			to.Namespace, to.Name = namespace, name
		}
		r.to(ForAuth, to, "", false, fieldpath.Fields("metadata", "annotations", annotation))
	}
}

func (r *reader) backend(path fieldpath.Path, backend map[string]any) {
	service := object(backend["service"])
	port := object(service["port"])
	key := text(port["name"])
	if key == "" {
		key = text(port["number"])
	}
	r.add(AsBackend, "Service", service["name"], key, false, path.Join(fieldpath.Fields("service", "name")))
}

// gateway reads the certificates of listeners.
func (r *reader) gateway(value map[string]any) {
	for i, listener := range objects(object(value["spec"])["listeners"]) {
		for k, certificate := range objects(object(listener["tls"])["certificateRefs"]) {
			if kind := text(certificate["kind"]); kind != "" && kind != "Secret" {
				continue
			}
			to := manifest.Identity{Kind: "Secret", Namespace: r.namespace, Name: text(certificate["name"])}
			if namespace := text(certificate["namespace"]); namespace != "" {
				to.Namespace = namespace
			}
			path := fieldpath.Path{fieldpath.Field("spec"), fieldpath.Field("listeners"), fieldpath.Index(i), fieldpath.Field("tls"), fieldpath.Field("certificateRefs"), fieldpath.Index(k), fieldpath.Field("name")}
			r.to(ForTLS, to, certificateKey, false, path)
		}
	}
}

func (r *reader) route(value map[string]any) {
	r.parents(value)
	for i, rule := range objects(object(value["spec"])["rules"]) {
		for k, backend := range objects(rule["backendRefs"]) {
			if group, kind := text(backend["group"]), text(backend["kind"]); group != "" || kind != "" && kind != "Service" {
				continue
			}
			to := manifest.Identity{Kind: "Service", Namespace: r.namespace, Name: text(backend["name"])}
			if namespace := text(backend["namespace"]); namespace != "" {
				to.Namespace = namespace
			}
			path := fieldpath.Path{fieldpath.Field("spec"), fieldpath.Field("rules"), fieldpath.Index(i), fieldpath.Field("backendRefs"), fieldpath.Index(k), fieldpath.Field("name")}
			r.to(AsBackend, to, text(backend["port"]), false, path)
		}
	}
}

func (r *reader) scaler(value map[string]any) { r.target(value, "scaleTargetRef") }

func (r *reader) scalerOfKEDA(value map[string]any) {
	r.ofKEDA = true
	r.target(value, "scaleTargetRef")
}

func (r *reader) verticalScaler(value map[string]any) { r.target(value, "targetRef") }

func (r *reader) target(value map[string]any, field string) {
	target := object(object(value["spec"])[field])
	group, kind := groupOf(text(target["apiVersion"])), text(target["kind"])
	if r.ofKEDA { // it takes apps/v1 and Deployment if not told otherwise (ParseGVKR in github.com/kedacore/keda)
		kind = cmp.Or(kind, "Deployment")
		if target["apiVersion"] == nil {
			group = "apps"
		}
	}
	to := manifest.Identity{Group: group, Kind: kind, Namespace: r.namespace, Name: text(target["name"])}
	r.to(AsTarget, to, "", false, fieldpath.Fields("spec", field, "name"))
}

func (r *reader) binding(value map[string]any) {
	role := object(value["roleRef"])
	to := manifest.Identity{Group: "rbac.authorization.k8s.io", Kind: text(role["kind"]), Name: text(role["name"])}
	if to.Kind == "Role" {
		to.Namespace = r.namespace
	}
	r.to(AsRole, to, "", false, fieldpath.Fields("roleRef", "name"))
	for i, subject := range objects(value["subjects"]) {
		if text(subject["kind"]) != "ServiceAccount" {
			continue
		}
		account := manifest.Identity{Kind: "ServiceAccount", Namespace: text(subject["namespace"]), Name: text(subject["name"])}
		if account.Namespace == "" {
			account.Namespace = r.namespace
		}
		r.to(AsSubject, account, "", false, fieldpath.Path{fieldpath.Field("subjects"), fieldpath.Index(i), fieldpath.Field("name")})
	}
}

func (r *reader) webhooks(value map[string]any) {
	for i, webhook := range objects(value["webhooks"]) {
		path := fieldpath.Path{fieldpath.Field("webhooks"), fieldpath.Index(i), fieldpath.Field("clientConfig")}
		// A webhook whose failure is ignored stops nothing.
		r.service(path, object(object(webhook["clientConfig"])["service"]), text(webhook["failurePolicy"]) == "Ignore")
	}
}

func (r *reader) apiService(value map[string]any) {
	r.service(fieldpath.Fields("spec"), object(object(value["spec"])["service"]), false)
}

// conversion reads what converts custom resources between versions. Where there is one version
// only, nothing is asked.
func (r *reader) conversion(value map[string]any) {
	spec := object(value["spec"])
	hook := object(object(object(spec["conversion"])["webhook"])["clientConfig"])
	if len(objects(spec["versions"])) > 1 && text(object(spec["conversion"])["strategy"]) == "Webhook" {
		r.service(fieldpath.Fields("spec", "conversion", "webhook", "clientConfig"), object(hook["service"]), false)
	}
}

// servicePort is the port at which the API server calls a Service if none is written (defaults.go of
// k8s.io/kubernetes/pkg/apis/admissionregistration/v1, k8s.io/kube-aggregator/pkg/apis/apiregistration/v1 and
// k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1).
const servicePort = "443"

// service notes a Service that the API server calls. It finds no address for a port that the
// Service does not have (findServicePort in k8s.io/apiserver/pkg/util/proxy).
func (r *reader) service(path fieldpath.Path, service map[string]any, optional bool) {
	to := manifest.Identity{Kind: "Service", Namespace: text(service["namespace"]), Name: text(service["name"])}
	r.to(ByAPIServer, to, cmp.Or(text(service["port"]), servicePort), optional, path.Join(fieldpath.Fields("service", "name")))
}

func groupOf(apiVersion string) string {
	for i := range len(apiVersion) {
		if apiVersion[i] == '/' {
			return apiVersion[:i]
		}
	}
	return ""
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func objects(value any) []map[string]any {
	items, _ := value.([]any)
	list := make([]map[string]any, len(items))
	for i, item := range items {
		list[i] = object(item)
	}
	return list
}

// text returns a name, or the number of a port.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return ""
	}
}
