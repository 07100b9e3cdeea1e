package measure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// probe is the name of policies that show that those made before them are in force, and the
// label that one of them sets.
const probe = "laboratory-probe"

// awaitPolicies waits until the API server has read the admission policies that some manifests have,
// or had: it does so once a second (policyRefreshInterval in
// k8s.io/apiserver/pkg/admission/plugin/policy/generic), and whether Helm is faster would be chance. A
// policy that is made after them is in force no sooner than they are.
func (b *Bench) awaitPolicies(ctx context.Context, namespace string, manifests ...string) error {
	text := strings.Join(manifests, "\n")
	var err1, err2 error
	if strings.Contains(text, "kind: MutatingAdmissionPolicy") {
		err1 = b.awaitMutation(ctx, namespace)
	}
	if strings.Contains(text, "kind: ValidatingAdmissionPolicy") {
		err2 = b.awaitValidation(ctx, namespace)
	}
	return errors.Join(err1, err2)
}

func (b *Bench) awaitMutation(ctx context.Context, namespace string) error {
	client, name := b.core.AdmissionregistrationV1(), metav1.ObjectMeta{Name: probe + "." + namespace}
	fail, never := admissionv1.Fail, admissionv1.NeverReinvocationPolicy
	_, err1 := client.MutatingAdmissionPolicies().Create(ctx, &admissionv1.MutatingAdmissionPolicy{ObjectMeta: name, Spec: admissionv1.MutatingAdmissionPolicySpec{
		FailurePolicy: &fail, ReinvocationPolicy: never, MatchConstraints: leasesCreated(),
		Mutations: []admissionv1.Mutation{{PatchType: admissionv1.PatchTypeApplyConfiguration, ApplyConfiguration: &admissionv1.ApplyConfiguration{
			Expression: `Object{metadata: Object.metadata{labels: {"` + probe + `": "yes"}}}`,
		}}},
	}}, metav1.CreateOptions{})
	_, err2 := client.MutatingAdmissionPolicyBindings().Create(ctx, &admissionv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: name, Spec: admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: name.Name, MatchResources: within(namespace)},
	}, metav1.CreateOptions{})
	err3 := b.awaitLease(ctx, namespace, func(made *coordinationv1.Lease, err error) bool {
		return err == nil && made.Labels[probe] == "yes" || denied(err)
	})
	err4 := client.MutatingAdmissionPolicyBindings().Delete(ctx, name.Name, metav1.DeleteOptions{})
	err5 := client.MutatingAdmissionPolicies().Delete(ctx, name.Name, metav1.DeleteOptions{})
	return errors.Join(err1, err2, err3, err4, err5)
}

func (b *Bench) awaitValidation(ctx context.Context, namespace string) error {
	client, name := b.core.AdmissionregistrationV1(), metav1.ObjectMeta{Name: probe + "." + namespace}
	fail := admissionv1.Fail
	_, err1 := client.ValidatingAdmissionPolicies().Create(ctx, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: name, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: &fail, MatchConstraints: leasesCreated(), Validations: []admissionv1.Validation{{Expression: "false", Message: probe}},
	}}, metav1.CreateOptions{})
	_, err2 := client.ValidatingAdmissionPolicyBindings().Create(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: name, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name.Name, MatchResources: within(namespace), ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}, metav1.CreateOptions{})
	err3 := b.awaitLease(ctx, namespace, func(_ *coordinationv1.Lease, err error) bool { return denied(err) })
	err4 := client.ValidatingAdmissionPolicyBindings().Delete(ctx, name.Name, metav1.DeleteOptions{})
	err5 := client.ValidatingAdmissionPolicies().Delete(ctx, name.Name, metav1.DeleteOptions{})
	return errors.Join(err1, err2, err3, err4, err5)
}

// awaitLease creates a Lease again and again, without storing it, until what becomes of it is as
// wanted.
func (b *Bench) awaitLease(ctx context.Context, namespace string, wanted func(made *coordinationv1.Lease, err error) bool) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var made *coordinationv1.Lease
		made, last = b.core.CoordinationV1().Leases(namespace).Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: probe}},
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return wanted(made, last), nil
	})
	if err != nil {
		return fmt.Errorf("admission policies are not in force: %w", errors.Join(err, last))
	}
	return nil
}

// denied reports whether a policy has denied a Lease: the probe, or one that is waited for.
func denied(err error) bool { return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) }

func leasesCreated() *admissionv1.MatchResources {
	return &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create},
		Rule:       admissionv1.Rule{APIGroups: []string{coordinationv1.GroupName}, APIVersions: []string{"v1"}, Resources: []string{"leases"}},
	}}}}
}

func within(namespace string) *admissionv1.MatchResources {
	return &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}}
}
