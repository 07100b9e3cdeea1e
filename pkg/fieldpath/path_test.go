package fieldpath_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

func item(keys ...fieldpath.Key) fieldpath.Element { return fieldpath.Element{Keys: keys} }

func text(name, value string) fieldpath.Key {
	return fieldpath.Key{Name: name, Value: value, Quoted: true}
}

func bare(name, value string) fieldpath.Key { return fieldpath.Key{Name: name, Value: value} }

func TestStringAndParse(t *testing.T) {
	fields := fieldpath.Fields
	for want, path := range map[string]fieldpath.Path{
		".":                              {},
		".metadata.name":                 fields("metadata", "name"),
		".a-b._c.$d.x9":                  fields("a-b", "_c", "$d", "x9"),
		`["-a"]["9"][" "]`:               fields("-a", "9", " "),
		`.data["a.b\"]\n"].x`:            fields("data", "a.b\"]\n", "x"),
		`.data["žlutý","kůň"]`:           nil,
		`.data["žlutý"]["\xff"]`:         fields("data", "žlutý", "\xff"),
		".args[0][12]":                   fields("args").Join(fieldpath.Path{fieldpath.Index(0), fieldpath.Index(12)}),
		"[3]":                            {fieldpath.Index(3)},
		`.labels["helm.sh/chart"]`:       fields("labels", "helm.sh/chart"),
		`.c[name="a=b,]"].image`:         fields("c").Child(item(text("name", "a=b,]"))).Child(fieldpath.Field("image")),
		`.ports[port=80,protocol="TCP"]`: fields("ports").Child(item(bare("port", "80"), text("protocol", "TCP"))),
		`.x["a.b"="c",d=true,e=-1.5e3]`:  fields("x").Child(item(text("a.b", "c"), bare("d", "true"), bare("e", "-1.5e3"))),
	} {
		if path == nil {
			if _, err := fieldpath.Parse(want); err == nil {
				t.Errorf("Parse(%s): no error", want)
			}
			continue
		}
		if got := path.String(); got != want {
			t.Errorf("String() = %s, want %s", got, want)
		}
		got, err := fieldpath.Parse(want)
		if err != nil {
			t.Errorf("Parse(%s): %v", want, err)
			continue
		}
		if diff := cmp.Diff(path, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Parse(%s) differs (-want +got):\n%s", want, diff)
		}
	}
}

func TestParseSaysWhereTheErrorIs(t *testing.T) {
	for path, want := range map[string]string{
		"":                         `column 1: expected "." or "["`,
		"a":                        `column 1: expected "." or "["`,
		"..":                       `column 2: expected the name of a field`,
		".a.":                      `column 4: expected the name of a field`,
		".a b":                     `column 2: a name with other characters than letters, digits, "_", "$" and "-" is in brackets and quotes`,
		".a]":                      `column 3: expected "." or "["`,
		".a[":                      `column 4: expected the name of a field`,
		".a[1":                     `column 5: expected "]"`,
		".a[99999999999999999999]": `column 4: the position is too large`,
		".a[1.5]":                  `column 5: expected "]"`,
		".a[-1]":                   `column 4: a name with other characters than letters, digits, "_", "$" and "-" is in brackets and quotes`,
		`.a["b]`:                   `column 4: the quotes do not close, or hold an unknown escape`,
		`.a["\z"]`:                 `column 4: the quotes do not close, or hold an unknown escape`,
		`.a[""]`:                   `column 4: the name of a field is empty`,
		".a[b]":                    `column 5: expected "="`,
		".a[b=c]":                  `column 6: expected a number, true, false, or text in quotes`,
		".a[b=]":                   `column 6: expected a number, true, false, or text in quotes`,
		".a[b=0x1]":                `column 6: expected a number, true, false, or text in quotes`,
		`.a[b="c"`:                 `column 9: expected "]"`,
		`.a[b="c",]`:               `column 10: expected the name of a field`,
	} {
		_, err := fieldpath.Parse(path)
		if want = fmt.Sprintf("parse path %q: %s", path, want); err == nil || err.Error() != want {
			t.Errorf("Parse(%s): error\n%v\nwant\n%s", path, err, want)
		}
	}
}

func TestUnder(t *testing.T) {
	for _, tc := range []struct {
		path, prefix string
		want         bool
	}{
		{".spec.template.spec", "spec template", true},
		{".spec.template", "spec template", true},
		{".spec", "spec template", false},
		{".spec.templates", "spec template", false},
		{`.spec.containers[name="a"].image`, "spec containers", true},
		{`.spec.containers[name="a"].image`, "spec containers image", false},
		{".spec[0].image", "spec image", false},
		{".", "", true},
		{".", "spec", false},
	} {
		path, err := fieldpath.Parse(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := path.Under(strings.Fields(tc.prefix)...); got != tc.want {
			t.Errorf("%s under %q: %v, want %v", tc.path, tc.prefix, got, tc.want)
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, tc := range []struct {
		p, q string
		want bool
	}{
		{".", ".spec", true},
		{".spec", ".spec.replicas", true},
		{".spec.replicas", ".spec.replicas", true},
		{".spec.replicas", ".spec.template", false},
		{".a[0]", ".a[0].b", true},
		{".a[0]", ".a[1]", false},
		{".a[0]", ".a.b", false},
		{`.a[name="x"].b`, `.a[name="x"]`, true},
		{`.a[name="x"]`, `.a[name="y"]`, false},
		{`.a[name="x"].b`, `.a[name="x"].c`, false},
		{`.a[name="x"]`, ".a[1]", true}, // may be the same item
		{`.a[name="x"]`, ".a[port=80]", true},
		{`.a[port=80,protocol="TCP"]`, `.a[port=80,protocol="UDP"]`, false},
		{`.a[port=80,protocol="TCP"]`, ".a[port=80]", true},
		{`.a[name="x"]`, ".a.name", false},
	} {
		p, pErr := fieldpath.Parse(tc.p)
		q, qErr := fieldpath.Parse(tc.q)
		if pErr != nil || qErr != nil {
			t.Fatal(pErr, qErr)
		}
		if got := p.Overlaps(q); got != tc.want {
			t.Errorf("%s overlaps %s: %v, want %v", p, q, got, tc.want)
		}
		if got := q.Overlaps(p); got != tc.want {
			t.Errorf("%s overlaps %s: %v, want %v", q, p, got, tc.want)
		}
	}
}

func TestPathsAreNotChanged(t *testing.T) {
	base := make(fieldpath.Path, 0, 8)
	base = append(base, fieldpath.Fields("a", "b")...)
	left, right := base.Child(fieldpath.Field("l")), base.Child(fieldpath.Field("r"))
	joined, other := base.Join(left), base.Join(right)
	got := []string{base.String(), left.String(), right.String(), joined.String(), other.String()}
	want := []string{".a.b", ".a.b.l", ".a.b.r", ".a.b.a.b.l", ".a.b.a.b.r"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths differ (-want +got):\n%s", diff)
	}
}

// FuzzParse holds that what Parse reads, String writes so that it reads the same
// again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{".", ".a.b", `["\n"]`, ".a[1]", `.a[b="c",d=1e3]`, `.a["b"="c"]`, ".a[b=true].c", `["\xff"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := fieldpath.Parse(text)
		if err != nil {
			return
		}
		again, err := fieldpath.Parse(path.String())
		if err != nil {
			t.Fatalf("%q is written as %s: %v", text, path, err)
		}
		if diff := cmp.Diff(path, again); diff != "" {
			t.Errorf("%q is written as %s, which reads differently:\n%s", text, path, diff)
		}
	})
}

// FuzzString holds that every path that String writes is read back as it was.
func FuzzString(f *testing.F) {
	f.Add("a", "b", "c", 1)
	f.Add("a.b", `"`, "\xff]", 0)
	f.Fuzz(func(t *testing.T, field, key, value string, index int) {
		if field == "" || index < 0 {
			return
		}
		path := fieldpath.Path{fieldpath.Field(field), item(text(key, value), bare("i", "7")), fieldpath.Index(index), fieldpath.Field(field)}
		again, err := fieldpath.Parse(path.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(path, again); diff != "" {
			t.Errorf("%s reads differently:\n%s", path, diff)
		}
	})
}
