package workloads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// FloatingImages notes containers that stay and whose image is no longer named by a digest, or a
// version, but by a tag that moves; and those whose new image nodes do not pull, since the pull policy
// stays: the API server derives one that no manifest writes from the tag when a container comes
// (SetDefaults_Container in k8s.io/kubernetes/pkg/apis/core/v1), and not again when the tag changes.
func FloatingImages(u *upgrade.Upgrade) []upgrade.Note {
	var notes []upgrade.Note
	for i := range u.Objects {
		o := &u.Objects[i]
		if !u.RunsPods(o.Ref()) || !o.Does(change.Update) || o.Old == nil || !rulesImages(o) {
			continue
		}
		before := map[string]map[string]any{}
		for _, c := range templateContainers(u.Template(o.Old)) {
			before[untyped.Text(c, "name")] = c
		}
		for _, c := range templateContainers(u.Template(o.New)) {
			was, name := before[untyped.Text(c, "name")], untyped.Text(c, "name")
			if was == nil {
				continue
			}
			says, hides := floats(was, c)
			if says != "" {
				notes = append(notes, upgrade.Note{On: o, Doubt: change.Doubt{Reason: fmt.Sprintf("container %q: %s", name, says), Hides: hides, Never: true}})
			}
		}
	}
	return notes
}

// rulesImages reports whether an edit may be one to note. Most images move from one version to the next,
// and of these no manifest is decoded again.
func rulesImages(o *upgrade.Object) bool {
	return slices.ContainsFunc(o.Change.Edits, func(e change.Edit) bool {
		if len(e.Path) == 0 {
			return false
		}
		switch last := e.Path[len(e.Path)-1]; last.Field {
		case "image":
			old, image := e.Old.Text(), e.New.Text()
			return moves(image) || strings.Contains(old, "@") && !strings.Contains(image, "@") || o.New.MayHold("Never")
		case "", "imagePullPolicy", "containers", "initContainers", "spec", "template", "jobTemplate":
			return true
		default:
			return false
		}
	})
}

// templateContainers are all containers of a pod template.
func templateContainers(template map[string]any) []map[string]any {
	spec := untyped.Map(template, "spec")
	return append(untyped.Maps(spec, "initContainers"), untyped.Maps(spec, "containers")...)
}

// floats says how a container no longer runs one image for certain, one clause, and what that may
// hide; "" if it does, or did not before either.
func floats(was, is map[string]any) (says string, hides change.Risk) {
	old, image := untyped.Text(was, "image"), untyped.Text(is, "image")
	policy := pullPolicy(was, is)
	switch {
	case old != image && moves(image) && !moves(old):
		says = fmt.Sprintf("which image %s is, the registry says each time that a node pulls it: pods may differ, and a rollback may not bring back what ran", image)
		if policy != "Always" {
			says += fmt.Sprintf("; a node that has one of that name does not pull it (imagePullPolicy %s)", policy)
			return says, change.Stale
		}
		return says, ""
	case strings.Contains(old, "@") && !strings.Contains(image, "@"):
		return image + " is named by a tag, no longer by a digest: whoever may write the tag decides what runs", change.Exposure
	case policy == "Never" && (old != image || untyped.Text(was, "imagePullPolicy") != "Never"):
		if untyped.Text(was, "imagePullPolicy") == "Never" {
			return "", ""
		}
		return fmt.Sprintf("whether all nodes have %s: with imagePullPolicy Never none pulls it", image), change.Stuck
	default:
		return "", ""
	}
}

// moves reports whether an image is named by a tag of which everybody knows that it moves: latest, which
// is also meant where there is no tag.
func moves(image string) bool {
	if image == "" || strings.Contains(image, "@") {
		return false
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return !tagged || tag == "latest"
}

// pullPolicy returns the pull policy that a container has in the end: the one that is written, or that of
// the tag with which it came.
func pullPolicy(was, is map[string]any) string {
	if policy := untyped.Text(is, "imagePullPolicy"); policy != "" {
		return policy
	}
	image := untyped.Text(was, "image") // a written policy that leaves the manifest is derived anew
	if untyped.Text(was, "imagePullPolicy") != "" {
		image = untyped.Text(is, "image")
	}
	if moves(image) {
		return "Always"
	}
	return "IfNotPresent"
}
