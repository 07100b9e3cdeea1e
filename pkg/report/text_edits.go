package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/linediff"
)

// What a text report shows of one object unless --show-hidden asks for all.
const (
	maxEdits   = 40  // edits
	maxLines   = 24  // lines of one value
	maxWidth   = 160 // characters of one line
	contextual = 1   // lines around a changed one
)

// edits prints the edits of a change that are to be seen.
func (p *page) edits(c *change.Change) {
	shown := 0
	for i := range c.Edits {
		e := &c.Edits[i]
		if e.Noise != "" && !p.opt.ShowHidden {
			continue
		}
		if shown++; shown > maxEdits && !p.opt.ShowHidden {
			continue
		}
		p.edit(e)
	}
	if shown > maxEdits && !p.opt.ShowHidden {
		p.line("    … %d more fields; --show-hidden shows all", shown-maxEdits)
	}
}

func (p *page) edit(e *change.Edit) {
	path := e.Path.String()
	mark := ""
	if e.Noise != "" {
		mark = p.paint("  ("+e.Noise+")", color.Faint)
	}
	oldText, oldLong := p.shown(e.Old)
	newText, newLong := p.shown(e.New)
	switch {
	case e.Reordered:
		p.line("    %s: other order, %s → %s%s", path, p.cut(oldText), p.cut(newText), mark)
	case oldLong || newLong:
		p.line("    %s:%s", path, mark)
		p.lines(oldText, newText)
	case !e.Old.Present():
		p.line("    %s: %s %s%s", path, p.paint("+", color.FgGreen), p.cut(newText), mark)
	case !e.New.Present():
		p.line("    %s: %s %s%s", path, p.paint("-", color.FgRed), p.cut(oldText), mark)
	default:
		p.line("    %s: %s → %s%s", path, p.cut(oldText), p.cut(newText), mark)
	}
}

// shown returns a value as text, and whether that takes more than one line.
// Structure is shown as YAML unless it is short.
func (p *page) shown(v change.Value) (text string, long bool) {
	text = v.Text()
	switch raw := v.Shown().(type) {
	case string:
		if raw == "" || strings.TrimSpace(raw) != raw && !strings.Contains(raw, "\n") {
			return fmt.Sprintf("%q", raw), false
		}
		return text, strings.Contains(raw, "\n")
	case map[string]any, []any:
		if len(text) <= maxWidth/2 {
			return text, false
		}
		if encoded, err := yaml.Marshal(raw); err == nil {
			return string(encoded), true
		}
	}
	return text, false
}

// cut shortens a line that no screen would hold.
func (p *page) cut(line string) string {
	if p.opt.ShowHidden || utf8.RuneCountInString(line) <= maxWidth {
		return line
	}
	runes := []rune(line)
	return fmt.Sprintf("%s … (%d more characters)", string(runes[:maxWidth]), len(runes)-maxWidth)
}

// lines prints how two long values differ, with a little of what stands around.
func (p *page) lines(old, updated string) {
	before, after := linediff.Lines(old), linediff.Lines(updated)
	printed, left, last := 0, 0, 0
	show := func(mark byte, lines []string, tint color.Attribute) {
		for _, line := range lines {
			if printed >= maxLines && !p.opt.ShowHidden {
				left++
				continue
			}
			text := fmt.Sprintf("%c %s", mark, p.cut(strings.TrimRight(line, "\r\n")))
			p.line("        %s", strings.TrimRight(p.paint(text, tint), " "))
			printed++
		}
	}
	for _, h := range linediff.Diff(before, after) {
		from := max(last, h.OldFrom-contextual)
		if from > last && last > 0 && left == 0 {
			p.line("        …")
		}
		if left == 0 {
			show(' ', before[from:h.OldFrom], color.Reset)
		}
		show('-', before[h.OldFrom:h.OldTo], color.FgRed)
		show('+', after[h.NewFrom:h.NewTo], color.FgGreen)
		last = min(len(before), h.OldTo+contextual)
		if left == 0 {
			show(' ', before[h.OldTo:last], color.Reset)
		}
	}
	if left > 0 {
		p.line("        … %d more changed lines; --show-hidden shows all", left)
	}
}
