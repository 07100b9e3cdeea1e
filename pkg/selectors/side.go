package selectors

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// side is one selector as one side writes it.
type side struct {
	selector labels.Selector
	// namespaces are those in which it selects; nil means all.
	namespaces []string
	// rules say at which resources a webhook looks; nil means at what the row says.
	rules []rule
}

// rule is what a webhook configuration or an admission policy says of the requests
// that it is meant for. Operations are left aside, and versions: by default
// (matchPolicy Equivalent) a webhook is asked for every version of what it names.
type rule struct{ groups, resources []string }

// newSide reads a selector; nil if it is none.
func newSide(r *row, ref manifest.Ref, holder, text map[string]any) *side {
	s := &side{namespaces: r.namespaces(ref, holder)}
	if r.looks == "" {
		s.rules = rules(holder)
	}
	if r.kind == "Service" { // a plain map, in which nothing selects nothing
		set := map[string]string{}
		for name, value := range text {
			set[name], _ = value.(string)
		}
		s.selector = labels.SelectorFromValidatedSet(set)
		return s
	}
	var selector metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(text, &selector) != nil {
		return nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return nil
	}
	s.selector = parsed
	return s
}

// namespaces returns where an object selects; nil means everywhere.
func (r *row) namespaces(ref manifest.Ref, holder map[string]any) []string {
	switch r.where {
	case anywhere:
		return nil
	case named:
		beside, _ := holder["namespaceSelector"].(map[string]any)
		if every, _ := beside["any"].(bool); every {
			return nil
		}
		if names := texts(beside["matchNames"]); len(names) > 0 {
			return names
		}
	case chosen:
		// Which namespaces have the labels is not known here.
		if holder[strings.TrimSuffix(r.selector, "Selector")+"NamespaceSelector"] != nil {
			return nil
		}
	case own:
	}
	return []string{ref.Namespace}
}

// rules reads what stands beside an objectSelector. An admission policy's binding
// may say nothing, and then means all that its policy means.
func rules(holder map[string]any) []rule {
	list, _ := holder["rules"].([]any)
	if list == nil {
		list, _ = holder["resourceRules"].([]any)
	}
	out := make([]rule, 0, len(list))
	for _, item := range list {
		fields, _ := item.(map[string]any)
		out = append(out, rule{texts(fields["apiGroups"]), texts(fields["resources"])})
	}
	if list == nil {
		return []rule{{[]string{"*"}, []string{"*"}}}
	}
	return out
}

func texts(list any) []string {
	items, _ := list.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// names reports whether the selector is about a label.
func (s *side) names(label string) bool {
	requirements, _ := s.selector.Requirements()
	return slices.ContainsFunc(requirements, func(r labels.Requirement) bool { return r.Key() == label })
}

// selects reports whether the selector fits an object that has these labels.
func (s *side) selects(ref manifest.Ref, set map[string]string) bool {
	if s.namespaces != nil && !slices.Contains(s.namespaces, ref.Namespace) {
		return false
	}
	if s.rules != nil && !slices.ContainsFunc(s.rules, func(r rule) bool { return r.means(ref) }) {
		return false
	}
	return s.selector.Matches(labels.Set(set))
}

// means reports whether a rule is about the objects of a kind, whose resource is
// taken to be called as Kubernetes' own are: the plural in lower case.
func (r *rule) means(ref manifest.Ref) bool {
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind})
	fits := func(list []string, want ...string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return slices.Contains(list, w) })
	}
	return fits(r.groups, "*", ref.Group) && fits(r.resources, "*", "*/*", plural.Resource)
}
