package helm

import (
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Record is what Helm stores of a release before it does anything else: chart, values and
// manifest in one Secret or ConfigMap.
type Record struct {
	// Kind is Secret or ConfigMap; "" for a storage without a limit.
	Kind string
	// Bytes is how long it is; 0 if that is less than any limit.
	Bytes int
	// Most says what most of it is, one clause.
	Most string
}

// fits is how long a record may be before it is compressed, and be of no concern: what it is
// encoded in makes it longer by a third at most.
const fits = corev1.MaxSecretSize / 2

// certain is how much the quick compression may leave of a record that is of no concern. Helm
// compresses better than that; even if it were a third worse, and a third is added when the
// result is encoded, that is less than the four fifths of the limit that are told of.
const certain = corev1.MaxSecretSize * 45 / 100

// RecordOf returns the record of a manifest of which nothing else is known: it is the least
// that Helm stores. Definitions are left out, which may be shown from crds directories.
func (c *Client) RecordOf(manifest string) Record {
	documents := func(yield func(string) bool) {
		for document := range strings.SplitSeq(manifest, separator) {
			if isDefinition := strings.HasPrefix(document, definition[1:]) || strings.Contains(document, definition); !isDefinition && !yield(document) {
				return
			}
		}
	}
	rel := &release.Release{Name: "release", Version: 1, Info: &release.Info{}}
	if len(manifest) >= fits && !surelySmall(quoted(documents)) {
		var b strings.Builder
		b.Grow(len(manifest) + len(separator))
		for document := range documents {
			b.WriteString(document + separator)
		}
		rel.Manifest = b.String()
	}
	return c.record(rel)
}

const (
	separator  = "\n---\n"
	definition = "\nkind: CustomResourceDefinition"
)

// surelySmall reports whether a record that holds this is certainly too small to be of
// concern. Helm's compression takes most of the time of an upgrade that changes little; a quick
// one, of one document after the other, is enough to see that.
func surelySmall(parts iter.Seq[[]byte]) bool {
	size := &length{}
	compressed, err := flate.NewWriter(size, quick)
	if err != nil {
		return false
	}
	for part := range parts {
		if _, err := compressed.Write(part); err != nil || size.bytes > certain {
			return false
		}
	}
	return compressed.Close() == nil && size.bytes <= certain
}

// quoted returns texts in JSON. The slice is good until the next one.
func quoted(texts iter.Seq[string]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var buffer []byte
		for text := range texts {
			if buffer = appendQuoted(buffer[:0], text); !yield(buffer) {
				return
			}
		}
	}
}

// appendQuoted appends a text in JSON, as encoding/json writes it. It is several times as
// fast where the text is of the kind that manifests are.
func appendQuoted(to []byte, text string) []byte {
	begin, from := len(to), 0
	to = append(to, '"')
	for i := range len(text) {
		c := text[i]
		if asItIs[c] {
			continue
		}
		switch c {
		case '\n':
			to = append(append(to, text[from:i]...), '\\', 'n')
		case '"', '\\':
			to = append(append(to, text[from:i]...), '\\', c)
		default:
			whole, _ := json.Marshal(text) // of a string it never fails
			return append(to[:begin], whole...)
		}
		from = i + 1
	}
	return append(append(to, text[from:]...), '"')
}

// asItIs holds the bytes that are written as they are: ASCII that neither JSON nor HTML,
// which encoding/json escapes too, gives a meaning.
var asItIs = func() (table [256]bool) { //nolint:gochecknoglobals // a constant table
	for c := byte(' '); c < '\x7f'; c++ {
		table[c] = !strings.ContainsRune(`"\<>&`, rune(c))
	}
	return table
}()

// quick is a level that takes a quarter of the time of the best, and less than the first.
const quick = 2

// length counts what is written.
type length struct{ bytes int }

func (l *length) Write(p []byte) (int, error) {
	l.bytes += len(p)
	return len(p), nil
}

// record returns the record of a release, as Helm's own storage makes it.
func (c *Client) record(rel *release.Release) Record {
	r := Record{}
	switch c.Driver {
	case "", "secret", "secrets":
		r.Kind = "Secret"
	case "configmap", "configmaps":
		r.Kind = "ConfigMap"
	default:
		return r // memory, or a database
	}
	parts, sum := partsOf(rel), 0
	most := parts[0]
	for _, p := range parts {
		if sum += p.bytes; p.bytes > most.bytes {
			most = p
		}
	}
	if sum < fits {
		return r
	}
	if text, err := json.Marshal(rel); err == nil && surelySmall(slices.Values([][]byte{text})) {
		return r
	}
	store := &counted{}
	if driver.NewSecrets(store).Create("record", rel) != nil {
		return r
	}
	r.Bytes, r.Most = store.bytes, fmt.Sprintf("most of it is %s, %d KiB before it is compressed", most.what, most.bytes>>10)
	return r
}

// counted is a Secret client that stores nothing, and knows how much it should have. Helm
// encodes a record for a ConfigMap in the same way.
type counted struct {
	typedcorev1.SecretInterface
	bytes int
}

// Create counts the bytes of a Secret.
func (c *counted) Create(_ context.Context, secret *corev1.Secret, _ metav1.CreateOptions) (*corev1.Secret, error) {
	for _, data := range secret.Data {
		c.bytes += len(data)
	}
	return secret, nil
}

// part is a part of a record.
type part struct {
	what  string
	bytes int
}

func partsOf(rel *release.Release) []part {
	hooks := 0
	for _, h := range rel.Hooks {
		hooks += len(h.Manifest)
	}
	parts := []part{{"the manifest", len(rel.Manifest)}, {"hooks", hooks}, {"values", encoded(rel.Config)}}
	if rel.Info != nil {
		parts = append(parts, part{"the notes", len(rel.Info.Notes)})
	}
	if rel.Chart != nil {
		parts = append(parts, files("templates", rel.Chart.Templates), files("files", rel.Chart.Files),
			part{"the values of the chart", encoded(rel.Chart.Values)}, part{"the schema of the chart", len(rel.Chart.Schema)})
	}
	return parts
}

func encoded(values map[string]any) int {
	text, err := json.Marshal(values)
	if err != nil {
		return 0
	}
	return len(text)
}

// files counts the files of a chart, and names the largest.
func files(what string, list []*chart.File) part {
	sum, largest := 0, &chart.File{}
	for _, f := range list {
		if sum += len(f.Data); len(f.Data) > len(largest.Data) {
			largest = f
		}
	}
	return part{fmt.Sprintf("the %s of the chart (the largest is %s)", what, largest.Name), sum}
}

// recorded returns a release as Helm records it: the objects of crds directories are in the
// manifest only to be shown.
func recorded(rel *release.Release) *release.Release {
	stored := *rel
	stored.Manifest = strings.TrimPrefix(rel.Manifest, crds(rel.Chart))
	return &stored
}
