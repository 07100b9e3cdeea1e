package safediff_test

import (
	"context"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const (
	lostService = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
`
	ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME}
spec:
  tls: [{hosts: [NAME.example.com], secretName: tls}]
  rules: [{host: NAME.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
`
)

// What was accepted of one Ingress that loses its Service covers no other one that loses it.
func TestAcceptanceCoversNoMore(t *testing.T) {
	a, pay := strings.ReplaceAll(ingress, "NAME", "a"), strings.ReplaceAll(ingress, "NAME", "pay")
	find := func(ingresses string, accepted ...policy.Acceptance) (*change.Change, []change.Finding, []change.Accepted) {
		set, err := safediff.Compare(context.Background(), safediff.Manifest{Name: "old", Text: lostService + ingresses}, safediff.Manifest{Name: "new", Text: ingresses},
			safediff.Options{Namespace: "demo", Policy: &policy.Policy{Accepted: accepted}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range set.Changes {
			if set.Changes[i].Ref.Kind == "Service" {
				return &set.Changes[i], set.Changes[i].Findings, set.Changes[i].Accepted
			}
		}
		t.Fatal("the Service is no change")
		return nil, nil, nil
	}
	c, findings, _ := find(a)
	if len(findings) != 1 || findings[0].Rule != "backend-missing" {
		t.Fatalf("%+v", findings)
	}
	known := policy.Acceptance{Rule: "backend-missing", Object: "Service/demo/web", Digest: c.Digest(&findings[0]), Reason: "nobody uses it", By: "Jo", Until: "2999-01-31"}
	if _, findings, accepted := find(a, known); len(findings) != 0 || len(accepted) != 1 {
		t.Errorf("what was accepted is not: %+v %+v", findings, accepted)
	}
	_, findings, accepted := find(a+pay, known)
	if len(accepted) != 0 || len(findings) != 1 {
		t.Fatalf("two Ingresses are accepted where one was: %+v %+v", findings, accepted)
	}
	if !strings.Contains(findings[0].Message, "demo/pay") {
		t.Errorf("the second Ingress is not named: %s", findings[0].Message)
	}
}
