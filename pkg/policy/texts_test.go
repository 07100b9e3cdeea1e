package policy

import (
	"fmt"
	"strings"
	"testing"
)

func texts(policy, accepted string) *Texts {
	return &Texts{Policy: Text{Path: "p", Text: policy}, Accepted: Text{Path: "a", Text: accepted}}
}

func TestSameSaysWhatThePolicySays(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       bool
	}{
		{"comments", "failOn: none # for now\n", "# why\nfailOn: none\n", true},
		{"flow and block", "rules: {pod-restart: off, x: on}", "rules:\n  x: on\n  pod-restart: off\n", true},
		{"quotes", `failOn: ["none"]`, "failOn: [none]", true},
		{"an alias", "hide: [&a {id: x, kinds: Y}]\nlabels: [*a]", "hide: [{id: x, kinds: Y}]\nlabels: [{id: x, kinds: Y}]", true},
		{"nothing and null", "", "~", true},
		{"numbers that are equal and read as text", "flags: {kube-version: 1.30}", "flags: {kube-version: 1.3}", false},
		{"on and true", "rules: {a: on}", "rules: {a: true}", false},
		{"the order of a list", "overrides: [{a: b}, {c: d}]", "overrides: [{c: d}, {a: b}]", false},
		{"a second document", "failOn: none", "failOn: none\n---\nfailOn: none", false},
		{"a key twice, which is a mistake", "failOn: none", "failOn: none\nfailOn: none", false},
		{"broken", "failOn: [", "failOn: [ ", false},
	} {
		if got := texts(c.a, "").Same(texts(c.b, "")); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := texts("", c.a).Digest() == texts("", c.b).Digest(); got != c.want {
			t.Errorf("%s: the digests are equal: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDigestIsOfBothFilesAndTheirPlaces(t *testing.T) {
	seen := map[string]int{}
	for i, c := range []*Texts{
		texts("x: y", ""), texts("", "x: y"), texts("", ""), {}, {Policy: Text{Path: "p/q", Text: "x: y"}, Accepted: Text{Path: "a"}},
		{Policy: Text{Path: "p"}}, {Accepted: Text{Path: "a"}},
	} {
		digest := c.Digest()
		if other, twice := seen[digest]; twice {
			t.Errorf("%d and %d have the same digest", i, other)
		}
		if len(digest) != len("sha256:")+64 {
			t.Errorf("the digest is %q", digest)
		}
		seen[digest] = i
	}
}

func TestMeaningOfAliasesIsLimited(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for _, text := range []string{b.String(), "a: &a [*a]\n", "a: &a {b: *a}\n"} {
		if _, is := meaning(text).(unreadable); !is {
			t.Errorf("read: %.40q", text)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name              string
		old, theirs, ours *Texts
		want              *Texts
		clash             bool
	}{
		{"nothing", texts("1", "1"), texts("1", "1"), texts("1", "1"), texts("1", "1"), false},
		{"only the base", texts("1", "1"), texts("2", "2"), texts("1", "1"), texts("2", "2"), false},
		{"only the pull request", texts("1", "1"), texts("1", "1"), texts("2", "2"), texts("2", "2"), false},
		{"each another file", texts("1", "1"), texts("2", "1"), texts("1", "3"), texts("2", "3"), false},
		{"both the same", texts("1", "1"), texts("2", "1"), texts("2", "1"), texts("2", "1"), false},
		{"both one file", texts("1", "1"), texts("2", "1"), texts("3", "1"), texts("3", "1"), true},
		{"taken out here, changed there", texts("1", "1"), texts("2", "1"), &Texts{}, &Texts{}, true},
	} {
		got, clash := Merge(c.old, c.theirs, c.ours)
		if got != *c.want || clash != c.clash {
			t.Errorf("%s: %+v, clash %v", c.name, got, clash)
		}
	}
}

func TestEdits(t *testing.T) {
	edits := Edits(texts("failOn: none\nrules: {a: on}", ""), texts("failOn: none\nrules: {a: off}\nhide: [{id: x}]", "accepted: [{rule: a}]"))
	var got []string
	for i := range edits {
		got = append(got, edits[i].Path.String())
	}
	if want := ".accepted .hide .rules.a"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
