package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
)

// The canaries are what the Secrets of the old and of the new side hold. No six bytes of
// one are anywhere by chance.
const (
	oldCanary = "Kq7zWx4TbN9vRm2pJd5"
	newCanary = "Hy3uGf8LsE6cQa1oZi0"
)

// canaries are texts around a canary: as it is, with what formats escape, in a connection
// string, over several lines.
func canaries(core string) map[string]string {
	return map[string]string{
		"plain":   core,
		"escaped": "a\"b\\c<" + core + ">&'%\u2028\x07é",
		"part":    "postgres://user:" + core + "@db:5432/shop?x=y",
		"lines":   "first\n  ::add-mask::" + core + "\n" + core + "\nlast\n",
	}
}

// leak returns what of a canary is in a text, in clear or in base64 at any offset.
func leak(text string) string {
	for _, core := range []string{oldCanary, newCanary} {
		if part := window(text, core, 6); part != "" {
			return part
		}
		for offset := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + core))
			if part := window(text, encoded[4:len(encoded)-2], 8); part != "" {
				return part
			}
		}
	}
	return ""
}

func window(text, of string, size int) string {
	for i := 0; i+size <= len(of); i++ {
		if strings.Contains(text, of[i:i+size]) {
			return of[i : i+size]
		}
	}
	return ""
}

// canaryPlaces are objects that hold a canary: <C> is it as JSON, <B> in base64. Inside
// of text, <c> is what of it needs no quotes, <b> the base64.
func canaryPlaces() map[string]string {
	const meta = `metadata: {name: s, namespace: prod}`
	return map[string]string{
		"data":                     `{apiVersion: v1, kind: Secret, ` + meta + `, data: {k: <B>}}`,
		"data that is no base64":   `{apiVersion: v1, kind: Secret, ` + meta + `, data: {k: <C>}}`,
		"stringData":               `{apiVersion: v1, kind: Secret, ` + meta + `, stringData: {k: <C>}}`,
		"data of the wrong type":   `{apiVersion: v1, kind: Secret, ` + meta + `, data: <C>}`,
		"data in a list":           `{apiVersion: v1, kind: Secret, ` + meta + `, data: [<C>, {k: <C>}]}`,
		"data in data":             `{apiVersion: v1, kind: Secret, ` + meta + `, stringData: {k: {<C>: <C>}}}`,
		"immutable data":           `{apiVersion: v1, kind: Secret, ` + meta + `, immutable: true, data: {k: <B>}}`,
		"an unknown field":         `{apiVersion: v1, kind: Secret, ` + meta + `, password: <C>}`,
		"an unknown list":          `{apiVersion: v1, kind: Secret, ` + meta + `, keys: [{name: <C>, value: <C>}, {name: x}]}`,
		"an unknown map":           `{apiVersion: v1, kind: Secret, ` + meta + `, keys: {a: {<C>: {b: <C>}}}}`,
		"an annotation":            `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: prod, annotations: {note: <C>}}, data: {}}`,
		"last-applied":             `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: prod, annotations: {kubectl.kubernetes.io/last-applied-configuration: <C>}}, data: {}}`,
		"last-applied of another":  `{apiVersion: v1, kind: ConfigMap, metadata: {name: s, namespace: prod, annotations: {kubectl.kubernetes.io/last-applied-configuration: <C>}}, data: {}}`,
		"a label that is none":     `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: prod, labels: {note: {deep: <C>}}}, data: {}}`,
		"unknown metadata":         `{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: prod, note: <C>, managedFields: [{fieldsV1: {<C>: <C>}}]}, data: {}}`,
		"type":                     `{apiVersion: v1, kind: Secret, ` + meta + `, type: {a: <C>}}`,
		"kind in lower case":       `{apiVersion: v1, kind: secret, ` + meta + `, stringData: {k: <C>}}`,
		"kind in upper case":       `{apiVersion: v1, kind: SECRET, ` + meta + `, stringdata: {k: <C>}}`,
		"kind in the plural":       `{apiVersion: v1, kind: Secrets, ` + meta + `, data: {k: <B>}, more: <C>}`,
		"an odd group":             `{apiVersion: example.com/v1, kind: Secret, ` + meta + `, data: {k: <B>}}`,
		"the group core":           `{apiVersion: core/v1, kind: Secret, ` + meta + `, stringData: {k: <C>}}`,
		"a List":                   `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, ` + meta + `, stringData: {k: <C>}}]}`,
		"a SecretList":             `{apiVersion: v1, kind: SecretList, items: [{` + meta + `, stringData: {k: <C>}}]}`,
		"a SecretList of no group": `{apiVersion: example.com/v1, kind: SecretList, ` + meta + `, list: [{stringData: {k: <C>}}]}`,
		"Crossplane":               `{apiVersion: kubernetes.crossplane.io/v1alpha2, kind: Object, ` + meta + `, spec: {forProvider: {manifest: {apiVersion: v1, kind: Secret, metadata: {name: x, annotations: {a: <C>}}, data: {k: <B>}, odd: <C>}}}}`,
		"extra manifests":          `{apiVersion: example.com/v1, kind: Bundle, ` + meta + `, spec: {extraManifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: y}, data: {a: b}}, {apiVersion: v1, kind: secret, metadata: {name: x}, stringData: {k: <C>}}]}}`,
		"a List in a resource":     `{apiVersion: example.com/v1, kind: Bundle, ` + meta + `, spec: {objects: {kind: List, apiVersion: v1, items: [{kind: Secret, apiVersion: v1, metadata: {name: x, note: <C>}, stringData: {k: <C>}}]}}}`,
		"a SealedSecret":           `{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, ` + meta + `, spec: {encryptedData: {}, template: {type: Opaque, data: {k: <C>}}}}`,
		"an ExternalSecret":        `{apiVersion: external-secrets.io/v1, kind: ExternalSecret, ` + meta + `, spec: {target: {template: {data: {k: <C>}}}}}`,
		"stringData of a resource": `{apiVersion: example.com/v1, kind: Thing, ` + meta + `, spec: {stringData: {k: <C>}}}`,
		"a reference with more":    `{apiVersion: example.com/v1, kind: Thing, ` + meta + `, spec: {ref: {kind: Secret, name: x, token: <C>}}}`,
		"a manifest as text":       `{apiVersion: v1, kind: ConfigMap, ` + meta + `, data: {s.yaml: "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  k: '<c>'\n"}}`,
		"a template as text":       `{apiVersion: v1, kind: ConfigMap, ` + meta + `, data: {s.tpl: "kind: Secret\nstringData:\n  k: <c>\n  {{ range .x }}\n"}}`,
		"a manifest as JSON":       `{apiVersion: v1, kind: ConfigMap, ` + meta + `, data: {s.json: '{"kind": "Secret", "data": {"k": "<b>"}}'}}`,
		"a manifest in a Job":      `{apiVersion: batch/v1, kind: CronJob, ` + meta + `, spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a, args: ["kind: Secret\ndata: {k: <b>}\n"]}]}}}}}}`,
	}
}

// placed puts a canary into a place.
func placed(t *testing.T, place, canary string) string {
	t.Helper()
	encoded, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	inBase64 := base64.StdEncoding.EncodeToString([]byte(canary))
	letters := strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"'\\\n:", r) || r < ' ' {
			return '-'
		}
		return r
	}, canary)
	return strings.NewReplacer("<C>", string(encoded), "<B>", `"`+inBase64+`"`, "<c>", letters, "<b>", inBase64).Replace(place)
}

// outputs returns the arguments by which one run makes reports in all formats, and the
// files that it writes.
func outputs(formats []report.Format) (args, files []string) {
	for _, format := range formats {
		if format.Name == "text" {
			args = append(args, "-o", "text")
			continue
		}
		file := "out." + format.Name
		args, files = append(args, "-o", format.Name+"="+file), append(files, file)
	}
	return append(args, "--template", "all.tpl"), files
}

// leaks runs the program and returns how many outputs it looked at, each of which holds
// no canary: stdout, stderr and all files.
func leaks(t *testing.T, about string, files []string, args ...string) int {
	t.Helper()
	for _, file := range files {
		_ = os.Remove(file)
	}
	got := run(t, "", args...)
	texts := map[string]string{"stdout": got.stdout, "stderr": got.stderr}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			texts[file] = string(text)
		}
	}
	for name, text := range texts {
		if part := leak(text); part != "" {
			t.Errorf("%s: %q in %s of %q:\n%s", about, part, name, args, around(text, part))
		}
	}
	return len(texts)
}

func around(text, part string) string {
	i := strings.Index(text, part)
	return text[max(0, i-300):min(len(text), i+200)]
}

// The canary matrix: every place in which a release keeps something secret, every text,
// every way in which an object comes, goes and changes, every format.
func TestNoSecretInAnyReport(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{"all.tpl": "{{ toYaml . }}{{ toJson . }}", "none.yaml": ""})
	args, files := outputs(report.Formats())
	const neighbour = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: next, namespace: prod}\ndata: {a: %q}\n"
	runs, reports, seen := 0, 0, 0
	places := canaryPlaces()
	for _, name := range slices.Sorted(maps.Keys(places)) {
		for form := range canaries("") {
			old, updated := placed(t, places[name], canaries(oldCanary)[form]), placed(t, places[name], canaries(newCanary)[form])
			writeHere(t, "old.yaml", old+fmt.Sprintf(neighbour, "1"))
			writeHere(t, "new.yaml", updated+fmt.Sprintf(neighbour, "2"))
			for _, sides := range [][]string{{"old.yaml", "new.yaml"}, {"none.yaml", "new.yaml"}, {"old.yaml", "none.yaml"}, {"old.yaml", "old.yaml"}} {
				for _, flags := range [][]string{nil, {"--show-hidden", "--color"}, {"--server-side=true", "-C", "-1"}} {
					n := leaks(t, name+", "+form, files, slices.Concat([]string{"manifests"}, sides, args, flags)...)
					runs, seen = runs+1, seen+n
					if n > 2 {
						reports++
					}
				}
			}
		}
	}
	if reports < runs*9/10 {
		t.Errorf("only %d of %d runs made reports, and there is nothing to find in the others", reports, runs)
	}
	t.Logf("%d places × %d texts: %d runs, %d of them with reports, %d outputs", len(places), len(canaries("")), runs, reports, seen)
}

func writeHere(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What cannot be read is an error that says where, and nothing of what is there.
func TestNoSecretInAnyError(t *testing.T) {
	isolate(t)
	writeFiles(t, map[string]string{"all.tpl": "{{ toYaml . }}", "good.yaml": plainConfig})
	args, files := outputs(report.Formats())
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  k: " + newCanary + "\n"
	flaws := map[string]string{
		"unclosed list":      "  l: [" + newCanary + "\n",
		"unclosed quote":     "  l: \"" + newCanary + "\n",
		"bad indentation":    "   l: " + newCanary + "\n m: " + newCanary + "\n",
		"a tab":              "\tl: " + newCanary + "\n",
		"an unknown anchor":  "  l: *" + newCanary + "\n",
		"a bad tag":          "  l: !!int " + newCanary + "\n",
		"an unknown tag":     "  l: !" + newCanary + " x\n",
		"a bad escape":       "  l: \"\\" + newCanary + "\"\n",
		"bad binary":         "  l: !!binary " + newCanary + "!\n",
		"a merge of text":    "  <<: " + newCanary + "\n",
		"a map as a key":     "  {" + newCanary + ": x}: y\n",
		"a list as a key":    "  ? [" + newCanary + "]\n  : y\n",
		"no colon":           newCanary + "\n",
		"infinity":           "  l: .inf\n  m: " + newCanary + "\n",
		"no UTF-8":           "  l: " + newCanary + "\xff\n",
		"a control":          "  l: " + newCanary + "\x01\n",
		"a bad directive":    "---\n%" + newCanary + " x\n---\na: b\n",
		"a scalar":           "---\n" + newCanary + "\n",
		"a list":             "---\n- " + newCanary + "\n",
		"kind is a map":      "---\napiVersion: v1\nkind: {a: " + newCanary + "}\n",
		"kind is a number":   "---\napiVersion: v1\nkind: 1\ndata: " + newCanary + "\n",
		"no kind":            "---\napiVersion: v1\nstringData: {k: " + newCanary + "}\n",
		"name is a list":     "---\napiVersion: v1\nkind: Secret\nmetadata: {name: [" + newCanary + "]}\n",
		"metadata is text":   "---\napiVersion: v1\nkind: Secret\nmetadata: " + newCanary + "\n",
		"an item is text":    "---\napiVersion: v1\nkind: List\nitems: [" + newCanary + "]\n",
		"twice":              "---\n" + head + "---\n" + head,
		"a second value":     "---\n{\"kind\": \"Secret\"} {\"a\": \"" + newCanary + "\"}\n",
		"two keys alike":     "  1: " + newCanary + "\n  \"1\": " + newCanary + "\n",
		"an alias of itself": "  l: &a [*a, " + newCanary + "]\n",
		"a template":         "  l: {{ " + newCanary + " }}\n",
	}
	seen := 0
	for name, flaw := range flaws {
		writeHere(t, "bad.yaml", head+flaw)
		for _, sides := range [][]string{{"bad.yaml", "good.yaml"}, {"good.yaml", "bad.yaml"}, {"good.yaml", "good.yaml", "--cluster-objects", "bad.yaml"}} {
			seen += leaks(t, name, files, slices.Concat([]string{"manifests"}, sides, args)...)
		}
	}
	t.Logf("%d flaws, %d outputs", len(flaws), seen)
}

// The values of an upgrade, its plan, and what is said of both later.
func TestNoSecretOfAnUpgrade(t *testing.T) {
	isolate(t)
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: {{ .Values.colour | quote }}\n" +
		"  url: postgres://u:{{ .Values.shade }}@h/db\ndata:\n  b: {{ .Values.tint | b64enc }}\n  c: {{ .Values.hue }}\n"
	writeFiles(t, map[string]string{
		"chart/Chart.yaml": chartYAML, "chart/values.yaml": "{}\n", "chart/templates/s.yaml": secret,
		"chart/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {size: {{ .Values.size | quote }}}\n",
		"all.tpl":                "{{ toYaml . }}",
	})
	values := func(core, size string) map[string]any {
		return map[string]any{"colour": core, "shade": core, "tint": core, "hue": base64.StdEncoding.EncodeToString([]byte(core)), "size": size}
	}
	writeValues := func(name, core, size string) {
		encoded, err := json.Marshal(values(core, size))
		if err != nil {
			t.Fatal(err)
		}
		writeHere(t, name, string(encoded))
	}
	writeValues("old.json", oldCanary, "5432")
	writeValues("new.json", newCanary, "true")
	cluster := helmtest.Serve(t, helmtest.Release{Name: "shop", Namespace: "prod", Revision: 1, Chart: "chart", Values: values(oldCanary, "5432")},
		helmtest.Release{Name: "shop", Namespace: "prod", Revision: 2, Chart: "chart", Values: values(newCanary, "true")})
	kubeconfig, err := cluster.WriteKubeconfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	args, files := outputs(report.Formats())
	files = append(files, "plan.json")
	upgrade := []string{"upgrade", "shop", "chart", "--offline", "-n", "prod", "-f", "old.json"}
	seen := leaks(t, "upgrade", files, slices.Concat(upgrade, args, []string{"--out", "plan.json"})...)
	if want := len(files) + 2; seen != want {
		t.Errorf("%d outputs, want %d", seen, want)
	}
	if text := run(t, "", upgrade...).stdout; !strings.Contains(text, "value .colour: changed") || !strings.Contains(text, "value .size: true → \"5432\"") &&
		!strings.Contains(text, "value .size: \"true\" → \"5432\"") {
		t.Errorf("what the Secret does not hold is not shown:\n%s", text)
	}
	if _, err := os.Stat("plan.json"); err != nil {
		t.Fatal(err)
	}
	for _, again := range [][]string{
		slices.Concat([]string{"show", "plan.json"}, args),
		{"verify", "plan.json", "shop", "chart", "--offline", "-n", "prod", "-f", "new.json"},
		slices.Concat([]string{"rollback", "shop", "1", "--offline", "-n", "prod"}, args),
		slices.Concat([]string{"revision", "shop", "1", "2", "-n", "prod"}, args),
		{"uninstall", "shop", "--offline", "-n", "prod"},
		{"drain", "shop", "chart", "--offline", "-n", "prod", "-f", "new.json", "-o", "json"},
		slices.Concat([]string{"local", "chart", "chart", "--old-values", "old.json", "--new-values", "new.json"}, args),
	} {
		seen += leaks(t, again[0], files[:len(files)-1], again...)
	}
	for _, format := range report.FormatsAsHelmDiff() {
		args := []string{"diff", "upgrade", "shop", "chart", "-n", "prod", "-f", "old.json", "-o", format.Name, "--show-hidden"}
		seen += leaks(t, "diff", nil, args...)
		if got := run(t, "", args...); got.stdout == "" {
			t.Errorf("%s: nothing to look at: %q", format.Name, got.stderr)
		}
	}
	t.Logf("%d outputs", seen)
}
