package apiserver

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

func newServer(t *testing.T, version string) *Server {
	t.Helper()
	s, err := New(version)
	if err != nil {
		t.Fatal(err)
	}
	return s.Knowing(Facts{Release: "shop", Namespace: "demo", Expandable: map[string]bool{"fast": true, "fixed": false}})
}

func parse(t *testing.T, s *Server, text string) []*manifest.Object {
	t.Helper()
	objects, err := manifest.Parse(text, manifest.Options{File: "test.yaml", Namespace: "demo", Namespaced: s.Namespaced})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func samples(t *testing.T, s *Server) []*manifest.Object {
	t.Helper()
	text, err := os.ReadFile("testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, s, string(text))
}

// notInCharts are kinds whose valid objects no chart can know in advance, or
// that are not served unless an administrator asks for it.
var notInCharts = []schema.GroupKind{
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"},
	{Group: "certificates.k8s.io", Kind: "ClusterTrustBundle"},
	{Group: "coordination.k8s.io", Kind: "LeaseCandidate"},
	{Group: "resource.k8s.io", Kind: "DeviceTaintRule"},
	{Group: "scheduling.k8s.io", Kind: "Workload"},
}

func TestEveryBuiltinKindHasASample(t *testing.T) {
	s := newServer(t, "")
	sampled := map[schema.GroupKind]bool{}
	for _, o := range samples(t, s) {
		sampled[schema.GroupKind{Group: o.Ref.Group, Kind: o.Ref.Kind}] = true
	}
	for gk := range s.kinds {
		if !sampled[gk] && !slices.Contains(notInCharts, gk) {
			t.Errorf("testdata/kinds.yaml has no %s", gk)
		}
	}
}

func TestEveryBuiltinKindIsAcceptedAndComparedAndRefused(t *testing.T) {
	s := newServer(t, "")
	for _, o := range samples(t, s) {
		t.Run(o.Ref.Group+"."+o.Ref.Kind, func(t *testing.T) {
			created, err := s.Create(o)
			if err != nil || len(created.Outcome.Refused) > 0 || len(created.Outcome.Ignored) > 0 || created.New == nil {
				t.Fatalf("create: %v, refused %v, ignored %v", err, created.Outcome.Refused, created.Outcome.Ignored)
			}
			same := updateText(t, s, o, o.Text()+"\n")
			if same.Outcome.Changed || len(same.Outcome.Refused) > 0 {
				t.Errorf("the same manifest: changed %t, refused %v, %s", same.Outcome.Changed, same.Outcome.Refused,
					cmp.Diff(same.OldFields, same.NewFields))
			}
			labelled := updateText(t, s, o, strings.Replace(o.Text(), "metadata: {", "metadata: {labels: {team: red}, ", 1))
			if !labelled.Outcome.Changed || len(labelled.Outcome.Refused) > 0 {
				t.Errorf("another label: changed %t, refused %v", labelled.Outcome.Changed, labelled.Outcome.Refused)
			}
			wrong := updateText(t, s, o, strings.Replace(o.Text(), "metadata: {", `metadata: {labels: {team: "not valid!"}, `, 1))
			if len(wrong.Outcome.Refused) == 0 {
				t.Error("an invalid label: not refused")
			}
			unknown := updateText(t, s, o, o.Text()+"\nnoSuchField: 1\n")
			if diff := cmp.Diff([]string{`unknown field "noSuchField"`}, unknown.Outcome.Ignored); diff != "" {
				t.Errorf("an unknown field (-want +got):\n%s", diff)
			}
		})
	}
}

func updateText(t *testing.T, s *Server, old *manifest.Object, text string) Result {
	t.Helper()
	result, err := s.Update(old, parse(t, s, text)[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestResourceNames guards the one thing in the table of kinds that the compiler
// cannot: declarative validation finds its rules by the resource's name.
func TestResourceNames(t *testing.T) {
	for gk, k := range newServer(t, "").kinds {
		plural, _ := meta.UnsafeGuessKindToResource(gk.WithVersion("v1"))
		if k.resource != plural.Resource {
			t.Errorf("%s is called %q in URLs, not %q", gk, plural.Resource, k.resource)
		}
	}
}

func TestVersions(t *testing.T) {
	for version, want := range map[string]string{
		"": "1.37", "1.36": "1.36", "v1.36.3+k3s1": "1.36", "1.31.0-gke.1": "1.31", "1.12": "1.30", "1.99": "1.37", "1.33+": "1.33",
	} {
		s, err := New(version)
		if err != nil || s.Version() != want {
			t.Errorf("New(%q) judges for %v (%v), want %s", version, s, err, want)
		}
	}
	for _, version := range []string{"latest", "2.0", "v1", "1.x"} {
		if _, err := New(version); err == nil || !strings.Contains(err.Error(), version) {
			t.Errorf("New(%q) = %v, want an error that names it", version, err)
		}
	}
}

func TestServedVersions(t *testing.T) {
	for _, c := range []struct {
		version, apiVersion, kind string
		served                    bool
	}{
		{"1.37", "apps/v1", "Deployment", true},
		{"1.37", "apps/v1beta1", "Deployment", false},
		{"1.37", "extensions/v1beta1", "Ingress", false},
		{"1.37", "policy/v1beta1", "PodDisruptionBudget", false},
		{"1.37", "policy/v1beta1", "PodSecurityPolicy", false},
		{"1.37", "autoscaling/v1", "HorizontalPodAutoscaler", true},
		{"1.37", "autoscaling/v2beta2", "HorizontalPodAutoscaler", false},
		{"1.37", "flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", false},
		{"1.37", "apps/v1", "Gadget", false},
		{"1.37", "example.com/v1", "Gadget", true},
	} {
		s := newServer(t, c.version)
		group, version, _ := strings.Cut(c.apiVersion, "/")
		reason := s.unserved(schema.GroupVersionKind{Group: group, Version: version, Kind: c.kind})
		if (reason == "") != c.served {
			t.Errorf("%s %s in %s: %q, want served %t", c.apiVersion, c.kind, c.version, reason, c.served)
		}
	}
}
