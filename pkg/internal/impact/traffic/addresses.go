package traffic

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Addresses returns the rule about what two Services ask for.
func Addresses() []rule.Rule {
	return []rule.Rule{{
		ID: "address-taken", Risk: change.Rejected, Kinds: []string{"Service"},
		Why:  "only one Service can hold a cluster IP or a node port at a time; Helm creates and updates objects one by one, and deletes those that leave the release at the end",
		Fix:  "let the API server choose (no clusterIP, no nodePort), or delete the Service that holds it before the upgrade",
		Find: addressesTaken,
	}}
}

// addressesTaken tells who has what a Service asks for and is refused.
func addressesTaken(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if len(o.Taken) == 0 {
			continue
		}
		messages := []string{o.Change.Outcome.Refused[0].String()}
		f := rule.Found{On: o, Evidence: rule.RefusalEvidence(o.Change)}
		for _, t := range o.Taken {
			what, later := "taken by", ""
			if t.Going {
				what, later = "taken for now by", ", which gives it up only later"
			}
			messages = append(messages, fmt.Sprintf("%s is that of %s%s", t.What, t.By, later))
			f.Evidence = append(f.Evidence, change.Evidence{What: what, Objects: []manifest.Ref{t.By}, Names: []string{t.What}})
		}
		f.Message = strings.Join(messages, "; ")
		found = append(found, f)
	}
	return found
}
