package reporting

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Shows reports whether an edit is shown: it is not hidden, the cause does not already say
// it, and it changes more than a description.
func Shows(c *change.Change, e *change.Edit, all bool) bool {
	return all || e.Noise == "" && !told(c, e.Path) && !Describes(c, e)
}

// told reports whether the cause already says everything about an edit.
func told(c *change.Change, path fieldpath.Path) bool {
	return c.Outcome.Pods != nil && slices.ContainsFunc(c.Outcome.Pods.Told, func(said fieldpath.Path) bool { return said.String() == path.String() })
}

// Describes reports whether an edit of a definition changes only a description.
func Describes(c *change.Change, e *change.Edit) bool {
	return c.Ref.Kind == "CustomResourceDefinition" && len(e.Path) > 2 && e.Path[len(e.Path)-1].Field == "description" && e.Path.Under("spec")
}

// Standing returns the new object, or the old one if there is no new one.
func Standing(c *change.Change) *manifest.Object {
	if c.New != nil {
		return c.New
	}
	return c.Old
}
