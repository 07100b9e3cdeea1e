package apiserver

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// RefuseDeletion says why policies deny that an object is deleted, "" if none does, and what they
// warn of. stored is the object as the server has it.
func (g *Guards) RefuseDeletion(o *manifest.Object, stored *Result) (why string, warnings []string) {
	if g == nil || g.policies == nil {
		return "", nil
	}
	attributes := g.deletion(o, stored)
	if attributes == nil {
		return "", nil
	}
	return g.policies.ask(attributes)
}

// UnclearDeletion says of which policies is not known whether they deny that.
func (g *Guards) UnclearDeletion(o *manifest.Object, stored *Result) []string {
	if g == nil || g.policies == nil {
		return nil
	}
	return g.policies.unclear(g.deletion(o, stored), "that it is deleted")
}

// deletion is the request by which Helm deletes an object, as admission sees it: there is an old
// object and no new one (AdmissionToValidateObjectDeleteFunc in k8s.io/apiserver/pkg/registry/rest;
// deleteResource in helm.sh/helm/v3/pkg/kube). It is nil if the object is not known.
func (g *Guards) deletion(o *manifest.Object, stored *Result) admission.Attributes {
	object := stored.stored
	if object == nil {
		custom, is := stored.Old.(*unstructured.Unstructured)
		if !is {
			return nil
		}
		object = custom
	}
	r := g.server.installed(o)
	policy := metav1.DeletePropagationBackground
	return admission.NewAttributesRecord(nil, object, r.gvk, r.ref.Namespace, r.ref.Name, g.server.resourceOf(r), "",
		admission.Delete, &metav1.DeleteOptions{PropagationPolicy: &policy}, false, helmUser())
}
