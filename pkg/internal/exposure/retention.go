package exposure

import (
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// retentionRules are about policies that keep data when what uses them goes.
func retentionRules() []rule.Rule {
	return []rule.Rule{{
		ID: "retention-ends", Risk: change.Exposure, Kinds: []string{"StatefulSet", "PersistentVolume", "StorageClass"},
		Why: "the policy used to keep volumes and deletes them from now on: with the StatefulSet, when it is scaled down, or with the claim",
		Fix: "keep the policy Retain, and delete volumes by hand once nobody needs them",
		Read: func(c *change.Change) rule.Found {
			old, updated, lands := sides(c)
			if !lands || old.value == nil {
				return rule.Found{}
			}
			return told(deletes(c.Ref.Kind, old, updated))
		},
	}}
}

// retention is a field that says what becomes of volumes, with its default, and when it counts.
type retention struct {
	kind, otherwise string
	path            []string
	says            string
}

func retentions() []retention {
	return []retention{
		{"StatefulSet", "Retain", []string{"spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"}, "deletes its claims when it is deleted itself (%s)"},
		{"StatefulSet", "Retain", []string{"spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"}, "deletes the claims of pods that are scaled away (%s)"},
		{"PersistentVolume", "Retain", []string{"spec", "persistentVolumeReclaimPolicy"}, "is deleted with its data when its claim goes (%s)"},
		{"StorageClass", "Delete", []string{"reclaimPolicy"}, "has its volumes deleted with their claims (%s)"},
	}
}

// deletes returns the policies that retained volumes and no longer do.
func deletes(kind string, old, updated reading) []exposed {
	var list []exposed
	for _, r := range retentions() {
		if r.kind != kind {
			continue
		}
		policy := func(value map[string]any) string {
			if text := untyped.Text(value, r.path...); text != "" {
				return text
			}
			return r.otherwise
		}
		if now := policy(updated.value); policy(old.value) == "Retain" && now != "Retain" {
			field := r.path[len(r.path)-1]
			list = append(list, exposed{what: field, says: r.says, of: fmt.Sprintf("%s: %s", field, now), path: fieldpath.Fields(r.path...)})
		}
	}
	return list
}
