package manifest_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// values are fields of an object in all the ways in which YAML writes them.
func values() []string {
	return []string{
		"yes", "no", "on", "Off", "y", "N", "TRUE", "true", "~", "null", "Null", "''", "\"\"", "",
		"1", "-1", "+1", "0", "007", "0o7", "08", "0x1F", "0b101", "1_000", "1e3", "1E3", "1.0", "1.5", "-0.0", ".5", "5.", "1e400", "12:30:45",
		"9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
		"123456789012345678901234567890", "1e20", "1e21", "0.1", "3.0e2", "1000000000000000000000.0", "2147483648",
		".inf", "-.Inf", ".NaN", "inf", "nan", "2001-12-14", "2001-12-14t21:59:43.10-05:00", "!!timestamp 2001-12-14",
		"!!binary aGk=", "!!binary /w==", "!!binary '***'", "!!str 5", "!!int '5'", "!!float 5", "!!bool 'yes'", "!foo bar", "!!set {a, b}", "!!int x",
		"{a: 1, a: 2}", "{y: 1, n: 2}", "{1: a, 2.5: b, 0x10: c}", "{~: a}", "{[a]: b}", "{{a: b}: c}", "{9223372036854775808: x}", "{1e10: x, .inf: y}",
		"[a, [b], {c: d}, ]", "{a: {b: {c: []}}}", "[]", "{}", "[~, , ]", "{a, b: }",
		"&x a\n  g: *x", "&x {a: 1}\n  g: {<<: *x, b: 2}", "&x {a: 1}\n  g: {a: 3, <<: *x}", "&x {a: 1}\n  g: {<<: [*x, {a: 2, c: 3}]}", "*missing",
		"|\n    a\n    b\n", "|-\n    a\n\n", "|+\n    a\n\n", ">\n    a\n    b\n\n    c\n", "|2\n     a\n", "a\n    b\n\n    c", "'a\n    b'", "\"a\\\n    b\\u00e9\\x41\"",
		"'it''s'", "\"\\/\"", "\"a\\tb\"", "a # b", "a#b", "<b>&amp;\u2028", "žlutý 🐴", "\ufeff", "=", "<<", "-", "- a", "a: b", "@a", "`a`", "%a", "\ta", "a\tb",
	}
}

func objectWith(value string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  f: " + value + "\n"
}

func TestValueIsWhatHelmAndKubectlRead(t *testing.T) {
	for _, value := range values() {
		checkValue(t, objectWith(value))
	}
	checkValue(t, strings.ReplaceAll(objectWith("|\n    a\n    b\n"), "\n", "\r\n"))
	checkValue(t, "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"x\": [1.0, 1e2, \"\\u003c\"]}")
}

// checkValue holds the value of every document in a stream against that of
// sigs.k8s.io/yaml and the API machinery's decoder.
func checkValue(t *testing.T, stream string) {
	t.Helper()
	objects, err := manifest.Parse(stream, manifest.Options{})
	if err != nil && len(objects) == 0 && !ambiguous(err) && !strings.Contains(stream, "---") {
		if encoded, decodeErr := yaml.YAMLToJSON([]byte(stream)); decodeErr == nil && objectOf(encoded) != nil {
			t.Errorf("%q is refused, though it is an object: %v", stream, err)
		}
	}
	for _, o := range objects {
		if o.Text() == "" {
			continue // an item of a List
		}
		got, err := o.Value()
		encoded, wantErr := yaml.YAMLToJSON([]byte(o.Text()))
		var want map[string]any
		if wantErr == nil {
			wantErr = utiljson.Unmarshal(encoded, &want)
		}
		if (err == nil) != (wantErr == nil) {
			if !ambiguous(err) {
				t.Errorf("%q: error %v, want %v", o.Text(), err, wantErr)
			}
			continue
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(sameNumber)); err == nil && diff != "" {
			t.Errorf("%q: values differ (-want +got):\n%s", o.Text(), diff)
		}
	}
}

// ambiguous reports an error that only this package gives: the others let chance
// decide which of two keys wins.
func ambiguous(err error) bool {
	return err != nil && strings.Contains(err.Error(), "differ only in their type")
}

func sameNumber(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// objectOf decodes JSON as a Kubernetes client does; nil if it is no object whose
// head is text.
func objectOf(encoded []byte) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(encoded); err != nil || o.GetAPIVersion() == "" || o.GetKind() == "" {
		return nil
	}
	metadata, isMap := o.Object["metadata"].(map[string]any)
	if o.Object["metadata"] != nil && !isMap {
		return nil
	}
	for _, key := range []string{"name", "namespace", "generateName"} {
		if _, isText := metadata[key].(string); metadata[key] != nil && !isText {
			return nil
		}
	}
	return o
}

func FuzzValue(f *testing.F) {
	for _, value := range values() {
		f.Add(objectWith(value))
	}
	f.Add("apiVersion: v1\nkind: Pod\n1: a\n\"1\": b\n")
	f.Fuzz(func(t *testing.T, text string) {
		checkValue(t, text)
		checkValue(t, objectWith(text))
	})
}

func TestKeysThatDifferOnlyInTheirTypeAreRefused(t *testing.T) {
	objects, err := manifest.Parse(objectWith("{1: a, '1': b}"), manifest.Options{File: "in.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = objects[0].Value()
	if want := "in.yaml, document 1 (line 1): two keys differ only in their type"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
