package plan

import "testing"

// TestDigestsCoverTheWholeStream checks that no object can be added to a manifest without
// its plan noticing, and that copies in another order make another manifest.
func TestDigestsCoverTheWholeStream(t *testing.T) {
	const (
		web   = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n"
		again = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  a: b\n"
	)
	p := &Plan{Fingerprint: Fingerprint{Release: "shop", Namespace: "demo"}}
	approved, err := p.ManifestOf(web, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a comment that U+2028 ends":         web + "# c\u2028---\u2028" + again,
		"a comment that a line in it ends":   "# c\u2028kind: Secret\u2028apiVersion: v1\n---\n" + web,
		"a carriage return":                  web + "---\n# c\rapiVersion: v1\rkind: Secret\r",
		"items":                              web + "items: [{apiVersion: v1, kind: Secret}]\n",
		"text behind a separator":            web + "---apiVersion: v1\nkind: Secret\n",
		"text behind three dots":             web + "...\n" + again,
		"a second value":                     web + "---\n{apiVersion: v1, kind: Pod} {apiVersion: v1, kind: Secret}\n",
		"a hook by a key in other case":      web + "Metadata: {annotations: {helm.sh/hook: test}}\n",
		"a hook by an escaped key":           web + "  annotations: {\"helm.sh/hoo\\x6b\": test}\n",
		"another copy":                       web + "---\n" + again,
		"a document that begins with a dash": web + "---\n- a\n",
	} {
		now, err := p.ManifestOf(text, nil, nil)
		if err == nil && approved.Moved(&now, Templates, Hooks) == nil {
			t.Errorf("%s: the plan still stands", name)
		}
	}
	one, _ := p.ManifestOf(web+"---\n"+again, nil, nil)
	two, _ := p.ManifestOf(again+"---\n"+web, nil, nil)
	if one.Moved(&two, Templates) == nil {
		t.Error("copies in another order: the plan still stands")
	}
}
