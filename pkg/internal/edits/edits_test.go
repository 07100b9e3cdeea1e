package edits

import (
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// What drifted in a Secret is masked: its annotations and unknown fields, too.
func TestDriftOfASecret(t *testing.T) {
	ref := manifest.Ref{Version: "v1", Kind: "Secret", Name: "a"}
	assumed := map[string]any{"kind": "Secret", "metadata": map[string]any{"name": "a", "annotations": map[string]any{"note": "hush"}}, "data": map[string]any{"k": "aHVzaA=="}}
	is := map[string]any{"kind": "Secret", "metadata": map[string]any{"name": "a", "annotations": map[string]any{"note": "hush2", "more": "hush"}}, "data": map[string]any{"k": "aHVzaDI="}, "odd": []any{map[string]any{"hush": "hush"}}}
	for _, e := range Between(ref, assumed, is) {
		if text := e.Path.String() + e.Old.Text() + e.New.Text(); strings.Contains(text, "hush") || strings.Contains(text, "aHVz") {
			t.Errorf("%s: %s → %s", e.Path, e.Old.Text(), e.New.Text())
		}
	}
}
