package exposure

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// annotationRules are about annotations on which a known controller acts.
func annotationRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "guard-annotation-removed", Risk: change.Exposure,
			Why:  "the controller reads protection from this annotation: authentication, allowed addresses, a firewall, rate limits or TLS; without it, requests get through that did not before",
			Fix:  "keep the annotation, or move the protection elsewhere first",
			Read: guardRemoved,
		},
		{
			ID: "annotation-opens", Risk: change.Exposure,
			Why:  "the controller acts on this annotation: the load balancer gets a public address, or text of the manifest becomes part of the proxy's configuration",
			Fix:  "leave the annotation as it was, or guard what it opens",
			Read: annotationOpens,
		},
		{
			ID: "cloud-identity-changed", Risk: change.Exposure,
			Why:  "pods that run as the ServiceAccount act as this cloud identity, with all its permissions",
			Fix:  "check what the identity may do, and who may start pods as the ServiceAccount",
			Read: identityChanged,
		},
		{
			ID: "mesh-left", Risk: change.Exposure,
			Why:  "pods without the proxy of the mesh neither encrypt their traffic nor enforce its policies",
			Fix:  "keep the injection on, or restrict the pods by a NetworkPolicy",
			Read: meshLeft,
		},
	}
}

// annotations returns the annotations of the object on both sides; ok is false if none differ,
// or nothing of the change comes into the cluster.
func changedAnnotations(c *change.Change) (old, updated map[string]any, ok bool) {
	if c.Op != change.Update || !slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Under("metadata", "annotations") || len(e.Path) == 1 }) {
		return nil, nil, false
	}
	before, after, lands := sides(c)
	if !lands || before.value == nil {
		return nil, nil, false
	}
	return untyped.Map(before.value, "metadata", "annotations"), untyped.Map(after.value, "metadata", "annotations"), true
}

func annotationPath(name string) fieldpath.Path {
	return fieldpath.Fields("metadata", "annotations", name)
}

// guardRemoved fires for guards that an annotation held and none holds any more.
func guardRemoved(c *change.Change) rule.Found {
	old, updated, ok := changedAnnotations(c)
	if !ok {
		return rule.Found{}
	}
	var list []exposed
	for i := range guards {
		g := &guards[i]
		was, is := strings.TrimSpace(untyped.Text(old, g.Name)), strings.TrimSpace(untyped.Text(updated, g.Name))
		if was == is {
			continue
		}
		says, of := g.opens(was, is, old, updated)
		if says != "" {
			list = append(list, exposed{what: g.Name, says: says, of: of, path: annotationPath(g.Name)})
		}
	}
	return told(list)
}

// opens says what an annotation no longer keeps out, "" if nothing; of is what is named.
func (g *guard) opens(was, is string, old, updated map[string]any) (says, of string) { //nolint:cyclop // one case for each kind of value
	switch g.Kind {
	case allowed:
		before, after := addresses(old), addresses(updated)
		if len(before) == 0 || len(after) > 0 && admits(before, after) {
			return "", ""
		}
		if len(after) == 0 {
			return "lets in all addresses (%s is gone)", g.Name
		}
		return "lets in more addresses (%s)", g.Name
	case denied, plugged:
		var gone []string
		for _, item := range split(was) {
			if !slices.Contains(split(is), item) {
				gone = append(gone, item)
			}
		}
		if g.Kind == plugged && len(gone) > 0 && len(split(is)) >= len(split(was)) {
			return "", "" // one for another
		}
		if len(gone) == 0 {
			return "", ""
		}
		return "is without %s of " + g.Name, strings.Join(gone, ", ")
	case redirected:
		if is == "false" && was != "false" {
			return "serves without TLS, too (%s: false)", g.Name
		}
		return "", ""
	default:
		if !g.holds(was) || g.holds(is) || replaced(g.Kind, old, updated) {
			return "", ""
		}
		return "is without " + string(g.Kind) + " (%s)", g.Name
	}
}

// holds reports whether a value of the annotation guards anything.
func (g *guard) holds(value string) bool {
	return value != "" && !slices.Contains([]string{"false", "none", "off", "0"}, strings.ToLower(value))
}

// replaced reports whether another annotation takes over a guard.
func replaced(kind guardKind, old, updated map[string]any) bool {
	return slices.ContainsFunc(guards, func(g guard) bool {
		return g.Kind == kind && g.holds(untyped.Text(updated, g.Name)) && !g.holds(untyped.Text(old, g.Name)) && !g.Part
	})
}

// addresses are those that annotations let in; none if all are.
func addresses(annotations map[string]any) []netip.Prefix {
	var list []netip.Prefix
	for i := range guards {
		if guards[i].Kind != allowed {
			continue
		}
		for _, item := range split(untyped.Text(annotations, guards[i].Name)) {
			prefix, err := netip.ParsePrefix(item)
			if addr, plain := netip.ParseAddr(item); err != nil && plain == nil {
				prefix, err = addr.Prefix(addr.BitLen())
			}
			if err == nil {
				list = append(list, prefix)
			}
		}
	}
	return list
}

// MayLetIn reports whether an object may have an annotation that lists who is let in. The object is
// not decoded for it.
func MayLetIn(o *manifest.Object) bool {
	return slices.ContainsFunc(guards, func(g guard) bool { return g.Kind == allowed && o.MayHold(g.Name) })
}

// ShutsOut names the annotation by which a controller lets in fewer addresses than before; "" if
// none does.
func ShutsOut(old, updated map[string]any) string {
	before, after := addresses(old), addresses(updated)
	if len(after) == 0 || len(before) > 0 && admits(after, before) {
		return ""
	}
	for i := range guards {
		if g := &guards[i]; g.Kind == allowed && untyped.Text(updated, g.Name) != "" {
			return g.Name
		}
	}
	return ""
}

// admits reports whether all addresses that are let in after were before.
func admits(before, after []netip.Prefix) bool {
	return !slices.ContainsFunc(after, func(a netip.Prefix) bool {
		return !slices.ContainsFunc(before, func(b netip.Prefix) bool { return b.Bits() <= a.Bits() && b.Contains(a.Addr()) })
	})
}

func split(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == ';' })
}

// annotationOpens fires for annotations that open something by being there, or by a value.
func annotationOpens(c *change.Change) rule.Found {
	old, updated, ok := changedAnnotations(c)
	if !ok {
		return rule.Found{}
	}
	var list []exposed
	for i := range openings {
		o := &openings[i]
		was, is := untyped.Text(old, o.Name), untyped.Text(updated, o.Name)
		if was == is || !o.open(is) || o.Open != "" && o.open(was) || o.Beside != "" && untyped.Text(old, o.Beside) == "" {
			continue
		}
		list = append(list, exposed{what: o.Name, says: o.Says + " (%s)", of: o.Name, path: annotationPath(o.Name)})
	}
	return told(list)
}

// open reports whether a value of the annotation opens something.
func (o *opening) open(value string) bool {
	switch o.Open {
	case "":
		return value != ""
	case unlessInternal:
		return !strings.EqualFold(value, "true") && !strings.EqualFold(value, "gce-internal")
	default:
		return slices.ContainsFunc(strings.Split(o.Open, "|"), func(open string) bool {
			return strings.EqualFold(value, open) || strings.HasPrefix(open, ruleEngine) && directs(value, open)
		})
	}
}

// directs reports whether a line of a configuration is a directive, in any case of letters.
func directs(config, directive string) bool {
	return slices.ContainsFunc(strings.Split(config, "\n"), func(line string) bool {
		return strings.EqualFold(strings.Join(strings.Fields(line), " "), directive)
	})
}

// identityChanged fires for ServiceAccounts that get a different identity in a cloud.
func identityChanged(c *change.Change) rule.Found {
	if c.Ref.Kind != "ServiceAccount" || c.Ref.Group != "" {
		return rule.Found{}
	}
	old, updated, ok := changedAnnotations(c)
	if !ok {
		return rule.Found{}
	}
	var list []exposed
	for _, name := range Identities() {
		was, is := untyped.Text(old, name), untyped.Text(updated, name)
		if is != "" && is != was {
			list = append(list, exposed{what: name + is, says: "its pods act as %s in the cloud", of: is, path: annotationPath(name)})
		}
	}
	return told(list)
}

// meshLeft fires for pods, or namespaces, into which a mesh no longer injects its proxy.
func meshLeft(c *change.Change) rule.Found {
	old, updated, lands := sides(c)
	if !lands || old.value == nil {
		return rule.Found{}
	}
	var list []exposed
	for i := range injections {
		in := &injections[i]
		was, _ := old.injected(in, c.Ref.Kind)
		is, path := updated.injected(in, c.Ref.Kind)
		if was && !is {
			list = append(list, exposed{what: in.Name, says: "its pods leave the mesh (%s)", of: in.Name, path: path})
		}
	}
	return told(list)
}

// injected reports whether the mesh is told to inject its proxy, and where.
func (r reading) injected(in *injection, kind string) (bool, fieldpath.Path) {
	field := "annotations"
	if in.Label {
		field = "labels"
	}
	var holder any
	path := fieldpath.Fields("metadata", field, in.Name)
	switch {
	case kind == "Namespace":
		holder = r.value
	case r.podSpec != nil:
		var value any = r.value
		for _, step := range r.podSpec[:len(r.podSpec)-1] {
			value = untyped.At(value, step.Field)
		}
		holder, path = value, r.podSpec[:len(r.podSpec)-1].Join(path)
	}
	value := untyped.Text(holder, "metadata", field, in.Name)
	return slices.Contains(in.On, value) || len(in.On) == 0 && value != "", path
}
