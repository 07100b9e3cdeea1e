package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/cireport"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
)

// ValueFormats returns all formats for values, the default first. They print no values
// except defaults, and no defaults that may be secret.
func ValueFormats() []FormatOf[GivenValues] {
	as := func(write func(io.Writer, *change.Set, cireport.Options) error) func(io.Writer, *GivenValues, Options) error {
		return func(w io.Writer, v *GivenValues, opt Options) error { return v.writeFindings(w, write, opt) }
	}
	return []FormatOf[GivenValues]{
		{"text", func(w io.Writer, v *GivenValues, _ Options) error {
			_, err := io.WriteString(w, v.text())
			return err
		}},
		{"json", func(w io.Writer, v *GivenValues, _ Options) error {
			return document.EncodeJSON(w, document.Values(v.Keys))
		}},
		{"yaml", func(w io.Writer, v *GivenValues, _ Options) error {
			return document.EncodeYAML(w, document.Values(v.Keys))
		}},
		{"sarif", as(cireport.WriteSARIF)},
		{"github", as(cireport.WriteGitHub)},
		{"gitlab", as(cireport.WriteGitLab)},
	}
}

// counted is the first line, without its end.
func (v *GivenValues) counted() string {
	k := v.Keys
	return fmt.Sprintf("%s: %s, %d read, %d dead, %d shadowed", reporting.Printable(v.Title), reporting.Plural(k.Keys, "key"), k.Read, k.Keys-k.Read, len(k.Shadowed))
}

func (v *GivenValues) text() string {
	var b strings.Builder
	b.WriteString(v.counted() + "\n")
	valueKeysText(&b, v.Keys)
	return b.String()
}

func valueKeysText(b *strings.Builder, v *change.ValueKeys) {
	for _, was := range []bool{true, false} {
		heading := "dead: no template reads these"
		if was {
			heading = "dead from this upgrade on: the old chart reads these, no template of the new one does"
		}
		for i := range v.Dead {
			d := &v.Dead[i]
			if d.Was != was {
				continue
			}
			if heading != "" {
				fmt.Fprintf(b, "\n%s\n", heading)
				heading = ""
			}
			b.WriteString("  " + deadSentence(d) + "\n")
		}
	}
	if len(v.Shadowed) > 0 {
		b.WriteString("\nshadowed: given again later\n")
	}
	for _, s := range v.Shadowed {
		fmt.Fprintf(b, "  %s (%s) by %s\n", reporting.Printable(s.Key), keyPlace(s.At), keyPlace(s.By))
	}
	valueDefaults(b, v.Defaults)
	for _, reason := range v.Unsure {
		fmt.Fprintf(b, "\nnot sure: %s\n", reporting.Printable(reason))
	}
}

// deadSentence names the key that the user may have meant instead of a key that no template
// reads.
func deadSentence(d *change.DeadKey) string {
	text := fmt.Sprintf("%s (%s)", reporting.Printable(d.Key), keyPlace(d.At))
	if d.Keys > 1 {
		text += ", with " + reporting.Plural(d.Keys, "key") + " in it"
	}
	if d.Nearest != "" {
		text += ": did you mean " + reporting.Printable(d.Nearest) + "?"
	}
	return text
}

func keyPlace(p change.KeyPlace) string { return reporting.Printable(p.String()) }

// valueDefaults lists defaults that change. Those that the user's own values replace come
// last.
func valueDefaults(b *strings.Builder, list []change.DefaultKey) {
	for _, given := range []bool{false, true} {
		heading := "\ndefaults of the chart that change\n"
		if given {
			heading = "\ndefaults of the chart that change, but are given\n"
		}
		for i := range list {
			d := &list[i]
			if d.Given != given {
				continue
			}
			b.WriteString(heading)
			heading = ""
			fmt.Fprintf(b, "  %s: %s → %s", reporting.Printable(strings.TrimPrefix(d.Path.String(), ".")), defaultText(d.Old), defaultText(d.New))
			if given {
				fmt.Fprintf(b, " (%s)", keyPlace(d.At))
			}
			b.WriteByte('\n')
		}
	}
}

// longestDefault is how much of a default is printed.
const longestDefault = 60

func defaultText(v change.Value) string {
	if !v.Present() {
		return "none"
	}
	text := []rune(reporting.Printable(v.Text()))
	if len(text) > longestDefault {
		return string(text[:longestDefault-1]) + "…"
	}
	if len(text) == 0 {
		return `""`
	}
	return string(text)
}
