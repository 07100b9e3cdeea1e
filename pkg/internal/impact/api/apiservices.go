package api

import (
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ServiceAPIRules are about APIs that nobody serves, or somebody whom nobody checks.
func ServiceAPIRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "api-service-gone", Risk: change.Outage, Kinds: []string{"APIService"},
			Why:  "without its APIService the API server does not serve the group: its clients, such as autoscalers and kubectl top, get errors, and deleting a namespace may hang",
			Fix:  "keep the APIService as long as somebody uses the group",
			Find: apiServicesGone,
		},
		{
			ID: "api-service-unverified", Risk: change.Exposure, Kinds: []string{"APIService"},
			Why:  "the API server sends its users' requests to whoever answers, without checking the certificate",
			Fix:  "set caBundle to the authority that signs the server's certificate",
			Find: unverifiedAPIs,
		},
	}
}

func isAPIService(ref manifest.Ref) bool {
	return ref.Group == "apiregistration.k8s.io" && ref.Kind == "APIService"
}

func apiServicesGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isAPIService(o.Ref()) || !o.Does(change.Delete, change.Update) || o.Change.Before() == nil || upgrade.Spec(o.Change.Before())["service"] == nil {
			continue
		}
		if o.Change.Op == change.Update && upgrade.Spec(o.New)["service"] != nil {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "nobody serves " + o.Ref().Name + " any more", Paths: rule.Edits(o.Change, "service"), Evidence: []change.Evidence{{What: "API that goes", Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}

func unverifiedAPIs(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isAPIService(o.Ref()) || !o.Does(change.Update) || o.Change.Before() == nil {
			continue
		}
		was, is := upgrade.Spec(o.Change.Before())["insecureSkipTLSVerify"] == true, upgrade.Spec(o.New)["insecureSkipTLSVerify"] == true
		if is && !was {
			found = append(found, rule.Found{
				On: o, Message: "the API server no longer asks for a certificate that it trusts", Paths: rule.Edits(o.Change, "insecureSkipTLSVerify"),
				Evidence: []change.Evidence{{What: "API without a certificate", Objects: []manifest.Ref{o.Ref()}}},
			})
		}
	}
	return found
}
