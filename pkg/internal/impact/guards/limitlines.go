package guards

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// LineRules are about single lines that leave a ResourceQuota or a LimitRange.
func LineRules() []rule.Rule {
	return []rule.Rule{{
		ID: "limit-line-gone", Risk: change.Exposure, Kinds: []string{"ResourceQuota", "LimitRange"},
		Why: "what a ResourceQuota or a LimitRange no longer mentions is unlimited in the namespace, and containers that state nothing get no default; " +
			"they may take what other pods of the nodes need",
		Fix:  "keep the line, or put it into another ResourceQuota or LimitRange of the namespace",
		Find: linesGone,
	}}
}

// linesGone tells of quotas and limits that stay without some of their lines, if no other one of the
// namespace has them.
func linesGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		kind := o.Ref().GroupKind()
		if kind != "ResourceQuota" && kind != "LimitRange" || !o.Does(change.Update) || o.Old == nil {
			continue
		}
		var has []string
		for _, other := range slices.Concat(u.StandingAt(upgrade.After), u.Cluster) {
			if other.Ref.GroupKind() == kind && other.Ref.Namespace == o.Ref().Namespace && (other == o.Standing(upgrade.After) || other.Ref.Name != o.Ref().Name) {
				has = append(has, limitLines(other)...)
			}
		}
		gone := slices.DeleteFunc(limitLines(o.Old), func(line string) bool { return slices.Contains(has, line) })
		if len(gone) == 0 {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "it no longer says " + rule.Shortened(gone), Paths: rule.Edits(o.Change, "hard", "limits"),
			Evidence: []change.Evidence{{What: "lines that go", Objects: []manifest.Ref{o.Ref()}, Names: gone, Count: len(gone)}},
		})
	}
	return found
}

// limitLines names what a quota, or a LimitRange, limits or fills in: the resources of a quota, and of a
// LimitRange what it says of the resources of each type.
func limitLines(o *manifest.Object) []string {
	spec := upgrade.Spec(o)
	lines := manifest.Fields(untyped.Map(spec, "hard"))
	for _, item := range untyped.Maps(spec, "limits") {
		for _, field := range []string{"default", "defaultRequest", "max", "maxLimitRequestRatio", "min"} {
			for _, resource := range manifest.Fields(untyped.Map(item, field)) {
				lines = append(lines, field+" "+resource+" of a "+untyped.Text(item, "type"))
			}
		}
	}
	return lines
}
