package reference

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// pod reads what a pod needs. The kubelet goes on without a pull secret that is not there, and
// whether the registry asks for it nobody knows.
func (r *reader) pod(at fieldpath.Path, spec map[string]any) {
	field := func(name string) fieldpath.Path { return at.Child(fieldpath.Field(name)) }
	account := text(spec["serviceAccountName"])
	if account == "" {
		account = text(spec["serviceAccount"])
	}
	r.add(ToStart, "ServiceAccount", account, "", false, field("serviceAccountName"))
	r.to(ToStart, manifest.Identity{Group: "scheduling.k8s.io", Kind: "PriorityClass", Name: text(spec["priorityClassName"])}, "", false, field("priorityClassName"))
	r.to(ToStart, manifest.Identity{Group: "node.k8s.io", Kind: "RuntimeClass", Name: text(spec["runtimeClassName"])}, "", false, field("runtimeClassName"))
	r.pulls(field("imagePullSecrets"), spec["imagePullSecrets"])
	for i, claim := range objects(spec["resourceClaims"]) {
		at := field("resourceClaims").Child(named(claim, i))
		for _, kind := range []string{"ResourceClaim", "ResourceClaimTemplate"} {
			name := "r" + kind[1:] + "Name"
			to := manifest.Identity{Group: "resource.k8s.io", Kind: kind, Namespace: r.namespace, Name: text(claim[name])}
			r.to(ToStart, to, "", false, at.Child(fieldpath.Field(name)))
		}
	}
	var mounts []map[string]any
	for _, list := range []string{"initContainers", "containers"} {
		for i, c := range objects(spec[list]) {
			r.environment(field(list).Child(named(c, i)), c)
			mounts = append(mounts, objects(c["volumeMounts"])...)
		}
	}
	for i, v := range objects(spec["volumes"]) {
		r.volume(field("volumes").Child(named(v, i)), v, slices.DeleteFunc(slices.Clone(mounts), func(m map[string]any) bool { return text(m["name"]) != text(v["name"]) }))
	}
}

// named is the element of a list whose items have names.
func named(item map[string]any, i int) fieldpath.Element {
	if name := text(item["name"]); name != "" {
		return fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}
	}
	return fieldpath.Index(i)
}

func (r *reader) environment(at fieldpath.Path, container map[string]any) {
	for i, env := range objects(container["env"]) {
		from := object(env["valueFrom"])
		path := at.Join(fieldpath.Path{fieldpath.Field("env"), named(env, i), fieldpath.Field("valueFrom")})
		for _, source := range sources(from, "configMapKeyRef", "secretKeyRef") {
			r.add(InEnv, source.kind, source.value["name"], text(source.value["key"]), source.value["optional"] == true, path.Child(fieldpath.Field(source.field)))
		}
	}
	for i, env := range objects(container["envFrom"]) {
		path := at.Join(fieldpath.Path{fieldpath.Field("envFrom"), fieldpath.Index(i)})
		for _, source := range sources(env, "configMapRef", "secretRef") {
			r.add(InEnv, source.kind, source.value["name"], "", source.value["optional"] == true, path.Child(fieldpath.Field(source.field)))
		}
	}
}

// volume reads what a volume holds. mounts are the places where containers see it.
func (r *reader) volume(at fieldpath.Path, volume map[string]any, mounts []map[string]any) {
	claim := object(volume["persistentVolumeClaim"])
	r.add(ToStart, "PersistentVolumeClaim", claim["claimName"], "", false, at.Join(fieldpath.Fields("persistentVolumeClaim", "claimName")))
	template := object(object(volume["ephemeral"])["volumeClaimTemplate"])
	r.class(at.Join(fieldpath.Fields("ephemeral", "volumeClaimTemplate")), template)
	if csi := object(volume["csi"]); text(csi["driver"]) == "secrets-store.csi.k8s.io" {
		class := manifest.Identity{Group: "secrets-store.csi.x-k8s.io", Kind: "SecretProviderClass", Namespace: r.namespace, Name: text(object(csi["volumeAttributes"])["secretProviderClass"])}
		r.to(ToStart, class, "", false, at.Join(fieldpath.Fields("csi", "volumeAttributes", "secretProviderClass")))
	}
	r.files(at, volume, mounts, true)
	projected := at.Join(fieldpath.Fields("projected", "sources"))
	for i, source := range objects(object(volume["projected"])["sources"]) {
		r.files(projected.Child(fieldpath.Index(i)), source, mounts, false)
	}
}

// source is a ConfigMap or a Secret as the value of a field.
type source struct {
	field, kind string
	value       map[string]any
}

func sources(value map[string]any, configMap, secret string) []source {
	return []source{{configMap, "ConfigMap", object(value[configMap])}, {secret, "Secret", object(value[secret])}}
}

// files reads a ConfigMap or Secret of which a volume makes files. It is noted twice:
// that the pod cannot start without it, and who sees the files. alone says that the volume has
// no other source: then a key that is mounted by itself is needed, too, which items ask for anyway.
func (r *reader) files(at fieldpath.Path, volume map[string]any, mounts []map[string]any, alone bool) {
	for _, source := range sources(volume, "configMap", "secret") {
		name := source.value["name"]
		if name == nil {
			name = source.value["secretName"]
		}
		optional, path := source.value["optional"] == true, at.Child(fieldpath.Field(source.field))
		items := objects(source.value["items"])
		keys := make([]string, max(1, len(items))) // without items, the object as a whole
		for i, item := range items {
			keys[i] = text(item["key"])
		}
		for _, key := range keys {
			r.add(ToStart, source.kind, name, key, optional, path)
		}
		for _, m := range mounts {
			file := text(m["subPath"])
			if file == "" && m["subPathExpr"] == nil {
				for _, key := range keys {
					r.add(AsFile, source.kind, name, key, true, path)
				}
				continue
			}
			r.add(AsSubPath, source.kind, name, keyOf(file, items), true, path)
			if alone && len(items) == 0 && file != "" && !strings.Contains(file, "/") {
				r.add(AsOneFile, source.kind, name, file, false, path)
			}
		}
	}
}

// keyOf returns the key whose content is a file of a volume; "" for any.
func keyOf(file string, items []map[string]any) string {
	file, _, _ = strings.Cut(file, "/")
	for _, item := range items {
		if path, _, _ := strings.Cut(text(item["path"]), "/"); path == file {
			return text(item["key"])
		}
	}
	if len(items) > 0 {
		return ""
	}
	return file
}
