package rollout

import (
	"bytes"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // the scheme below knows StatefulSets
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/features"
)

// sameRevision reports whether the StatefulSet controller takes the template of
// updated for the one that old's pods were made from (getStatefulSetRevisions in
// stateful_set_control.go). It compares bytes, so that a quantity in another
// suffix family is another revision; since 1.35 it forgives what defaulting the
// older revision again makes up for.
func sameRevision(old, updated *appsv1.StatefulSet) bool {
	was, err := revision(&old.Spec.Template)
	if err != nil {
		return false
	}
	is, err := revision(&updated.Spec.Template)
	if err != nil {
		return false
	}
	if bytes.Equal(was, is) {
		return true
	}
	if !utilfeature.DefaultFeatureGate.Enabled(features.StatefulSetSemanticRevisionComparison) {
		return false
	}
	restored, err := statefulset.ApplyRevision(updated, &appsv1.ControllerRevision{Data: runtime.RawExtension{Raw: was}})
	if err != nil {
		return false
	}
	legacyscheme.Scheme.Default(restored)
	again, err := revision(&restored.Spec.Template)
	return err == nil && bytes.Equal(again, is)
}

// revision returns a template as a ControllerRevision holds it: the patch that
// puts the whole template in place (getPatch in stateful_set_utils.go).
func revision(template *corev1.PodTemplateSpec) ([]byte, error) {
	codec := legacyscheme.Codecs.LegacyCodec(appsv1.SchemeGroupVersion)
	encoded, err := runtime.Encode(codec, &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: *template}})
	if err != nil {
		return nil, err
	}
	type spec struct {
		Template map[string]any `json:"template"`
	}
	var patch struct {
		Spec spec `json:"spec"`
	}
	if err := json.Unmarshal(encoded, &patch); err != nil {
		return nil, err
	}
	patch.Spec.Template["$patch"] = "replace"
	return json.Marshal(patch)
}
