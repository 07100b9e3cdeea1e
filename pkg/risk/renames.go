package risk

import (
	"fmt"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

const (
	keepName   = "keep the name (fullnameOverride, in most charts)"
	keepBoth   = keepName + " and the kind"
	moveClaims = "make the claims of the new one beforehand, each with the volume of the old one (reclaim policy Retain, volumeName)"
	keepBeside = "annotate the installed one with helm.sh/resource-policy: keep and delete it when the new one is ready"
	bothNames  = "let a Service of the old name stay beside the new one until no client uses it"
)

// renameRules are about objects that get another name. To Helm they are one object
// that goes and another that comes.
func renameRules() []rule.Rule {
	return showing(rule.LossEvidence, []rule.Rule{
		{
			ID: "statefulset-renamed", Risk: change.DataLoss, Breaks: true, Kinds: []string{"StatefulSet"},
			Why: "a StatefulSet finds its volumes by its own name; under another name it starts with new, empty ones, and the data stays behind",
			Fix: keepBoth + ", or " + moveClaims, Instead: moveClaims,
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				if c.Op != change.Delete || c.Renamed == nil || c.Renamed.Claims == nil {
					return "", nil, false
				}
				_, _, deleted := claimsDeleted(c)
				return behind(c.Renamed.Claims) + ", " + emptyOnes(c.Renamed), nil, !deleted
			},
		},
		{
			ID: "claim-renamed", Risk: change.DataLoss, Breaks: true, Kinds: []string{"PersistentVolumeClaim"},
			Why: "a claim with another name gets another, empty volume; the data stays with the old claim, or in a volume without a claim",
			Fix: "keep the name, or let the new claim name the old volume (volumeName) once the old claim is gone",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				if c.Renamed == nil || c.Renamed.Filled || c.Op == change.Create {
					return "", nil, false
				}
				unbound := c.Outcome.Loss != nil && len(c.Outcome.Loss.What) == 0
				return losing(c, "the data stays with it") + ", " + c.Renamed.New.Name + " begins empty", nil,
					c.Op == change.Keep || spared(c) && !unbound
			},
		},
		{
			ID: "workload-renamed", Risk: change.Downtime, Breaks: true,
			Why: "Helm creates the workload under its new name and deletes the old one without waiting in between, so for a while no pod is ready",
			Fix: keepBoth + ", or " + keepBeside, Instead: keepBeside,
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if c.Op != change.Delete || c.Renamed == nil || p == nil || !p.AllDown {
					return "", nil, false
				}
				return "its pods are deleted before those of the new one are ready", nil, true
			},
		},
		{
			ID: "service-renamed", Risk: change.Outage, Breaks: true, Kinds: []string{"Service"},
			Why: "clients reach a Service by its name; those outside the release, and those not restarted yet, still use the old name",
			Fix: keepName + ", or " + bothNames, Instead: bothNames, When: serviceRenamed,
		},
	})
}

func behind(claims *change.Claims) string {
	n := len(claims.Behind)
	switch {
	case n == 0:
		return "the volumes of its earlier pods stay behind"
	case claims.Uncounted:
		return fmt.Sprintf("%s or more stay behind (%s …)", volumes(n), claims.Behind[0])
	default:
		return fmt.Sprintf("%s %s behind (%s)", volumes(n), rule.Form(n, "stays", "stay"), firstAndLast(claims.Behind))
	}
}

func emptyOnes(r *change.Rename) string {
	switch n := len(r.Claims.Empty); n {
	case 0:
		return r.New.Name + " has none of them"
	case 1:
		return r.New.Name + " begins with 1 new empty one"
	default:
		return fmt.Sprintf("%s begins with %d new empty ones", r.New.Name, n)
	}
}

func volumes(n int) string { return fmt.Sprintf("%d %s", n, rule.Form(n, "volume", "volumes")) }

// fewNames is how many names are listed in full.
const fewNames = 2

func firstAndLast(names []string) string {
	if len(names) <= fewNames {
		return strings.Join(names, ", ")
	}
	return names[0] + " … " + names[len(names)-1]
}

func serviceRenamed(c *change.Change) (string, []fieldpath.Path, bool) {
	if c.Op != change.Delete || c.Renamed == nil {
		return "", nil, false
	}
	value, err := c.Old.Value()
	if err != nil {
		return "", nil, false
	}
	spec, _ := value["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	message := "clients that know it by this name no longer reach it"
	if spec["type"] == "LoadBalancer" {
		message += ", and its load balancer goes with it"
	}
	return message, nil, len(selector) > 0 || spec["type"] == "ExternalName"
}
