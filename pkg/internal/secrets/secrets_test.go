package secrets

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Which of the user's values are masked since a Secret holds them, whatever they are called.
func TestConcealValues(t *testing.T) {
	const long = "Kq7zWx4TbN9v"
	encoded := base64.StdEncoding.EncodeToString([]byte(long))
	secret := "apiVersion: v1\nkind: secrets\nmetadata: {name: a, labels: {app: public-label}}\n" +
		"stringData: {short: adm, url: 'postgres://u:pass-of-the-database@h', yes: 'true', port: '5432', pin: '12345678', empty: ''}\n" +
		"data: {k: " + encoded + "}\n"
	objects, err := manifest.Parse(secret+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: shown-in-clear}\n", manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[any]bool{
		"adm": true, "ad": false, "admin": false, long: true, encoded: true, long + "\n": true, "before " + long + " after": true, long[:8]: true, long[:7]: false,
		"pass-of-the-database": true, base64.StdEncoding.EncodeToString([]byte("pass-of-the-database")): true,
		"true": false, true: false, false: false, "false": false, "5432": false, int64(5432): false, int64(12345678): true, "12345678": true,
		"": false, "shown-in-clear": false, "public-label": false, "Opaque": false, nil: false,
	} {
		for _, e := range []change.Edit{{Old: change.ValueOf(value)}, {New: change.ValueOf(value)}} {
			given := []change.Edit{e}
			got, err := ConcealValues(given, nil, objects)
			if err != nil {
				t.Fatal(err)
			}
			if is := got[0].Old.Secret() || got[0].New.Secret(); is != want {
				t.Errorf("%v is secret: %t, want %t", value, is, want)
			}
			if given[0].Old.Secret() || given[0].New.Secret() {
				t.Error("the values of the caller were changed")
			}
		}
	}
}

// The API server and webhooks quote what they refuse.
func TestConcealMessages(t *testing.T) {
	objects, err := manifest.Parse(`
{apiVersion: example.com/v1, kind: Thing, metadata: {name: thing-of-ours}, spec: {manifest: {kind: Secret, metadata: {name: thing-of-ours}, stringData: {a: "hush\"hush\"hush", pin: "4711x", name: thing-of-ours}, data: {k: aHVzaC1odXNoLWh1c2g=}}}}
`, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	result := apiserver.Result{
		Outcome: change.Outcome{
			Refused: []change.FieldError{{Message: `Invalid value: "hush\"hush\"hush": too weak`}, {Message: `"4711x" is short, thing-of-ours 4711xy`}},
			Ignored: []string{"unknown field, aHVzaC1odXNoLWh1c2g="},
		},
		Unchecked: []change.Doubt{{Reason: "the cluster answers hush-hush-hush"}, {Reason: "and 'live-hush-here'"}},
		OldFields: map[string]any{"spec": map[string]any{"stringData": map[string]any{"b": "live-hush-here"}}},
	}
	if err := Conceal(diff.Pair{New: objects[0]}, &result); err != nil {
		t.Fatal(err)
	}
	got := []string{result.Outcome.Refused[0].Message, result.Outcome.Refused[1].Message, result.Outcome.Ignored[0], result.Unchecked[0].Reason, result.Unchecked[1].Reason}
	want := []string{`Invalid value: "***": too weak`, `"***" is short, thing-of-ours 4711xy`, "unknown field, ***", "the cluster answers ***", "and '***'"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if strings.Contains(strings.Join(got, ""), "hush") {
		t.Error("a secret is shown")
	}
}
