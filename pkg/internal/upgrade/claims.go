package upgrade

import (
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// IsClaim reports whether an object is a PersistentVolumeClaim.
func IsClaim(ref manifest.Ref) bool { return ref.Kind == "PersistentVolumeClaim" && ref.Group == "" }

// Filled reports whether a claim, or the template of one, says where its data comes
// from.
func Filled(claim map[string]any) bool {
	if spec, nested := claim["spec"].(map[string]any); nested {
		claim = spec
	}
	return claim["volumeName"] != nil || claim["dataSource"] != nil || claim["dataSourceRef"] != nil
}
