// Package exposure holds the rules that read one object: what it opens up.
package exposure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// Rules returns the rules about one object that let more happen than before: more rights, more
// reach, fewer guards.
func Rules() []rule.Rule {
	return slices.Concat(podExposureRules(), permissionRules(), reachRules(), guardRules(), retentionRules(), annotationRules())
}

// exposed is one way in which an object opens something up.
type exposed struct {
	// what tells it from others, whichever field it is in; everything holds all
	// that there could be.
	what string
	// who is the container that does it; "" for the object itself.
	who string
	// says is one clause about it, with %s for of; "" if another one says it already.
	says, of string
	path     fieldpath.Path
	// implied says that it is so unless the manifest says otherwise: then it is
	// news only where the manifest did say otherwise.
	implied bool
	// unless are the fields of a security context that say otherwise.
	unless []string
}

const everything = "*"

// reading is what one side of a change says, nil where there is nothing, and where
// its pods are described.
type reading struct {
	value   map[string]any
	podSpec fieldpath.Path
}

// widens fires for what the new object opens up and the old one did not.
func widens(read func(reading) []exposed) func(*change.Change) rule.Found {
	return func(c *change.Change) rule.Found {
		old, updated, lands := sides(c)
		if !lands {
			return rule.Found{}
		}
		return told(added(read(old), read(updated), old.value == nil))
	}
}

// sides reads both sides of a change. lands is false if nothing of the new one comes
// into the cluster, or nothing that it did not have.
func sides(c *change.Change) (old, updated reading, lands bool) {
	switch {
	case c.New == nil, c.Op == change.Delete, c.Op == change.Keep, len(c.Outcome.Refused) > 0:
		return old, updated, false
	case c.Hook != nil && !c.Hook.Runs, c.Op == change.Update && !c.Outcome.Changed:
		return old, updated, false
	case c.Old != nil && len(c.Edits) > 0 && !slices.ContainsFunc(c.Edits, opens):
		return old, updated, false
	case c.Old != nil && c.Old.SameText(c.New):
		return old, updated, false
	}
	value, err := c.New.Value()
	if err != nil {
		return old, updated, false
	}
	updated = reading{value, c.Outcome.PodSpec}
	if before := c.Before(); before != nil {
		old.podSpec = c.Outcome.PodSpec
		if old.value, err = before.Value(); err != nil {
			return old, updated, false
		}
	}
	return old, updated, true
}

// opens reports whether an edit may open something up. Of the labels of an object
// few can, and objects of which only others differ are not worth decoding.
func opens(e change.Edit) bool {
	return !e.Path.Under("metadata", "labels") || len(e.Path) < 3 ||
		e.Path[2].Field == podSecurityLevel || strings.HasPrefix(e.Path[2].Field, aggregatedTo) ||
		slices.ContainsFunc(injections, func(in injection) bool { return in.Label && in.Name == e.Path[2].Field })
}

// added returns what is among the new exposures and not among the old.
func added(old, updated []exposed, created bool) []exposed {
	had := make(map[string]bool, len(old))
	for _, e := range old {
		had[e.what] = true
	}
	var list []exposed
	for _, e := range updated {
		if !had[everything] && !had[e.what] && e.says != "" && (!created || !e.implied) {
			list = append(list, e)
		}
	}
	return list
}

// told makes one finding of several exposures.
func told(list []exposed) rule.Found {
	if len(list) == 0 {
		return rule.Found{}
	}
	var f rule.Found
	var deeds, clauses []exposed // by who and says, then by what all of them do
	for _, e := range list {
		deeds = joined(deeds, e, func(d exposed) bool { return d.who == e.who && d.says == e.says }, func(d *exposed) *string { return &d.of })
		if !slices.ContainsFunc(f.Paths, func(p fieldpath.Path) bool { return p.String() == e.path.String() }) {
			f.Paths = append(f.Paths, e.path)
		}
		f.Evidence = append(f.Evidence, change.Evidence{What: e.says, Names: []string{e.who, e.of, e.what, e.path.String()}})
	}
	for _, e := range deeds {
		e.says = strings.Replace(e.says, "%s", rule.Shortened(strings.Split(e.of, ", ")), 1)
		clauses = joined(clauses, e, func(d exposed) bool { return d.says == e.says }, func(d *exposed) *string { return &d.who })
	}
	parts := make([]string, len(clauses))
	for i, e := range clauses {
		parts[i] = subject(e.who, e.says)
	}
	f.Message = rule.Shortened(parts)
	return f
}

// joined adds e to a list, or, if an entry is like it, one of its texts to that
// entry's.
func joined(list []exposed, e exposed, like func(exposed) bool, field func(*exposed) *string) []exposed {
	i := slices.IndexFunc(list, like)
	if i < 0 {
		return append(list, e)
	}
	if into, more := field(&list[i]), *field(&e); !slices.Contains(strings.Split(*into, ", "), more) {
		*into += ", " + more
	}
	return list
}

// subject puts the containers in front of what they do.
func subject(who, does string) string {
	verb, rest, _ := strings.Cut(does, " ")
	switch names := strings.Split(who, ", "); {
	case who == "":
		return does
	case len(names) > 1:
		return "containers " + rule.Shortened(names) + " " + strings.TrimSuffix(verb, "s") + " " + rest
	default:
		return fmt.Sprintf("container %q %s", who, does)
	}
}

// guardRules are about what keeps others in bounds, and is loosened.
func guardRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "pod-security-loosened", Risk: change.Exposure, Kinds: []string{"Namespace"},
			Why:  "the Pod Security level of a Namespace limits what its pods may do to the node; pods created from now on may do more",
			Fix:  "keep the label pod-security.kubernetes.io/enforce as it is, and move the workload that needs more into a namespace of its own",
			Read: podSecurity,
		},
		{
			ID: "webhook-lets-pass", Risk: change.Exposure, Kinds: []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"},
			Why:  "with the failure policy Ignore, objects pass unchecked while the webhook cannot be reached",
			Fix:  "keep failurePolicy: Fail, and exclude by its selectors what must never wait for the webhook",
			Read: ignoresFailures,
		},
	}
}

const podSecurityLevel = "pod-security.kubernetes.io/enforce"

// podSecurity fires if a Namespace enforces less than before. A level that is not
// known is enforced as privileged (k8s.io/pod-security-admission/api), and so is none,
// unless the API server is configured otherwise.
func podSecurity(c *change.Change) rule.Found {
	levels := []string{"restricted", "baseline", "privileged"}
	old, updated, lands := sides(c)
	if !lands {
		return rule.Found{}
	}
	before, is := untyped.Text(untyped.At(old.value, "metadata", "labels", podSecurityLevel)), untyped.Text(untyped.At(updated.value, "metadata", "labels", podSecurityLevel))
	loose := func(level string) int {
		if i := slices.Index(levels, level); i >= 0 {
			return i
		}
		return len(levels) - 1
	}
	var message string
	switch {
	case before == is:
		return rule.Found{}
	case is == "privileged" && before == "":
		message = "every pod is let in (pod security level privileged)"
	case loose(is) <= loose(before):
		return rule.Found{}
	case is == "":
		message = fmt.Sprintf("the pod security level %s is no longer enforced", before)
	default:
		message = fmt.Sprintf("pod security level %s, no longer %s", is, before)
	}
	return rule.Found{
		Message: message, Paths: []fieldpath.Path{fieldpath.Fields("metadata", "labels", podSecurityLevel)},
		Evidence: []change.Evidence{{What: "pod security level before", Names: []string{before}}, {What: "pod security level after", Names: []string{is}}},
	}
}

// ignoresFailures fires for webhooks that no longer refuse what they cannot check. The
// default is Fail.
func ignoresFailures(c *change.Change) rule.Found {
	old, updated, lands := sides(c)
	if !lands {
		return rule.Found{}
	}
	failed := map[string]bool{}
	for _, webhook := range items(old.value, nil, "webhooks") {
		failed[untyped.Text(webhook.fields["name"])] = webhook.fields["failurePolicy"] != "Ignore"
	}
	var list []exposed
	for _, webhook := range items(updated.value, nil, "webhooks") {
		if name := untyped.Text(webhook.fields["name"]); failed[name] && webhook.fields["failurePolicy"] == "Ignore" {
			list = append(list, exposed{
				says: "lets pass what %s cannot check", of: name, path: webhook.path.Child(fieldpath.Field("failurePolicy")),
			})
		}
	}
	return told(list)
}

// item is one entry of a list of maps.
type item struct {
	fields map[string]any
	path   fieldpath.Path
}

// items returns the maps in a list below value, whose own path is given.
func items(value map[string]any, path fieldpath.Path, names ...string) []item {
	list, _ := untyped.At(value, names...).([]any)
	path = path.Join(fieldpath.Fields(names...))
	found := make([]item, 0, len(list))
	for i, entry := range list {
		fields, is := entry.(map[string]any)
		if !is {
			continue
		}
		step := fieldpath.Index(i)
		if name := untyped.Text(fields["name"]); name != "" {
			step = fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}
		}
		found = append(found, item{fields, path.Child(step)})
	}
	return found
}

// annotation returns an annotation of the object.
func (r reading) annotation(name string) string {
	return untyped.Text(untyped.At(r.value, "metadata", "annotations", name))
}

// pod returns the spec of the pods, nil if the object makes no pods.
func (r reading) pod() map[string]any {
	if r.value == nil || r.podSpec == nil {
		return nil
	}
	var value any = r.value
	for _, step := range r.podSpec {
		value = untyped.At(value, step.Field)
	}
	spec, _ := value.(map[string]any)
	return spec
}
