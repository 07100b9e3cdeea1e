package exposure

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// policyOpened fires if a network policy gets a rule that holds for all peers. A new
// policy restricts: without it everything is open.
func policyOpened(c *change.Change) rule.Found {
	old, updated, lands := sides(c)
	if !lands || old.value == nil {
		return rule.Found{}
	}
	var list []exposed
	for _, d := range []direction{{"ingress", "from", "Ingress", "allows ingress from everybody"}, {"egress", "to", "Egress", "allows egress to every address"}} {
		list = append(list, added(d.openIn(old), d.openIn(updated), false)...)
	}
	return told(list)
}

// direction is one of the two in which a network policy restricts.
type direction struct{ rules, peers, kind, says string }

// openIn are the rules of a policy without peers, each for its ports. A policy that
// does not restrict the direction leaves all of it open.
func (d direction) openIn(r reading) []exposed {
	rules, _ := untyped.At(r.value, "spec", d.rules).([]any)
	kinds := untyped.Texts(untyped.At(r.value, "spec", "policyTypes"))
	if len(kinds) > 0 && !slices.Contains(kinds, d.kind) || len(kinds) == 0 && d.kind == "Egress" && len(rules) == 0 {
		return []exposed{{what: everything}}
	}
	var list []exposed
	var open openPorts
	for i, rule := range rules {
		path := fieldpath.Fields("spec", d.rules).Child(fieldpath.Index(i))
		list = append(list, d.openRule(rule, path)...)
		if d.everybody(rule) {
			open.add(rule, path)
		}
	}
	return append(list, open.exposed(d)...)
}

// everybody reports whether a rule is for all peers.
func (d direction) everybody(rule any) bool {
	named, _ := untyped.At(rule, d.peers).([]any)
	whole := func(peer any) bool {
		except, _ := untyped.At(peer, "ipBlock", "except").([]any)
		return all(untyped.Text(untyped.At(peer, "ipBlock", "cidr"))) && len(except) == 0
	}
	return len(named) == 0 || slices.ContainsFunc(named, whole)
}

func (d direction) openRule(rule any, path fieldpath.Path) []exposed {
	if !d.everybody(rule) {
		return nil
	}
	ports, _ := untyped.At(rule, "ports").([]any)
	if len(ports) == 0 {
		return []exposed{{what: everything, says: d.says, path: path}}
	}
	// Another port of a rule for everybody is the same door elsewhere.
	list := make([]exposed, 0, len(ports))
	for _, port := range ports {
		e := exposed{what: "ports", says: d.says + " (port %s)", of: fmt.Sprint(untyped.At(port, "port")), path: path}
		if untyped.At(port, "port") == nil {
			e = exposed{what: "protocol", says: d.says + " (all ports of %s)", of: cmp.Or(untyped.Text(untyped.At(port, "protocol")), "TCP"), path: path}
			list = append(list, exposed{what: "many ports of " + e.of})
		}
		list = append(list, e)
	}
	return list
}

// portRange is a range of ports that rules of a policy open to everybody.
type portRange struct {
	protocol    string
	first, last int64
	path        fieldpath.Path
}

// openPorts are those of all rules.
type openPorts []portRange

// add takes in the ports of a rule that are numbers.
func (o *openPorts) add(rule any, path fieldpath.Path) {
	ports, _ := untyped.At(rule, "ports").([]any)
	for _, port := range ports {
		r := portRange{cmp.Or(untyped.Text(untyped.At(port, "protocol")), "TCP"), number(untyped.At(port, "port")), number(untyped.At(port, "endPort")), path}
		if r.first > 0 {
			r.last = max(r.first, r.last)
			*o = append(*o, r)
		}
	}
}

const (
	lastPort = 65535
	// manyPorts are more than somebody has in view who writes down a range.
	manyPorts = 1000
)

// exposed are the protocols of which the ranges, one or several that follow each other, hold all
// ports, or very many.
func (o openPorts) exposed(d direction) []exposed {
	slices.SortFunc(o, func(a, b portRange) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.first, b.first))
	})
	var list []exposed
	for i := 0; i < len(o); {
		r := o[i]
		for i++; i < len(o) && o[i].protocol == r.protocol && o[i].first <= r.last+1; i++ {
			r.last = max(r.last, o[i].last)
		}
		switch {
		case r.first == 1 && r.last == lastPort:
			list = append(list, exposed{what: "protocol", says: d.says + " (all ports of %s)", of: r.protocol, path: r.path},
				exposed{what: "many ports of " + r.protocol})
		case r.last-r.first >= manyPorts:
			list = append(list, exposed{
				what: "many ports of " + r.protocol, says: d.says + " (%s)", of: fmt.Sprintf("ports %d to %d of %s", r.first, r.last, r.protocol), path: r.path,
			})
		}
	}
	return list
}
