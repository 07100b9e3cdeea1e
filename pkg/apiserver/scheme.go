package apiserver

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/nearest"

	// The versions of every group, with their defaults and conversions.
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/extensions/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
)

// betaOffByDefault is the first minor in which beta APIs that are new in it are
// not served unless an administrator asks for them (KEP-3136).
const betaOffByDefault = 24

// lastBeta is the one newer beta version that was served without being asked for, as
// long as it was there (legacyBetaEnabledByDefaultResources in
// k8s.io/kubernetes/pkg/controlplane of 1.31).
func lastBeta() schema.GroupVersion {
	return schema.GroupVersion{Group: "flowcontrol.apiserver.k8s.io", Version: "v1beta3"}
}

// Serves reports whether the server serves the object's kind in its version, as
// far as the kind is one of its own. Helm cannot upgrade a release that holds an
// object which is not served, changed or not.
//
// Of a custom resource that the release holds already it says false, too, where
// its definition does not stay as it is, so that the object is looked at.
func (s *Server) Serves(ref manifest.Ref) bool {
	gvk := schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
	return s.facts.Definitions.settled(gvk.Group) && s.unserved(gvk) == ""
}

// Unserved refuses an object whose kind a cluster does not serve in its version, as
// the client does that finds it out.
func Unserved(ref manifest.Ref) change.FieldError {
	gvk := schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
	return change.FieldError{Field: "apiVersion", Type: "NotFound", Message: noMatch(gvk) + meant(gvk)}
}

// meant names the kind that somebody meant who has mistyped one of Kubernetes' own; "" if
// the version has none of nearly that name.
func meant(gvk schema.GroupVersionKind) string {
	if legacyscheme.Scheme.Recognizes(gvk) {
		return ""
	}
	var kinds []string
	for kind := range legacyscheme.Scheme.KnownTypes(gvk.GroupVersion()) {
		if !strings.HasSuffix(kind, "List") && !strings.HasSuffix(kind, "Options") {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	if kind := nearest.Of(gvk.Kind, kinds); kind != "" {
		return "; did you mean " + kind + "?"
	}
	return ""
}

// unserved says why the server does not serve a kind in a version, in the words
// of the client that finds that out; "" if it does, or if the kind is none of
// its own.
func (s *Server) unserved(gvk schema.GroupVersionKind) string {
	if known, ok := s.served.Load(gvk); ok {
		reason, _ := known.(string)
		return reason
	}
	reason := s.lookUpUnserved(gvk)
	s.served.Store(gvk, reason)
	return reason
}

func (s *Server) lookUpUnserved(gvk schema.GroupVersionKind) string {
	reason := noMatch(gvk)
	if !legacyscheme.Scheme.Recognizes(gvk) {
		if legacyscheme.Scheme.IsGroupRegistered(gvk.Group) {
			return reason + meant(gvk)
		}
		return ""
	}
	if object, err := legacyscheme.Scheme.New(gvk); err != nil || !s.offers(gvk, object) {
		return reason
	}
	return ""
}

// alpha reports whether a version is served only if an administrator asks for it
// (alphaAPIGroupVersionsDisabledByDefault in k8s.io/kubernetes/pkg/controlplane).
func alpha(version string) bool { return strings.Contains(version, "alpha") }

// deprecated says of a version that is served how long it will be, as far as that is
// known: a Kubernetes minor, or that the definition of a custom resource gives it up.
func (r request) deprecated() []change.Doubt {
	version := r.gvk.GroupVersion().String()
	if r.custom != nil {
		for i := range r.custom.crd.Spec.Versions {
			if v := &r.custom.crd.Spec.Versions[i]; v.Name == r.gvk.Version && v.Deprecated {
				return []change.Doubt{{Reason: version + " is deprecated by the definition of " + r.gvk.Kind + ": when it goes is not known"}}
			}
		}
		return nil
	}
	object, err := legacyscheme.Scheme.New(r.gvk)
	if err != nil {
		return nil
	}
	if api, ok := object.(interface{ APILifecycleRemoved() (major, minor int) }); ok {
		major, minor := api.APILifecycleRemoved()
		return []change.Doubt{{Reason: fmt.Sprintf("%s is deprecated, and Kubernetes %d.%d no longer serves it: before the cluster is upgraded to that, the release must be", version, major, minor)}}
	}
	return nil
}

// stable reports whether a version is neither alpha nor beta.
func stable(version string) bool {
	for _, r := range version[min(1, len(version)):] {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
