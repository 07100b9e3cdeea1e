// Package podsecurity tells what Pod Security admission says, which every cluster runs
// unless somebody has turned it off: whether the labels of a Namespace are valid, and
// whether it lets a pod in. The checks are those of k8s.io/pod-security-admission.
//
// Users, namespaces and runtime classes that an administrator has exempted, and levels
// for namespaces without labels, are in a file of the API server that nobody can ask
// for: there are taken to be none.
package podsecurity

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// LabelErrors returns what is wrong with the labels of a Namespace, as the API server
// says it of a new one. Of one that is there it says it only if the errors are new
// (ValidateNamespace in k8s.io/pod-security-admission/admission).
func LabelErrors(labels map[string]string) field.ErrorList {
	_, errs := asked(labels)
	return errs
}

// asked is the policy of a namespace with these labels. Without any, everything is let in.
func asked(labels map[string]string) (api.Policy, field.ErrorList) {
	open := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	return api.PolicyToEvaluate(labels, api.Policy{Enforce: open, Audit: open, Warn: open})
}

// Strictest are the labels of a namespace that lets in the fewest pods.
func Strictest() map[string]string {
	return map[string]string{api.EnforceLevelLabel: string(api.LevelRestricted)}
}

// RefusesSELinux reports whether the level baseline refuses a pod with these SELinux options.
func RefusesSELinux(options *corev1.SELinuxOptions) bool {
	versions := policy.CheckSELinuxOptions().Versions
	pod := corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{SELinuxOptions: options}}
	return !versions[len(versions)-1].CheckPod(&metav1.ObjectMeta{}, &pod).Allowed
}

// Guard lets pods into namespaces as an API server of one version does.
type Guard struct{ evaluator policy.Evaluator }

// New returns the Guard of a Kubernetes version such as "1.36". The error says that
// there is no such version.
func New(kubeVersion string) (*Guard, error) {
	v, err := version.ParseGeneric(kubeVersion)
	if err != nil {
		return nil, err
	}
	emulated := api.MajorMinorVersion(int(v.Major()), int(v.Minor()))
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), &emulated)
	if err != nil {
		return nil, err
	}
	return &Guard{evaluator}, nil
}

// Refusal says why a namespace with these labels lets no pod in that is made from the
// template, one clause; "" if it does let them in.
func (g *Guard) Refusal(labels map[string]string, template *corev1.PodTemplateSpec) string {
	enforced, _ := asked(labels)
	if enforced.Enforce.Level == api.LevelPrivileged {
		return ""
	}
	meta := metav1.ObjectMeta{Labels: template.Labels, Annotations: template.Annotations}
	result := policy.AggregateCheckResults(g.evaluator.EvaluatePod(enforced.Enforce, &meta, &template.Spec))
	if result.Allowed {
		return ""
	}
	return fmt.Sprintf("PodSecurity %q: %s", enforced.Enforce.String(), result.ForbiddenReason())
}
