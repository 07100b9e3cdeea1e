package apiserver

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// TestMergeIntoIsWhatTheAPIServerDoes merges random patches into random objects, with
// the library of the API server and without it.
func TestMergeIntoIsWhatTheAPIServerDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		live, _ := randomValue(rng, 0, true).(map[string]any)
		patch := encode(randomValue(rng, 0, true).(map[string]any))
		merged, err := jsonpatch.MergePatch(encode(live), patch)
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := utiljson.Unmarshal(merged, &want); err != nil {
			t.Fatal(err)
		}
		got, err := mergeInto(live, patch)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%s into %s: %v (-want +got)\n%s", patch, encode(live), err, diff)
		}
	}
}

func randomValue(rng *rand.Rand, depth int, object bool) any {
	kind := rng.IntN(6)
	if object || kind == 0 && depth < 4 {
		fields := map[string]any{}
		for range rng.IntN(4) {
			fields[string(rune('a'+rng.IntN(4)))] = randomValue(rng, depth+1, false)
		}
		return fields
	}
	if kind == 1 && depth < 4 {
		list := make([]any, rng.IntN(3))
		for i := range list {
			list[i] = randomValue(rng, depth+1, false)
		}
		return list
	}
	return []any{nil, "x", int64(1), true, nil, nil}[kind]
}

func TestMergeIntoTakesLinearTime(t *testing.T) {
	const levels = 9000
	patch := json.RawMessage(strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels))
	begun := time.Now()
	if _, err := mergeInto(map[string]any{"a": "x"}, patch); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 5*time.Second { // the library: a minute
		t.Errorf("it took %s", took)
	}
}
