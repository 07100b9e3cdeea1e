package live

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// parameters returns the objects that admission policies of the cluster take their parameters
// from, where these policies may be asked about what is sent. The name is "" where a selector
// chooses them.
func parameters(wanted []Wanted, state *State) []manifest.Ref {
	kinds, namespaces := map[string]bool{}, map[string]bool{}
	for _, w := range wanted {
		if (w.Sent || w.Deleted) && unsafePath(w.Ref) == "" {
			kinds[w.Ref.Kind], namespaces[w.Ref.Namespace] = true, true
		}
	}
	policies := map[string]map[string]any{}
	for _, o := range state.Surroundings {
		if ref := refOf(o); isPolicy(ref) && asksAbout(o, kinds) {
			policies[ref.Kind+"/"+ref.Name] = o
		}
	}
	var list []manifest.Ref
	for _, o := range state.Surroundings {
		of, is := strings.CutSuffix(refOf(o).Kind, "Binding")
		name, _, _ := unstructured.NestedString(o, "spec", "policyName")
		policy := policies[of+"/"+name]
		if !is || policy == nil {
			continue
		}
		kind, _, _ := unstructured.NestedString(policy, "spec", "paramKind", "kind")
		version, _, _ := unstructured.NestedString(policy, "spec", "paramKind", "apiVersion")
		from, has, _ := unstructured.NestedMap(o, "spec", "paramRef")
		gv, err := schema.ParseGroupVersion(version)
		if kind == "" || !has || err != nil {
			continue
		}
		ref := manifest.Ref{Group: gv.Group, Version: gv.Version, Kind: kind}
		ref.Name, _ = from["name"].(string)
		if ref.Namespace, _ = from["namespace"].(string); ref.Namespace != "" {
			list = append(list, ref)
			continue
		}
		for namespace := range namespaces {
			if ref.Namespace = namespace; namespace != "" {
				list = append(list, ref)
			}
		}
	}
	slices.SortFunc(list, manifest.Ref.Compare)
	return slices.Compact(list)
}

func isPolicy(ref manifest.Ref) bool {
	return slices.ContainsFunc(policies(), func(k kind) bool { return is(ref, k.group, k.name) })
}

// asksAbout reports whether a policy may be asked about objects of some kinds, or about their
// pods.
func asksAbout(policy map[string]any, kinds map[string]bool) bool {
	rules, _, _ := unstructured.NestedSlice(policy, "spec", "matchConstraints", "resourceRules")
	for _, r := range rules {
		rule, _ := r.(map[string]any)
		resources, _, _ := unstructured.NestedStringSlice(rule, "resources")
		for _, resource := range resources {
			if resource == "*" || resource == "*/*" || resource == pods().resource {
				return true
			}
			for kind := range kinds {
				if plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind}); plural.Resource == resource {
					return true
				}
			}
		}
	}
	return false
}

// parameter reads what a policy takes its parameters from. The content of Secrets is none of
// what is read.
func (t *task) parameter(ctx context.Context, ref manifest.Ref) {
	gap := Gap{Kind: ref.Kind, Namespace: ref.Namespace}
	var found []map[string]any
	switch {
	case manifest.IsSecret(ref.Kind):
		gap.Reason = "the parameters of an admission policy are not read from Secrets"
	case ref.Name != "":
		o, _ := t.reader.wanted(ctx, ref)
		if gap.Reason = o.Unread; o.Value != nil {
			found = append(found, o.Value)
		}
	default:
		c := t.reader.catalogue(ctx, endpoint{ref.Group, ref.Version})
		res, served := c.kinds[ref.Kind]
		switch {
		case c.reason != "":
			gap.Reason = c.reason
		case served && res.namespaced:
			found, gap.Reason = t.reader.list(ctx, listing{kind: kind{ref.Group, ref.Version, ref.Kind, res.name}, namespace: ref.Namespace})
		case served:
			found, gap.Reason = t.reader.list(ctx, listing{kind: kind{ref.Group, ref.Version, ref.Kind, res.name}})
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if gap.Reason != "" {
		t.state.Unread = append(t.state.Unread, gap)
	}
	for _, o := range found {
		if id := refOf(o).String(); !t.seen[id] {
			t.seen[id] = true
			t.state.Surroundings = append(t.state.Surroundings, o)
		}
	}
}
