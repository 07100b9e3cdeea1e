package apiserver

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const webDeployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {note: one}
    spec:
      containers:
      - name: app
        image: web:1
        env: [{name: A, value: "1"}]
        readinessProbe: {httpGet: {port: 80}}
`

// TestTheTwoWaysHelmApplies holds what a real control plane was measured to make
// of one change, applied by a three-way merge and on the server's side.
func TestTheTwoWaysHelmApplies(t *testing.T) {
	for _, c := range []struct{ name, edit, to, merged, applied string }{
		{"another image", "web:1", "web:2", "changed", "changed"},
		{"a default written out", "image: web:1", "image: web:1\n        imagePullPolicy: IfNotPresent", "same", "same"},
		{"an annotation set to null", "note: one", "note: null", "changed", "changed"},
		{"an annotation that is null from the start", "note: one", "note: one, more: null", "same", "changed"},
		{
			"a probe set to null", "readinessProbe: {httpGet: {port: 80}}", "readinessProbe: null",
			"changed", "spec.template.spec.containers[0].readinessProbe: Required value: must specify a handler type",
		},
		{
			"an unknown field", "image: web:1", "image: web:1\n        imagee: web:1", "same",
			`failed to create typed patch object (demo/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="app"].imagee: field not declared in schema`,
		},
		{
			"a name twice", `env: [{name: A, value: "1"}]`, `env: [{name: A, value: "1"}, {name: A, value: "2"}]`, "same",
			`failed to create typed patch object (demo/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="app"].env: duplicate entries for key [name="A"]`,
		},
		{
			"the default strategy turned into Recreate", "spec:\n  selector", "spec:\n  strategy: {type: Recreate}\n  selector", "changed",
			"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, serverSide := range []bool{false, true} {
				s := newServer(t, "")
				s = s.Knowing(Facts{Release: "shop", Namespace: "demo", ServerSide: serverSide})
				result := updateText(t, s, parse(t, s, webDeployment)[0], strings.Replace(webDeployment, c.edit, c.to, 1))
				want, got := c.merged, "same"
				if serverSide {
					want = c.applied
				}
				switch {
				case len(result.Outcome.Refused) > 0:
					got = result.Outcome.Refused[0].String()
				case result.Outcome.Changed:
					got = "changed"
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("server side %t (-want +got):\n%s", serverSide, diff)
				}
			}
		})
	}
}

func TestEveryBuiltinKindCanBeApplied(t *testing.T) {
	s := newServer(t, "")
	s = s.Knowing(Facts{Release: "shop", Namespace: "demo", ServerSide: true})
	for _, o := range samples(t, s) {
		t.Run(o.Ref.Group+"."+o.Ref.Kind, func(t *testing.T) {
			same := updateText(t, s, o, o.Text()+"\n")
			if same.Outcome.Changed || len(same.Outcome.Refused) > 0 || same.New == nil {
				t.Errorf("the same manifest: changed %t, refused %v, %s", same.Outcome.Changed, same.Outcome.Refused,
					cmp.Diff(same.OldFields, same.NewFields))
			}
			labelled := updateText(t, s, o, strings.Replace(o.Text(), "metadata: {", "metadata: {labels: {team: red}, ", 1))
			if !labelled.Outcome.Changed || len(labelled.Outcome.Refused) > 0 {
				t.Errorf("another label: changed %t, refused %v", labelled.Outcome.Changed, labelled.Outcome.Refused)
			}
		})
	}
}
