package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// configMap is a small document; the text has no final newline.
func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name
}

// names parses a stream that has to be free of errors and returns the objects as
// "Kind namespace/name", with the template behind it where one is known.
func names(t *testing.T, stream string) []string {
	t.Helper()
	objects, err := manifest.Parse(stream, manifest.Options{File: "in.yaml"})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	var list []string
	for _, o := range objects {
		s := o.Ref.String()
		if o.GenerateName != "" {
			s += "(" + o.GenerateName + ")"
		}
		if o.Source != "" {
			s += " from " + o.Source
		}
		list = append(list, s)
	}
	return list
}

func TestParseFindsEveryDocument(t *testing.T) {
	a, b := configMap("a"), configMap("b")
	inline := "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}"
	both := []string{"ConfigMap a", "ConfigMap b"}
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"nothing":                          {"", nil},
		"white space":                      {"\n  \n", nil},
		"separators only":                  {"---\n---\n---", nil},
		"one document":                     {a, both[:1]},
		"separator":                        {a + "\n---\n" + b + "\n", both},
		"leading separator":                {"---\n" + a + "\n---\n" + b, both},
		"trailing separator":               {a + "\n---\n" + b + "\n---", both},
		"separator with a blank":           {a + "\n--- \n" + b, both},
		"separator with a tab":             {a + "\n---\t\n" + b, both},
		"separator with a comment":         {a + "\n--- # next\n" + b, both},
		"separator with a value":           {a + "\n--- " + inline, both},
		"separator with a map":             {a + "\n--- apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n", both},
		"separator without a blank":        {a + "\n---apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n", both},
		"separator twice":                  {a + "\n------\n" + b, both},
		"separator with a value and more":  {a + "\n--- " + inline + "\n--- # c\n---\n" + a, append(both[:2:2], "ConfigMap a")},
		"separator with an anchor":         {a + "\n--- &x\n" + b, both},
		"separator with a tag":             {a + "\n--- !!map\n" + b, both},
		"dots and separator":               {a + "\n...\n---\n" + b + "\n...\n", both},
		"dots with a comment":              {a + "\n... # end\n---\n" + b, both},
		"comments before":                  {"# licence\n\n---\n# more\n" + a + "\n---\n# x\n---\n" + b, both},
		"carriage returns":                 {strings.ReplaceAll("---\n"+a+"\n---\n"+b+"\n", "\n", "\r\n"), both},
		"byte order mark":                  {"\ufeff" + a + "\n---\n" + b, both},
		"byte order mark before separator": {"\ufeff---\n" + a + "\n---\n" + b, both},
		"empty and null documents":         {"---\n\n---\nnull\n---\n~\n---\n# c\n---\n" + a, both[:1]},
		"dashes that separate nothing":     {a + "\ndata:\n  x: |\n    ---\n    ...\n  y: '---'\n---\n" + b, both},
		"breaks of YAML in a comment":      {"# c\u2028" + a + "\n---\n# c\r" + b + "\n---\n# c\u0085" + a + "\n---\n# c\u2029" + b, append(both, both...)},
		"duplicates are kept":              {a + "\n---\n" + a, []string{"ConfigMap a", "ConfigMap a"}},
		"no name":                          {"apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n", []string{"Pod "}},
		"no metadata":                      {"apiVersion: v1\nkind: Pod\n", []string{"Pod "}},
		"generated names": {
			"apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: a-\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: b-\n",
			[]string{"Job (a-)", "Job (b-)"},
		},
		"a name beats a generated one": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  generateName: p-\n", []string{"Pod p"},
		},
		"JSON": {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n \"metadata\":{\"name\":\"p\"}}\n", []string{"Pod p"}},
		"merge keys": {
			"x: &m\n  name: m\napiVersion: v1\nkind: Pod\nmetadata:\n  <<: *m\n  namespace: ns\n", []string{"Pod ns/m"},
		},
		"the last duplicate key wins": {
			"apiVersion: v1\nkind: Pod\nkind: Service\nmetadata:\n  name: a\n  name: b\n", []string{"Service b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, names(t, tc.stream)); diff != "" {
				t.Errorf("objects differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseKnowsTheTemplate(t *testing.T) {
	a, b := configMap("a"), configMap("b")
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"in the document": {
			"---\n# Source: c/a.yaml\n" + a + "\n---\n# Source: c/b.yaml\n" + b,
			[]string{"ConfigMap a from c/a.yaml", "ConfigMap b from c/b.yaml"},
		},
		"in a document of its own": {
			"# Source: c/a.yaml\n# licence\n---\n" + a + "\n---\n" + b,
			[]string{"ConfigMap a from c/a.yaml", "ConfigMap b"},
		},
		"carried over to all that say nothing": {
			"---\n# Source: c/a.yaml\n---\n" + a + "\n---\n" + b + "\n---\n# Source: c/c.yaml\n" + a + "\n---\n" + b,
			[]string{"ConfigMap a from c/a.yaml", "ConfigMap b from c/a.yaml", "ConfigMap a from c/c.yaml", "ConfigMap b"},
		},
		"on the separator's line": {"--- # Source: c/a.yaml\n" + a, []string{"ConfigMap a from c/a.yaml"}},
		"with carriage returns":   {"# Source: c/a.yaml\r\n" + a, []string{"ConfigMap a from c/a.yaml"}},
		"behind the first line":   {a + "\n# Source: c/a.yaml\n", []string{"ConfigMap a"}},
		"for all items of a List": {
			"# Source: c/l.yaml\napiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n",
			[]string{"ConfigMap a from c/l.yaml", "ConfigMap b from c/l.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, names(t, tc.stream)); diff != "" {
				t.Errorf("objects differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTakesListsApart(t *testing.T) {
	for name, tc := range map[string]struct {
		stream string
		want   []string
	}{
		"List": {
			"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n",
			[]string{"Pod p", "Deployment d"},
		},
		"a typed list of a group": {
			"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBindingList\nitems:\n- metadata: {name: r}\n", []string{"RoleBinding r"},
		},
		"any kind with items": {
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nitems:\n- metadata: {name: i}\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n",
			[]string{"ConfigMap i", "Pod p"},
		},
		"an item that is null":   {"apiVersion: v1\nkind: PodList\nitems: [null]\n", []string{"Pod "}},
		"an item's items, null":  {"apiVersion: v1\nkind: PodList\nitems: [{items: null}]\n", []string{"Pod "}},
		"any kind, items null":   {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nitems: ~\n", nil},
		"a key in other letters": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nItems: []\n", []string{"ConfigMap c"}},
		"an escaped key":         {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n\"item\\x73\": [{metadata: {name: i}}]\n", []string{"ConfigMap i"}},
		"ConfigMapList":          {"apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n", []string{"ConfigMap a"}},
		"an item's own kind": {
			"apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: x/v1, kind: Yard, metadata: {name: a}}\n", []string{"Yard a"},
		},
		"without items":    {"apiVersion: v1\nkind: List\nmetadata:\n  name: x\n", []string{"List x"}},
		"with null items":  {"apiVersion: v1\nkind: List\nitems:\n", nil},
		"with empty items": {"apiVersion: v1\nkind: List\nitems: []\n", nil},
		"not a kind that merely ends so": {
			"apiVersion: teleport.dev/v1\nkind: IPAllowList\nmetadata:\n  name: l\nspec:\n  items: [1.2.3.4]\n", []string{"IPAllowList l"},
		},
		"but with items at the top": {
			"apiVersion: teleport.dev/v1\nkind: IPAllowList\nmetadata:\n  name: l\nitems:\n- {apiVersion: v1, kind: Pod}\n", []string{"Pod "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, names(t, tc.stream)); diff != "" {
				t.Errorf("objects differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseGivesTheNamespaceToWhatLivesInOne(t *testing.T) {
	stream := configMap("a") + "\n---\n" + configMap("b") + "\n  namespace: own\n---\n" +
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns\n  namespace: wrong\n"
	objects, err := manifest.Parse(stream, manifest.Options{
		Namespace:  "prod",
		Namespaced: func(group, kind string) bool { return group != "" || kind != "Namespace" },
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []manifest.Ref
	for _, o := range objects {
		got = append(got, o.Ref)
	}
	want := []manifest.Ref{
		{Version: "v1", Kind: "ConfigMap", Namespace: "prod", Name: "a"},
		{Version: "v1", Kind: "ConfigMap", Namespace: "own", Name: "b"},
		{Version: "v1", Kind: "Namespace", Name: "ns"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refs differ (-want +got):\n%s", diff)
	}
}

func TestParseKeepsBlockScalarsWhole(t *testing.T) {
	doc := configMap("a") + "\ndata:\n  x: |\n    line\n\n"
	for name, stream := range map[string]string{
		"at the end":         doc,
		"before a separator": doc + "---\n" + configMap("b"),
		"before dots":        doc + "...\n",
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := manifest.Parse(stream, manifest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			value, err := objects[0].Value()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"x": "line\n"}, value["data"]); diff != "" {
				t.Errorf("data differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseCountsDocumentsAndLines(t *testing.T) {
	doc := configMap("x") + "\n" // four lines
	stream := "# c\n---\n" + doc + "---\n\n--- # empty\n" + doc + "...\n---\n--- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n"
	objects, err := manifest.Parse(stream, manifest.Options{File: "in.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.Position.String())
	}
	want := []string{
		"in.yaml, document 1 (line 3)",
		"in.yaml, document 3 (line 10)",
		"in.yaml, document 5 (line 16)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("positions differ (-want +got):\n%s", diff)
	}
}

func TestSameTextSeesThroughTheSeparator(t *testing.T) {
	doc := configMap("x") + "\n"
	streams := []string{doc, "---\n" + doc, "--- # c\n" + doc, "\ufeff# c\n---\n" + doc, doc + "---\n"}
	var first *manifest.Object
	for _, stream := range streams {
		objects, err := manifest.Parse(stream, manifest.Options{})
		if err != nil || len(objects) != 1 {
			t.Fatalf("%q: %d objects, %v", stream, len(objects), err)
		}
		if first == nil {
			first = objects[0]
		}
		if !first.SameText(objects[0]) {
			t.Errorf("%q: the text differs from that of %q", stream, doc)
		}
	}
}

// FuzzParse holds that no stream makes Parse panic, and that cutting a stream
// loses nothing: what Parse finds in two streams it finds in them put together.
func FuzzParse(f *testing.F) {
	f.Add(configMap("a"), configMap("b"))
	f.Add("%YAML 1.1\n---\n"+configMap("a")+"\n...\n", "\ufeff--- {apiVersion: v1, kind: Pod}")
	f.Add("# Source: x\n---\n", "apiVersion: v1\nkind: List\nitems: [{}]")
	f.Fuzz(func(t *testing.T, first, second string) {
		count := func(stream string) int {
			objects, err := manifest.Parse(stream, manifest.Options{})
			if err != nil {
				t.Skip()
			}
			return len(objects)
		}
		if want, got := count(first)+count(second), count(first+"\n---\n"+strings.TrimPrefix(second, "---")); want != got {
			if strings.HasPrefix(second, "---") || strings.Contains(first+second, "...") || strings.ContainsAny(second, "%\ufeff") {
				t.Skip() // these mean something else behind a separator
			}
			t.Errorf("%d objects in two streams, %d in both together", want, got)
		}
	})
}

func ExampleParse() {
	objects, err := manifest.Parse("# Source: web/app.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n",
		manifest.Options{Namespace: "prod"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(objects[0].Ref, objects[0].Source)
	// Output: Deployment prod/web web/app.yaml
}
