package measure

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxChanged is how many fields are named.
const maxChanged = 8

// compare returns the verdict about a live object, and which fields changed.
func compare(before, after *unstructured.Unstructured) (verdict string, changed []string) {
	switch {
	case before == nil && after == nil:
		return "absent", nil
	case before == nil:
		return "created", nil
	case after == nil:
		return "deleted", nil
	case before.GetUID() != after.GetUID():
		return "recreated", nil
	}
	fields(nil, stated(before), stated(after), &changed)
	if len(changed) == 0 {
		return "unchanged", nil
	}
	slices.Sort(changed)
	return "modified", changed[:min(len(changed), maxChanged)]
}

// bookkeeping are annotations that controllers write.
func bookkeeping() []string {
	return []string{
		"deployment.kubernetes.io/", "deprecated.daemonset.template.generation", "pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/",
	}
}

// stated returns what somebody wants of an object: all but status and bookkeeping.
func stated(o *unstructured.Unstructured) map[string]any {
	value := o.DeepCopy().Object
	delete(value, "status")
	delete(value, "apiVersion")
	metadata, _ := value["metadata"].(map[string]any)
	for _, name := range []string{"managedFields", "generation", "resourceVersion", "uid", "creationTimestamp", "selfLink", "finalizers"} {
		delete(metadata, name)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for name := range annotations {
		if slices.ContainsFunc(bookkeeping(), func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			delete(annotations, name)
		}
	}
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	if spec, ok := value["spec"].(map[string]any); ok && o.GetKind() == "PersistentVolume" {
		delete(spec, "claimRef")
	}
	return value
}

func fields(path []string, before, after any, changed *[]string) {
	x, isMap := before.(map[string]any)
	y, areMaps := after.(map[string]any)
	if !isMap || !areMaps {
		if !reflect.DeepEqual(before, after) {
			*changed = append(*changed, strings.Join(path, "."))
		}
		return
	}
	for name, value := range x {
		fields(append(slices.Clone(path), name), value, y[name], changed)
	}
	for name, value := range y {
		if _, both := x[name]; !both {
			fields(append(slices.Clone(path), name), nil, value, changed)
		}
	}
}

// names reports whether an error of Helm is about an object.
func names(message string, o *unstructured.Unstructured) bool {
	kind, name := regexp.QuoteMeta(o.GetKind()), regexp.QuoteMeta(o.GetName())
	message = regexp.MustCompile(`pod rejected: RuntimeClass "[^"]+" not found`).ReplaceAllString(message, "") // it is the pod that is rejected
	for _, pattern := range []string{
		`cannot patch "` + name + `" with kind ` + kind + `\b`,
		`\b` + kind + `(\.[a-z0-9.-]+)? "` + name + `"`,
		`\b` + strings.ToLower(kind) + `s(\.[a-z0-9.-]+)? "` + name + `" (already exists|is forbidden)`,
		`/` + name + ` \S+, Kind=` + kind + `\b`,
		`requested resource \(post ` + strings.ToLower(kind) + `s\.` + regexp.QuoteMeta(o.GroupVersionKind().Group) + `\)`,
		`\bnamespaces "` + regexp.QuoteMeta(o.GetNamespace()) + `" not found`,     // it says no more of the object
		`\b` + kind + ` in version "[^"]+" cannot be handled as a ` + kind + `\b`, // it says no more of the object, either
		`name: "` + name + `" .*no matches for kind "` + kind + `"`,
	} {
		if regexp.MustCompile(pattern).MatchString(message) {
			return true
		}
	}
	return strings.Contains(message, "unable to decode") && !readable(o)
}

// readable reports whether Helm can read the labels and annotations of an object.
func readable(o *unstructured.Unstructured) bool {
	for _, field := range []string{"labels", "annotations"} {
		texts, _, _ := unstructured.NestedMap(o.Object, "metadata", field)
		for _, text := range texts {
			if _, ok := text.(string); !ok && text != nil {
				return false
			}
		}
	}
	return true
}
