package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// steering are texts that would steer a terminal or a CI system.
func steering() []string {
	return []string{
		"::pwn::x", "  \t::pwn a=b::x", "\u00a0::pwn::x", "\u3000\u2003::pwn::x", "\ufeff::pwn::x", "\u200b::pwn::x", "\u00ad::pwn::x",
		"##[pwn]x", "text ##[pwn a=b]x", "##vso[pwn]x", "##teamcity[pwn]", "#\u200d#[pwn]x", "#####[pwn]x",
		"a\r::pwn::x", "a\u2028::pwn::x", "a\u2029::pwn::x", "a\u0085::pwn::x",
		"\x1b[31mred", "\x1b]8;;https://evil.example\x07x", "\u009b31mred", "\x08\x08\x08over", "\x00", "\x7f", "\u202egnp\u202c", "\u2066x\u2069", "\U000e0041tag",
	}
}

// command returns the line of a text that a CI system takes for the command pwn. It reads
// as the runner of GitHub Actions does (ActionCommand.cs in actions/runner), which breaks
// lines at CR, too, and takes what Unicode lets it ignore for nothing; ##vso and
// ##teamcity are read as ##.
func command(text string) string {
	ignored := strings.NewReplacer("\u200b", "", "\u200d", "", "\u00ad", "", "\ufeff", "")
	for _, line := range regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]").Split(text, -1) {
		plain := ignored.Replace(line)
		if rest, is := strings.CutPrefix(strings.TrimLeftFunc(plain, unicode.IsSpace), "::pwn"); is && strings.Contains(rest, "::") {
			return line
		}
		if regexp.MustCompile(`##(vso|teamcity)?\[pwn`).MatchString(plain) {
			return line
		}
	}
	return ""
}

// steers returns the first character of a text that does something to a terminal.
func steers(text string) string {
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

func checkSteering(t *testing.T, about, text string) {
	t.Helper()
	if line := command(text); line != "" {
		t.Errorf("%s: a CI system takes %q for a command", about, line)
	}
	if r := steers(text); r != "" {
		t.Errorf("%s: %s in\n%q", about, r, text)
	}
}

// Nothing that a chart writes steers who prints a report: in lines that change and lines
// around them, in values, keys and names, in every format.
func TestNothingSteersInAnyReport(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{"all.tpl": "{{ range .changes }}{{ range .edits }}\n{{ .path }}\n{{ .old }}\n{{ .new }}\n{{ end }}{{ end }}{{ toYaml . }}"})
	args, files := outputs(report.Formats())
	quoted := func(text string) string {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(encoded)
	}
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, annotations: {%s: %s}}\ndata: {short: %s, script: %s, %s: x}\n" +
		"---\n{apiVersion: v1, kind: %s, metadata: {name: %s}, data: {a: %s}}\n"
	reports := 0
	for i, text := range steering() {
		block := "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: block}\ndata:\n  script: |\n    first\n    " + text + "\n    value: N\n    last\n"
		if strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) >= 0 {
			block = "" // YAML has no such characters outside of quotes
		}
		side := func(n string) string {
			return strings.Replace(block, "N", n, 1) + fmt.Sprintf("\n---\n"+object, quoted("note"+text), quoted(n+text), quoted(text+n), quoted("first\n"+text+"\nvalue: "+n+"\n"+text+"\nlast\n"), quoted(text), quoted("Odd"+text), quoted(text), quoted(n))
		}
		writeHere(t, "old.yaml", side("1"))
		writeHere(t, "new.yaml", side("2"))
		for _, flags := range [][]string{nil, {"--show-hidden", "-C", "-1"}} {
			for _, file := range files {
				_ = os.Remove(file)
			}
			got := run(t, "", slices.Concat([]string{"manifests", "old.yaml", "new.yaml"}, args, flags)...)
			if got.code != change.ExitError {
				reports++
			}
			checkSteering(t, fmt.Sprintf("%d, stdout", i), got.stdout)
			checkSteering(t, fmt.Sprintf("%d, stderr", i), got.stderr)
			for _, file := range files {
				if page, err := os.ReadFile(file); err == nil {
					checkSteering(t, fmt.Sprintf("%d, %s", i, file), string(page))
				}
			}
		}
	}
	if want := 2 * len(steering()); reports < want*8/10 {
		t.Errorf("only %d of %d runs made reports", reports, want)
	}
}

// What a chart says when it fails reaches stderr as text.
func TestNothingSteersInAnError(t *testing.T) {
	isolate(t)
	writeFiles(t, chartFiles())
	for i, text := range steering() {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, template := range []string{
			`{{ fail (` + fmt.Sprintf("%q", "\n"+text+"\n") + `) }}`,
			`{{ required (` + fmt.Sprintf("%q", text) + `) .Values.none }}`,
			`{{ include (` + fmt.Sprintf("%q", text) + `) . }}`,
			"kind: {" + string(encoded) + ": [}\n",
			"{{ " + strings.ReplaceAll(text, "\x00", "") + " }}",
		} {
			writeHere(t, "chart/templates/f.yaml", template)
			got := run(t, "", "local", "chart", "chart")
			if got.code != change.ExitError || got.stderr == "" {
				t.Errorf("%d: %+v", i, got)
			}
			checkSteering(t, fmt.Sprintf("%d, %q", i, template), got.stderr)
		}
	}
}

// A secret value in the message of a chart that fails is masked.
func TestFailQuotesNoSecret(t *testing.T) {
	isolate(t)
	files := chartFiles()
	files["chart/templates/f.yaml"] = `{{ fail (printf "bad password %s %q %s in %s" .Values.db.password .Values.db.password (b64enc .Values.db.password) .Values.place) }}`
	writeFiles(t, files)
	got := run(t, "", "local", "chart", "chart", "--set", "db.password="+newCanary+",place=here")
	if part := leak(got.stderr); part != "" || !strings.Contains(got.stderr, "bad password *** ") || !strings.Contains(got.stderr, "in here") {
		t.Errorf("%q in %s", part, got.stderr)
	}
}

// A chart says which template an object is from. What leads out of the repository gets
// into no link.
func TestPathsStayInTheRepository(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{})
	inside := 0
	for _, source := range []string{
		"shop/templates/x.yaml", "../../../etc/passwd", "/etc/passwd", "//host/x", "file:///etc/passwd", "https://evil.example/x", "javascript:alert(1)", `..\..\x`, `C:\x`, "C:/x",
		"shop/../../x", "shop/%2e%2e/%2e%2e/x", "~/x", "shop/..", "shop/a\u202eb", "x,line=1::pwn",
	} {
		side := func(image string) string {
			return "# Source: " + source + "\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ../../../x, namespace: prod}\n" +
				"spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: " + image + "}]}}}\n"
		}
		writeHere(t, "old.yaml", side("a"))
		got := run(t, side("b"), "manifests", "old.yaml", "-", "-o", "sarif=s.json", "-o", "gitlab=g.json", "-o", "github")
		for _, file := range []string{"s.json", "g.json"} {
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err, got)
			}
			for _, found := range regexp.MustCompile(`"(?:uri|path)": "(.*)"`).FindAllStringSubmatch(string(page), -1) {
				if outside(found[1]) {
					t.Errorf("%q: %s in %s", source, found[0], file)
				}
			}
		}
		for _, found := range regexp.MustCompile(`file=([^,]*),`).FindAllStringSubmatch(got.stdout, -1) {
			inside++
			if outside(found[1]) {
				t.Errorf("%q: %s in\n%s", source, found[0], got.stdout)
			}
		}
		checkSteering(t, source, got.stdout)
	}
	if inside == 0 {
		t.Error("no path is shown at all")
	}
}

// outside reports whether a path leads out of the folder that it is seen from.
func outside(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasPrefix(path, "/") || strings.Contains(path, "..") || strings.ContainsAny(path, `\~`) ||
		strings.Contains(lower, "%2e") || regexp.MustCompile(`^[a-z]+(:|%3a)`).MatchString(lower)
}
