// Package impact holds the rules about what follows between objects: a Service without
// endpoints, a name of what is not there, a budget that lets no pod be evicted.
//
// A rule is one place: a row with its ID, class, why, fix and kinds, and the function that
// finds, func(*upgrade.Upgrade) []rule.Found. It asks the upgrade, and tells what it finds
// with the objects and numbers that make it true.
package impact

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

// Rules returns all rules between objects.
func Rules() []rule.Rule {
	return slices.Concat(betweenObjects(), dataRules(), hookRules(), hookEventRules(), reachRules())
}

func betweenObjects() []rule.Rule {
	return slices.Concat(podRules(), serviceRules(), leadRules(), endpointRules(), ingressRules(), emptyBackendRules(), budgetRules(), monitorRules(), monitorPortRules(), webhookServerRules(), linkRules(),
		injectionRules(), staleRules(), volumeRules(), volumeModeRules(), onePodRules(), obstacleRules(), variableRules(), timeoutRules(), autoscalerRules(), resizeRules(), networkPolicyRules(), unappliedRules(), definitionRules(),
		defaultClassRules(), scaleTargetRules(), balancerAddressRules(), lineRules(), namedResourceRules())
}

// reachRules are about who reaches what runs, and what that may do.
func reachRules() []rule.Rule {
	return slices.Concat(cutoffRules(), widenedRules(), annotationRules(), outsideRules(), rightsRules(), admissionRules(), customPolicyRules(), serviceAPIRules())
}
