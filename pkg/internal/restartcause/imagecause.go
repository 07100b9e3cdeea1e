package restartcause

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// imageChange is an image that some containers of a workload ran, and the one that they are
// to run.
type imageChange struct {
	// name is the repository where it stays the same, "" where it does not.
	name string
	// old and updated are tags and digests, or whole references where the repository changes.
	old, updated string
	containers   int
	rotates      bool
	fields       []fieldpath.Path
}

// maxImages is how many images a cause names.
const maxImages = 3

// tagged takes an image apart: the repository, the tag, the digest.
var tagged = regexp.MustCompile(`^(.*?)(?::([^:/@]+))?(?:@(.*))?$`)

// shortDigest is what of a digest tells it from another one.
var shortDigest = regexp.MustCompile(`(sha256:[0-9a-f]{8})[0-9a-f]+`)

// image sorts in the image of one container.
func (e *evidence) image(field fieldpath.Path, rotates bool) {
	one := imageChange{rotates: rotates, containers: 1, fields: []fieldpath.Path{field}}
	for i := range e.edits {
		if edit := &e.edits[i]; edit.Path.String() == field.String() {
			one.name, one.old, one.updated = versions(edit.Old.Text(), edit.New.Text())
		}
	}
	i := slices.IndexFunc(e.images, func(other imageChange) bool {
		return other.name == one.name && other.old == one.old && other.updated == one.updated
	})
	if i < 0 {
		e.images = append(e.images, one)
		return
	}
	e.images[i].containers++
	e.images[i].fields = append(e.images[i].fields, field)
}

// versions returns the repository that two images have in common, and in what they differ.
func versions(old, updated string) (name, before, after string) {
	a, b := tagged.FindStringSubmatch(old), tagged.FindStringSubmatch(updated)
	if a == nil || b == nil || a[1] != b[1] {
		return "", shortDigest.ReplaceAllString(old, "$1…"), shortDigest.ReplaceAllString(updated, "$1…")
	}
	before, after = cmp.Or(a[2], "latest"), cmp.Or(b[2], "latest")
	if before == after {
		return a[1], before + "@" + digestIn(a[3]), after + "@" + digestIn(b[3])
	}
	return a[1], before, after
}

func digestIn(digest string) string {
	return cmp.Or(shortDigest.ReplaceAllString(digest, "$1…"), "no digest")
}

// imageList says how images change, once for all containers that run the same one. The name
// of a workload's only image is left out.
func (e *evidence) imageList() []string {
	most := len(e.images)
	if most > maxImages {
		most = maxImages - 1
	}
	var list []string
	for i := range e.images[:most] {
		one := &e.images[i]
		if one.old == one.updated {
			list = append(list, "image")
			continue
		}
		text := fmt.Sprintf("%s → %s", one.old, one.updated)
		switch {
		case len(e.images) == 1:
			text = "image " + text
		case one.name != "":
			text = path.Base(one.name) + " " + text
		}
		if one.containers > 1 {
			text += fmt.Sprintf(" (%d containers)", one.containers)
		}
		if one.rotates {
			text += " (rotates)"
		}
		list = append(list, text)
		e.told = append(e.told, one.fields...)
	}
	if more := len(e.images) - most; more > 0 {
		list = append(list, fmt.Sprintf("%d more images", more))
	}
	return list
}
