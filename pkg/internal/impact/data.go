package impact

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// dataRules are about data, and about what protects them.
func dataRules() []rule.Rule {
	return slices.Concat(certificateRules(), claimRules(), ownerRules(), guardRules(), owningRules(), programRules(), ownedChangeRules(), refusedPodRules())
}
