package streams

import (
	"fmt"
	"strings"
)

// field is a key with its value; a value of more fields has no text.
type field struct {
	key, text string
	raw       bool // the text is YAML already
	fields    []field
}

// document writes one document.
func (g *generator) document() string {
	if g.odd("no object", 0.5) {
		return one(g, "null\n", "~\n", "# c\n", "\n", "{}\n", "[]\n", "text\n", "5\n", "- a\n", "'a'\n", "|\n  a\n", "*a\n", "!!map {}\n", "&x\n")
	}
	fields := g.object()
	if g.odd("list", 3) {
		fields = g.list()
	}
	switch {
	case g.odd("flow style", 4):
		return g.flow(fields) + "\n"
	case g.odd("JSON", 2):
		return asJSON(fields) + g.behind()
	}
	return g.block(fields, 0, 2)
}

// behind is what may follow the value of a document.
func (g *generator) behind() string {
	if g.odd("second value", 0.5) {
		return one(g, "{\"a\": 1}\n", "\n{\"apiVersion\": \"v1\", \"kind\": \"Second\"}\n", " x\n", "\n...\n# c\n")
	}
	return "\n"
}

func (g *generator) object() []field {
	kind := one(g, [2]string{"v1", "ConfigMap"}, [2]string{"v1", "Secret"}, [2]string{"apps/v1", "Deployment"}, [2]string{"rbac.authorization.k8s.io/v1", "ClusterRole"},
		[2]string{"x.dev/v1", "Thing"}, [2]string{"x.dev/v1", "AllowList"}, [2]string{"v1", "List"}, [2]string{"v1", "PodList"})
	meta := []field{{key: "name", text: one(g, "a", "web", "db-0", "x.y")}}
	if g.chance(0.3) {
		meta = append(meta, field{key: "namespace", text: "prod"})
	}
	if g.odd("hostile name", 2) {
		meta[0] = field{key: one(g, "name", "namespace", "generateName"), text: g.hostile(), raw: true}
	}
	if g.chance(0.4) {
		meta = append(meta, field{key: "labels", fields: []field{{key: "app", text: "web"}, {key: "app.kubernetes.io/name", text: "x"}}})
	}
	meta = append(meta, g.annotations()...)
	g.rng.Shuffle(len(meta), func(i, j int) { meta[i], meta[j] = meta[j], meta[i] })
	fields := []field{{key: "apiVersion", text: kind[0]}, {key: "kind", text: kind[1]}, {key: "metadata", fields: meta}}
	fields = append(fields, g.content()...)
	if g.odd("head left out", 1) {
		fields = fields[1+g.rng.IntN(2):]
	}
	if g.odd("hostile head", 1) {
		i := g.rng.IntN(len(fields))
		fields[i] = field{key: fields[i].key, text: g.hostile(), raw: true}
	}
	if g.odd("key in other case", 2) {
		again := fields[g.rng.IntN(len(fields))]
		again.key = one(g, strings.ToUpper(again.key), strings.Title(again.key)) //nolint:staticcheck // ASCII
		fields = append(fields, again)
	}
	return g.repeat(fields)
}

func (g *generator) annotations() []field {
	if !g.chance(0.5) {
		return nil
	}
	list := []field{{key: "note", text: one(g, "x", "helm.sh/hook", "a b")}}
	if g.chance(0.6) {
		list = append(list, field{key: "helm.sh/hook", text: one(g, "pre-upgrade", "post-delete", "test", "pre-install,post-upgrade", "Pre-Upgrade")})
	}
	if g.chance(0.3) {
		list = append(list, field{key: "helm.sh/resource-policy", text: "keep"})
	}
	if g.odd("hostile annotation", 1) {
		list = append(list, field{key: "odd", text: g.hostile(), raw: true})
	}
	key := "annotations"
	if g.odd("annotations in other case", 1) {
		key = one(g, "Annotations", "ANNOTATIONS")
	}
	return []field{{key: key, fields: g.repeat(list)}}
}

// content is what an object holds besides its head.
func (g *generator) content() []field {
	var fields []field
	for i, n := 0, g.rng.IntN(3); i < n; i++ {
		f := field{key: one(g, "data", "spec", "rules", "x", "type")}
		switch {
		case g.odd("hostile value", 6):
			f.text, f.raw = g.hostile(), true
		case g.chance(0.3):
			f.text = one(g, "web", "a b", "http://x:80/y")
		default:
			for j, m := 0, 1+g.rng.IntN(3); j < m; j++ {
				inner := field{key: one(g, "a", "b", "settings", "items", "metadata", "kind"), text: one(g, "web", "b c", "ClusterRole")}
				if g.odd("hostile value", 4) {
					inner.text, inner.raw = g.hostile(), true
				}
				f.fields = append(f.fields, inner)
			}
			f.fields = g.repeat(f.fields)
		}
		fields = append(fields, f)
	}
	if g.odd("items beside other fields", 2) {
		fields = append(fields, field{key: one(g, "items", "items", "Items"), text: g.items(), raw: true})
	}
	return fields
}

// repeat may write a key twice, or merge.
func (g *generator) repeat(fields []field) []field {
	switch {
	case g.odd("key twice", 1):
		again := fields[g.rng.IntN(len(fields))]
		if again.fields == nil && !again.raw {
			again.text = "again"
		}
		return append(fields, again)
	case g.odd("merge key", 2):
		g.anchors++
		anchor := fmt.Sprintf("m%d", g.anchors)
		merged := one(g, "{a: merged, settings: merged, kind: Merged}", "{helm.sh/hook: test}", "{name: merged, annotations: {helm.sh/hook: test}}", "{items: []}", "x")
		return append([]field{{key: "z", text: "&" + anchor + " " + merged, raw: true}},
			append(fields, field{key: one(g, "<<", "<<", `"<<"`, "!!merge <<"), text: one(g, "*"+anchor, "[*"+anchor+"]", "[*"+anchor+", {b: c}]", "{x: y}"), raw: true})...)
	}
	return fields
}

// list writes a list of objects, or what looks like one.
func (g *generator) list() []field {
	kind := one(g, [2]string{"v1", "List"}, [2]string{"v1", "ConfigMapList"}, [2]string{"rbac.authorization.k8s.io/v1", "RoleBindingList"},
		[2]string{"v1", "ConfigMap"}, [2]string{"x.dev/v1", "AllowList"}, [2]string{"apps/v1", "Deployment"})
	fields := []field{{key: "apiVersion", text: kind[0]}, {key: "kind", text: kind[1]}}
	if g.chance(0.5) {
		fields = append(fields, field{key: "metadata", fields: append([]field{{key: "name", text: "l"}}, g.annotations()...)})
	}
	fields = append(fields, g.content()...)
	if g.odd("list without items", 2) {
		return fields
	}
	return append(fields, field{key: "items", text: g.items(), raw: true})
}

func (g *generator) items() string {
	if g.odd("items that are no list", 2) {
		return one(g, "null", "~", "", "{}", "{a: b}", "text", "5", "true", "[]", "[null]", "[a]", "[[]]", "''", "*a1", "!!null ''", "!!seq []", "!!set {a}")
	}
	var items []string
	for i, n := 0, g.rng.IntN(3); i < n; i++ {
		switch {
		case g.odd("item without kind", 2):
			items = append(items, one(g, "{metadata: {name: i}}", "{apiVersion: v1}", "{kind: Pod}", "{}", "null", "{kind: 5, apiVersion: 6}", "{kind: '', apiVersion: ''}"))
		case g.odd("list in a list", 1):
			items = append(items, "{apiVersion: v1, kind: List, items: "+one(g, "[]", "null", "x", "[{apiVersion: v1, kind: Pod}]", "{}")+"}")
		default:
			items = append(items, g.flow(g.object()))
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}
