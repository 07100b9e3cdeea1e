// Package streams holds the program's reader of manifests against the readers of Helm:
// for any bytes the same objects with the same values, or an error of both.
package streams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v2"
	release3 "helm.sh/helm/v3/pkg/release"
	release3util "helm.sh/helm/v3/pkg/releaseutil"
	release4 "helm.sh/helm/v4/pkg/release/v1"
	release4util "helm.sh/helm/v4/pkg/release/v1/util"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/cli-runtime/pkg/resource"
)

// file is the template that a stream is taken to be rendered from.
const file = "chart/templates/stream.yaml"

// Reading is what a reader makes of a stream: one line an object, "EVENTS VALUE", in
// order of the text, with the events at which it is a hook and its value as JSON.
type Reading struct {
	Objects []string
	Err     error
	// Dropped says that Helm leaves documents out, unread: hooks of events that it does
	// not know.
	Dropped bool
}

// rendered is a stream as an upgrade goes on with it: what the release holds, and the
// hooks, which are built one by one.
type rendered struct {
	manifest string
	hooks    []hook
}

type hook struct{ events, text string }

// Helm3 reads a stream as `helm upgrade` of Helm 3 does with the text of a template.
// The second result is the stream of the release, as this program gets it.
func Helm3(stream string) (Reading, string) {
	hooks, manifests, err := release3util.SortManifests(map[string]string{file: trimmed(stream)}, nil, release3util.InstallOrder)
	if err != nil {
		return Reading{Err: err}, ""
	}
	var r rendered
	for _, m := range manifests {
		r.add(m.Content)
	}
	for _, h := range hooks {
		r.hooks = append(r.hooks, hook{events(h.Events), h.Manifest})
	}
	reading := r.build()
	reading.Dropped = len(hooks)+len(manifests) < len(release3util.SplitManifests(trimmed(stream)))
	return reading, r.stream()
}

// Helm4 reads a stream as `helm upgrade` of Helm 4 does.
func Helm4(stream string) Reading {
	hooks, manifests, err := release4util.SortManifests(map[string]string{file: trimmed(stream)}, nil, release4util.InstallOrder)
	if err != nil {
		return Reading{Err: err}
	}
	var r rendered
	for _, m := range manifests {
		r.add(m.Content)
	}
	for _, h := range hooks {
		r.hooks = append(r.hooks, hook{events(h.Events), h.Manifest})
	}
	return r.build()
}

// splitAlike reports whether both Helms cut a stream into documents that differ in blanks
// at their ends only, and that have no text that keeps these.
func splitAlike(stream string) bool {
	stream = trimmed(stream)
	if strings.ContainsAny(stream, "+\u0085\u2028\u2029") {
		return false
	}
	three, four := release3util.SplitManifests(stream), release4util.SplitManifests(stream)
	if len(three) != len(four) {
		return false
	}
	for key, text := range four {
		if strings.TrimRight(text, " \n") != three[key] {
			return false
		}
	}
	return true
}

func events[E release3.HookEvent | release4.HookEvent](list []E) string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = string(e)
	}
	return strings.Join(names, ",")
}

// trimmed takes the byte order mark away, as Helm does when it loads a chart.
func trimmed(stream string) string { return strings.TrimPrefix(stream, "\ufeff") }

// add writes a document into the release as renderResources in pkg/action does.
func (r *rendered) add(content string) {
	r.manifest += "---\n# Source: " + file + "\n" + content + "\n"
}

// stream is what the program reads of such a release: hooks follow, as `helm template`
// prints them.
func (r *rendered) stream() string {
	var b strings.Builder
	b.WriteString(r.manifest)
	for _, h := range r.hooks {
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", file, h.text)
	}
	return b.String()
}

func (r *rendered) build() Reading {
	var reading Reading
	if reading.Objects, reading.Err = build(r.manifest, ""); reading.Err != nil {
		return Reading{Err: reading.Err}
	}
	for _, h := range r.hooks {
		objects, err := build(h.text, h.events)
		if err != nil {
			return Reading{Err: err}
		}
		reading.Objects = append(reading.Objects, objects...)
	}
	sort.Strings(reading.Objects)
	return reading
}

// build is Client.Build of pkg/kube in both Helms, without a cluster: what a cluster
// would say of kinds is left out.
func build(text, hook string) ([]string, error) {
	infos, err := resource.NewLocalBuilder().Unstructured().Local().ContinueOnError().Flatten().Stream(strings.NewReader(text), "").Do().Infos()
	if err != nil {
		return nil, err
	}
	objects := make([]string, 0, len(infos))
	for _, info := range infos {
		object, is := info.Object.(runtime.Unstructured)
		if !is {
			return nil, errors.New("an object is not unstructured")
		}
		line, err := lineOf(hook, object.UnstructuredContent())
		if err != nil {
			return nil, err
		}
		objects = append(objects, line)
	}
	return objects, nil
}

// lineOf returns the line of an object. Three things the builder passes on that no
// cluster takes: an object without a version (the program says so at once), and, in
// items of a list, names that are no text, and other metadata that cannot be decoded.
func lineOf(hook string, value map[string]any) (string, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	var head struct {
		metav1.TypeMeta   `json:""`
		metav1.ObjectMeta `json:"metadata,omitempty"`
	}
	if err := utiljson.Unmarshal(encoded, &head); err != nil {
		return "", err
	}
	if head.APIVersion == "" || head.Kind == "" {
		return "", errors.New("apiVersion or kind is missing")
	}
	if metadata, is := value["metadata"].(map[string]any); is && head.Namespace == "" {
		if _, is := metadata["namespace"]; is { // the builder takes it out
			value, metadata = maps.Clone(value), maps.Clone(metadata)
			delete(metadata, "namespace")
			value["metadata"] = metadata
			if encoded, err = json.Marshal(value); err != nil {
				return "", err
			}
		}
	}
	// Of a zero YAML loses the sign, JSON does not.
	return hook + " " + strings.NewReplacer(":-0,", ":0,", ":-0}", ":0}", "[-0,", "[0,").Replace(string(encoded)), nil
}

// Unread reports whether a document of a stream holds more than Helm reads of it: its
// YAML decoder takes the first value and drops the rest.
func Unread(stream string) bool {
	for _, text := range release4util.SplitManifests(trimmed(stream)) {
		text = strings.ReplaceAll(text, "\r\n", "\n") + "\n"
		if more(text) || more("---\n"+text) {
			return true
		}
	}
	return false
}

func more(text string) bool {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for i := 0; ; i++ {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return false
		}
		if i > 0 && (err != nil || value != nil) {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// same reports whether two readings are alike.
func same(a, b Reading) bool {
	if a.Err != nil || b.Err != nil {
		return a.Err != nil && b.Err != nil
	}
	return slices.Equal(a.Objects, b.Objects)
}

// level returns a reading in which a text ends with one newline where it ends with
// some. How many a block scalar keeps ("|+") that ends a document hangs on the Helm: 3
// cuts blanks off both ends of a document, 4 off the first.
func level(r Reading) Reading {
	for i, line := range r.Objects {
		for strings.Contains(line, `\n\n"`) {
			line = strings.ReplaceAll(line, `\n\n"`, `\n"`)
		}
		r.Objects[i] = line
	}
	sort.Strings(r.Objects)
	return r
}
