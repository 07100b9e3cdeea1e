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
	"github.com/safe-diff/helm-safe-diff/pkg/selectors"
)

// MonitorPortRules are about monitors of a port that nothing has any more.
func MonitorPortRules() []rule.Rule {
	return []rule.Rule{{
		ID: "monitor-port-missing", Risk: change.Exposure,
		Why:  "a monitor scrapes a port by name; if nothing it selects has a port of that name, its metrics stop and its alerts never fire",
		Fix:  "use a port name that the Services or pods have",
		Find: monitorsWithoutPort,
	}}
}

// monitorsWithoutPort tells of monitors that name a port which something that they select had
// before the upgrade, and nothing of it has after.
func monitorsWithoutPort(u *upgrade.Upgrade) []rule.Found {
	if !u.Any(isMonitor) || !portsMove(u) {
		return nil
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isMonitor(o) || o.Standing(upgrade.After) == nil {
			continue
		}
		before, after := portsSelected(u, o.Old, upgrade.Before), portsSelected(u, o.Standing(upgrade.After), upgrade.After)
		named := portsNamed(o.Old)
		for _, name := range portsNamed(o.Standing(upgrade.After)) {
			if len(after) == 0 || holder(after, name) != nil {
				continue
			}
			on, message := holder(before, name), fmt.Sprintf("%s still scrapes port %s, which nothing it selects has any more", o.Ref(), name)
			if o.Done() && !slices.Contains(named, name) {
				on, message = o, fmt.Sprintf("it scrapes port %s, which nothing it selects has", name)
			}
			if on == nil || on.Change == nil {
				continue
			}
			found = append(found, rule.Found{On: on, Message: message, Paths: rule.Edits(on.Change, "ports", "endpoints", "podMetricsEndpoints"), Evidence: []change.Evidence{
				{What: "port that nothing has", Objects: []manifest.Ref{o.Ref(), on.Ref()}, Names: []string{name}},
			}})
		}
	}
	return found
}

// portsMove reports whether ports change that a monitor may name.
func portsMove(u *upgrade.Upgrade) bool {
	return u.Any(func(o *upgrade.Object) bool {
		return o.Does(change.Update) && slices.ContainsFunc(o.Change.Edits, func(e change.Edit) bool {
			path := e.Path.String()
			return strings.Contains(path, ".ports") || strings.Contains(path, "ndpoints") || strings.Contains(path, ".containers")
		})
	})
}

// portsNamed lists the ports that a monitor names.
func portsNamed(monitor *manifest.Object) []string {
	spec := upgrade.Spec(monitor)
	var names []string
	for _, field := range []string{"endpoints", "podMetricsEndpoints"} {
		for _, endpoint := range untyped.Maps(spec, field) {
			if name := untyped.Text(endpoint, "port"); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// ported is something that a monitor selects, and the names of its ports.
type ported struct {
	*upgrade.Object
	names []string
}

// portsSelected lists what a monitor selects at a moment, with the names of its ports.
func portsSelected(u *upgrade.Upgrade, monitor *manifest.Object, m upgrade.Moment) []ported {
	pick, looks := selectors.PickOf(monitor)
	var list []ported
	for i := range u.Objects {
		o := &u.Objects[i]
		switch {
		case looks == "Service" && upgrade.IsService(o.Ref()):
			side := o.Standing(m)
			if side == nil {
				continue
			}
			if labels, _ := side.Labels(); !pick.Selects(side.Ref, labels) {
				continue
			}
			p := ported{Object: o}
			for _, port := range untyped.Maps(upgrade.Spec(side), "ports") {
				p.names = append(p.names, untyped.Text(port, "name"))
			}
			list = append(list, p)
		case looks == "Pod":
			if w := u.PodsOf(o); w != nil && !w.Ends && w.At(m) != nil &&
				pick.Selects(manifest.Ref{Version: "v1", Kind: "Pod", Namespace: o.Ref().Namespace}, w.At(m).Labels) {
				list = append(list, portedPods(w, m))
			}
		}
	}
	return list
}

func portedPods(w *upgrade.Workload, m upgrade.Moment) ported {
	p := ported{Object: w.Object}
	for _, c := range w.At(m).Containers {
		for _, port := range c.Ports {
			p.names = append(p.names, port.Name)
		}
	}
	return p
}

// holder returns what has a port of a name; nil if nothing has.
func holder(list []ported, name string) *upgrade.Object {
	k := slices.IndexFunc(list, func(p ported) bool { return slices.Contains(p.names, name) })
	if k < 0 {
		return nil
	}
	return list[k].Object
}
