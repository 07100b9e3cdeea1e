package safediff

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesOfTheUser(t *testing.T) {
	old := map[string]any{"replicas": 2.0, "image": map[string]any{"tag": "1"}, "db": map[string]any{"password": "hush"}}
	updated := map[string]any{"replicas": int64(2), "image": map[string]any{"tag": "2"}, "db": map[string]any{"password": "other"}, "list": []any{"a"}}
	var got []string
	for _, e := range Values(old, updated) {
		got = append(got, e.Path.String()+" "+e.Old.Text()+" "+e.New.Text())
	}
	want := []string{".db.password *** ***", ".image.tag 1 2", ".list null ***"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if edits := Values(nil, nil); len(edits) > 0 {
		t.Errorf("%v", edits)
	}
}
