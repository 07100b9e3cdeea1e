// Package impact lists the rules about what follows between objects: a Service without
// endpoints, a name of what is not there, a budget that lets no pod be evicted. They are in
// the packages below it, by subject.
//
// A rule is one place: a row with its ID, class, why, fix and kinds, and the function that
// finds, func(*upgrade.Upgrade) []rule.Found. It asks the upgrade, and tells what it finds
// with the objects and numbers that make it true.
package impact

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/access"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/api"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/data"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/guards"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/networkpolicies"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/owners"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/references"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/traffic"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/workloads"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// Rules returns all rules between objects. In this order findings of one class are listed
// about an object.
func Rules() []rule.Rule {
	return slices.Concat(betweenObjects(), dataRules(), workloads.HookRules(), workloads.HookEventRules(), reachRules())
}

func betweenObjects() []rule.Rule {
	return slices.Concat(
		workloads.PodRules(),
		traffic.ServiceRules(), traffic.LeadRules(), traffic.EndpointRules(), traffic.IngressRules(), traffic.EmptyBackendRules(),
		guards.BudgetRules(), guards.MonitorRules(), guards.MonitorPortRules(),
		api.WebhookServerRules(),
		references.LinkRules(), data.InjectionRules(), references.StaleRules(),
		data.VolumeRules(), data.VolumeModeRules(), data.OnePodRules(),
		workloads.ObstacleRules(), references.VariableRules(), workloads.TimeoutRules(), workloads.AutoscalerRules(), workloads.ResizeRules(),
		networkpolicies.NetworkPolicyRules(),
		api.UnappliedRules(), api.DefinitionRules(),
		data.DefaultClassRules(), workloads.ScaleTargetRules(), traffic.AddressRules(), guards.LineRules(), references.NamedResourceRules(),
	)
}

// dataRules are about data, and about what protects them.
func dataRules() []rule.Rule {
	return slices.Concat(
		api.CertificateRules(), data.ClaimRules(), owners.OwnerRules(), guards.GuardRules(),
		owners.OwningRules(), data.ProgramRules(), owners.OwnedChangeRules(), workloads.RefusedPodRules(),
	)
}

// reachRules are about who reaches what runs, and what that may do.
func reachRules() []rule.Rule {
	return slices.Concat(
		networkpolicies.CutoffRules(), networkpolicies.WidenedRules(), traffic.AnnotationRules(), traffic.OutsideRules(),
		access.RightsRules(), api.AdmissionRules(), guards.CustomPolicyRules(), workloads.ScheduleRules(), api.ServiceAPIRules(),
	)
}
