package references

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// LinkRules are about names of what is not there after the upgrade.
func LinkRules() []rule.Rule {
	return slices.Concat(podLinkRules(), routeLinkRules(), otherLinkRules())
}

// podLinkRules are about what pods, their claims and their tokens need.
func podLinkRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "pod-needs-missing", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why:  "a pod is not created, or does not start, while something it refers to does not exist",
			Fix:  "keep the object, or the key, until nothing names it any more; mark the reference optional if the program can do without",
			Find: broken(reference.ToStart, reference.InEnv),
		},
		{
			ID: "claim-class-missing", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why: "no volume is made for a claim whose StorageClass does not exist (provisionClaim in k8s.io/kubernetes/pkg/controller/volume/persistentvolume): " +
				"it stays Pending, and so do the pods that mount it",
			Fix:  "keep the StorageClass as long as claims are made that name it",
			Find: broken(reference.ForClaims),
		},
		{
			ID: "token-deleted", Risk: change.Outage, Kinds: []string{"Secret", "ServiceAccount"},
			Why: "the tokens controller deletes the token Secrets of a ServiceAccount that does not exist, or is not the one that they were made for " +
				"(k8s.io/kubernetes/pkg/controller/serviceaccount): whoever uses the token is denied, and the Secret is not in the cluster",
			Fix: "give the Secret of another account another name, and keep the account as long as its token is used",
			Find: func(u *upgrade.Upgrade) []rule.Found {
				return slices.Concat(broken(reference.ForToken)(u), tokensDeleted(u))
			},
		},
		{
			ID: "sub-path-missing", Risk: change.Stuck,
			Why: "the kubelet creates an empty directory for a subPath that the volume does not have (makeMounts in k8s.io/kubernetes/pkg/kubelet): " +
				"the container gets the directory instead of the file, and does not start if its image has a file at the mountPath",
			Fix:  "keep the key until no container mounts it any more",
			Find: broken(reference.AsOneFile),
		},
	}
}

// routeLinkRules are about what requests need on their way.
func routeLinkRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "backend-missing", Risk: change.Outage,
			Why:  "requests routed to a Service or port that does not exist get an error",
			Fix:  "let the route lead to a Service that stays, one release before the old one goes",
			Find: broken(reference.AsBackend),
		},
		{
			ID: "listener-missing", Risk: change.Outage,
			Why: "a route is attached to nothing if its sectionName is not a listener of the Gateway " +
				"(https://gateway-api.sigs.k8s.io/reference/spec/#parentreference): requests for it get an error",
			Fix: "let the route name a listener that exists, or leave sectionName out",
			Find: func(u *upgrade.Upgrade) []rule.Found {
				return slices.DeleteFunc(broken(reference.AsListener)(u), func(f rule.Found) bool {
					to := u.Object(f.Evidence[0].Objects[1].Identity())
					return to != nil && to.Goes() // owned-deleted tells that
				})
			},
		},
		{
			ID: "certificate-missing", Risk: change.Outage,
			Why:  "without the Secret that holds its certificate, an Ingress serves the controller's default certificate, which no client trusts, and a Gateway listener serves nothing",
			Fix:  "keep the Secret, or take the tls entry out",
			Find: broken(reference.ForTLS),
		},
		{
			ID: "auth-secret-missing", Risk: change.Outage,
			Why: "ingress-nginx answers every request with 503 if the Secret that it authenticates by does not exist " +
				"(https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#authentication)",
			Fix:  "keep the Secret, or take the annotation out",
			Find: broken(reference.ForAuth),
		},
	}
}

func otherLinkRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "target-missing", Risk: change.Stuck,
			Why:  "an autoscaler whose target does not exist scales nothing",
			Fix:  "point the autoscaler at a workload that exists",
			Find: broken(reference.AsTarget),
		},
		{
			ID: "role-missing", Risk: change.Stuck,
			Why:  "a binding to a role that does not exist grants nothing; whoever relied on it is denied",
			Fix:  "keep the role as long as something is bound to it",
			Find: broken(reference.AsRole),
		},
		{
			ID: "subject-missing", Risk: change.Stuck,
			Why:  "a binding to a ServiceAccount that does not exist grants nothing to anybody",
			Fix:  "bind the ServiceAccount that the pods run as",
			Find: broken(reference.AsSubject),
		},
		{
			ID: "headless-service-missing", Risk: change.Outage, Kinds: []string{"StatefulSet", "Service"},
			Why:  "without the Service that the StatefulSet names, its pods have no DNS names of their own and cannot find each other",
			Fix:  "keep the Service that serviceName names",
			Find: broken(reference.AsName),
		},
		{
			ID: "webhook-service-missing", Risk: change.Outage,
			Why:  "the API server rejects every request that needs the webhook or the aggregated API, including those of this upgrade",
			Fix:  "remove the configuration together with its Service, or set failurePolicy: Ignore first",
			Find: broken(reference.ByAPIServer),
		},
	}
}

// tokensDeleted tells of Secrets of the release that hold a token, and lose the account that it is of
// while the name of that one stays.
func tokensDeleted(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		because, by := u.TokenGone(o)
		if by == nil || by.Goes() { // told as a name of what is not there
			continue
		}
		message := because
		if by != o {
			message = fmt.Sprintf("%s stays in the manifest: %s, which is made anew", o.Ref(), because)
		}
		found = append(found, rule.Found{On: by, Message: message, Evidence: []change.Evidence{
			{What: "deleted by the tokens controller", Objects: []manifest.Ref{o.Ref()}},
		}})
	}
	return found
}

// broken finds names of what is not there, of what is used so.
func broken(uses ...reference.Use) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Links().Broken {
			b := &u.Links().Broken[i]
			if !slices.Contains(uses, b.Use) {
				continue
			}
			f := rule.Found{On: b.On, Message: fmt.Sprintf("%s still names %s", b.From, named(b)), Evidence: []change.Evidence{
				{What: "names what is not there", Objects: []manifest.Ref{b.From, b.To}, Names: []string{b.Key, b.Path.String()}},
			}}
			if b.From == b.On.Change.Ref {
				f.Message, f.Paths = "it names "+named(b)+", which is not there after the upgrade", []fieldpath.Path{b.Path}
			}
			if b.Because != "" {
				f.Message += ": " + b.Because
				f.Evidence[0].Names = append(f.Evidence[0].Names, b.Because)
			}
			if b.Use == reference.ToStart || b.Use == reference.InEnv {
				f.Unstarted = []manifest.Ref{b.From}
			}
			found = append(found, f)
		}
		return found
	}
}

// named says what is named.
func named(b *upgrade.Broken) string {
	switch {
	case b.Key == "":
		return b.To.String()
	case b.To.Kind == "Service":
		return "port " + b.Key + " of " + b.To.String()
	case b.To.Kind == "Gateway":
		return "listener " + b.Key + " of " + b.To.String()
	default:
		return "key " + b.Key + " of " + b.To.String()
	}
}

// StaleRules are about pods that go on with what a ConfigMap or Secret held before.
func StaleRules() []rule.Rule {
	const why = "the pods go on with the old configuration, and take the new one at some later restart that nobody connects with this upgrade"
	return []rule.Rule{
		{
			ID: "config-restarts", Risk: change.Restart, Kinds: []string{"ConfigMap", "Secret"},
			Why:  "a controller in the cluster watches what the pods read and replaces them when it changes; the workload asks for that with an annotation",
			Fix:  "upgrade when a restart does no harm",
			Find: stale(func(s *upgrade.Stale) bool { return s.Reloader != "" }, "%s restarts because of its annotation %s"),
		},
		{
			ID: "config-not-seen", Risk: change.Stale, Kinds: []string{"ConfigMap", "Secret"},
			Why:  why,
			Fix:  "put a checksum of the configuration into an annotation of the pod template, so that a change replaces the pods; until then restart them by hand (try kubectl rollout restart)",
			Find: stale(func(s *upgrade.Stale) bool { return s.Reloader == "" && s.Use != reference.AsFile }, "%s keeps the old value until its pods restart (%s)"),
		},
		{
			ID: "config-maybe-seen", Risk: change.Stale, Kinds: []string{"ConfigMap", "Secret"},
			Why:  "mounted files change after a minute or two, and only a program that reads them again notices",
			Fix:  "nothing if the program watches its files; else put a checksum of the configuration into an annotation of the pod template",
			Find: stale(func(s *upgrade.Stale) bool { return s.Reloader == "" && s.Use == reference.AsFile }, "%s sees it only if its program reads the files again (%s)"),
		},
	}
}

// stale finds workloads that read a configuration that changes, of some kind.
func stale(fits func(*upgrade.Stale) bool, format string) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Links().Stale {
			s := &u.Links().Stale[i]
			if !fits(s) {
				continue
			}
			how := s.Reloader
			if how == "" {
				how = string(s.Use)
				if len(s.Keys) > 0 {
					how += " " + strings.Join(s.Keys, ", ")
				}
			}
			message := fmt.Sprintf(format, s.Reader, how)
			if s.Reloader == "" && s.On.Change.Op == change.Create {
				message = fmt.Sprintf("%s goes on without it until its pods restart (%s)", s.Reader, how)
			}
			found = append(found, rule.Found{
				On: s.On, Message: message, Paths: dataEdits(s.On.Change),
				Evidence: []change.Evidence{{What: "reads it: " + string(s.Use), Objects: []manifest.Ref{s.Reader, s.On.Change.Ref}, Names: s.Keys}},
			})
		}
		return found
	}
}

// dataEdits are the fields in which what a ConfigMap or Secret holds differs.
func dataEdits(c *change.Change) []fieldpath.Path {
	var paths []fieldpath.Path
	for i := range c.Edits {
		if p := c.Edits[i].Path; p.Under("data") || p.Under("binaryData") || p.Under("stringData") {
			paths = append(paths, p)
		}
	}
	return paths
}
