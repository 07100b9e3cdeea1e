package safediff

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const guarded = `apiVersion: v1
kind: ConfigMap
metadata: {name: guarded}
---
apiVersion: batch/v1
kind: Job
metadata: {name: last, annotations: {helm.sh/hook: "post-upgrade,post-rollback,post-delete"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}
`

const noDeletions = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: keep}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [DELETE]}]}
  validations: [{expression: "false"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: keep}
spec: {policyName: keep, validationActions: [Deny]}
`

// TestDeniedDeletion holds what each Helm does about an object whose deletion a policy denies: both fail
// in an uninstall, and only Helm 4 in an upgrade or a rollback.
func TestDeniedDeletion(t *testing.T) {
	const refused, left = "delete: rejected", "keep: unapplied"
	for _, c := range []struct {
		name       string
		operation  change.Operation
		helm       int
		serverSide bool
		want       string
		verdict    change.Verdict
	}{
		{"an upgrade by Helm 3", change.Upgrade, 3, false, left, change.Risky},
		{"an upgrade by Helm 4", change.Upgrade, 4, true, refused, change.Fails},
		{"an upgrade by Helm 4 that merges", change.Upgrade, 4, false, refused, change.Fails},
		{"an upgrade by server-side apply", change.Upgrade, 0, true, refused, change.Fails},
		{"an upgrade by one of the two", change.Upgrade, 0, false, left, change.Risky},
		{"a rollback by Helm 3", change.Rollback, 3, false, left, change.Risky},
		{"a rollback by Helm 4", change.Rollback, 4, false, refused, change.Fails},
		{"an uninstall by Helm 3", change.Uninstall, 3, false, refused, change.Fails},
		{"an uninstall by Helm 4", change.Uninstall, 4, true, refused, change.Fails},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, hook, _ := strings.Cut(guarded, "---\n")
			set, err := Compare(context.Background(), Manifest{Name: "old", Text: guarded}, Manifest{Name: "new", Text: hook}, Options{
				Namespace: "demo", Operation: c.operation, ServerSide: c.serverSide, Cluster: []Manifest{{Name: "cluster", Text: noDeletions}},
				Release: change.Release{Name: "shop", Namespace: "demo", Revision: 2, Helm: c.helm},
			})
			if err != nil {
				t.Fatal(err)
			}
			var said string
			for i := range set.Changes {
				if ch := &set.Changes[i]; ch.Ref.Kind == "ConfigMap" && len(ch.Findings) == 1 {
					said = string(ch.Op) + ": " + string(ch.Findings[0].Risk)
				}
			}
			if diff := cmp.Diff(c.want, said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if v := set.Verdict(change.FailOn{"unapplied"}); v != c.verdict {
				t.Errorf("the verdict is %s, want %s", v, c.verdict)
			}
		})
	}
}
