package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// serviceRules are about who is reached through a Service.
func serviceRules() []Rule {
	return slices.Concat(selectionRules(), []Rule{
		{
			ID: "service-port-gone", Risk: change.Downtime,
			Why: "a Service finds the port of a pod by its name; pods without a port of that name are no endpoints, and requests are refused",
			Fix: "keep the name of the port, or let the Service lead to its number",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				messages := make([]string, 0, len(c.Outcome.PortsGone))
				for _, p := range c.Outcome.PortsGone {
					message := fmt.Sprintf("Service %s leads to a port named %s, which no container of its pods has", p.Service.Name, p.Target)
					if p.Passing {
						message += " until the new ones are ready"
					}
					messages = append(messages, message)
				}
				return strings.Join(messages, "; "), editsOf(c, "ports"), len(messages) > 0
			},
		},
		{
			ID: "route-gone", Risk: change.Downtime, Kinds: []string{"Ingress"},
			Why: "requests for a host or path that no Ingress takes are answered with an error, though the pods behind it are well",
			Fix: "let the old host or path stay beside the new one until nobody asks for it",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				lost := c.Outcome.Unrouted
				return "no Ingress of the release takes requests for " + shortened(lost) + " any more", editsOf(c, "spec"), len(lost) > 0
			},
		},
		{
			ID: "service-goes-astray", Risk: change.Downtime,
			Why:  "a Service sends requests to all pods that carry its labels, and those of another program do not answer them",
			Fix:  "give the pods, and the selector, a label that tells the workloads apart",
			When: goesAstray,
		},
		{
			ID: "readiness-probe-removed", Risk: change.Downtime,
			Why: "a container without a readiness probe counts as ready as soon as it runs: requests reach it before its program listens, and the rollout goes on to the next pod",
			Fix: "keep the readiness probe",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				if c.Outcome.Pods == nil {
					return "", nil, false
				}
				var messages []string
				for _, u := range c.Outcome.Pods.Unprobed {
					messages = append(messages, fmt.Sprintf("Service %s leads to container %s before its program listens", strings.Join(u.Services, ", "), u.Container))
				}
				return strings.Join(messages, "; "), editsOf(c, "readinessProbe"), len(messages) > 0
			},
		},
	})
}

// selectionRules are about Services that find no pods.
func selectionRules() []Rule {
	return []Rule{
		{
			ID: "service-selects-nothing", Risk: change.Downtime, Kinds: []string{"Service"},
			Why:  "a Service follows its selector at once; without pods that carry its labels it leads nowhere",
			Fix:  "let the pods carry the new labels one release before the Service selects them",
			When: selectsNothing,
		},
		{
			ID: "service-deleted", Risk: change.Downtime, Kinds: []string{"Service"},
			Why: "clients reach pods by the name of their Service; without it these run on, and nobody finds them",
			Fix: "keep the Service until no client, in the release or outside of it, uses the name",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				fires := c.Op == change.Delete && c.Outcome.Selects != nil && c.Renamed == nil
				return "clients that know it by its name no longer reach the pods, which stay", nil, fires
			},
		},
		{
			ID: "service-loses-pods", Risk: change.Downtime,
			Why: "the pods no longer carry the labels by which a Service selects them, so that it leads nowhere",
			Fix: "keep the labels that the Service selects, or let it select others that the pods have before and after",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				p := c.Outcome.Pods
				if p == nil || len(p.Left) == 0 {
					return "", nil, false
				}
				return "Service " + strings.Join(p.Left, ", ") + " selects none of the new pods", p.Causes, true
			},
		},
	}
}

func selectsNothing(c *change.Change) (string, []fieldpath.Path, bool) {
	s := c.Outcome.Selects
	var message string
	switch {
	case s == nil || s.Before == 0 || c.Op == change.Delete:
		return "", nil, false
	case s.During == 0 && s.After > 0:
		message = "no pods carry the labels of its new selector until the new ones are ready"
	case s.During == 0:
		message = "no pods carry the labels of its new selector"
	case s.After == 0:
		message = "no pods carry the labels of its new selector once the upgrade is over"
	default:
		return "", nil, false
	}
	return message, []fieldpath.Path{fieldpath.Fields("spec", "selector")}, true
}

func goesAstray(c *change.Change) (string, []fieldpath.Path, bool) {
	messages := make([]string, 0, len(c.Outcome.Astray))
	for _, a := range c.Outcome.Astray {
		how := "besides"
		if a.Instead {
			how = "instead of"
		}
		messages = append(messages, fmt.Sprintf("Service %s sends requests to %s %s %s", a.Service.Name, a.Workload, how, a.Own))
	}
	return strings.Join(messages, "; "), slices.Concat(editsOf(c, "selector"), editsOf(c, "labels")), len(messages) > 0
}

// editsOf returns the edits of a field of that name, wherever it is, or of what is
// inside it.
func editsOf(c *change.Change, field string) []fieldpath.Path {
	var paths []fieldpath.Path
	for i := range c.Edits {
		if path := c.Edits[i].Path; slices.ContainsFunc(path, func(e fieldpath.Element) bool { return e.Field == field }) {
			paths = append(paths, path)
		}
	}
	return paths
}
