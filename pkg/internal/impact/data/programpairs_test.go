package data

import (
	"net/url"
	"slices"
	"testing"
)

// TestSuccessors walks the table of programs that take the place of others, and that of the
// places where programs are told to keep their data.
func TestSuccessors(t *testing.T) {
	known := func(name string) bool {
		return slices.ContainsFunc(programs(), func(p program) bool { return p.name == name })
	}
	page := func(what, source string) {
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%s: %q is no page", what, source)
		}
	}
	for _, s := range successors() {
		if !known(s.from) || !known(s.to) || s.step == "" {
			t.Errorf("%s to %s: a program is not in the table, or no step", s.from, s.to)
		}
		page(s.from, s.source)
	}
	for _, d := range dataDirectories() {
		page(d.name, d.source)
		if (d.otherwise == "") != (d.images == nil) {
			t.Errorf("%s: a place without images, or images without a place", d.name)
		}
	}
}
