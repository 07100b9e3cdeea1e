package valuelens

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// Each case is what an edit is, by whether each of eight keys is what it is now: "" is gone.
func TestTrialsFindTheKeys(t *testing.T) {
	if1 := func(cond bool) string {
		if cond {
			return "new"
		}
		return ""
	}
	cases := map[string]struct {
		edit  func(now []bool) string
		keys  []int
		joint bool
	}{
		"one key":                    {func(n []bool) string { return if1(n[5]) }, []int{5}, false},
		"either of two is enough":    {func(n []bool) string { return if1(n[1] || n[6]) }, []int{1, 6}, true},
		"two are needed":             {func(n []bool) string { return if1(n[1] && n[6]) }, []int{1, 6}, false},
		"each makes a part":          {func(n []bool) string { return if1(n[0]) + if1(n[3]) + if1(n[7]) }, []int{0, 3, 7}, true},
		"one, or two others":         {func(n []bool) string { return if1(n[2] || n[3] && n[4]) }, []int{2, 3}, true},
		"none":                       {func([]bool) string { return "new" }, nil, false},
		"what undoes another":        {func(n []bool) string { return if1(n[2] && n[3] == n[4]) }, []int{2, 3, 4}, false},
		"all of them":                {func(n []bool) string { return if1(slices.Contains(n, true)) }, []int{0, 1, 2, 3, 4, 5, 6, 7}, true},
		"what cannot be rendered so": {func(n []bool) string { return if1(n[5]) }, []int{5}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			try := func(_ context.Context, keys []int) ([]string, error) {
				if strings.HasPrefix(name, "what cannot") && !slices.Equal(keys, []int{5}) {
					return nil, nil
				}
				return []string{c.edit(without(keys)), "same"}, nil
			}
			all := make([]int, 8)
			for i := range all {
				all[i] = i
			}
			tr := trials{keys: 8, left: 100, on: []string{c.edit(without(nil)), "same"}, off: []string{c.edit(without(all)), "same"}, try: try}
			found, err := tr.search(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found[0].keys, c.keys) || found[0].joint != c.joint || found[0].unresolved || len(found[1].keys) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}

// without says of each of eight keys whether it is not reverted.
func without(keys []int) []bool {
	now := make([]bool, 8)
	for i := range now {
		now[i] = !slices.Contains(keys, i)
	}
	return now
}

// With too few renderings nothing is named that was not proven.
func TestTrialsAreBounded(t *testing.T) {
	for left := range 12 {
		n := 0
		try := func(_ context.Context, keys []int) ([]string, error) {
			n++
			now := without(keys)
			return []string{strconv.FormatBool(now[1] || now[6]), strconv.FormatBool(now[3])}, nil
		}
		tr := trials{keys: 8, left: left, on: []string{"true", "true"}, off: []string{"false", "false"}, try: try}
		found, err := tr.search(t.Context())
		if err != nil || n > left {
			t.Fatal(err, n)
		}
		if f := found[0]; !f.unresolved && !slices.Equal(f.keys, []int{1, 6}) {
			t.Errorf("with %d renderings: %+v", left, f)
		}
		if f := found[1]; !f.unresolved && !slices.Equal(f.keys, []int{3}) {
			t.Errorf("with %d renderings: %+v", left, f)
		}
	}
}

// Values in which all is reverted that differs are the old ones.
func TestRevertedIsWhatItWas(t *testing.T) {
	for _, c := range [][2]string{
		{`{a: 1, b: {c: 1}}`, `{a: 2, b: {c: 2, d: 3}}`},
		{`{}`, `{a: {b: {c: 1, d: 2}}}`},
		{`{a: {b: {c: 1, d: 2}}}`, `{}`},
		{`{a: {}}`, `{a: {b: 1}}`},
		{`{a: {b: 1}}`, `{a: {}}`},
		{`{a: {b: 1}}`, `{a: [1]}`},
		{`{a: null}`, `{a: {b: 1}}`},
		{`{a: {b: 1}}`, `{a: null}`},
		{`{}`, `{a: {}}`},
		{`{a: {b: {}}}`, `{a: {c: {d: 1}}}`},
	} {
		var old, updated map[string]any
		for i, to := range []*map[string]any{&old, &updated} {
			if err := yaml.Unmarshal([]byte(c[i]), to); err != nil {
				t.Fatal(err)
			}
		}
		keys := differing(old, updated)
		if diff := cmp.Diff(old, reverted(updated, old, keys)); diff != "" || len(keys) == 0 {
			t.Errorf("%s → %s: %v\n%s", c[0], c[1], keys, diff)
		}
	}
}
