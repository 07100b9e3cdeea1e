package htmlreport

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast checks that all text has the contrast that WCAG 2.2 requires (1.4.3, level
// AA), in both modes and in print.
func TestContrast(t *testing.T) {
	modes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(style, -1)
	if len(modes) != 3 {
		t.Fatalf("%d sets of colours, want light, dark and print", len(modes))
	}
	for i, mode := range modes {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]+);`).FindAllStringSubmatch(mode[1], -1) {
			colors[m[1]] = m[2]
		}
		for _, pair := range []string{
			"ink page", "ink card", "faint page", "faint card", "link page", "bad page", "warn page", "good page", "bad card", "good card",
			"bad bad-back", "warn warn-back", "good good-back", "ink bad-back", "ink warn-back", "ink good-back", "faint bad-back", "faint warn-back",
		} {
			text, back, _ := strings.Cut(pair, " ")
			if ratio := contrast(t, colors[text], colors[back]); ratio < 4.5 {
				t.Errorf("mode %d: %s has a contrast of %.2f", i, pair, ratio)
			}
		}
	}
}

func contrast(t *testing.T, one, other string) float64 {
	t.Helper()
	a, b := luminance(t, one), luminance(t, other)
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	digits := strings.TrimPrefix(color, "#")
	if len(digits) == 3 {
		digits = strings.Join([]string{digits[:1], digits[:1], digits[1:2], digits[1:2], digits[2:], digits[2:]}, "")
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(color, err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestFold checks that equal nodes are drawn once: two chains of the same form become one,
// and a third chain with a different end stays separate.
func TestFold(t *testing.T) {
	var g Graph
	for i := range 3 {
		class := ""
		if i == 2 {
			class = "stale"
		}
		g.Nodes = append(g.Nodes, Node{Kind: "Service", Name: fmt.Sprint("s", i)}, Node{Kind: "Deployment", Name: fmt.Sprint("d", i), Op: "update"}, Node{Kind: "ConfigMap", Name: fmt.Sprint("c", i), Op: "update", Class: class})
		g.Ties = append(g.Ties, Tie{From: 3 * i, To: 3*i + 1, Use: "selects"}, Tie{From: 3*i + 1, To: 3*i + 2, Use: "reads"})
	}
	_, words, left := g.draw(func(int) string { return "" })
	want := "Deployment d0 (and 1 like it) reads ConfigMap c0 (and 1 like it), Deployment d2 reads ConfigMap c2, " +
		"Service s0 (and 1 like it) selects Deployment d0 (and 1 like it), Service s2 selects Deployment d2"
	if got := strings.Join(words, ", "); got != want || left != 0 {
		t.Errorf("%s, and %d left\nwant %s", got, left, want)
	}
}

// TestLargeGraph checks that circles are drawn, and that objects that do not change are
// left out first.
func TestLargeGraph(t *testing.T) {
	var g Graph
	for i := range 100 {
		n := Node{Kind: fmt.Sprint("Kind", i), Name: "n", Object: i}
		if i%2 == 0 {
			n.Op = "update"
		}
		g.Nodes = append(g.Nodes, n)
		g.Ties = append(g.Ties, Tie{From: i, To: (i + 2) % 100, Use: "reads"})
	}
	d, words, left := g.draw(func(i int) string { return fmt.Sprint("o", i) })
	updates := 0
	for _, b := range d.Boxes {
		if strings.HasSuffix(b.Title, ": update") {
			updates++
		}
	}
	if len(d.Boxes) != maxDrawn || left != 100-maxDrawn || updates != 50 || len(words) == 0 {
		t.Errorf("%d boxes, %d left, %d of 50 updates", len(d.Boxes), left, updates)
	}
}

// TestPictureNeedsRoom checks that a drawing is left out if there is no room for it, and
// that the page says so.
func TestPictureNeedsRoom(t *testing.T) {
	p := Page{Verdict: "changes", Parts: []Part{{Timeline: &Timeline{Ends: 1}}}}
	for i := range 2_000 {
		p.Parts[0].Timeline.Columns = append(p.Parts[0].Timeline.Columns, Column{Title: "update", Detail: fmt.Sprint("Kind", i)})
	}
	for limit, drawn := range map[int]bool{0: true, 100_000: false} {
		var page bytes.Buffer
		if err := Write(&page, &p, limit); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page.String(), "<svg") != drawn || strings.Contains(page.String(), "not all of it is drawn") == drawn {
			t.Errorf("limit %d: %d bytes, drawn: %t", limit, page.Len(), !drawn)
		}
	}
}
