package api

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// CertificateRules are about certificates that the API server checks when it calls a webhook
// or an aggregated API.
func CertificateRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "certificate-not-trusted", Risk: change.Outage,
			Why: "the API server calls a webhook, or an aggregated API, only if its certificate is signed by what caBundle holds; " +
				"pods keep the certificate that they have loaded, and until they load the new one every request that needs the answer fails",
			Fix: "replace the pods together with the certificate (a checksum of the Secret in the pod template), or keep the present certificate; " +
				"a caBundle may hold the old authority beside the new one",
			Find: notTrusted(func(reads reference.Use) bool { return reads != reference.AsFile }),
		},
		{
			ID: "certificate-trusted-late", Risk: change.Downtime,
			Why: "the API server trusts the new authority at once; a mounted certificate changes a minute or two later, and counts when the program reads it again",
			Fix: "let caBundle hold the old authority beside the new one for one release, or keep the present certificate",
			Find: notTrusted(func(reads reference.Use) bool {
				return reads == reference.AsFile
			}),
		},
	}
}

// call is where the API server is told whom to trust when it calls a Service.
type call struct {
	service manifest.Identity
	// bundle is what it trusts, with the path of it.
	bundle string
	path   fieldpath.Path
	// ignored says that nothing fails with the call.
	ignored bool
}

// callsOut reports whether objects of a kind have the API server make calls.
func callsOut(ref manifest.Ref) bool {
	switch ref.Group {
	case "apiregistration.k8s.io", "apiextensions.k8s.io", "admissionregistration.k8s.io":
		return true
	default:
		return false
	}
}

// calls reads the calls that an object has the API server make, by name.
func calls(o *manifest.Object) map[string]call {
	if o == nil || !callsOut(o.Ref) || !o.MayHold("caBundle") {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil
	}
	list := map[string]call{}
	add := func(name string, config map[string]any, path fieldpath.Path, ignored bool) {
		service := untyped.Map(config, "service")
		if service == nil {
			return
		}
		list[name] = call{
			service: manifest.Identity{Kind: "Service", Namespace: untyped.Text(service, "namespace"), Name: untyped.Text(service, "name")},
			bundle:  untyped.Text(config, "caBundle"), path: path.Child(fieldpath.Field("caBundle")), ignored: ignored,
		}
	}
	switch o.Ref.GroupKind() {
	case "APIService.apiregistration.k8s.io":
		add("", untyped.Map(value, "spec"), fieldpath.Fields("spec"), false)
	case "CustomResourceDefinition.apiextensions.k8s.io":
		path := []string{"spec", "conversion", "webhook", "clientConfig"}
		add("", untyped.Map(value, path...), fieldpath.Fields(path...), false)
	case "ValidatingWebhookConfiguration.admissionregistration.k8s.io", "MutatingWebhookConfiguration.admissionregistration.k8s.io":
		for _, webhook := range untyped.Maps(value, "webhooks") {
			name := untyped.Text(webhook, "name")
			path := fieldpath.Path{fieldpath.Field("webhooks"), {Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}, fieldpath.Field("clientConfig")}
			add(name, untyped.Map(webhook, "clientConfig"), path, webhook["failurePolicy"] == "Ignore")
		}
	}
	return list
}

// notTrusted tells of calls that fail after the upgrade, or for a while in it, where the pods
// that answer them read their certificate in a certain way.
func notTrusted(fits func(reads reference.Use) bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Objects {
			o := &u.Objects[i]
			if o.Old == nil || o.New == nil || o.Idle() || o.Change != nil && !o.Does(change.Update) {
				continue
			}
			before := calls(o.Old)
			for name, now := range calls(o.New) {
				was, had := before[name]
				if !had || now.ignored || was.bundle == "" || now.bundle == "" || was.service != now.service {
					continue
				}
				found = append(found, failing(u, o, was, now, fits)...)
			}
			o.Forget()
		}
		slices.SortStableFunc(found, func(a, b rule.Found) int { return strings.Compare(a.Message, b.Message) })
		return found
	}
}

// failing tells of one call that fails, for each workload that answers it.
func failing(u *upgrade.Upgrade, o *upgrade.Object, was, now call, fits func(reads reference.Use) bool) []rule.Found {
	var found []rule.Found
	for _, w := range answering(u, now.service) {
		secret, use := certificateOf(u, w.Object)
		switch {
		case o.Change != nil && !trusts(now.bundle, was.bundle) && u.KeepsPods(w.Object):
			if !fits(use) {
				continue
			}
			message := fmt.Sprintf("%s goes on with a certificate that the new caBundle does not know", w.Ref())
			found = append(found, untrusted(o, w, now, message))
		case secret != nil && trusts(now.bundle, was.bundle) && renewed(secret, was.bundle, now.bundle):
			if !fits(reference.InEnv) {
				continue
			}
			message := fmt.Sprintf("caBundle is that of the old certificate, and %s gets a new one from %s", w.Ref(), secret.Ref())
			on := o
			if o.Change == nil {
				on = secret
			}
			found = append(found, untrusted(on, w, now, message))
		}
	}
	return found
}

func untrusted(on *upgrade.Object, w *upgrade.Workload, c call, message string) rule.Found {
	f := rule.Found{On: on, Message: message, Evidence: []change.Evidence{
		{What: "certificate that is not trusted", Objects: []manifest.Ref{on.Ref(), w.Ref()}, Names: []string{c.service.Name}},
	}}
	if len(rule.Edits(on.Change, "caBundle")) > 0 {
		f.Paths = []fieldpath.Path{c.path}
	}
	return f
}

// answering returns the workloads behind a Service that stays.
func answering(u *upgrade.Upgrade, service manifest.Identity) []*upgrade.Workload {
	if o := u.Object(service); o == nil || o.Old == nil {
		return nil
	}
	_, list := u.ServiceAfter(service)
	return slices.DeleteFunc(upgrade.Lasting(list), func(w *upgrade.Workload) bool { return w.New == nil || w.Before == nil })
}

// certificateOf returns the Secret of the release that a workload reads and that holds a
// certificate, and how it reads it; nil, and as its environment, where that is not known.
func certificateOf(u *upgrade.Upgrade, w *upgrade.Object) (*upgrade.Object, reference.Use) {
	use := reference.InEnv
	for _, r := range upgrade.References(w.New, u.Rollout) {
		if r.To.Kind != "Secret" || r.Use != reference.AsFile && r.Use != reference.AsSubPath && r.Use != reference.InEnv {
			continue
		}
		to := u.Object(r.To)
		switch {
		case to == nil && r.Use == reference.AsFile:
			use = r.Use // somebody else's Secret may follow
		case to != nil && to.Does(change.Update) && upgrade.Contents(to.Change) && holdsCertificate(to.New):
			return to, r.Use
		}
	}
	return nil, use
}

// certificateKeys are what charts call the certificate and its authority in a Secret.
func certificateKeys() []string {
	return []string{"tls.crt", "ca.crt", "cert.pem", "ca.pem", "cert", "ca", "server.crt", "serving.crt", "tls.pem"}
}

func holdsCertificate(o *manifest.Object) bool {
	value, err := o.Value()
	return err == nil && slices.ContainsFunc(certificateKeys(), func(key string) bool {
		return untyped.At(value, "data", key) != nil || untyped.At(value, "stringData", key) != nil
	})
}

// renewed reports whether a bundle is what a Secret held before, and nothing that it holds
// now.
func renewed(secret *upgrade.Object, was, now string) bool {
	held, holds := certificates(secret.Old), certificates(secret.New)
	return slices.ContainsFunc(held, func(pem string) bool { return trusts(was, pem) }) &&
		!slices.ContainsFunc(holds, func(pem string) bool { return trusts(now, pem) })
}

// certificates returns the certificates in a Secret, in base64.
func certificates(o *manifest.Object) []string {
	value, err := o.Value()
	if err != nil {
		return nil
	}
	var list []string
	for _, key := range certificateKeys() {
		if text := untyped.Text(value, "data", key); text != "" {
			list = append(list, text)
		}
		if text := untyped.Text(value, "stringData", key); text != "" {
			list = append(list, base64.StdEncoding.EncodeToString([]byte(text)))
		}
	}
	return list
}

// trusts reports whether a bundle holds a certificate, both in base64.
func trusts(bundle, certificate string) bool {
	held, err1 := base64.StdEncoding.DecodeString(bundle)
	text, err2 := base64.StdEncoding.DecodeString(certificate)
	if err1 != nil || err2 != nil {
		return bundle == certificate
	}
	return strings.Contains(string(held), strings.TrimSpace(string(text)))
}
