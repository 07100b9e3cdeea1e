package guards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// GuardRules are about what protects workloads, and goes.
func GuardRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "budget-gone", Risk: change.Exposure,
			Why:  "without a disruption budget, all pods of a workload may be evicted at once, for example while nodes are drained",
			Fix:  "keep a budget over the pods that spares one or a few of them (maxUnavailable: 1)",
			Find: budgetsGone,
		},
		{
			ID: "alerts-gone", Risk: change.Exposure,
			Why:  "an alert that is no longer evaluated never fires; alerts and dashboards that use a recorded series see no data",
			Fix:  "keep the rules, or make sure that others take their place",
			Find: alertsGone,
		},
		{
			ID: "limits-gone", Risk: change.Exposure,
			Why:  "without the quota, pods of the namespace may request everything the nodes have; without the LimitRange, containers that request nothing get no defaults",
			Fix:  "keep one ResourceQuota, or one LimitRange, in the namespace",
			Find: limitsGone,
		},
	}
}

// budgetsGone tells of pods that a disruption budget protected, and that none protects any
// more: it is deleted, selects others, or asks for none of them.
func budgetsGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for _, n := range u.Budgets() {
		for _, w := range n.Workloads {
			if w.After == nil || w.Before == nil || w.Ends || w.Ref().Kind == "DaemonSet" {
				continue
			}
			var on *upgrade.Budget
			for _, b := range n.Budgets {
				if protects(u, b.Before, w, func(w *upgrade.Workload) int { return w.Before.Replicas }) && b.Object != nil && b.Object.Does(change.Delete, change.Update) {
					on = b
				}
			}
			guarded := slices.ContainsFunc(n.Budgets, func(b *upgrade.Budget) bool { return protects(u, b.After, w, (*upgrade.Workload).Wanted) })
			if on == nil || guarded || on.After != nil && len(on.After.Workloads) == 0 {
				continue // of one that selects nothing another rule tells
			}
			found = append(found, unguarded(on, w))
		}
	}
	return found
}

// protects reports whether a budget asks for some of the pods of a workload.
func protects(u *upgrade.Upgrade, c *upgrade.Cover, w *upgrade.Workload, pods func(*upgrade.Workload) int) bool {
	if c == nil || !slices.Contains(c.Workloads, w) {
		return false
	}
	sum := 0
	for _, w := range c.Workloads {
		if n := pods(w); n > 0 {
			sum += n
		}
		if u.Scaled[w.Ref().Identity()] {
			sum += 1000 // or any other number
		}
	}
	return rollout.AsksFor(c.Terms, sum) > 0
}

func unguarded(b *upgrade.Budget, w *upgrade.Workload) rule.Found {
	message := fmt.Sprintf("no budget protects the pods of %s any more", w.Ref())
	if b.After != nil && slices.Contains(b.After.Workloads, w) {
		message = fmt.Sprintf("it asks for none of the pods of %s any more", w.Ref())
	}
	return rule.Found{
		On: b.Object, Message: message, Paths: rule.Edits(b.Object.Change, "spec"),
		Evidence: []change.Evidence{{What: "pods without a budget", Objects: []manifest.Ref{b.Ref, w.Ref()}, Count: w.Before.Replicas}},
	}
}

// alertKinds are the kinds that hold alerts, with the path to their groups; "" for one whose
// rules are not in groups.
func alertKinds() map[string]string {
	return map[string]string{
		"PrometheusRule.monitoring.coreos.com": "groups", "VMRule.operator.victoriametrics.com": "groups",
		"AlertingRule.loki.grafana.com": "groups", "RecordingRule.loki.grafana.com": "groups", "GrafanaAlertRuleGroup.grafana.integreatly.org": "",
	}
}

// alertsGone tells of alerts that no object of the release has any more, while something of
// what they watched stays.
func alertsGone(u *upgrade.Upgrade) []rule.Found {
	kinds := alertKinds()
	loses := func(o *upgrade.Object) bool {
		_, is := kinds[o.Ref().GroupKind()]
		return is && o.Old != nil && (o.Goes() || o.Does(change.Update) && (o.Edited("spec") || leftBy(o) != ""))
	}
	if u.Operation == change.Uninstall || !u.Any(loses) {
		return nil
	}
	after := map[string]bool{}
	for i := range u.Objects {
		if o := &u.Objects[i]; kinds[o.Ref().GroupKind()] != "" || strings.HasPrefix(o.Ref().Kind, "GrafanaAlertRule") {
			for _, name := range alertsOf(o.Standing(upgrade.After)) {
				after[name] = true
			}
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !loses(o) || goesAsAWhole(u, o) {
			continue
		}
		gone, left, paths := alertsOf(o.Old), leftBy(o), rule.Edits(o.Change, "groups", "rules")
		if left == "" {
			gone = slices.DeleteFunc(gone, func(name string) bool { return after[name] })
		} else {
			left, paths = left+": ", rule.Edits(o.Change, "labels")
		}
		if len(gone) == 0 {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: left + "these rules are no longer evaluated: " + rule.Shortened(gone), Paths: paths,
			Evidence: []change.Evidence{{What: "rules that go", Names: gone, Count: len(gone)}},
		})
	}
	return found
}

// leftBy says what no longer selects an object by its labels, "" if nothing, or if something else
// selects it from now on.
func leftBy(o *upgrade.Object) string {
	var clauses []string
	for i := range o.Change.Edits {
		clauses = append(clauses, o.Change.Edits[i].Watchers...)
	}
	return selectors.Left(clauses)
}

// alertsOf returns the names of the alerts and of the recorded series in an object.
func alertsOf(o *manifest.Object) []string {
	if o == nil {
		return nil
	}
	spec := upgrade.Spec(o)
	groups := append(untyped.Maps(spec, "groups"), map[string]any{"rules": spec["rules"]})
	var names []string
	for _, group := range groups {
		for _, r := range untyped.Maps(group, "rules") {
			for _, field := range []string{"alert", "record", "title"} {
				if name := untyped.Text(r, field); name != "" && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// goesAsAWhole reports whether an object goes together with all workloads of its chart.
func goesAsAWhole(u *upgrade.Upgrade, o *upgrade.Object) bool {
	if !o.Goes() {
		return false
	}
	chart, goes := chartOf(o.Old), false
	for i := range u.Objects {
		w := &u.Objects[i]
		if w.Old == nil || !u.RunsPods(w.Ref()) || chartOf(w.Old) != chart {
			continue
		}
		if w.Standing(upgrade.After) != nil {
			return false
		}
		goes = true
	}
	return goes
}

// chartOf returns the chart, or subchart, of whose templates an object is made.
func chartOf(o *manifest.Object) string {
	chart, _, _ := strings.Cut(o.Source, "/templates/")
	return chart
}

// limitsGone tells of namespaces that no longer have a quota, or limits.
func limitsGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		kind := o.Ref().GroupKind()
		if kind != "ResourceQuota" && kind != "LimitRange" || !o.Goes() || u.Operation == change.Uninstall || u.GoesWithNamespace(o) {
			continue
		}
		another := func(other *manifest.Object) bool {
			return other != nil && other.Ref.GroupKind() == kind && other.Ref.Namespace == o.Ref().Namespace && other.Ref.Name != o.Ref().Name
		}
		if slices.ContainsFunc(u.StandingAt(upgrade.After), another) || slices.ContainsFunc(u.Cluster, another) {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("namespace %s has no %s any more", o.Ref().Namespace, kind),
			Evidence: []change.Evidence{{What: "the last of its kind", Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}
