package risk

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// selecting is the selector of a workload, and the labels of its pods.
type selecting struct{ selector, labels map[string]string }

// selection returns the selectors and labels of a workload before and after; known is false if
// something else than labels selects, or they cannot be words for a shell.
func selection(c *change.Change) (before, after selecting, known bool) {
	before, known1 := selectingOf(c.Old)
	after, known2 := selectingOf(c.New)
	return before, after, known1 && known2
}

func selectingOf(o *manifest.Object) (s selecting, known bool) {
	spec := upgrade.Spec(o)
	if untyped.At(spec, "selector", "matchExpressions") != nil {
		return s, false
	}
	var known1, known2 bool
	s.selector, known1 = words(untyped.Map(spec, "selector", "matchLabels"))
	s.labels, known2 = words(untyped.Map(spec, "template", "metadata", "labels"))
	return s, known1 && known2 && len(s.selector) > 0
}

// words returns labels, if all of them can be words for a shell.
func words(set map[string]any) (map[string]string, bool) {
	texts := map[string]string{}
	for key, value := range set {
		text, is := value.(string)
		if !is || strings.Trim(key+text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") != "" {
			return nil, false
		}
		texts[key] = text
	}
	return texts, true
}

// selects reports whether a selector selects what has these labels.
func selects(selector, of map[string]string) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

// besideOld is the remedy for a workload whose selector changes: the new one comes beside the pods of the
// old one, and takes over those that it selects. What it does not is named by the labels that
// tell it from the new.
func besideOld(c *change.Change) string {
	before, after, known := selection(c)
	if !known || !selects(before.selector, before.labels) || !selects(after.selector, after.labels) {
		return ""
	}
	const orphans = "keep the selector and the labels it picks; or kubectl delete KIND NAME -n NAMESPACE --cascade=orphan, then upgrade"
	if selects(after.selector, before.labels) {
		return orphans
	}
	var picks []string
	for _, key := range slices.Sorted(maps.Keys(before.selector)) {
		picks = append(picks, key+"="+before.selector[key])
	}
	if selects(before.selector, after.labels) {
		for _, key := range slices.Sorted(maps.Keys(after.selector)) {
			if value, found := before.labels[key]; !found || value != after.selector[key] {
				picks = append(picks, key+"!="+after.selector[key])
				break
			}
		}
	}
	left := "pods"
	if c.Ref.Kind == "Deployment" {
		left = "replicasets"
	}
	return orphans + "; once the new pods are ready, kubectl delete " + left + " -n NAMESPACE -l " + strings.Join(picks, ",")
}
