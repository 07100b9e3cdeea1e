package streams

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// block writes fields in block style.
func (g *generator) block(fields []field, indent, step int) string {
	var b strings.Builder
	if g.odd("other indentation", 2) {
		step = one(g, 1, 3, 4)
	}
	for _, f := range fields {
		if g.odd("comment between", 2) {
			b.WriteString(strings.Repeat(" ", g.rng.IntN(4)) + g.comment())
		}
		if g.odd("blank line", 2) {
			b.WriteString(one(g, "\n", "  \n", "\t\n"))
		}
		blanks := strings.Repeat(" ", indent)
		key, explicit := g.key(f.key, indent)
		b.WriteString(blanks + key)
		if explicit {
			b.WriteString("\n" + blanks)
		}
		b.WriteString(":")
		switch {
		case f.raw:
			b.WriteString(" " + f.text + "\n")
		case f.fields == nil:
			b.WriteString(" " + g.scalar(f.text, indent) + g.comments() + "\n")
		case g.odd("flow style inside", 2):
			b.WriteString(" " + g.flow(f.fields) + "\n")
		default:
			if g.odd("anchor of a map", 1) {
				g.anchors++
				fmt.Fprintf(&b, " &a%d", g.anchors)
			}
			b.WriteString(g.comments() + "\n" + g.block(f.fields, indent+step, step))
		}
	}
	return b.String()
}

func (g *generator) comments() string {
	if g.odd("comment behind", 2) {
		return " " + strings.TrimSuffix(g.comment(), "\n")
	}
	return ""
}

// key writes a key; explicit says that its colon belongs on a line of its own.
func (g *generator) key(key string, indent int) (text string, explicit bool) {
	switch {
	case g.odd("key with escapes", 3):
		return g.escaped(key), false
	case g.odd("quoted key", 2):
		return one(g, `"`+key+`"`, "'"+key+"'"), false
	case g.odd("explicit key", 1):
		return "? " + one(g, key, g.escaped(key), "|-\n"+strings.Repeat(" ", indent+2)+key), true
	case g.odd("key with a line continuation", 0.5):
		cut := g.rng.IntN(len(key) + 1)
		return `? "` + key[:cut] + "\\\n" + strings.Repeat(" ", indent+2) + key[cut:] + `"`, true
	case g.odd("key with a tag", 1):
		return one(g, "!!str "+key, "!!binary "+base64.StdEncoding.EncodeToString([]byte(key)), "! "+key), false
	case g.odd("key with an anchor", 0.5):
		g.anchors++
		return fmt.Sprintf("&a%d %s", g.anchors, key), false
	case g.odd("blank before the colon", 1):
		return key + one(g, " ", "\t"), false
	}
	return key, false
}

// flow writes fields in flow style on one line.
func (g *generator) flow(fields []field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		key, value := f.key, f.text
		switch {
		case f.fields != nil:
			value = g.flow(f.fields)
		case !f.raw && g.odd("escapes in flow style", 3):
			value = g.escaped(f.text)
		case !f.raw:
			value = quoted(f.text)
		case strings.ContainsAny(value, "\n#") || value == "":
			value = "null"
		}
		if g.odd("key with escapes in flow style", 2) {
			key = g.escaped(key)
		}
		parts[i] = key + ": " + value
	}
	return "{" + strings.Join(parts, one(g, ", ", ", ", ",\n  ")) + "}"
}

// asJSON writes fields as JSON, where their values are.
func asJSON(fields []field) string {
	parts := make([]string, 0, len(fields))
	for _, f := range fields {
		value := strconv.Quote(f.text)
		switch {
		case f.fields != nil:
			value = asJSON(f.fields)
		case f.raw && strings.Trim(f.text, "0123456789.eE+-") == "" && f.text != "":
			value = f.text
		case f.raw && strings.HasPrefix(f.text, "["):
			value = "[{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}]"
		}
		parts = append(parts, strconv.Quote(f.key)+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
