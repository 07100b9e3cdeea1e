package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// exposureRules are about permissions and reach that an upgrade adds. What was there
// before is no news, and a tightening is none of theirs.
func exposureRules() []Rule {
	return slices.Concat(podExposureRules(), permissionRules(), reachRules(), guardRules())
}

// exposed is one way in which an object opens something up.
type exposed struct {
	// what tells it from others, whichever field it stands in; everything holds all
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
func widens(read func(reading) []exposed) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		old, updated, lands := sides(c)
		if !lands {
			return "", nil, false
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
		e.Path[2].Field == podSecurityLevel || strings.HasPrefix(e.Path[2].Field, aggregatedTo)
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
func told(list []exposed) (message string, paths []fieldpath.Path, fires bool) {
	var deeds, clauses []exposed // by who and says, then by what all of them do
	for _, e := range list {
		deeds = joined(deeds, e, func(d exposed) bool { return d.who == e.who && d.says == e.says }, func(d *exposed) *string { return &d.of })
		if !slices.ContainsFunc(paths, func(p fieldpath.Path) bool { return p.String() == e.path.String() }) {
			paths = append(paths, e.path)
		}
	}
	for _, e := range deeds {
		e.says = strings.Replace(e.says, "%s", shortened(strings.Split(e.of, ", ")), 1)
		clauses = joined(clauses, e, func(d exposed) bool { return d.says == e.says }, func(d *exposed) *string { return &d.who })
	}
	parts := make([]string, len(clauses))
	for i, e := range clauses {
		parts[i] = subject(e.who, e.says)
	}
	return shortened(parts), paths, len(list) > 0
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
		return "containers " + shortened(names) + " " + strings.TrimSuffix(verb, "s") + " " + rest
	default:
		return fmt.Sprintf("container %q %s", who, does)
	}
}

// shortened joins texts, and counts those that are too many.
func shortened(list []string) string {
	const most = 4
	if more := len(list) - most; more > 1 {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// guardRules are about what keeps others in bounds, and is loosened.
func guardRules() []Rule {
	return []Rule{
		{
			ID: "pod-security-loosened", Risk: change.Exposure, Kinds: []string{"Namespace"},
			Why:  "the pod security level of a Namespace is what keeps pods in it from the node; every pod that is made there from now on may do more",
			Fix:  "keep the label pod-security.kubernetes.io/enforce as it is, and move the workload that needs more into a namespace of its own",
			When: podSecurity,
		},
		{
			ID: "webhook-lets-pass", Risk: change.Exposure, Kinds: []string{"ValidatingWebhookConfiguration"},
			Why:  "with the failure policy Ignore, objects pass unchecked while the webhook cannot be reached",
			Fix:  "keep failurePolicy: Fail, and exclude by its selectors what must never wait for the webhook",
			When: ignoresFailures,
		},
	}
}

const podSecurityLevel = "pod-security.kubernetes.io/enforce"

// podSecurity fires if a Namespace enforces less than before. A level that is not
// known is enforced as privileged (k8s.io/pod-security-admission/api), and so is none,
// unless the API server is configured otherwise.
func podSecurity(c *change.Change) (string, []fieldpath.Path, bool) {
	levels := []string{"restricted", "baseline", "privileged"}
	old, updated, lands := sides(c)
	if !lands {
		return "", nil, false
	}
	before, is := text(at(old.value, "metadata", "labels", podSecurityLevel)), text(at(updated.value, "metadata", "labels", podSecurityLevel))
	loose := func(level string) int {
		if i := slices.Index(levels, level); i >= 0 {
			return i
		}
		return len(levels) - 1
	}
	var message string
	switch {
	case before == is:
		return "", nil, false
	case is == "privileged" && before == "":
		message = "every pod is let in (pod security level privileged)"
	case loose(is) <= loose(before):
		return "", nil, false
	case is == "":
		message = fmt.Sprintf("the pod security level %s is no longer enforced", before)
	default:
		message = fmt.Sprintf("pod security level %s, no longer %s", is, before)
	}
	return message, []fieldpath.Path{fieldpath.Fields("metadata", "labels", podSecurityLevel)}, true
}

// ignoresFailures fires for webhooks that no longer refuse what they cannot check. The
// default is Fail.
func ignoresFailures(c *change.Change) (string, []fieldpath.Path, bool) {
	old, updated, lands := sides(c)
	if !lands {
		return "", nil, false
	}
	failed := map[string]bool{}
	for _, webhook := range items(old.value, nil, "webhooks") {
		failed[text(webhook.fields["name"])] = webhook.fields["failurePolicy"] != "Ignore"
	}
	var list []exposed
	for _, webhook := range items(updated.value, nil, "webhooks") {
		if name := text(webhook.fields["name"]); failed[name] && webhook.fields["failurePolicy"] == "Ignore" {
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
	list, _ := at(value, names...).([]any)
	path = path.Join(fieldpath.Fields(names...))
	found := make([]item, 0, len(list))
	for i, entry := range list {
		fields, is := entry.(map[string]any)
		if !is {
			continue
		}
		step := fieldpath.Index(i)
		if name := text(fields["name"]); name != "" {
			step = fieldpath.Element{Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}
		}
		found = append(found, item{fields, path.Child(step)})
	}
	return found
}

// at returns the value of a field, nil if there is none.
func at(value any, names ...string) any {
	for _, name := range names {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func texts(value any) []string {
	list, _ := value.([]any)
	found := make([]string, 0, len(list))
	for _, entry := range list {
		found = append(found, text(entry))
	}
	return found
}

// annotation returns an annotation of the object.
func (r reading) annotation(name string) string {
	return text(at(r.value, "metadata", "annotations", name))
}

// pod returns the spec of the pods, nil if the object makes no pods.
func (r reading) pod() map[string]any {
	if r.value == nil || r.podSpec == nil {
		return nil
	}
	var value any = r.value
	for _, step := range r.podSpec {
		value = at(value, step.Field)
	}
	spec, _ := value.(map[string]any)
	return spec
}
