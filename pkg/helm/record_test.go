package helm

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
)

// What is stored has the length that Helm's own encoder gives it, and none where it does not
// matter.
func TestRecord(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 900<<10)
	for i := range noise {
		noise[i] = byte(random.UintN(256))
	}
	rel := &release.Release{
		Name: "shop", Version: 2, Info: &release.Info{}, Manifest: strings.Repeat("kind: ConfigMap\n", 1000),
		Chart: &chart.Chart{Files: []*chart.File{{Name: "small", Data: []byte("a")}, {Name: "dashboards/all.json", Data: noise}}},
	}
	for name, want := range map[string]string{"": "Secret", "secrets": "Secret", "configmap": "ConfigMap", "sql": "", "memory": ""} {
		r := (&Client{Driver: name}).record(rel)
		if r.Kind != want || (want != "") != (r.Bytes > len(noise)) {
			t.Errorf("driver %q: %+v", name, r)
		}
		if want != "" && r.Most != "most of it is the files of the chart (the largest is dashboards/all.json), 900 KiB before it is compressed" {
			t.Errorf("driver %q: %s", name, r.Most)
		}
	}
	if r := (&Client{}).RecordOf(strings.Repeat("kind: ConfigMap\n", 1000)); r.Bytes != 0 {
		t.Errorf("a small manifest: %+v", r)
	}
	if r := (&Client{}).RecordOf(strings.Repeat("kind: ConfigMap\n", 100000)); r.Bytes != 0 {
		t.Errorf("a manifest that compresses well: %+v", r)
	}
	if r := (&Client{}).RecordOf(hex.EncodeToString(noise)); r.Bytes < 1200000 || r.Bytes > 1300000 {
		t.Errorf("a manifest that compresses badly: %+v", r)
	}
	if r := (&Client{}).RecordOf("a: b\n---\napiVersion: v1\nkind: CustomResourceDefinition\n" + strings.Repeat("a: b\n", 200000)); r.Bytes != 0 {
		t.Errorf("a definition counts: %+v", r)
	}
}

// Helm's own compression is never so much worse than the quick one that a record which the
// quick one takes for small could matter.
func TestSurelySmall(t *testing.T) {
	for _, different := range []int{10, 1000, 100000} {
		random := rand.New(rand.NewPCG(1, uint64(different)))
		for _, size := range []int{600 << 10, 2 << 20} {
			var text strings.Builder
			for text.Len() < size {
				fmt.Fprintf(&text, "key-%d: value %x\n", random.IntN(different), random.IntN(different))
			}
			rel := &release.Release{Name: "shop", Version: 1, Info: &release.Info{}, Manifest: text.String()}
			store := &counted{}
			if err := driver.NewSecrets(store).Create("record", rel); err != nil {
				t.Fatal(err)
			}
			whole, err := json.Marshal(rel)
			if err != nil {
				t.Fatal(err)
			}
			small := surelySmall(slices.Values([][]byte{whole}))
			if small && store.bytes > corev1.MaxSecretSize*65/100 {
				t.Errorf("%d lines in %d bytes: %d bytes are taken for small", different, size, store.bytes)
			}
			if !small && store.bytes < corev1.MaxSecretSize/3 {
				t.Errorf("%d lines in %d bytes: %d bytes are not taken for small", different, size, store.bytes)
			}
		}
	}
}

func TestAppendQuotedWritesAsJSONDoes(t *testing.T) {
	texts := []string{"", "kind: Pod\n", "a: \"b\"\\\n", "<a>&=\x7f", "\t\r\x00", "ü\u2028\n", "\xff\n", "\n\n\"\""}
	for c := range 256 {
		texts = append(texts, string([]byte{'a', byte(c), '\n', byte(c)}), string(rune(c)))
	}
	for _, text := range texts {
		want, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendQuoted([]byte("before"), text); string(got) != "before"+string(want) {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}
