package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// sets are the sets of all scenarios, one with everything that is hard to escape, and an
// empty one.
func sets(t *testing.T) map[string]change.Set {
	t.Helper()
	all := map[string]change.Set{"empty": {}, "nasty": nasty(), "policy": decided(), "explained": withCauses()}
	for _, sc := range scenarios(t) {
		all[sc.name] = judged(t, sc)
	}
	return all
}

// hostile is a text that means something to every format.
const hostile = "a|b `c` ```` <script>x</script> --> & @team #12 [l](u) %0A::error::x\n::error::y]]>\x1b[31m"

func nasty() change.Set {
	c := object("ConfigMap", "web", edit("a", "x", hostile))
	c.Findings = []change.Finding{
		{Rule: "made-up", Risk: change.Restart, Message: hostile, Hint: hostile, Paths: []fieldpath.Path{fieldpath.Fields("data", "a")}},
		{Rule: "made-up-too", Risk: change.Stale, Message: hostile},
	}
	c.New = &manifest.Object{Ref: c.Ref, Source: "shop/templates/a b,c:d%.yaml"}
	return change.Set{
		Release:   change.Release{Name: "shop", Namespace: "prod", OldChart: hostile, NewChart: hostile},
		Changes:   []change.Change{c},
		Unchecked: []change.Notice{{Reason: hostile}},
	}
}

// decided is a set in which a policy has set something aside.
func decided() change.Set {
	finding := func(rule string, risk change.Risk) change.Finding {
		return change.Finding{Rule: rule, Risk: risk, Message: "what " + rule + " found"}
	}
	web := object("Deployment", "web", edit("a", "x", "y"))
	web.Findings = []change.Finding{finding("scaled-down", change.Downtime)}
	web.Accepted = []change.Accepted{{Finding: finding("pod-restart", change.Restart), By: "Jo Doe", Reason: "announced", Until: "2999-12-31"}}
	api := object("Deployment", "api", edit("a", "x", "y"))
	api.Accepted = []change.Accepted{{Finding: finding("pod-restart", change.Restart), By: "Jo Doe", Reason: hostile, Until: "2999-12-31"}}
	api.Off = []change.Finding{finding("host-port", change.Exposure)}
	return change.Set{
		Changes: []change.Change{web, api},
		Remarks: []change.Remark{{At: "policy.yaml:3", What: "what Jo accepted is another change"}, {At: "policy.yaml:9", What: "the filter x hid nothing", Idle: true}},
	}
}

// TestPolicyIsTold looks for what a policy has set aside, and for remarks about the policy,
// in every format that has room for it.
func TestPolicyIsTold(t *testing.T) {
	const (
		byWhom  = "accepted: restart (pod-restart), by Jo Doe until 2999-12-31: announced"
		counted = "accepted: 2 pod-restart"
		off     = "switched off: 1 host-port; --show-hidden shows them"
		remark  = "policy.yaml:3: what Jo accepted is another change"
		idle    = "1 entry had nothing to do here; --show-hidden lists them"
	)
	for format, all := range map[string][]string{
		"text": {byWhom, counted, off, remark, idle}, "markdown": {byWhom, counted, off, remark, idle},
		"sarif": {byWhom, counted, off, remark, idle}, "junit": {byWhom, counted, off, remark, idle},
		"github": {byWhom, counted, off, remark, idle}, "gitlab": {byWhom},
	} {
		page := string(render(t, decided(), view{format: format}))
		for _, want := range all {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q:\n%s", format, want, page)
			}
		}
	}
	for format, want := range map[string]string{
		"sarif": `"kind": "external"`, "github": "::notice title=accepted restart (pod-restart)::", "gitlab": `"severity": "info"`,
		"junit": "what pod-restart found", "json": `"accepted": [`,
	} {
		if page := string(render(t, decided(), view{format: format})); strings.Count(page, want) != 2 {
			t.Errorf("%s has not two of %s:\n%s", format, want, page)
		}
	}
	page := string(render(t, decided(), view{format: "markdown"}))
	row := "|  | update | `Deployment prod/api` | accepted: restart (pod-restart), by Jo Doe until 2999-12-31: a\\|b"
	if !strings.Contains(page, row) {
		t.Errorf("no row %s in\n%s", row, page)
	}
}

func TestYAML(t *testing.T) {
	for name, set := range sets(t) {
		var fromJSON, fromYAML any
		if err := json.Unmarshal(render(t, set, view{format: "json"}), &fromJSON); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(render(t, set, view{format: "yaml"}), &fromYAML); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(fromJSON, fromYAML); d != "" {
			t.Errorf("%s (-json +yaml):\n%s", name, d)
		}
	}
}

// TestSARIFSchema checks the format against the schema that OASIS publishes (errata 01 of
// version 2.1.0), and accepts no unknown field.
func TestSARIFSchema(t *testing.T) {
	text, err := os.ReadFile("../../testdata/schemas/sarif-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	definition, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif.json", definition); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(page []byte) error {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(page))
		if err != nil {
			return err
		}
		return schema.Validate(doc)
	}
	for name, set := range sets(t) {
		page := render(t, set, view{format: "sarif"})
		if err := valid(page); err != nil {
			t.Errorf("%s: %v\n%s", name, err, page)
		}
		if broken := bytes.ReplaceAll(page, []byte(`"level"`), []byte(`"levl"`)); !bytes.Equal(broken, page) && valid(broken) == nil {
			t.Fatal("the schema lets everything pass")
		}
	}
}

// TestGitLabFields checks the format against GitLab's table of fields. All of them are
// required. GitLab has no schema for it.
func TestGitLabFields(t *testing.T) {
	for name, set := range sets(t) {
		var issues []struct {
			Description string `json:"description"`
			CheckName   string `json:"check_name"`
			Fingerprint string `json:"fingerprint"`
			Severity    string `json:"severity"`
			Location    struct {
				Path  string `json:"path"`
				Lines struct {
					Begin int `json:"begin"`
				} `json:"lines"`
			} `json:"location"`
		}
		page := render(t, set, view{format: "gitlab"})
		decoder := json.NewDecoder(bytes.NewReader(page))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&issues); err != nil || issues == nil {
			t.Fatalf("%s: %v\n%s", name, err, page)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if i.Description == "" || i.CheckName == "" || i.Location.Path == "" || i.Location.Lines.Begin < 1 ||
				strings.HasPrefix(i.Location.Path, "./") || !slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, i.Severity) {
				t.Errorf("%s: %+v", name, i)
			}
			if len(i.Fingerprint) != 32 || seen[i.Fingerprint] {
				t.Errorf("%s: fingerprint %q is not unique", name, i.Fingerprint)
			}
			seen[i.Fingerprint] = true
		}
	}
}

// TestJUnitElements checks the format against the part of jenkins-junit.xsd that it uses:
// which element is in which, and with which attributes. Those with a star are required.
func TestJUnitElements(t *testing.T) {
	elements := map[string]string{
		"/testsuites":                               "name tests failures",
		"/testsuites/testsuite":                     "name* tests* failures skipped",
		"/testsuites/testsuite/properties":          "",
		"/testsuites/testsuite/properties/property": "name* value*",
		"/testsuites/testsuite/testcase":            "name* classname*",
		"/testsuites/testsuite/testcase/skipped":    "message",
		"/testsuites/testsuite/testcase/failure":    "type message",
		"/testsuites/testsuite/testcase/system-out": "",
		"/testsuites/testsuite/system-out":          "",
	}
	for name, set := range sets(t) {
		page := render(t, set, view{format: "junit"})
		decoder, at := xml.NewDecoder(bytes.NewReader(page)), ""
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, page)
			}
			switch e := token.(type) {
			case xml.StartElement:
				at += "/" + e.Name.Local
				known, ok := elements[at]
				for _, a := range e.Attr {
					ok = ok && slices.Contains(strings.Fields(strings.ReplaceAll(known, "*", "")), a.Name.Local)
					known = strings.ReplaceAll(known, a.Name.Local+"*", "")
				}
				if !ok || strings.Contains(known, "*") {
					t.Errorf("%s: %s with %v; required and missing: %q", name, at, e.Attr, known)
				}
			case xml.EndElement:
				at = at[:strings.LastIndex(at, "/")]
			}
		}
	}
}

// TestAnnotations reads the workflow commands as GitHub's runner does: one command a line,
// properties up to the next "::", and no command that begins inside a value.
func TestAnnotations(t *testing.T) {
	command := regexp.MustCompile(`^::(error|warning|notice) (?:file=([^,:]+),line=(\d+),)?title=[^,:]+::.+$`)
	for name, set := range sets(t) {
		lines := strings.Split(strings.TrimSuffix(string(render(t, set, view{format: "github"})), "\n"), "\n")
		for _, line := range lines[:len(lines)-1] {
			if !command.MatchString(line) || strings.Contains(line, "\x1b") {
				t.Errorf("%s: %q", name, line)
			}
		}
		if !strings.HasPrefix(lines[len(lines)-1], "helm safe-diff: ") {
			t.Errorf("%s: last line %q", name, lines[len(lines)-1])
		}
	}
	first, _, _ := strings.Cut(string(render(t, nasty(), view{format: "github"})), "\n")
	want := "::error file=shop/templates/a b%2Cc%3Ad%25.yaml,line=1,title=restart (made-up)::update ConfigMap prod/web: a|b"
	if !strings.HasPrefix(first, want) {
		t.Errorf("%s\nwant %s…", first, want)
	}
}

func TestMarkdownIsSafe(t *testing.T) {
	page := string(render(t, nasty(), view{format: "markdown"}))
	outside := regexp.MustCompile("(?ms)^(`{3,})text\n.*?^`{5,}$").ReplaceAllString(page, "")
	for _, bad := range []string{"<script>", "\n::", "\x1b", "@team", "#12", "a|b", "[l](u)"} {
		if strings.Contains(outside, bad) {
			t.Errorf("%q is there outside of a fence:\n%s", bad, outside)
		}
	}
	if opened, closed := strings.Count(outside, "<details>"), strings.Count(outside, "</details>"); opened != 2 || closed != 2 {
		t.Errorf("%d parts opened, %d closed, want 2:\n%s", opened, closed, page)
	}
	if !strings.Contains(page, "`````text\n") {
		t.Errorf("no fence is longer than the run of four:\n%s", page)
	}
	for line := range strings.Lines(outside) {
		if strings.HasPrefix(line, "|") && len(regexp.MustCompile(`[^\\]\|`).FindAllString(line, -1)) != 4 {
			t.Errorf("a row has other than four cells: %s", line)
		}
	}
}

// TestMarkdownBudget checks that whole objects are cut from the end, and counted.
func TestMarkdownBudget(t *testing.T) {
	var set change.Set
	for i := range 300 {
		letters := string(rune('a'+i%26)) + string(rune('a'+i/26)) // numbers would be folded
		c := object("ConfigMap", "settings-"+letters, edit("key", "x", letters+strings.Repeat("é", 90)))
		if i == 0 {
			c.Findings = []change.Finding{{Rule: "x", Risk: change.Rejected, Message: "the worst"}}
		}
		set.Changes = append(set.Changes, c)
		set.Unchecked = append(set.Unchecked, change.Notice{Reason: letters + strings.Repeat("é", 200)})
	}
	for _, limit := range []int{report.LeastMaxBytes, 10_000, report.DefaultMaxBytes} {
		page := string(render(t, set, view{format: "markdown", opt: report.Options{MaxBytes: limit, ShowHidden: true}}))
		if len(page) > limit {
			t.Errorf("%d bytes, the limit is %d", len(page), limit)
		}
		rows := len(regexp.MustCompile(`(?m)^\|[^|]*\| update \|`).FindAllString(page, -1))
		want := fmt.Sprintf("**Cut to stay within %d bytes: %d objects, 300 unchecked**", limit, 300-rows)
		if rows == 0 || rows == 300 || !strings.Contains(page, want) || !strings.Contains(page, "the worst") {
			t.Errorf("%d rows, and %q is missing or the worst is cut", rows, want)
		}
		if opened, closed := strings.Count(page, "<details>"), strings.Count(page, "</details>"); opened != closed || opened != rows {
			t.Errorf("%d parts opened, %d closed, %d rows", opened, closed, rows)
		}
		if limit-len(page) > 2_000 {
			t.Errorf("%d bytes of %d are left unused", limit-len(page), limit)
		}
	}
	whole := string(render(t, set, view{format: "markdown", opt: report.Options{MaxBytes: 1 << 20}}))
	if strings.Contains(whole, "Cut to stay") {
		t.Error("something is cut where there is room")
	}
}

func TestTemplate(t *testing.T) {
	sc := scenarios(t)[0]
	set := judged(t, sc)
	for text, want := range map[string]string{
		`{{ if eq .exitCode 3 }}stop{{ end }}`:                            "stop",
		`{{ .release.name | quote }} {{ len .changes }}`:                  `"shop" 8`,
		`{{ (index .changes 0).findings | toYaml | contains "  hint:" }}`: "true",
	} {
		got := string(render(t, set, view{format: "template", opt: report.Options{Template: parsed(t, text)}}))
		if got != want {
			t.Errorf("%s gives %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"{{ now }}", "{{ env \"HOME\" }}", "{{ .x "} {
		if _, err := report.ParseTemplate("t", text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	format, err := report.Find("template")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := format.Write(&page, &set, report.Options{Template: parsed(t, "a{{ .verdikt }}")}); err == nil || page.Len() > 0 {
		t.Errorf("a field that is not there: %v, %q", err, &page)
	}
}

// TestPlaces looks for fields in a template like those in Helm charts.
func TestPlaces(t *testing.T) {
	const text = `{{- range .Values.parts }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $.Release.Name }}-{{ .name }}
spec:
  type: ClusterIP
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" $ }}-web
spec:
  strategy:
    type: Recreate
    # type of what
  replicas: {{ .replicas }}
  template:
    metadata:
      labels:
        {{- include "shop.labels" $ | nindent 8 }}
    spec:
      containers:
      - name: proxy
        image: proxy:1
      - image: {{ .image }}
        name: web
        env:
        - name: MODE
          value: fast
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" $ }}-api
spec:
  replicas: 1
{{- end }}
`
	for _, tc := range []struct {
		kind, name, path string
		want             int
	}{
		{"Deployment", "shop-web", ".spec.replicas", 18},
		{"Deployment", "shop-web", ".spec.strategy.type", 16},
		{"Deployment", "shop-web", `.spec.template.spec.containers[name="web"].image`, 27},
		{"Deployment", "shop-web", `.spec.template.spec.containers[name="proxy"].image`, 26},
		{"Deployment", "shop-web", `.spec.template.spec.containers[name="web"].env[name="MODE"].value`, 31},
		{"Deployment", "shop-web", `.spec.template.spec.containers[name="proxy"].env[name="MODE"].value`, 25},
		{"Deployment", "shop-web", `.spec.template.metadata.labels.app`, 21},
		{"Deployment", "shop-api", ".spec.replicas", 38},
		{"Deployment", "other", ".spec.replicas", 1},
		{"Service", "shop-web", ".spec.type", 8},
		{"Service", "shop-web", "", 4},
		{"Ingress", "shop-web", ".spec", 1},
	} {
		c := object(tc.kind, tc.name)
		c.New = &manifest.Object{Ref: c.Ref}
		f := change.Finding{Rule: "x", Risk: change.Restart, Message: "m"}
		if tc.path != "" {
			path, err := fieldpath.Parse(tc.path)
			if err != nil {
				t.Fatal(err)
			}
			f.Paths = []fieldpath.Path{path}
		}
		c.Findings = []change.Finding{f}
		locate := func(*manifest.Object) (string, string) { return "shop/templates/all.yaml", text }
		page := string(render(t, change.Set{Changes: []change.Change{c}}, view{format: "github", opt: report.Options{Locate: locate}}))
		if want := fmt.Sprintf("::error file=shop/templates/all.yaml,line=%d,", tc.want); !strings.HasPrefix(page, want) {
			t.Errorf("%s %s, %s:\n%swant %s", tc.kind, tc.name, tc.path, page, want)
		}
	}
}

// TestFindingsAgree compares how many findings the formats for reviews report.
func TestFindingsAgree(t *testing.T) {
	for name, set := range sets(t) {
		findings, failing, updates, accepted := 0, 0, 0, 0
		for i := range set.Changes {
			c := &set.Changes[i]
			findings += len(c.Findings)
			accepted += len(c.Accepted)
			if slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return change.DefaultFailOn().Names(f.Risk) }) {
				failing++
			}
			if !c.Hidden() {
				updates++
			}
		}
		page := func(format string) string { return string(render(t, set, view{format: format})) }
		if n := len(regexp.MustCompile(`(?m)^::notice (?:file=.*?,line=\d+,)?title=accepted `).FindAllString(page("github"), -1)); n != accepted {
			t.Errorf("%s: github tells of %d accepted findings, the set has %d", name, n, accepted)
		}
		annotated := 0
		for _, m := range regexp.MustCompile(`(?m)^::(?:error|warning) .*?::[^:]*?(?: ×(\d+))?:`).FindAllStringSubmatch(page("github"), -1) {
			n, err := strconv.Atoi(m[1])
			annotated += n
			if err != nil {
				annotated++
			}
		}
		listed := 0
		for _, m := range regexp.MustCompile("(?m)^\\| [^|]*\\| [a-z]+ \\| `+[^|`]*`+(?: ×(\\d+))? \\|").FindAllStringSubmatch(page("markdown"), -1) {
			n, err := strconv.Atoi(m[1])
			listed += n
			if err != nil {
				listed++
			}
		}
		for _, count := range []struct {
			what      string
			got, want int
		}{
			{"sarif", strings.Count(page("sarif"), `"ruleId"`), findings + accepted},
			{"sarif, accepted", strings.Count(page("sarif"), `"suppressions"`), accepted},
			{"gitlab", strings.Count(page("gitlab"), `"check_name"`), findings + accepted},
			{"gitlab, accepted", strings.Count(page("gitlab"), `"severity": "info"`), accepted},
			{"github", annotated, findings},
			{"junit, failures", strings.Count(page("junit"), "<failure "), failing},
			{"junit, cases", strings.Count(page("junit"), "<testcase "), len(set.Changes) + len(set.Unchecked)},
			{"markdown, objects", listed, updates},
		} {
			if count.got != count.want {
				t.Errorf("%s: %s tells of %d, the set has %d:\n%s", name, count.what, count.got, count.want, page(strings.Split(count.what, ",")[0]))
			}
		}
	}
}

// TestFingerprints checks that fingerprints are the same wherever the template is and
// whatever the value is, and different for another object.
func TestFingerprints(t *testing.T) {
	printOf := func(name, message string) string {
		c := object("ConfigMap", name)
		c.Findings = []change.Finding{{Rule: "x", Risk: change.Restart, Message: message}}
		found := regexp.MustCompile(`"helmSafeDiff/v1": "([0-9a-f]{32})"`).FindSubmatch(render(t, change.Set{Changes: []change.Change{c}}, view{format: "sarif"}))
		if found == nil {
			t.Fatal("there is no fingerprint")
		}
		return string(found[1])
	}
	if printOf("web", "1 → 2") != printOf("web", "1 → 3") || printOf("web", "m") == printOf("api", "m") {
		t.Error("fingerprints follow the values, or not the object")
	}
}
