package streams

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Stream is a generated stream, with the features that its text has.
type Stream struct {
	Text     string
	Features []string
}

// Generate returns the stream of a seed. It is made of documents that are mostly valid,
// so that a reader gets as far as the odd thing in them.
func Generate(seed uint64) Stream {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 1)), seen: map[string]bool{}}
	// Most streams have few oddities: with many, one error hides all else.
	g.odds = []float64{0, 0.01, 0.03, 0.08}[g.pick(0.15, 0.35, 0.35)]
	var b strings.Builder
	if g.odd("byte order mark at the beginning", 0.5) {
		b.WriteString("\ufeff")
	}
	if g.odd("comment before all", 2) {
		b.WriteString(g.comment())
	}
	for i, n := 0, 1+g.rng.IntN(3); i < n; i++ {
		if i > 0 || g.chance(0.5) {
			b.WriteString(g.separator())
		}
		b.WriteString(g.breaks(g.document()))
	}
	g.end(&b)
	return Stream{b.String(), g.features}
}

type generator struct {
	rng      *rand.Rand
	odds     float64 // of one oddity of weight 1, wherever one can be
	features []string
	seen     map[string]bool
	anchors  int
}

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// odd decides whether an oddity of some weight comes, and writes it down.
func (g *generator) odd(feature string, weight float64) bool {
	if !g.chance(g.odds * weight) {
		return false
	}
	if !g.seen[feature] {
		g.seen[feature] = true
		g.features = append(g.features, feature)
	}
	return true
}

// pick returns 0, 1 … by the chances given; what is left is that of the last.
func (g *generator) pick(chances ...float64) int {
	p := g.rng.Float64()
	for i, c := range chances {
		if p -= c; p < 0 {
			return i
		}
	}
	return len(chances)
}

func one[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

// comment returns a comment that may end earlier than it looks, and hide a document.
func (g *generator) comment() string {
	text := "# " + one(g, "a comment", "apiVersion: v1", "--- # x", "kind: Pod", "{", "'")
	if g.odd("break in a comment", 3) {
		mark := one(g, "\r", "\u0085", "\u2028", "\u2029")
		text += mark + strings.ReplaceAll("apiVersion: v1\nkind: Hidden\nmetadata:\n  name: h\n", "\n", mark)
	}
	if g.odd("not ASCII in a comment", 1) {
		text += one(g, "é", "\u00a0", "🐴", "\ufeff", "\x07", "\x00", "\xff")
	}
	return text + "\n"
}

func (g *generator) separator() string {
	switch {
	case g.odd("separator with text behind it", 2):
		return one(g, "---", "--- ", "---\t")
	case g.odd("separators in a row", 2):
		return one(g, "---\n---\n", "---\n\n---\n", "------\n", "---\n---", "--- ---\n", "---\n--- # c\n")
	case g.odd("three dots", 1):
		return one(g, "...\n---\n", "...\n", "... # c\n---\n", "---\n...\n---\n", ".... \n---\n")
	case g.odd("separator between odd breaks", 1):
		mark := one(g, "\r", "\u0085", "\u2028", "\u2029")
		return one(g, mark+"---"+mark, "\n---"+mark, mark+"---\n", "---\r\n")
	case g.odd("directive", 0.5):
		return one(g, "%YAML 1.1\n---\n", "---\n%YAML 1.1\n", "%TAG ! tag:x,2000:\n---\n", "%YAML 1.1\r---\r", "---\n%x\n")
	case g.odd("byte order mark inside", 0.5):
		return one(g, "---\n\ufeff", "\ufeff---\n", "---\ufeff\n")
	case g.odd("indented document", 0.3):
		return "---\n" + one(g, " ", "  ", "\t", "\u00a0")
	case g.odd("white space around", 1):
		return one(g, "\n \n---\n\n", " \n---\n \t\n", "---\n\u0085", "---\n\u2028", "---\n\u00a0\n", "\r\n---\r\n", "---\n\v")
	}
	return one(g, "---\n", "---\n", "--- # next\n", "---\n# Source: chart/templates/a.yaml\n", "---  \n")
}

// breaks may write the ends of lines in another way.
func (g *generator) breaks(text string) string {
	switch {
	case g.odd("carriage returns", 2):
		return strings.ReplaceAll(text, "\n", "\r\n")
	case g.odd("odd breaks everywhere", 1):
		return strings.ReplaceAll(text, "\n", one(g, "\r", "\u0085", "\u2028", "\u2029", "\r\r\n"))
	case g.odd("odd breaks here and there", 3):
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			if cut, ended := strings.CutSuffix(line, "\n"); ended && g.chance(0.3) {
				lines[i] = cut + one(g, "\r", "\u0085", "\u2028", "\u2029", "\r\n", "\r\r\n", "\n\r")
			}
		}
		return strings.Join(lines, "")
	case g.odd("character that YAML forbids", 0.3):
		at := g.rng.IntN(len(text) + 1)
		return text[:at] + one(g, "\x00", "\x07", "\xff", "\u0080", "\ufffe", "\x1b", "\xc3\x28") + text[at:]
	case g.odd("a byte is lost", 0.5):
		at := g.rng.IntN(len(text))
		return text[:at] + text[at+1:]
	case g.odd("a byte is put in", 0.7):
		at := g.rng.IntN(len(text) + 1)
		return text[:at] + one(g, "\n", " ", "\t", ":", "-", "#", "\"", "'", "\\", "!", "&", "*", "{", "}", "[", "]", ",", "|", ">", "%", "?", "\ufeff", "\r", "\u2028") + text[at:]
	}
	return text
}

func (g *generator) end(b *strings.Builder) {
	text := b.String()
	switch {
	case g.odd("no newline at the end", 4):
		b.Reset()
		b.WriteString(strings.TrimRight(text, "\n"))
	case g.odd("white space at the end", 2):
		b.WriteString(one(g, "\n\n", "  \n", "\t", "\u00a0", "\u2028", "\r", "\ufeff", "---", "---\n", "...\n", "...", "# c"))
	}
}

// scalar writes a text as a scalar; where has the indentation of what it belongs to, or
// is -1 in flow style.
func (g *generator) scalar(text string, indent int) string {
	prefix := ""
	if g.odd("anchor", 1) {
		g.anchors++
		prefix = fmt.Sprintf("&a%d ", g.anchors)
	}
	switch {
	case g.odd("escapes", 5):
		return prefix + g.escaped(text)
	case g.odd("!!binary", 1):
		return prefix + "!!binary " + base64.StdEncoding.EncodeToString([]byte(text))
	case g.odd("tag", 1):
		return prefix + one(g, "!!str ", "! ", "!x ", "!<tag:yaml.org,2002:str> ") + quoted(text)
	case indent >= 0 && g.odd("block scalar", 3):
		indicator := one(g, "|", ">", "|-", ">-", "|+", ">+", "|2", "|+2")
		return prefix + indicator + "\n" + strings.Repeat(" ", indent+2) + text + one(g, "", "\n", "\n\n")
	case g.odd("line continuation", 1.5):
		cut := g.rng.IntN(len(text) + 1)
		return prefix + `"` + text[:cut] + "\\\n" + strings.Repeat(" ", max(indent, 0)+2) + text[cut:] + `"`
	case g.odd("folded text", 1):
		return prefix + one(g, `"`+text+"\n"+strings.Repeat(" ", max(indent, 0)+3)+`more"`, "'"+text+"\n\n"+strings.Repeat(" ", max(indent, 0)+3)+"more'")
	}
	return prefix + one(g, text, text, `"`+text+`"`, "'"+text+"'")
}

func quoted(text string) string { return `"` + text + `"` }

// escaped writes some letters of a text as escapes.
func (g *generator) escaped(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if !g.chance(0.2) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, one(g, `\x%02x`, `\u%04x`, `\U%08X`), r)
	}
	b.WriteByte('"')
	return b.String()
}

// hostile are values that look like something else.
func (g *generator) hostile() string {
	return one(g, "12e-3", "1e3", "1.0", "0x1F", "0o7", "007", "08", "1_000", "0b101", "12:30:45", ".5", "5.", "-.inf", ".nan", "1e400", "+1", "-0", "-0.0",
		"yes", "No", "on", "OFF", "y", "n", "~", "null", "Null", "", "true", "TRUE", "2001-12-14", "9223372036854775808", "18446744073709551616", "1e20", "1E+2", "-1e-2",
		"=", "<<", "a: b", "a # b", "a#b", "- a", "a\tb", "'it''s'", `"\/"`, `"a\tb"`, `"\u2028"`, `"\ud83d"`, "!!int '5'", "!!float 5", "!!bool 'yes'", "!!null ''", "!!set {a, b}",
		"!!timestamp 2001-12-14", "!!binary /w==", "[]", "{}", "[a, , b]", "{a, b: }", "{? a : b}", "{1: a, 2: b}", "{y: 1, n: 2}", "{1: a, '1': b}", "{~: a}", "{[a]: b}", "{a: 1, a: 2}",
		"[[[[1]]]]", "{a: {a: {a: 1}}}", "@a", "`a`", "%a", "*none", "\ufeff", "a\u00a0", "žluť 🐴", "*a1", "|\n", ">-\n", "2.5e+3x", "1-2", "0x", "12e", "-", "--- a", "... ", "# c", "&a1", "&a1 b", "!x", "a:b", "a:")
}
