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

// podExposureRules are about pods that come nearer to their node. What counts is what
// the pod security standards forbid (k8s.io/pod-security-admission/policy).
func podExposureRules() []rule.Rule {
	return slices.Concat(containerRules(), nodeRules(), []rule.Rule{
		{
			ID: "token-mounted", Risk: change.Exposure,
			Why:  "whoever breaks into the pod can call the API server with the permissions of its ServiceAccount",
			Fix:  "leave automountServiceAccountToken: false where the program does not call the API server",
			Read: widens(mountsToken),
		},
		{
			ID: "registry-changed", Risk: change.Exposure,
			Why:  "the nodes pull these images from another registry than before: they must be able to reach it, and whoever runs it decides what runs here",
			Fix:  "check that the registry is the publisher's own, or point the image at the mirror that you trust",
			Read: otherRegistry,
		},
	})
}

// mountsToken: a pod has the token of its account unless one of them, the pod first,
// says otherwise.
func mountsToken(r reading) []exposed {
	e := exposed{what: "token", says: "its token is mounted into pods that do not say otherwise", implied: true}
	value, path := r.value["automountServiceAccountToken"], fieldpath.Fields("automountServiceAccountToken")
	switch {
	case r.pod() != nil:
		value, path = r.pod()["automountServiceAccountToken"], r.podSpec.Child(fieldpath.Field("automountServiceAccountToken"))
		e.says = "the token of its ServiceAccount is mounted"
		if value == nil {
			e.says += " unless the account says otherwise"
		}
	case r.value["kind"] != "ServiceAccount" || r.value["apiVersion"] != "v1":
		return nil
	}
	if value == false {
		return nil
	}
	e.path = path
	return []exposed{e}
}

// otherRegistry fires if the image of a container moves to a registry that the pods
// did not have any image from.
func otherRegistry(c *change.Change) rule.Found {
	if c.Outcome.PodSpec == nil {
		return rule.Found{}
	}
	old, updated, lands := sides(c)
	if !lands || old.value == nil {
		return rule.Found{}
	}
	before, after := old.containers(), updated.containers()
	known := map[string]bool{}
	for _, b := range before {
		known[registry(b)] = true
	}
	var list []exposed
	for _, k := range after {
		from := k.predecessors(before, after)
		is := registry(k)
		if len(from) == 0 || known[is] || is == "" {
			continue
		}
		was := registry(from[0])
		if was == "" {
			continue
		}
		list = append(list, exposed{
			says: fmt.Sprintf("its image comes from %s, no longer from %s", is, was), path: k.path.Child(fieldpath.Field("image")),
		})
	}
	return told(list)
}

// registry returns the host that an image is pulled from, Docker Hub if its name does
// not begin with one (github.com/distribution/reference); "" without an image.
func registry(k container) string {
	image := untyped.Text(k.fields["image"])
	host, _, found := strings.Cut(image, "/")
	switch {
	case image == "":
		return ""
	case !found, !strings.ContainsAny(host, ".:") && host != "localhost", host == "index.docker.io", host == "registry-1.docker.io":
		return "docker.io"
	default:
		return host
	}
}
