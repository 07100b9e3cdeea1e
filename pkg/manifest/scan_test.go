package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n"

// certain are documents that the scan has to understand: the styles of Helm
// charts. A document that has to be decoded is slow, not wrong.
func certain() map[string]string {
	return map[string]string{
		"plain":                     pod,
		"comments":                  "# c\n" + strings.ReplaceAll(pod, "\n", " # c\n  # d\n\n"),
		"quoted values":             "apiVersion: 'v1'\nkind: \"Pod\"\nmetadata:\n  name: \"a: b\"\n  namespace: 'a b'\n",
		"carriage returns":          strings.ReplaceAll(pod, "\n", "\r\n"),
		"no final newline":          strings.TrimSuffix(pod, "\n"),
		"metadata first":            "metadata:\n  name: p\nkind: Pod\napiVersion: v1\nspec: {}\n",
		"block scalars":             pod + "data:\n  a: |\n    kind: x\n    'open\n  b: >-\n\n     \"open\n\n  'c': |2 # c\n      {\nmore: |-\n  [\n",
		"block scalar in metadata":  "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    a: |\n      name: x\n  name: p\n",
		"block scalars in lists":    pod + "spec:\n- |\n 'a\n- - |\n    'b\n- a: |\n   'c\n  b: x\n",
		"lists at key level":        pod + "  finalizers:\n  - a\n  - b\nspec:\n- a: b\n  c: d\n-\n  e: f\n",
		"quotes that close":         pod + "spec:\n  a: \"x\\\"y\" # \"\n  b: 'it''s'\n  \"c\": 'd'\n  - \"e\"\n",
		"apostrophes in plain text": pod + "spec:\n  a: don't\n  b: say \"hi\n  c: x # don't\n  d: a [b\n",
		"flow that closes":          pod + "spec:\n  a: {b: 'c}', d: [e, \"f]\"]} # c\n  g: []\n  - [1, {}]\nx: {}\n",
		"plain text over lines":     pod + "spec:\n  a: b\n    c\n    - d\n  e: f\n",
		"an alias as a value":       pod + "spec:\n  a: *x\n",
		"names that look odd":       "apiVersion: v1\nkind: Pod\nmetadata:\n  name: 1e3w\n  namespace: system:a:b\n",
		"other alphabets":           pod + "data:\n  a: žlutý kůň — “…”\n",
		"a custom List kind":        "apiVersion: x.dev/v1\nkind: AllowList\nmetadata:\n  name: l\n",
		"a generated name":          "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: p-\n",
		"empty metadata":            "apiVersion: v1\nkind: Pod\nmetadata: # none\nspec: {}\n",
		"a colon inside words":      pod + "spec:\n  url: http://x:80/'y\n  - a:b\n",
	}
}

// tricky are documents that read differently from what their lines suggest.
func tricky() []string {
	head := "apiVersion: v1\nkind: Pod\n"
	named := func(value string) string { return head + "metadata:\n  name: " + value + "\n" }
	return []string{
		named("'it''s'"), named(`"a\tb"`), named("yes"), named("1e3"), named("0x1f"), named("1_0"), named("0o17"),
		named("~"), named("null"), named(".5"), named("2001-01-01"), named("1:30"), named("''"), named("-"),
		named("a b"), named("a: b"), named("'a\n   b'"), named("\"a\n   b\""), named("|\n    a"), named(">\n    a"),
		named("a\n    b"), named("a\n    # c\n    b"), named("a\n\n    b"), named("a\n  name: b"), named("\n    a"), named("{a: b}"),
		named("a\t# c"), named("a #b"), named("a#b"), named("&x a"), named("!!str 5"), named("*x"), named("'a' 'b'"), named("a\rb"),
		named("=") + "  namespace: <<\n", named("a") + " name: b\n", named("a") + "   name: b\n", named("a") + "  labels:\n  name: b\n",
		named("a") + "  \"name\": b\n", named("a") + "  ? name\n  : b\n", named("a") + "  name : b\n", named("a") + "  name\t: b\n",
		named("a") + "  !!str name: b\n", named("a") + "  <<: {name: b}\n", named("a") + "  {name: b}\n", named("a") + "  - name: b\n",
		named("a") + "kind: Job\n", named("a") + "\"kind\": Job\n", named("a") + "kind : Job\n", named("a") + "? kind\n: Job\n",
		named("a") + "metadata:\n  name: b\n", named("a") + "metadata: {}\n", named("a") + "<<: {kind: Job}\n",
		named("a") + "items:\n- a\n", named("a") + "items: x\n",
		"apiVersion: v1\nkind: PodList\nmetadata:\n  name: p\n", "apiVersion: v1\nkind: List\nmetadata:\n",
		"apiVersion: v1\nkind: Pod\n  Foo\nmetadata:\n  name: p\n", "apiVersion: v1\nkind: Pod\n\n  # c\n  Foo\nmetadata:\n",
		"apiVersion: v1\nkind: Pod\nmetadata:\n- name: p\n", "apiVersion: v1\nkind: Pod\nmetadata:\n  - name: p\n", head + "metadata: p\n",
		"a: \"\nkind: Job\n\"\n" + pod, "a: '\nkind: Job\n'\n" + pod, "a: {\nkind: Job\n}\n" + pod, "a: [\n'kind: Job'\n]\n" + pod,
		"a:\n  b: \"\nkind: Job\n\"\n" + pod, "a:\n  - \"\nkind: Job\n\"\n" + pod, "a:\n  - b: 'x\nkind: Job\n'\n" + pod,
		"a:\n  - [x,\nkind: Job\n]\n" + pod, "a:\n  \"b\": {\"c\":\nkind}\n" + pod, "a:\n  &x \"\nkind: Job\n\"\n" + pod, "a: !x {\nkind: Job}\n" + pod,
		"a:\n  b: \"\\\"\nkind: Job\n\"\n" + pod, "a:\n  b: '\\'\n" + pod, "a:\n  b:\t\"\nkind: Job\n\"\n" + pod, "a: \"x\" \"\nkind: Job\n\"\n" + pod,
		"a:\n  - |\n  - \"\nkind: Job\n\"\n" + pod, "a:\n  - b: |\n    c: \"\nkind: Job\n\"\n" + pod, "a:\n  |\n b\n" + pod, "a:\n  b\n  - |\n   \"\n" + pod,
		"a: |1\n  \"\n \"\n" + pod, "a: |\n # c\n  'x\n" + pod, "a: |\n  b\n# c\n" + pod, "a: >\n\n\n" + pod, "a: |\r\n  'x\r\n" + pod,
		"  a: b\n" + pod, " kind: Job\napiVersion: v1\nmetadata:\n", "- a\n" + pod, "a\n" + pod, "--- {a: b}\n" + pod, "--- |\n " + pod, "--- 'a\n'\n" + pod,
		"# c\u2028kind: Job\n" + pod, "# c\u0085kind: Job\n" + pod, "# c\rkind: Job\n" + pod, "a: b\rkind: Job\n" + pod, "\ufeff" + pod, "a: \ufeff\n" + pod,
		pod + "  namespace: \"a\\\n    b\"\n", pod + "...\nkind: Job\n", "{" + pod, pod + "}\n", pod + "\x00", pod + "a: \xff\n", "", "\n", "---\n" + pod,
		"metadata:\n  name: &n p\nkind: *n\napiVersion: v1\n", "x: &m\n  name: m\napiVersion: v1\nkind: Pod\nmetadata:\n  <<: *m\n", "metadata: &m\n  name: p\nkind: Pod\napiVersion: v1\n",
		"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    a: 'x\n  name: y\n'\n  name: p\n", "apiVersion: v1\nkind: Pod\nmetadata:\n    name: p\n  namespace: x\n",
	}
}

func TestScanKnowsTheStyleOfCharts(t *testing.T) {
	for name, text := range certain() {
		t.Run(name, func(t *testing.T) {
			if _, ok := scanHead(text); !ok {
				t.Errorf("not certain about:\n%s", text)
			}
			checkScan(t, text)
		})
	}
}

func TestScanIsNeverWrong(t *testing.T) {
	for _, text := range tricky() {
		checkScan(t, text)
	}
}

// checkScan holds a scan against what the decoded document says. Where the text
// is no YAML at all, the error comes when the value is asked for.
func checkScan(t *testing.T, text string) {
	t.Helper()
	scanned, ok := scanHead(text)
	if !ok {
		return
	}
	value, err := decodeMap(text, Position{})
	if err != nil {
		return
	}
	if _, list := value["items"]; list {
		t.Errorf("a List was read as one object:\n%q", text)
	}
	metadata, _ := value["metadata"].(map[string]any)
	if metadata["annotations"] != nil && !scanned.annotated {
		t.Errorf("the scan has missed the annotations of\n%q", text)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for key := range annotations {
		if !mayHold(scanned.metadata, key) {
			t.Errorf("the scan has missed the annotation %q of\n%q", key, text)
		}
	}
	if outer, err := outerAnnotations(text, value, Position{}); outer != nil || err != nil {
		t.Errorf("the scan has missed keys in other case in\n%q", text)
	}
	scanned.annotated, scanned.metadata = false, ""
	want, err := headOf(value, "", Position{})
	if err != nil {
		t.Errorf("%v, but the scan read %+v:\n%q", err, scanned, text)
		return
	}
	if diff := cmp.Diff(want, scanned, cmp.AllowUnexported(head{})); diff != "" {
		t.Errorf("the heads differ (-decoded +scanned) of\n%q\n%s", text, diff)
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range certain() {
		f.Add(text)
	}
	for _, text := range tricky() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkScan(t, text)
		for doc := range documents(text) {
			checkScan(t, doc.text)
		}
	})
}

// FuzzScanRows puts documents together from the lines of the tricky ones, which
// gets deeper than changing bytes: every two bytes of the input pick a line. What
// it finds belongs into the table, because the numbers of the lines may change.
func FuzzScanRows(f *testing.F) {
	var rows []string
	number := map[string]int{}
	for _, text := range append(tricky(), pod) {
		var picks []byte
		for row := range strings.Lines(text) {
			if _, known := number[row]; !known {
				number[row] = len(rows)
				rows = append(rows, row)
			}
			picks = append(picks, byte(number[row]>>8), byte(number[row]))
		}
		f.Add(picks)
	}
	f.Fuzz(func(t *testing.T, picks []byte) {
		var text strings.Builder
		for ; len(picks) > 1; picks = picks[2:] {
			text.WriteString(rows[(int(picks[0])<<8|int(picks[1]))%len(rows)])
		}
		checkScan(t, text.String())
	})
}
