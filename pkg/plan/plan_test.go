package plan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// A stored plan prints the same as the judgement, in every format, for every case of the
// specification.
func TestStoredSetPrintsTheSame(t *testing.T) {
	list, err := cases.Load("../../testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		set, err := safediff.Compare(t.Context(), safediff.Manifest{Name: "old.yaml", Text: list[i].Old}, safediff.Manifest{Name: "new.yaml", Text: list[i].New}, list[i].Options(false))
		if err != nil {
			t.Fatalf("%s: %v", list[i].Name, err)
		}
		text, err := (&Plan{Version: version, Set: set}).Encode()
		if err != nil {
			t.Fatalf("%s: %v", list[i].Name, err)
		}
		stored := new(Plan)
		if err := json.Unmarshal(text, stored); err != nil {
			t.Fatalf("%s: %v", list[i].Name, err)
		}
		if moved := worse(&set, &stored.Set); moved != nil {
			t.Errorf("%s: findings have other digests: %q", list[i].Name, moved)
		}
		for _, format := range report.Formats() {
			for _, showHidden := range []bool{false, true} {
				options := report.Options{FailOn: change.DefaultFailOn(), ShowHidden: showHidden}
				if format.Name == "template" {
					continue // it runs over the JSON document
				}
				var want, got bytes.Buffer
				if err := format.Write(&want, &set, options); err != nil {
					t.Fatal(err)
				}
				if err := format.Write(&got, &stored.Set, options); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want.String(), got.String()); diff != "" {
					t.Errorf("%s, %s: -judged +stored:\n%s", list[i].Name, format.Name, diff)
				}
			}
		}
	}
}

// No value of a Secret gets into a plan, whatever field it is in.
func TestHoldsNoSecret(t *testing.T) {
	const secret = `apiVersion: v1
kind: Secret
metadata: {name: key, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"hunter2"}}'}}
stringData: {password: hunter2} # hunter2
misspelt: {password: hunter2}
`
	objects, err := manifest.Parse(secret+"---\nkind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Secret, metadata: {name: other}, stringData: {a: hunter2}}]\n", manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hidden := change.ValueOf("hunter2").AsSecret()
	set := change.Set{
		Release: change.Release{Name: "shop", Namespace: "prod", Values: []change.Edit{{Old: hidden, New: hidden.Revealed()}}},
		Drift:   []change.Drift{{Said: hidden, Is: hidden.Revealed()}},
	}
	for _, o := range objects {
		set.Changes = append(set.Changes, change.Change{Ref: o.Ref, Op: change.Update, Old: o, New: o, Edits: []change.Edit{{Old: hidden, New: hidden}}})
	}
	p, err := New(Input{Set: set, Old: secret, New: secret, Values: map[string]any{"password": "hunter2"}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") {
		t.Errorf("there is a secret in\n%s", text)
	}
	if p.Manifest.Secrets[Templates] == "" || !strings.HasPrefix(p.Values, "pbkdf2:") {
		t.Errorf("no slow digest of what is secret: %+v", p)
	}
	stored, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	stored.Set = stored.Set.Revealed()
	if got := stored.Set.Changes[0].Edits[0].New.Shown(); got != change.Mask {
		t.Errorf("a revealed secret of a plan is shown as %v", got)
	}
}

func TestMasked(t *testing.T) {
	value := map[string]any{
		"name": "a",
		"containers": []any{
			map[string]any{"name": "app", "image": "x"},
			map[string]any{"name": "other", "image": "x"},
		},
		"ports": []any{int64(1), int64(2)},
	}
	for path, want := range map[string]map[string]any{
		".name":                          {"name": mask, "containers": value["containers"], "ports": value["ports"]},
		".ports[1]":                      {"name": "a", "containers": value["containers"], "ports": []any{int64(1), mask}},
		".ports[2]":                      value,
		".missing.name":                  value,
		`.containers[name="app"].image`:  {"name": "a", "ports": value["ports"], "containers": []any{map[string]any{"name": "app", "image": mask}, map[string]any{"name": "other", "image": "x"}}},
		`.containers[name="none"].image`: value,
		".containers":                    {"name": "a", "ports": value["ports"], "containers": mask},
	} {
		parsed, err := fieldpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, masked(value, parsed)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", path, diff)
		}
	}
}

// A change is named. A different way of writing the same is not.
func TestMoved(t *testing.T) {
	const web = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata: {a: b}\n"
	p := &Plan{Fingerprint: Fingerprint{Release: "shop", Namespace: "prod"}}
	rotating := []change.Rotation{{Ref: manifest.Ref{Version: "v1", Kind: "ConfigMap", Namespace: "prod", Name: "web"}, Paths: []fieldpath.Path{fieldpath.Fields("data", "a")}}}
	for name, test := range map[string]struct {
		text     string
		rotating []change.Rotation
		want     []string
	}{
		"the same":                   {web, nil, nil},
		"written differently":        {"# x\n{apiVersion: v1, kind: ConfigMap, metadata: {name: web, annotations: {}}, data: {a: b}}", nil, nil},
		"another value":              {strings.Replace(web, "a: b", "a: c", 1), nil, []string{"ConfigMap web is rendered differently"}},
		"another value that rotates": {strings.Replace(web, "a: b", "a: c", 1), rotating, nil},
		"another key beside it":      {strings.Replace(web, "a: b", "a: c, d: e", 1), rotating, []string{"ConfigMap web is rendered differently"}},
		"twice":                      {web + "---\n" + web, nil, []string{"ConfigMap web is rendered differently"}},
		"gone":                       {"", nil, []string{"ConfigMap web is in the plan, and is not rendered any more"}},
		"another namespace":          {strings.Replace(web, "name: web", "name: web\n  namespace: test", 1), nil, []string{"ConfigMap web is in the plan, and is not rendered any more", "ConfigMap test/web is not in the plan"}},
		"a hook now":                 {strings.Replace(web, "name: web", "name: web\n  annotations: {helm.sh/hook: pre-upgrade}", 1), nil, []string{"ConfigMap web is rendered differently"}},
	} {
		old, err := p.ManifestOf(web, nil, test.rotating)
		if err != nil {
			t.Fatal(err)
		}
		now, err := p.ManifestOf(test.text, nil, test.rotating)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, old.Moved(&now, Templates, Hooks, CRDs)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}
