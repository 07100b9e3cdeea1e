package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// pictured are the scenarios for which the whole HTML page is kept.
func pictured() []string { return []string{"downtime", "hooks", "renames", "secrets"} }

// embedded matches the style and the script, which every page has, and their digests.
var embedded = regexp.MustCompile(`(?s)(<style>).*?(</style>)|(<script>).*?(</script>)|(sha256-)[A-Za-z0-9+/=]+`)

// TestHTMLGallery compares whole pages, without style and script, with the kept pages.
// -update writes them again.
func TestHTMLGallery(t *testing.T) {
	for _, name := range pictured() {
		page := render(t, judged(t, read(t, filepath.Join(gallery, name+".txtar"))), view{format: "html"})
		have := embedded.ReplaceAll(page, []byte("$1$2$3$4$5"))
		file := filepath.Join(gallery, "html", name+".html")
		if *update {
			if err := os.WriteFile(file, have, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(have)); d != "" {
			t.Errorf("%s (-want +got), -update writes it anew:\n%s", name, d)
		}
	}
}

// TestHTMLIsSafe reads pages as a browser does: whatever a chart contains, a page has the
// tags of the template, loads nothing, and runs only our script.
func TestHTMLIsSafe(t *testing.T) {
	for name, set := range sets(t) {
		page := render(t, set, view{format: "html", opt: report.Options{ShowHidden: true}})
		for _, fault := range unsafeParts(page) {
			t.Errorf("%s: %s", name, fault)
		}
	}
	for _, text := range []string{"</script><script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", `"><a href="javascript:alert(1)">`, "\x00\x1b[2J\u202e", "<!--", "]]>", "{{.}}", "' onmouseover='x", "</title>", "</svg></pre></details>"} {
		page := render(t, saying(text), view{format: "html"})
		for _, fault := range unsafeParts(page) {
			t.Errorf("%q: %s", text, fault)
		}
		if bytes.ContainsAny(page, "\x00\x1b\u202e") {
			t.Errorf("%q: what steers is on the page", text)
		}
		tags := embedded.ReplaceAll(page, nil)
		plain := embedded.ReplaceAll(render(t, saying("no harm"), view{format: "html"}), nil)
		if d := cmp.Diff(tagsOf(plain), tagsOf(tags)); d != "" {
			t.Errorf("%q changes the tags (-no harm +got):\n%s", text, d)
		}
	}
}

// saying is a set in which everything that a chart decides is the same text.
func saying(text string) change.Set {
	c := object("ConfigMap", text, edit(text, text, text+text), edit("lines", text+"\n1\n", text+"\n2\n"))
	c.Ref.Namespace, c.Ref.Kind = text, text
	c.Findings = []change.Finding{{Rule: text, Risk: change.Restart, Message: text, Hint: text, Paths: []fieldpath.Path{fieldpath.Fields("other", text)},
		Evidence: []change.Evidence{{What: text, Names: []string{text}}}}}
	c.Accepted = []change.Accepted{{Finding: change.Finding{Rule: text, Risk: change.Stale, Message: text}, By: text, Reason: text, Until: text}}
	c.Outcome.Refused = []change.FieldError{{Field: text, Message: text}}
	c.Outcome.Ignored = []string{text}
	c.Hook = &change.Hook{Events: []string{text}, Runs: true}
	return change.Set{
		Release: change.Release{Name: text, Namespace: text, OldChart: text, NewChart: text + text, Context: text},
		Changes: []change.Change{c}, Unchecked: []change.Notice{{Ref: c.Ref, Reason: text}}, OneWay: []change.Notice{{Ref: c.Ref, Reason: text}},
		Remarks: []change.Remark{{At: text, What: text}}, Hooks: []change.HookRun{{Ref: c.Ref, Event: text, Pods: true}},
	}
}

// tagsOf lists the tags of a page, each with the names of its attributes.
func tagsOf(page []byte) []string {
	var tags []string
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return tags
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken, html.CommentToken:
			token := z.Token()
			tag := []string{token.Type.String(), token.Data}
			for _, a := range token.Attr {
				tag = append(tag, a.Key)
			}
			tags = append(tags, strings.Join(tag, " "))
		case html.TextToken, html.DoctypeToken:
		}
	}
}

// unsafeParts lists what a page must not contain.
func unsafeParts(page []byte) []string {
	var faults []string
	scripts, policy, text := 0, "", string(page)
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				faults = append(faults, z.Err().Error())
			}
			break
		}
		token := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains([]string{"img", "iframe", "object", "embed", "link", "base", "video", "audio", "use", "image"}, token.Data) {
			faults = append(faults, "it has the tag "+token.Data)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				faults = append(faults, fmt.Sprintf("<%s> has %s=%q", token.Data, a.Key, a.Val))
			}
			if a.Key == "content" && strings.Contains(a.Val, "default-src") {
				policy = a.Val
			}
		}
		if token.Data == "script" || token.Data == "style" {
			scripts++
			z.Next()
			sum := sha256.Sum256(z.Raw())
			if !strings.Contains(policy, token.Data+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				faults = append(faults, "the policy does not let "+token.Data+" run")
			}
		}
	}
	if scripts != 2 || !strings.Contains(policy, "default-src 'none'") {
		faults = append(faults, fmt.Sprintf("%d scripts and styles under the policy %q", scripts, policy))
	}
	return faults
}

// TestHTMLBudget checks that edits, then objects, are left out, the least harmful ones
// first, and that both are counted.
func TestHTMLBudget(t *testing.T) {
	var set change.Set
	for i := range 5_000 {
		letters := string([]rune{rune('a' + i%26), rune('a' + i/26%26), rune('a' + i/676)}) // numbers would be folded
		c := object("ConfigMap", "settings-"+letters, edit("key", "x", letters+strings.Repeat("é", 90)))
		if i == 0 {
			c.Findings = []change.Finding{{Rule: "x", Risk: change.Rejected, Message: "the worst"}}
		}
		set.Changes = append(set.Changes, c)
		if i == 599 {
			page := render(t, set, view{format: "html"})
			if len(page) > report.MaxHTMLBytes || bytes.Contains(page, []byte("not shown here</strong>")) || !bytes.Contains(page, []byte("shown without edits")) {
				t.Errorf("600 objects: %d bytes, and not all are there", len(page))
			}
		}
	}
	page := string(render(t, set, view{format: "html"}))
	shown := strings.Count(page, `<details id="o1-`)
	if len(page) > report.MaxHTMLBytes || shown < 200 || !strings.Contains(page, "the worst") || !strings.Contains(page, fmt.Sprintf("%d objects not shown here", 5_000-shown)) {
		t.Errorf("%d bytes, %d objects", len(page), shown)
	}
	whole := string(render(t, set, view{format: "html", opt: report.Options{ShowHidden: true}}))
	if n := strings.Count(whole, `<details id="o1-`); n != 5_000 || strings.Contains(whole, "not shown") {
		t.Errorf("%d objects where all are asked for", n)
	}
}
