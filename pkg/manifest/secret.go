package manifest

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Mask replaces in all output a value that must not be shown.
const Mask = "***"

// lastApplied is where kubectl keeps a copy of the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// IsSecret reports whether a kind counts as Secret. The API server takes only "Secret"
// of the core group for one, but an object whose kind or group is misspelt holds the
// same content: so upper and lower case, a plural s and any group count, and lists of
// Secrets.
func IsSecret(kind string) bool {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, kind)
	for _, name := range []string{"secret", "secrets", "secretlist", "secretslist"} {
		if strings.EqualFold(letters, name) {
			return true
		}
	}
	return false
}

// SecretName reports whether a name, of a value of a chart for example, says that what it
// names is likely to be secret.
func SecretName(name string) bool { return secretName().MatchString(name) }

// WithoutSecrets returns the object with Mask for every value that may be secret; the
// value itself stays as it is. These are:
//   - all fields of a Secret (IsSecret) except those that are known to be harmless,
//   - the same for a Secret inside another object: an item of a list, a manifest or
//     template in a custom resource, text that is the manifest of a Secret,
//   - stringData, wherever it is: only Secrets have such a field,
//   - the copy of an object that kubectl keeps in an annotation.
//
// The names of keys are not secret. What is masked has the same path as before, or a
// path that begins with that of its mask.
func WithoutSecrets(value map[string]any, ref Ref) map[string]any {
	if IsSecret(ref.Kind) {
		return publicSecret(value)
	}
	v := veil{templates: containsFold(ref.Kind, "secret")}
	shown, _ := v.value(value).(map[string]any)
	return shown
}

// veil masks what is secret in an object that is no Secret.
type veil struct {
	// templates says that the object is of a kind that makes Secrets, such as
	// SealedSecret or ExternalSecret: its templates are Secrets without a kind.
	templates bool
}

// value returns a value without secrets, and the value itself if it has none.
func (v veil) value(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		return v.fields(typed)
	case []any:
		var copied []any
		for i, item := range typed {
			shown := v.value(item)
			if same(item, shown) {
				continue
			}
			if copied == nil {
				copied = slices.Clone(typed)
			}
			copied[i] = shown
		}
		if copied != nil {
			return copied
		}
	case string:
		if isSecretManifest(typed) {
			return Mask
		}
	}
	return value
}

func (v veil) fields(fields map[string]any) any {
	kind := ""
	holds := false // what only a Secret has, not a reference to one
	for name, content := range fields {
		switch text, isText := content.(string); {
		case strings.EqualFold(name, "kind") && isText:
			kind = text
		case containsFold(name, "data"): // metadata, data, stringData
			holds = true
		}
	}
	switch {
	case IsSecret(kind) && holds:
		return publicSecret(fields)
	case IsSecret(kind):
		return publicReference(fields)
	}
	return replaced(fields, func(name string, content any) any {
		inner, isMap := content.(map[string]any)
		switch {
		case strings.EqualFold(name, "stringData"):
			return namesOnly(content)
		case name == lastApplied:
			return Mask
		case v.templates && isMap && containsFold(name, "template") && (inner["data"] != nil || inner["stringData"] != nil):
			return publicSecret(inner)
		}
		return v.value(content)
	})
}

// publicSecret returns what of a Secret is known to be harmless, and masks all else.
func publicSecret(secret map[string]any) map[string]any {
	return replaced(secret, func(name string, content any) any {
		switch name {
		case "apiVersion", "kind", "type":
			if text, is := content.(string); is && identifier().MatchString(text) {
				return content
			}
		case "immutable":
			if _, is := content.(bool); is {
				return content
			}
		case "metadata":
			if metadata, is := content.(map[string]any); is {
				return publicMetadata(metadata)
			}
		case "items": // of a list: each is a Secret, whether it says so or not
			if items, is := content.([]any); is {
				return publicItems(items)
			}
		}
		return namesOnly(content)
	})
}

func publicItems(items []any) any {
	shown := make([]any, len(items))
	for i, item := range items {
		shown[i] = Mask
		if secret, is := item.(map[string]any); is {
			shown[i] = publicSecret(secret)
		}
	}
	return shown
}

// publicMetadata returns what of the metadata of a Secret is harmless. An annotation can
// hold anything, the whole Secret for example, so only those that Helm and Kubernetes
// define are shown.
func publicMetadata(metadata map[string]any) map[string]any {
	return replaced(metadata, func(name string, content any) any {
		switch name {
		case "name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp":
			if _, is := content.(string); is {
				return content
			}
		case "generation", "deletionGracePeriodSeconds":
			if _, is := content.(int64); is {
				return content
			}
		case "labels":
			return entries(content, func(_, value string) bool { return labelValue().MatchString(value) })
		case "annotations":
			return entries(content, func(key, _ string) bool { return harmlessAnnotation(key) })
		case "finalizers":
			if names, is := content.([]any); is {
				return publicNames(names)
			}
		case "ownerReferences":
			if owners, is := content.([]any); is {
				return publicOwners(owners)
			}
		}
		return namesOnly(content)
	})
}

func publicNames(names []any) any {
	for _, name := range names {
		if text, is := name.(string); !is || !identifier().MatchString(text) {
			return Mask
		}
	}
	return names
}

func publicOwners(owners []any) any {
	shown := make([]any, len(owners))
	for i, owner := range owners {
		shown[i] = Mask
		if fields, is := owner.(map[string]any); is {
			shown[i] = publicReference(fields)
		}
	}
	return shown
}

// publicReference returns what of a map that names a Secret, and is none, is harmless.
func publicReference(fields map[string]any) map[string]any {
	return replaced(fields, func(name string, content any) any {
		text, isText := content.(string)
		_, isBool := content.(bool)
		switch {
		case isBool:
			return content
		case isText && identifier().MatchString(text) && referenceField(name):
			return content
		}
		return namesOnly(content)
	})
}

func referenceField(name string) bool {
	switch name {
	case "apiVersion", "apiGroup", "group", "version", "kind", "name", "namespace", "uid", "key",
		"valuesKey", "targetPath", "fieldPath", "resourceVersion", "creationPolicy":
		return true
	default:
		return false
	}
}

func harmlessAnnotation(key string) bool {
	switch key {
	case HookAnnotation, HookDeletePolicyAnnotation, ResourcePolicyAnnotation, "helm.sh/hook-weight", "helm.sh/hook-output-log-policy",
		ReleaseNameAnnotation, ReleaseNamespaceAnnotation,
		"kubernetes.io/service-account.name", "kubernetes.io/service-account.uid",
		"argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-options":
		return true
	default:
		return false
	}
}

// entries masks the values of a map, except for texts that are harmless.
func entries(content any, harmless func(key, value string) bool) any {
	fields, is := content.(map[string]any)
	if !is {
		return namesOnly(content)
	}
	return replaced(fields, func(key string, value any) any {
		if text, is := value.(string); is && harmless(key, text) {
			return value
		}
		return Mask
	})
}

// namesOnly masks a value; of a map it leaves the keys.
func namesOnly(content any) any {
	switch content := content.(type) {
	case nil:
		return nil
	case map[string]any:
		return replaced(content, func(string, any) any { return Mask })
	default:
		return Mask
	}
}

// replaced returns the fields with what a function makes of each, and the map itself if
// that is the same.
func replaced(fields map[string]any, with func(name string, content any) any) map[string]any {
	var copied map[string]any
	for name, content := range fields {
		shown := with(name, content)
		if same(content, shown) {
			continue
		}
		if copied == nil {
			copied = maps.Clone(fields)
		}
		copied[name] = shown
	}
	if copied == nil {
		return fields
	}
	return copied
}

// same reports whether nothing was replaced: a map or list of which a part was is a copy.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, is := b.(map[string]any)
		return is && reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
	case []any:
		b, is := b.([]any)
		return is && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	default:
		switch b.(type) {
		case map[string]any, []any:
			return false
		default:
			return a == b
		}
	}
}

var (
	// identifier matches names as Kubernetes and Helm have them, in which nobody keeps a
	// secret: of kinds, versions, types, objects, keys.
	identifier = lazily(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,252}$`) //nolint:gochecknoglobals // a constant
	secretName = lazily(                                       //nolint:gochecknoglobals // a constant
		`(?i)passw|secret|token|credential|private|api_?-?key|access_?-?key|auth|cert|dsn|connection_?-?string|(?:^|\.)key$`)
	// labelValue matches what the API server takes for the value of a label
	// (IsValidLabelValue in k8s.io/apimachinery/pkg/util/validation).
	labelValue = lazily(`^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$`) //nolint:gochecknoglobals // a constant
)

// lazily returns an expression that is compiled when it is asked for the first time. All together
// would take a fiftieth of the start of the program, which often needs none of them.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func containsFold(text, part string) bool { return strings.Contains(strings.ToLower(text), part) }
