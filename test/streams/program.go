package streams

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Reader reads a stream.
type Reader func(stream string) Reading

// Program reads a stream with this program's reader. What the reader tells of an object
// without its value has to be what the value says.
func Program(stream string) Reading {
	objects, err := manifest.Parse(stream, manifest.Options{File: "stream"})
	if err != nil {
		return Reading{Err: err}
	}
	var r Reading
	for _, o := range objects {
		value, err := o.Value()
		if err != nil {
			return Reading{Err: err}
		}
		text, is := o.Annotation(manifest.HookAnnotation)
		hook, known := hookOf(text, is)
		line, err := lineOf(hook, value)
		if err != nil { // the program's API server says so, too
			return Reading{Err: err}
		}
		if wrong := checkHead(o, value); wrong != "" {
			line = wrong + " " + line
		}
		if known {
			r.Objects = append(r.Objects, line)
		}
	}
	sort.Strings(r.Objects)
	return r
}

// hookOf returns the events of a hook as Helm reads them, "" for what is no hook. What
// has an unknown event Helm leaves out, and the program says so in another place.
func hookOf(annotation string, is bool) (events string, known bool) {
	if !is {
		return "", true
	}
	list := strings.Split(annotation, ",")
	for i, event := range list {
		list[i] = strings.ToLower(strings.TrimSpace(event))
		switch list[i] {
		case "test-success":
			list[i] = "test"
		case "pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback", "test":
		default:
			return "", false
		}
	}
	return strings.Join(list, ","), true
}

func checkHead(o *manifest.Object, value map[string]any) string {
	metadata, _ := value["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	if got, want := fmt.Sprint(o.Ref.APIVersion(), o.Ref.Kind, o.Ref.Namespace, o.Ref.Name),
		fmt.Sprint(value["apiVersion"], value["kind"], namespace, name); got != want {
		return fmt.Sprintf("WRONG HEAD %q, want %q", got, want)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	for key, want := range annotations {
		text, _ := want.(string)
		if got, is := o.Annotation(key); (!is || got != text) && !strings.HasPrefix(key, manifest.HookAnnotation) {
			return fmt.Sprintf("WRONG ANNOTATION %q", key)
		}
	}
	labels, err := o.Labels()
	found, _ := metadata["labels"].(map[string]any)
	if err != nil || len(labels) != len(found) {
		return "WRONG LABELS"
	}
	for key, want := range found {
		if text, _ := want.(string); labels[key] != text {
			return fmt.Sprintf("WRONG LABEL %q", key)
		}
	}
	return ""
}

// Verdict is how a reader compares with Helm.
type Verdict int

// The verdicts.
const (
	// Alike: the same objects.
	Alike Verdict = iota
	// Errors: an error of both.
	Errors
	// Stricter: an error where Helm drops a document or part of one without a word, or
	// lets chance decide which of two keys wins.
	Stricter
	// Different: a bug.
	Different
)

// Judge holds a reader against both Helms. Where these differ, one of them has to be
// right. why says what differs.
func Judge(read Reader, stream string) (verdict Verdict, why string) {
	helm3, release := Helm3(stream)
	helm4 := helm3
	if !splitAlike(stream) {
		helm4 = Helm4(stream)
	}
	if len(stream)%3 != 0 {
		release = "" // costs as much as all else, and says little new
	}
	return judge(read, stream, helm3, helm4, release)
}

func judge(read Reader, stream string, helm3, helm4 Reading, release string) (verdict Verdict, why string) {
	got := read(stream)
	if got.Err != nil && (stricter(got.Err, stream) || helm3.Dropped) {
		return Stricter, ""
	}
	if helm3.Err == nil && release != "" {
		// What is in a release has been through Helm already, and is not levelled.
		if again := read(release); !same(again, helm3) && (again.Err == nil || !stricter(again.Err, release)) {
			return Different, explain("the release of Helm 3", helm3, again)
		}
	}
	leveled := level(Reading{Objects: slices.Clone(got.Objects), Err: got.Err})
	helm3, helm4 = level(helm3), level(helm4)
	switch {
	case !same(leveled, helm4) && !same(leveled, helm3):
		return Different, explain("Helm 3", helm3, got) + explain("Helm 4", helm4, got)
	case got.Err != nil:
		return Errors, ""
	}
	return Alike, ""
}

// stricter reports whether the program may refuse what Helm takes.
func stricter(err error, stream string) bool {
	return strings.Contains(err.Error(), "differ only in their type") ||
		// Below such a comment the program takes a hook for one that Helm has printed.
		strings.Contains(err.Error(), "a hook that begins with a brace") && strings.Contains(stream, "# Source: ") ||
		strings.Contains(err.Error(), "more follows the end of the document") && Unread(stream)
}

func explain(who string, want, got Reading) string {
	return fmt.Sprintf("%s: %v\n  %s\ngot: %v\n  %s\n", who, want.Err, strings.Join(want.Objects, "\n  "), got.Err, strings.Join(got.Objects, "\n  "))
}
