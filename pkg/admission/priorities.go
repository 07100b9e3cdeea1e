package admission

import (
	"context"

	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/kubernetes/plugin/pkg/admission/priority"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// SecondDefault says why a PriorityClass that comes or changes is refused beside those that
// are there: only one may be the default. It asks the Priority plugin.
func SecondDefault(s *apiserver.Server, class *manifest.Object, there []*manifest.Object, exists bool) []change.FieldError {
	object := s.Decoded(class)
	if object == nil {
		return nil
	}
	known := PodClasses{priorities: indexed[schedulingv1.PriorityClass](s, there, schedulingv1.SchemeGroupVersion.WithKind("PriorityClass"))}
	plugin := priority.NewPlugin()
	plugin.SetExternalKubeInformerFactory(classInformers{PodClasses: known})
	operation := admission.Create
	if exists {
		operation = admission.Update
	}
	attributes := admission.NewAttributesRecord(object, nil, schedulingv1.SchemeGroupVersion.WithKind(class.Ref.Kind), "", class.Ref.Name, schedulingv1.SchemeGroupVersion.WithResource("priorityclasses"), "",
		operation, nil, false, apiserver.HelmUser())
	if err := plugin.Validate(context.Background(), attributes, nil); err != nil {
		return []change.FieldError{{Field: "globalDefault", Type: "Forbidden", Message: apiserver.FirstLine(err.Error())}}
	}
	return nil
}
