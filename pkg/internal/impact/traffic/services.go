package traffic

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ServiceRules are about Services whose requests come to nobody, or to somebody else.
func ServiceRules() []rule.Rule {
	return slices.Concat(selectionRules(), []rule.Rule{
		{
			ID: "service-port-gone", Risk: change.Outage,
			Why:  "a Service looks up a named port in each pod; pods without a port of that name are not among its endpoints",
			Fix:  "keep the name of the port, or let the Service name its number (targetPort)",
			Find: portsGone(false),
		},
		{
			ID: "service-port-late", Risk: change.Downtime,
			Why:  "a Service uses a new port name at once; until pods with a port of that name are ready, it has no endpoints",
			Fix:  "let the Service name the number of the port (targetPort), or let the pods have both names for one release",
			Find: portsGone(true),
		},
		{
			ID: "service-goes-astray", Risk: change.Outage,
			Why:  "a Service sends requests to all pods that match its selector, also to those of another program, which cannot answer them",
			Fix:  "give the pods, and the selector, a label that tells the workloads apart",
			Find: wrongBackends,
		},
		{
			ID: "readiness-probe-removed", Risk: change.Downtime,
			Why:  "a container without a readiness probe is ready as soon as it runs: requests reach it before its program listens, and the rollout moves on to the next pod",
			Fix:  "keep the readiness probe",
			Find: probesRemoved,
		},
		{
			ID: "unready-pods-published", Risk: change.Downtime, Kinds: []string{"Service"},
			Why: "with publishNotReadyAddresses kube-proxy sends requests to pods whatever their readiness (ServiceSpec in k8s.io/api/core/v1): " +
				"in each rollout some reach a program that does not listen yet",
			Fix:  "set it on a headless Service of its own, by which the pods find each other",
			Find: publishesUnready,
		},
	})
}

func selectionRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "service-selects-nothing", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "a Service without pods that match its selector has no endpoints",
			Fix:  "let the selector name labels that the pods have when the upgrade is over",
			Find: selectsNothing,
		},
		{
			ID: "service-selects-late", Risk: change.Downtime, Kinds: []string{"Service"},
			Why:  "a Service uses a new selector at once; until new pods that match it are ready, it has no endpoints",
			Fix:  "let the pods carry the new labels one release before the Service selects them",
			Find: selectsLate,
		},
		{
			ID: "service-deleted", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "clients reach pods by the name of their Service; without it the pods keep running but are unreachable",
			Fix:  "keep the Service until no client, in the release or outside of it, uses the name",
			Find: serviceDeleted,
		},
		{
			ID: "service-loses-pods", Risk: change.Outage,
			Why:  "the pods lose the labels that the Service selects, so it has no endpoints",
			Fix:  "keep the labels that the Service selects, or let it select others that the pods have before and after",
			Find: losesPods,
		},
		{
			ID: "service-pod-gone", Risk: change.Outage,
			Why: "the Service selects one pod of a StatefulSet by its name or number (statefulset.kubernetes.io/pod-name, apps.kubernetes.io/pod-index); " +
				"the StatefulSet deletes pods whose number is below ordinals.start, or beyond its replicas",
			Fix:  "keep the pod, or delete its Service when no client uses it any more",
			Find: podGone,
		},
	}
}

// selectsNothing tells Services whose new selector selects no pods once the upgrade is over.
func selectsNothing(u *upgrade.Upgrade) []rule.Found {
	return append(noLongerElsewhere(u), turned(u, func(during, after []*upgrade.Workload) (string, int) {
		switch {
		case len(after) > 0:
			return "", 0
		case len(during) == 0:
			return "no pods carry the labels of its new selector", 0
		default:
			return "no pods carry the labels of its new selector once the upgrade is over", 0
		}
	})...)
}

// selectsLate tells Services whose new selector selects no pods until there are new ones.
func selectsLate(u *upgrade.Upgrade) []rule.Found {
	return turned(u, func(during, after []*upgrade.Workload) (string, int) {
		if len(during) > 0 || len(after) == 0 {
			return "", 0
		}
		lasts := upgrade.ReadyAfter(after)
		return "no pods carry the labels of its new selector until the new ones are ready" + rule.AtLeast(", for ", lasts), lasts
	})
}

// turned tells Services that selected pods and get a different selector, as far as says has
// something to say of the workloads that this one selects during and after the upgrade, and for
// how many seconds at least that is so.
func turned(u *upgrade.Upgrade, says func(during, after []*upgrade.Workload) (string, int)) []rule.Found {
	var found []rule.Found
	for _, t := range u.Traffic() {
		before, during, after := upgrade.Lasting(t.Before), upgrade.Lasting(t.During), upgrade.Lasting(t.After)
		if t.Goes() || !t.Turns() || len(before) == 0 {
			continue
		}
		if message, lasts := says(during, after); message != "" {
			found = append(found, rule.Found{On: t.Object, Message: message, Lasts: lasts, Paths: []fieldpath.Path{fieldpath.Fields("spec", "selector")}, Evidence: []change.Evidence{
				{What: "endpoints before", Objects: upgrade.Refs(before)},
				{What: "endpoints during the upgrade", Objects: upgrade.Refs(during)},
				{What: "endpoints after", Objects: upgrade.Refs(after)},
			}})
		}
	}
	return found
}

// serviceDeleted tells Services that go while pods that they selected stay. One of another
// name is another rule's.
func serviceDeleted(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.Traffic() {
		if !t.Goes() || t.Change.Renamed != nil {
			continue
		}
		if before, after := upgrade.Lasting(t.Before), upgrade.Lasting(t.After); len(before) > 0 && len(after) > 0 {
			found = append(found, rule.Found{On: t.Object, Message: "clients that know it by its name no longer reach the pods, which stay", Evidence: []change.Evidence{
				{What: "endpoints that stay", Objects: upgrade.Refs(after)},
			}})
		}
	}
	return found
}

// losesPods tells workloads whose pods get other labels that a Service selects nothing
// more.
func losesPods(u *upgrade.Upgrade) []rule.Found {
	left := map[*upgrade.Object][]manifest.Ref{}
	var order []*upgrade.Object
	for _, t := range u.Traffic() {
		if t.Goes() || t.Turns() || len(upgrade.Lasting(t.Before)) == 0 || len(upgrade.Lasting(t.After)) > 0 {
			continue
		}
		for _, w := range t.Before {
			if c := w.Change; w.After != nil && c != nil && c.Outcome.Pods != nil && !w.KeepsLabels() {
				if left[w.Object] == nil {
					order = append(order, w.Object)
				}
				left[w.Object] = append(left[w.Object], t.New.Ref)
			}
		}
	}
	found := make([]rule.Found, 0, len(order))
	for _, o := range order {
		found = append(found, rule.Found{
			On: o, Message: rule.Services(left[o], "selects", "select") + " none of the new pods", Paths: o.Change.Outcome.Pods.Causes,
			Evidence: []change.Evidence{{What: "left without endpoints", Objects: left[o]}},
		})
	}
	return found
}

// podGone tells StatefulSets of which a pod goes that a Service selects alone.
func podGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.Traffic() {
		if t.Goes() || t.Turns() || len(upgrade.Lasting(t.After)) > 0 {
			continue
		}
		for _, w := range t.Before {
			if w.Before.Set == "" || w.After == nil || !w.Done() || !w.KeepsLabels() || u.Scaled[w.Ref().Identity()] {
				continue
			}
			found = append(found, rule.Found{
				On: w.Object, Message: fmt.Sprintf("Service %s selects a pod that goes (%s)", t.Is.Ref.Name, labels.FormatLabels(t.Is.Selector)), Paths: rule.Edits(w.Change, "replicas", "ordinals"),
				Evidence: []change.Evidence{{What: "left without endpoints", Objects: []manifest.Ref{t.Is.Ref}}},
			})
		}
	}
	return found
}

// wrongBackends tells of pods of other programs to which a Service leads from now on. The
// addresses behind a Service without one of its own are asked for by who looks for
// members, not by who sends requests.
func wrongBackends(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.Traffic() {
		own := slices.DeleteFunc(upgrade.Lasting(t.Before), func(w *upgrade.Workload) bool { return w.After == nil })
		if t.Goes() || len(own) == 0 || t.Is.Headless {
			continue
		}
		ending := slices.ContainsFunc(t.Before, func(w *upgrade.Workload) bool { return w.Ends })
		how := "besides"
		if !slices.ContainsFunc(t.After, func(w *upgrade.Workload) bool { return slices.Contains(t.Before, w) }) {
			how = "instead of"
		}
		for _, w := range t.After {
			alike := slices.ContainsFunc(own, func(o *upgrade.Workload) bool { return !t.Is.Fails(o.After, w.After) })
			renamed := w.Change != nil && w.Change.Renamed != nil
			if alike || slices.Contains(t.Before, w) || ending && w.Ends || renamed {
				continue
			}
			on := w.Object
			if t.Turns() || on.Change == nil {
				on = t.Object
			}
			found = append(found, rule.Found{
				On: on, Message: fmt.Sprintf("Service %s sends requests to %s %s %s", t.Is.Ref.Name, w.Ref(), how, own[0].Ref()),
				Paths:    rule.Edits(on.Change, "selector", "labels"),
				Evidence: []change.Evidence{{What: "sends requests to, " + how, Objects: []manifest.Ref{t.Is.Ref, w.Ref(), own[0].Ref()}}},
			})
		}
	}
	return found
}

// portsGone tells of ports of a Service that led to pods and no longer do, by a name that
// none of their containers has: for good, or only until new pods are ready.
func portsGone(late bool) func(*upgrade.Upgrade) []rule.Found { //nolint:cyclop // a walk with early exits
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for _, t := range u.Traffic() {
			for _, port := range t.Is.Ports {
				k := slices.IndexFunc(t.Was.Ports, port.Same)
				if t.Goes() || k < 0 || port.Number != 0 || len(t.During) == 0 || len(t.After) == 0 {
					continue
				}
				old, have := t.Was.Ports[k], func(p upgrade.Port) func(*upgrade.Workload) bool {
					return func(w *upgrade.Workload) bool { return !w.Ends && w.Before.Has(p) }
				}
				led := old.Number != 0 && len(upgrade.Lasting(t.Before)) > 0 || slices.ContainsFunc(t.Before, have(old))
				comes := slices.ContainsFunc(t.After, func(w *upgrade.Workload) bool { return !w.Ends && w.After.Has(port) })
				if comes != late || !led || comes && slices.ContainsFunc(t.During, have(port)) {
					continue
				}
				if old.Name != port.Name || old.Number != port.Number {
					found = append(found, portGone(t.Object, &t, port, late))
					continue
				}
				for _, w := range t.Before {
					if have(old)(w) && w.Done() {
						found = append(found, portGone(w.Object, &t, port, late))
					}
				}
			}
		}
		return found
	}
}

func portGone(on *upgrade.Object, t *upgrade.Traffic, port upgrade.Port, late bool) rule.Found {
	message := fmt.Sprintf("Service %s leads to a port named %s, which no container of its pods has", t.Is.Ref.Name, port.Name)
	lasts := 0
	if late {
		lasts = upgrade.ReadyAfter(upgrade.Lasting(t.After))
		message += " until the new ones are ready" + rule.AtLeast(", for ", lasts)
	}
	return rule.Found{On: on, Message: message, Lasts: lasts, Paths: rule.Edits(on.Change, "ports"), Evidence: []change.Evidence{
		{What: "port without endpoints", Objects: []manifest.Ref{t.Is.Ref}, Names: []string{port.Name}},
	}}
}

// probesRemoved tells of containers to which a Service leads, and that from now on count as
// ready as soon as they run. One that has a startup probe does not.
func probesRemoved(u *upgrade.Upgrade) []rule.Found { //nolint:cyclop // a walk with early exits
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		c := o.Change
		if c == nil || c.Op != change.Update || c.Outcome.Pods == nil || !c.Outcome.Pods.Replaced {
			continue
		}
		w := u.PodsOf(o)
		if w == nil || w.Before == nil || w.After == nil {
			continue
		}
		for _, old := range w.Before.Containers {
			k := slices.IndexFunc(w.After.Containers, func(n upgrade.Container) bool { return n.Name == old.Name })
			if k < 0 || !old.Readiness || w.After.Containers[k].Readiness || w.After.Containers[k].Startup {
				continue
			}
			var services []manifest.Ref
			for _, t := range u.Traffic() {
				if !t.Goes() && slices.Contains(t.After, w) && t.Is.Reaches(w.After, &w.After.Containers[k]) {
					services = append(services, t.Is.Ref)
				}
			}
			if len(services) > 0 {
				found = append(found, rule.Found{
					On: o, Message: fmt.Sprintf("%s to container %s before its program listens", rule.Services(services, "leads", "lead"), old.Name),
					Paths:    rule.Edits(c, "readinessProbe"),
					Evidence: []change.Evidence{{What: "container without readiness probe", Objects: services, Names: []string{old.Name}}},
				})
			}
		}
	}
	return found
}

// publishesUnready tells of Services with an address that from now on send requests to pods that are
// not ready.
func publishesUnready(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, t := range u.UpdatedServices() {
		if !t.Is.Unready || t.Is.Headless || t.Was.Unready && !t.Was.Headless || len(t.After) == 0 {
			continue
		}
		found = append(found, rule.Found{
			On: t.Object, Message: "pods of " + rule.Names(upgrade.Refs(t.After)) + " get requests before they are ready",
			Paths:    rule.Edits(t.Change, "publishNotReadyAddresses", "clusterIP"),
			Evidence: []change.Evidence{{What: "gets requests before it is ready", Objects: upgrade.Refs(t.After)}},
		})
	}
	return found
}
