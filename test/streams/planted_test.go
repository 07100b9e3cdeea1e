package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v2"
	release4util "helm.sh/helm/v4/pkg/release/v1/util"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	k8syaml "sigs.k8s.io/yaml"
)

// model is a reader as simple as can be, without anything that makes this program's
// fast. Each of its faults can be switched on.
type model struct {
	before  func(stream string) string // what is done to the stream first
	split   func(stream string) []string
	chunk   func(text string) string // what is done to a document
	lists   func(value map[string]any) bool
	nested  bool // a list in a list is taken apart
	bare    bool // an item does not take its kind from the list
	nulls   bool // items that are null are no items
	own     bool // an item is a hook by its own annotations
	exact   bool // annotations count in their own spelling only
	raw     bool // annotations are looked for in the text
	dropped bool // what follows the first value is no error
	value   func(value any) any
}

func (m model) read(stream string) Reading {
	stream = trimmed(stream)
	if m.before != nil {
		stream = m.before(stream)
	}
	split := splitByHelm
	if m.split != nil {
		split = m.split
	}
	var r Reading
	for _, text := range split(stream) {
		objects, err := m.document(text)
		if err != nil {
			return Reading{Err: err}
		}
		r.Objects = append(r.Objects, objects...)
	}
	sort.Strings(r.Objects)
	return r
}

func splitByHelm(stream string) []string {
	entries := release4util.SplitManifests(stream)
	keys := slices.Collect(maps.Keys(entries))
	sort.Sort(release4util.BySplitManifestsOrder(keys))
	var texts []string
	for _, key := range keys {
		texts = append(texts, entries[key])
	}
	return texts
}

type simpleHead struct {
	Version  string `json:"apiVersion"`
	Kind     string `json:"kind,omitempty"`
	Metadata *struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata,omitempty"`
}

func (m model) document(text string) ([]string, error) {
	original := text
	if m.chunk != nil {
		text = m.chunk(text)
	} else {
		text = ended(strings.ReplaceAll(text, "\r\n", "\n"))
	}
	var head simpleHead
	if err := k8syaml.Unmarshal([]byte(original), &head); err != nil {
		return nil, err
	}
	annotations := map[string]string{}
	if head.Metadata != nil {
		annotations = head.Metadata.Annotations
	}
	hook, isHook := annotations["helm.sh/hook"]
	if strings.HasPrefix(text, "---") {
		row, rest, _ := strings.Cut(text, "\n")
		if row = strings.TrimSpace(row[3:]); row != "" && row[0] != '#' {
			return nil, errors.New("separator")
		}
		text = rest
	}
	if !isHook {
		text = "---\n" + text
	}
	if !m.dropped && more(text) {
		return nil, errors.New("more follows the end of the document")
	}
	encoded, err := k8syaml.YAMLToJSON([]byte(text))
	if err != nil || string(encoded) == "null" {
		return nil, err
	}
	value := map[string]any{}
	if err := utiljson.Unmarshal(encoded, &value); err != nil {
		return nil, err
	}
	if m.value != nil {
		value = m.value(value).(map[string]any)
	}
	events, known := hookOf(hook, isHook)
	if _, own := ownHook(value); m.raw && !strings.Contains(text, "helm.sh/hook") || m.exact && !own {
		events, known = "", true
	}
	objects, err := m.objects(value, events)
	if !known {
		objects = nil
	}
	return objects, err
}

// ended adds the newline that may be missing.
func ended(text string) string { return strings.TrimSuffix(text, "\n") + "\n" }

func ownHook(value map[string]any) (string, bool) {
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	hook, is := annotations["helm.sh/hook"].(string)
	return hook, is
}

func (m model) objects(value map[string]any, hook string) ([]string, error) {
	items, is := value["items"]
	if !is || m.lists != nil && !m.lists(value) || m.nulls && items == nil {
		line, err := lineOf(hook, value)
		return []string{line}, err
	}
	kind, _ := value["kind"].(string)
	version, _ := value["apiVersion"].(string)
	bare := maps.Clone(value)
	delete(bare, "items")
	bare["apiVersion"] = "v1"
	if _, err := lineOf("", bare); err != nil {
		return nil, err
	}
	list, is := items.([]any)
	if items != nil && !is {
		return nil, errors.New("items")
	}
	var objects []string
	for _, item := range list {
		fields, is := item.(map[string]any)
		if !is && item != nil {
			return nil, errors.New("item")
		}
		fields = maps.Clone(fields)
		if metadata, is := fields["metadata"].(map[string]any); is {
			if _, is := metadata["namespace"].(string); !is {
				delete(metadata, "namespace")
			}
		}
		itemKind, _ := fields["kind"].(string)
		itemVersion, _ := fields["apiVersion"].(string)
		if itemKind == "" && itemVersion == "" && !m.bare {
			if fields == nil {
				fields = map[string]any{}
			}
			fields["kind"], fields["apiVersion"] = strings.TrimSuffix(kind, "List"), version
		}
		if _, nested := fields["items"].([]any); nested {
			if !m.nested {
				return nil, errors.New("list in a list")
			}
			inner, err := m.objects(fields, hook)
			if err != nil {
				return nil, err
			}
			objects = append(objects, inner...)
			continue
		}
		events := hook
		if m.own {
			events, _ = hookOf(ownHook(fields))
		}
		line, err := lineOf(events, fields)
		if err != nil {
			return nil, err
		}
		objects = append(objects, line)
	}
	return objects, nil
}

// replaced makes a fault that replaces text in the stream.
func replaced(pairs ...string) model {
	return model{before: strings.NewReplacer(pairs...).Replace}
}

func splitAt(pattern string) model {
	separator := regexp.MustCompile(pattern)
	return model{split: func(stream string) []string {
		var texts []string
		for _, text := range separator.Split(stream, -1) {
			if text = strings.TrimLeftFunc(text, unicode.IsSpace); text != "" {
				texts = append(texts, text)
			}
		}
		return texts
	}}
}

func planted() map[string]model {
	loneReturn := regexp.MustCompile(`\r([^\n]|$)`)
	return map[string]model{
		"a carriage return is no break":       {before: func(s string) string { return loneReturn.ReplaceAllString(s, " $1") }},
		"U+0085 is no break":                  replaced("\u0085", " "),
		"U+2028 is no break":                  replaced("\u2028", " "),
		"U+2029 is no break":                  replaced("\u2029", " "),
		"items are ignored":                   {lists: func(map[string]any) bool { return false }},
		"lists are of the core API only":      {lists: func(v map[string]any) bool { return v["apiVersion"] == "v1" }},
		"lists are of kinds in List only":     {lists: func(v map[string]any) bool { k, _ := v["kind"].(string); return strings.HasSuffix(k, "List") }},
		"items that are null are no items":    {nulls: true},
		"a list in a list is taken apart":     {nested: true},
		"items take no kind from their list":  {bare: true},
		"items are hooks by themselves":       {own: true},
		"annotations are looked for as text":  {raw: true},
		"annotations in one spelling only":    {exact: true},
		"a separator ends its line":           splitAt(`(?m)^---[ \t]*(?:#.*)?$`),
		"a separator is followed by a blank":  splitAt(`(?m)^---(?:[ \t]+|$)`),
		"a separator stands between newlines": splitAt(`\n---\n`),
		"indented separators":                 splitAt(`(?m)^[ \t]*---[ \t]*`),
		"no newline is added at the end":      {chunk: func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }},
		"blanks at the end are cut off":       {chunk: strings.TrimSpace},
		"byte order marks are dropped":        replaced("\ufeff", ""),
		"zero bytes are dropped":              replaced("\x00", ""),
		"what is no UTF-8 is replaced":        {before: func(s string) string { return strings.ToValidUTF8(s, "?") }},
		"binary values stay encoded":          replaced("!!binary ", ""),
		"three dots are a separator":          {before: func(s string) string { return strings.ReplaceAll(s, "\n...", "\n---") }},
		"merge keys are keys":                 replaced("<<:", "x:"),
		"aliases are text":                    replaced("*a", "a", "*m", "m"),
		"a float is text":                     {value: floats},
		"duplicate keys are errors":           {chunk: strict},
		"tabs are blanks":                     replaced("\t", "  "),
		"directives are comments":             replaced("\n%", "\n#"),
		"carriage returns stay":               {chunk: ended},
	}
}

func floats(value any) any {
	switch v := value.(type) {
	case float64:
		return "number"
	case map[string]any:
		for key := range v {
			v[key] = floats(v[key])
		}
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	}
	return value
}

func strict(text string) string {
	text = ended(strings.ReplaceAll(text, "\r\n", "\n"))
	var value any
	if yaml.UnmarshalStrict([]byte(text), &value) != nil {
		return "}"
	}
	return text
}

// TestPlantedBugs holds that the streams find what they are made to find: each of the
// faults shows within 10,000 streams, and the reader without a fault shows none.
func TestPlantedBugs(t *testing.T) {
	left := planted()
	if len(left) < 20 {
		t.Fatalf("%d faults", len(left))
	}
	found := map[string]uint64{}
	for seed := range uint64(10_000) {
		if len(left) == 0 && seed >= 2000 {
			break
		}
		s := Generate(seed)
		if strings.Contains(s.Text, "'1'") {
			continue // which of the keys 1 and '1' wins is chance, in Helm and here
		}
		helm3, _ := Helm3(s.Text)
		helm4 := Helm4(s.Text)
		if verdict, why := judge(model{}.read, s.Text, helm3, helm4, ""); verdict == Different && seed < 2000 {
			t.Fatalf("seed %d: the model is wrong itself: %q\n%s", seed, s.Text, why)
		}
		for name, m := range left {
			if verdict, _ := judge(m.read, s.Text, helm3, helm4, ""); verdict == Different {
				found[name] = seed
				delete(left, name)
			}
		}
	}
	for name := range left {
		t.Errorf("not found in 10,000 streams: %s", name)
	}
	var report bytes.Buffer
	_ = json.NewEncoder(&report).Encode(found)
	t.Logf("found at stream: %s", report.String())
}
