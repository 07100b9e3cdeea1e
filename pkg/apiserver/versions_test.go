package apiserver

import (
	"slices"
	"testing"
)

// What templates ask for is there in the versions of Kubernetes that serve it, and not in
// others.
func TestAPIVersions(t *testing.T) {
	for version, want := range map[string]map[string]bool{
		"1.37": {
			"v1": true, "v1/Pod": true, "apps/v1": true, "apps/v1/Deployment": true, "policy/v1/PodDisruptionBudget": true,
			"apiextensions.k8s.io/v1/CustomResourceDefinition": true, "apiregistration.k8s.io/v1/APIService": true, "authorization.k8s.io/v1/SubjectAccessReview": true,
			"policy/v1beta1": false, "policy/v1beta1/PodSecurityPolicy": false, "extensions/v1beta1": false, "apps/v1/DeploymentList": false,
			"flowcontrol.apiserver.k8s.io/v1beta3": false, "internal.apiserver.k8s.io/v1alpha1": false, "monitoring.coreos.com/v1": false,
			"admissionregistration.k8s.io/v1/MutatingAdmissionPolicy": true,
		},
		"1.31": {
			"flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema": true, "networking.k8s.io/v1/Ingress": true, "networking.k8s.io/v1/IPAddress": false,
		},
	} {
		server, err := New(version)
		if err != nil {
			t.Fatal(err)
		}
		served := server.APIVersions()
		for name, is := range want {
			if slices.Contains(served, name) != is {
				t.Errorf("Kubernetes %s: %s is served: %v", version, name, !is)
			}
		}
	}
}
