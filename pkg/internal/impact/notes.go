package impact

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/traffic"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/workloads"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
)

// Notes lists what nobody can know of what an upgrade brings about between objects.
func Notes(u *upgrade.Upgrade) []upgrade.Note {
	return slices.Concat(traffic.MovedEndpoints(u), traffic.OtherAddresses(u), workloads.FloatingImages(u))
}
