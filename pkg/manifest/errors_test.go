package manifest_test

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

const secretHead = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n"

// broken are Secrets that cannot be read, with the line of the Secret at fault
// (0 if nobody knows it) and what the error says. Every one holds the password.
func broken() map[string]struct {
	text string
	line int
	says string
} {
	return map[string]struct {
		text string
		line int
		says string
	}{
		"a quote that stays open":       {secretHead + "  p: \"hunter2\n  q: r\n", 8, "found unexpected end of stream"},
		"an apostrophe that stays open": {secretHead + "  p: 'hunter2\n", 7, "found unexpected end of stream"},
		"a bracket that stays open":     {secretHead + "  p: {hunter2\n  q: r\n", 7, "did not find expected ',' or '}'"},
		"text behind a quote":           {secretHead + "  p: 'x' hunter2\n", 6, "did not find expected key"},
		"a colon too many":              {secretHead + "  p: hunter2: x\n", 6, "mapping values are not allowed in this context"},
		"a colon too few":               {secretHead + "  p: x\n  hunter2\n  q: r\n", 7, "could not find expected ':'"},
		"a tab":                         {secretHead + "  p: x\n\tq: hunter2\n", 7, "found a tab character that violates indentation"},
		"an indentation too deep":       {secretHead + "  p: hunter2\n    q: r\n", 7, "mapping values are not allowed in this context"},
		"a list item in a map":          {secretHead + "  p: hunter2\n  - q\n  r: s\n", 7, "did not find expected key"},
		"a reserved character":          {secretHead + "  p: @hunter2\n", 6, "found character that cannot start any token"},
		"an escape":                     {secretHead + "  p: \"hunter2\\z\"\n", 6, "found unknown escape character"},
		"a block scalar's header":       {secretHead + "  p: |hunter2\n    x\n", 6, "did not find expected comment or line break"},
		"a tag's handle":                {secretHead + "  p: !hunter2!x y\n", 6, "found undefined tag handle"},
		"no UTF-8":                      {secretHead + "  q: r\n  p: hunter2\xff\n", 7, "the text is not UTF-8"},
		"a control character":           {secretHead + "  q: é\n  p: hunter2\x07\n", 7, "control characters are not allowed"},
		"an unknown anchor":             {secretHead + "  p: *hunter2\n", 0, "an alias names an anchor that there is not"},
		"an anchor in itself":           {secretHead + "  p: &hunter2 [*hunter2]\n", 0, "an anchor contains itself"},
		"a merge of text":               {secretHead + "  <<: hunter2\n", 0, "what is merged with << is not a map"},
		"a merge in a merge":            {secretHead + "  <<: [{a: b}, [hunter2]]\n", 0, "what is merged with << is not a map"},
		"a tag that does not fit":       {secretHead + "  p: !!int \"a`hunter2\"\n", 0, "a value does not fit its tag"},
		"no base64":                     {secretHead + "  p: !!binary 'hunter2'\n", 0, "a !!binary value is no base64"},
		"a map as a key":                {secretHead + "  {hunter2: x}: y\n", 0, "a key is a map or a list"},
		"a list as a key":               {secretHead + "  ? [hunter2]\n  : y\n", 0, "a key is a map or a list"},
		"null as a key":                 {secretHead + "  ~: hunter2\n", 0, "a key is neither text, boolean nor a number of 64 bits"},
		"infinity":                      {secretHead + "  hunter2: .inf\n", 0, "infinity and NaN have no place in JSON"},
	}
}

func TestErrorsNamePlaceAndNoContent(t *testing.T) {
	lineOf := regexp.MustCompile(`: line (\d+): `)
	for name, tc := range broken() {
		t.Run(name, func(t *testing.T) {
			const before = "apiVersion: v1\nkind: A\n---\n"
			err := parseAll(before + tc.text)
			if err == nil {
				t.Fatal("no error")
			}
			message := err.Error()
			if strings.Contains(message, "hunter2") {
				t.Errorf("the error holds the password: %s", message)
			}
			if !strings.HasPrefix(message, "in.yaml, document 2 (line 4): ") || !strings.Contains(message, tc.says) {
				t.Errorf("error %q, want document 2 and %q", message, tc.says)
			}
			line := ""
			if m := lineOf.FindStringSubmatch(message); m != nil {
				line = m[1]
			}
			want := ""
			if tc.line > 0 {
				want = strconv.Itoa(tc.line + strings.Count(before, "\n"))
			}
			if line != want {
				t.Errorf("error %q names line %q, want %q", message, line, want)
			}
			if syntax := new(manifest.SyntaxError); !errors.As(err, &syntax) || syntax.At.Document != 2 {
				t.Errorf("error %#v is no SyntaxError with the position", err)
			}
		})
	}
}

// parseAll reads a stream and the value of everything in it.
func parseAll(stream string) error {
	objects, err := manifest.Parse(stream, manifest.Options{File: "in.yaml"})
	errs := []error{err}
	for _, o := range objects {
		_, err := o.Value()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func TestErrorsOfObjectsSayWhatToDo(t *testing.T) {
	const at = "in.yaml, document 1 (line 1): "
	const unread = `more follows the end of the document ("..." or a second value), and Helm reads nothing there; begin it with "---" on a line of its own`
	for name, tc := range map[string]struct{ text, want string }{
		"a number as name":       {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: 1234\n", at + "metadata.name is a number, not text; put it in quotes"},
		"a boolean as name":      {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: no\n", at + "metadata.name is a boolean, not text; put it in quotes"},
		"a number as namespace":  {"apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: 1e3\n", at + "metadata.namespace is a number, not text; put it in quotes"},
		"a list as kind":         {"apiVersion: v1\nkind: [Pod]\n", at + "kind is a list, not text"},
		"no kind":                {"apiVersion: v1\n", at + "kind is missing"},
		"neither kind nor group": {"a: b\n", at + "apiVersion is missing\n" + at + "kind is missing"},
		"metadata is text":       {"apiVersion: v1\nkind: Pod\nmetadata: hunter2\n", at + "metadata is not a map"},
		"text":                   {"hunter2\n", at + "the document is no object (text)"},
		"a list":                 {"- hunter2\n", at + "the document is no object (a list)"},
		"a number":               {"5\n", at + "the document is no object (a number)"},
		"text behind dots":       {"apiVersion: v1\nkind: Pod\n... hunter2\n", at + unread},
		"JSON in a row":          {"{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n{\"hunter2\": \"x\"}\n", at + unread},
		"a template as name":     {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .hunter2 }}\n", at + "a key is a map or a list; is this a template that nobody rendered?"},
		"a map as name":          {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {a: hunter2}\n", at + "metadata.name is a map, not text"},
		"text on the separator":  {"--- hunter2\n", at + "the document is no object (text)"},
		"a second separator":     {"------ hunter2\n", at + `text follows a second "---" at the beginning of the document, which Helm rejects`},
		"an item without kind":   {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n", at + "items[0]: kind is missing"},
		"items that are text":    {"apiVersion: v1\nkind: Pod\nitems: hunter2\n", at + "items is text, but Helm takes an object that has items for a list"},
		"text behind the dots":   {"apiVersion: v1\nkind: Pod\n...\nhunter2\n", at + unread},
		"an item that is none":   {"apiVersion: v1\nkind: List\nitems: [hunter2]\n", at + "items[0] is no object"},
		"an item of an item": {
			"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{kind: Pod}]}\n", at + "items[0] is a list itself, and Helm takes no list in a list apart",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := parseAll(tc.text)
			if err == nil || err.Error() != tc.want {
				t.Errorf("error\n%v\nwant\n%s", err, tc.want)
			}
		})
	}
}

func TestParseReportsEveryBadDocument(t *testing.T) {
	err := parseAll("a: {\n---\napiVersion: v1\nkind: Pod\n---\n- x\n")
	want := "in.yaml, document 1 (line 1): line 2: did not find expected node content\n" +
		"in.yaml, document 3 (line 6): the document is no object (a list)"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}

// FuzzErrors holds that no error tells what is in a document, however it is broken.
func FuzzErrors(f *testing.F) {
	for _, tc := range broken() {
		before, after, _ := strings.Cut(tc.text, "hunter2")
		f.Add(before, after)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if err := parseAll(before + "hunter2" + after); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds the password: %v", err)
		}
	})
}
