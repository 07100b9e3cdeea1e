package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// linkRules are about what objects name of each other.
func linkRules() []Rule { return slices.Concat(brokenRules(), staleRules()) }

// brokenRules are about names that lead nowhere.
func brokenRules() []Rule {
	return []Rule{
		{
			ID: "pod-needs-missing", Risk: change.Stuck,
			Why:  "a pod is not made, or does not start, as long as something that it names is not there",
			Fix:  "keep the object, or the key, until nothing names it any more; mark the reference optional if the program can do without",
			When: broken(change.UsedToStart, change.UsedInEnv),
		},
		{
			ID: "backend-missing", Risk: change.Downtime,
			Why:  "requests that are routed to a Service, or a port, that is not there are answered with an error",
			Fix:  "let the route lead to a Service that stays, one release before the old one goes",
			When: broken(change.UsedAsBackend),
		},
		{
			ID: "certificate-missing", Risk: change.Stuck,
			Why:  "without the Secret of its certificate an Ingress serves that of the controller, which no client trusts",
			Fix:  "keep the Secret, or take the tls entry out",
			When: broken(change.UsedForTLS),
		},
		{
			ID: "target-missing", Risk: change.Stuck,
			Why:  "an autoscaler whose target is not there scales nothing",
			Fix:  "let the autoscaler name the workload that there is",
			When: broken(change.UsedAsTarget),
		},
		{
			ID: "role-missing", Risk: change.Stuck,
			Why:  "a binding whose role is not there allows nothing, and who relied on it is refused",
			Fix:  "keep the role as long as something is bound to it",
			When: broken(change.UsedAsRole),
		},
		{
			ID: "subject-missing", Risk: change.Stuck,
			Why:  "a binding to a ServiceAccount that is not there allows nobody anything",
			Fix:  "bind the ServiceAccount that the pods run as",
			When: broken(change.UsedAsSubject),
		},
		{
			ID: "headless-service-missing", Risk: change.Stuck, Kinds: []string{"StatefulSet", "Service"},
			Why:  "without the Service that it names, the pods of a StatefulSet have no DNS names of their own and do not find each other",
			Fix:  "keep the Service that serviceName names",
			When: broken(change.UsedAsName),
		},
		{
			ID: "webhook-service-missing", Risk: change.Stuck,
			Why:  "the API server refuses every request that it cannot ask the webhook or the aggregated API about, those of this upgrade too",
			Fix:  "remove the configuration together with its Service, or set failurePolicy: Ignore first",
			When: broken(change.UsedByAPIServer),
		},
	}
}

// broken fires if a name of one of the uses leads nowhere.
func broken(uses ...change.Use) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		var messages []string
		var paths []fieldpath.Path
		for _, link := range c.Outcome.Broken {
			if !slices.Contains(uses, link.Use) {
				continue
			}
			if link.From == c.Ref {
				paths = append(paths, link.Path)
				messages = append(messages, "it names "+named(link)+", which is not there after the upgrade")
				continue
			}
			messages = append(messages, fmt.Sprintf("%s still names %s", link.From, named(link)))
		}
		return strings.Join(slices.Compact(messages), "; "), paths, len(messages) > 0
	}
}

// named names the object at the end of a link.
func named(link change.Link) string {
	switch {
	case link.Key == "":
		return link.To.String()
	case link.To.Kind == "Service":
		return "port " + link.Key + " of " + link.To.String()
	default:
		return "key " + link.Key + " of " + link.To.String()
	}
}

// staleRules are about configuration that changes under running pods.
func staleRules() []Rule {
	const why = "the pods go on with the old configuration, and take the new one at some later restart that nobody connects with this upgrade"
	return []Rule{
		{
			ID: "config-restarts", Risk: change.Restart, Kinds: []string{"ConfigMap", "Secret"},
			Why:  "an annotation of the workload has a controller in the cluster replace its pods when what they read changes",
			Fix:  "upgrade when a restart does no harm",
			When: stale(func(r change.Reader) bool { return r.Reloader != "" }, "%s restarts because of its annotation %s"),
		},
		{
			ID: "config-not-seen", Risk: change.Stale, Kinds: []string{"ConfigMap", "Secret"},
			Why:  why,
			Fix:  "put a checksum of the configuration into an annotation of the pod template, so that a change replaces the pods; until then restart them by hand (kubectl rollout restart)",
			When: stale(func(r change.Reader) bool { return r.Reloader == "" && r.Use != change.UsedAsFile }, "%s keeps the old value until its pods restart (%s)"),
		},
		{
			ID: "config-maybe-seen", Risk: change.Stale, Kinds: []string{"ConfigMap", "Secret"},
			Why:  "mounted files change a minute or two later, and only a program that reads them again takes notice",
			Fix:  "nothing if the program watches its files; else put a checksum of the configuration into an annotation of the pod template",
			When: stale(func(r change.Reader) bool { return r.Reloader == "" && r.Use == change.UsedAsFile }, "%s sees it only if its program reads the files again (%s)"),
		},
	}
}

// stale fires if some reader fits. The format takes the readers, and how they read.
func stale(fits func(change.Reader) bool, format string) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		var messages []string
		for _, r := range c.Outcome.Stale {
			if !fits(r) {
				continue
			}
			how := r.Reloader
			if how == "" {
				how = string(r.Use)
				if len(r.Keys) > 0 {
					how += " " + strings.Join(r.Keys, ", ")
				}
			}
			messages = append(messages, fmt.Sprintf(format, r.Ref, how))
		}
		return strings.Join(messages, "; "), dataPaths(c), len(messages) > 0
	}
}

// dataPaths are the edits of what a ConfigMap or Secret holds.
func dataPaths(c *change.Change) []fieldpath.Path {
	var paths []fieldpath.Path
	for i := range c.Edits {
		if p := c.Edits[i].Path; p.Under("data") || p.Under("binaryData") || p.Under("stringData") {
			paths = append(paths, p)
		}
	}
	return paths
}
