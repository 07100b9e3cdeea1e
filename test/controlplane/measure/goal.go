package measure

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// Reached returns an error unless the cluster holds what a manifest says, field by field, and each claim asks
// for what the template says that it was made of. Hooks are left out.
func (s *Stage) Reached(ctx context.Context, manifest string) error {
	objects, err := lab.Objects(manifest)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o.GetAnnotations()["helm.sh/hook"] != "" {
			continue
		}
		client, err := s.b.lab.ServedClientFor(o, s.namespace)
		if err != nil {
			return err
		}
		live, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		for field, value := range o.Object {
			if field == "stringData" {
				field, value = "data", encoded(value)
			}
			if err := holds(field, value, live.Object[field]); err != nil && field != "apiVersion" {
				return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
		if o.GetKind() == "StatefulSet" {
			if err := s.grown(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// encoded returns stringData as the API server stores it.
func encoded(value any) map[string]any {
	texts, _ := value.(map[string]any)
	data := map[string]any{}
	for key, text := range texts {
		data[key] = base64.StdEncoding.EncodeToString(fmt.Append(nil, text))
	}
	return data
}

// grown returns an error unless each claim of a StatefulSet asks for as much as its template.
func (s *Stage) grown(ctx context.Context, set *unstructured.Unstructured) error {
	templates, _, _ := unstructured.NestedSlice(set.Object, "spec", "volumeClaimTemplates")
	claims, err := s.b.core.CoreV1().PersistentVolumeClaims(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, t := range templates {
		template, _ := t.(map[string]any)
		name, _, _ := unstructured.NestedString(template, "metadata", "name")
		size, _, _ := unstructured.NestedFieldNoCopy(template, "spec", "resources", "requests", "storage")
		made := 0
		for i := range claims.Items {
			p := &claims.Items[i]
			if !strings.HasPrefix(p.Name, name+"-"+set.GetName()+"-") {
				continue
			}
			made++
			if err := holds("storage", size, p.Spec.Resources.Requests.Storage().String()); err != nil {
				return fmt.Errorf("PersistentVolumeClaim %s: %w", p.Name, err)
			}
		}
		if made == 0 {
			return fmt.Errorf("StatefulSet %s has no claims of template %s", set.GetName(), name)
		}
	}
	return nil
}

// holds returns an error unless a value in the cluster has all that one in a manifest has.
func holds(path string, wanted, live any) error {
	switch want := wanted.(type) {
	case map[string]any:
		has, _ := live.(map[string]any)
		for key, value := range want {
			if err := holds(path+"."+key, value, has[key]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		has, _ := live.([]any)
		if len(has) != len(want) {
			return fmt.Errorf("%s has %d entries, not %d", path, len(has), len(want))
		}
		for i := range want {
			if err := holds(fmt.Sprintf("%s[%d]", path, i), want[i], has[i]); err != nil {
				return err
			}
		}
		return nil
	case nil:
		return nil
	}
	text, is := fmt.Sprint(wanted), fmt.Sprint(live)
	a, err1 := resource.ParseQuantity(text)
	b, err2 := resource.ParseQuantity(is)
	if text == is || err1 == nil && err2 == nil && a.Cmp(b) == 0 {
		return nil
	}
	return fmt.Errorf("%s is %s, not %s", path, is, text)
}
