package guards

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Unread notes the policies of other APIs that come, change or go and are about something of the
// release: what they let through, nobody here knows.
func Unread(u *upgrade.Upgrade) []upgrade.Note {
	var list []upgrade.Note
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Create, change.Update, change.Delete) || o.Idle() {
			continue
		}
		row := customPolicyOf(o.Ref())
		if row == nil || o.Does(change.Update) && !o.Edited("spec") || !row.concerns(u, o.Old) && !row.concerns(u, o.New) {
			continue
		}
		doubt := change.Doubt{Reason: "whether requests get through as before: what this policy lets through was not judged", Hides: change.Outage, Never: true}
		if row.keeps == keepsObjects {
			doubt = change.Doubt{Reason: "whether objects are accepted as before: what this policy rejects was not judged", Hides: change.Rejected, Never: true}
		}
		list = append(list, upgrade.Note{On: o, Doubt: doubt})
	}
	return list
}

// concerns reports whether one side of a policy keeps anything from happening, to something that stays.
func (row *customPolicy) concerns(u *upgrade.Upgrade, o *manifest.Object) bool {
	return o != nil && row.enforces(o) && row.guards(u, o)
}
