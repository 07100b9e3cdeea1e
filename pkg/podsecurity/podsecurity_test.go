package podsecurity_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/safe-diff/helm-safe-diff/pkg/podsecurity"
)

const level = "pod-security.kubernetes.io/enforce"

func TestRefusal(t *testing.T) {
	guard, err := podsecurity.New("1.36")
	if err != nil {
		t.Fatal(err)
	}
	no, yes := false, true
	plain := corev1.PodSpec{Containers: []corev1.Container{{Name: "web"}}}
	host := *plain.DeepCopy()
	host.HostNetwork = true
	fit := *plain.DeepCopy()
	fit.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	fit.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	for _, c := range []struct {
		name   string
		labels map[string]string
		spec   corev1.PodSpec
		want   string
	}{
		{"no labels", nil, host, ""},
		{"privileged", map[string]string{level: "privileged"}, host, ""},
		{"baseline", map[string]string{level: "baseline"}, host, `PodSecurity "baseline:latest": host namespaces`},
		{"baseline, and a plain pod", map[string]string{level: "baseline"}, plain, ""},
		{"restricted", map[string]string{level: "restricted"}, plain,
			`PodSecurity "restricted:latest": allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile`},
		{"restricted, and a pod that is fit", map[string]string{level: "restricted"}, fit, ""},
		{"restricted, as it was first", map[string]string{level: "restricted", level + "-version": "v1.0"}, plain,
			`PodSecurity "restricted:v1.0": runAsNonRoot != true`},
		{"warned of only", map[string]string{"pod-security.kubernetes.io/warn": "restricted"}, host, ""},
		// A level that the API server does not know is the strictest.
		{"misspelt", map[string]string{level: "base"}, host, `PodSecurity "restricted:latest": host namespaces, allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile`},
	} {
		if got := guard.Refusal(c.labels, &corev1.PodTemplateSpec{Spec: c.spec}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLabelErrors(t *testing.T) {
	if errs := podsecurity.LabelErrors(map[string]string{level: "baseline", level + "-version": "v1.30", "other": "label"}); len(errs) != 0 {
		t.Errorf("valid labels: %v", errs)
	}
	errs := podsecurity.LabelErrors(map[string]string{level: "base", level + "-version": "1.30"})
	if len(errs) != 2 || !strings.Contains(errs.ToAggregate().Error(), "metadata.labels["+level+"]") {
		t.Errorf("two labels that are not valid: %v", errs)
	}
}

func TestNew(t *testing.T) {
	if _, err := podsecurity.New("newest"); err == nil {
		t.Error("a version that is none is taken")
	}
}
