package guards

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// customPolicy is a kind of custom resources that keeps something from happening.
type customPolicy struct {
	// group may begin with a star, for all that end so; kinds is empty for all of the group.
	group string
	kinds []string
	// keeps is what it keeps from happening, the end of "no longer ...".
	keeps string
	// pods are where it says by labels which pods it is about; nil for one that is about more
	// than pods, or selects them in another way.
	pods []string
	// aboutPods says that it is about nothing but pods of its namespace.
	aboutPods bool
	// when, if set, are fields of the spec without which it keeps nothing from happening.
	when []string
	// armed is where it says whether it enforces, enforcing the values that do, the first one
	// being that of a resource that says nothing.
	armed     []string
	enforcing []string
	source    string
}

const (
	keepsTraffic  = "restricts the traffic of pods"
	keepsCallers  = "checks who calls"
	keepsObjects  = "rejects objects"
	istioDocs     = "https://istio.io/latest/docs/reference/config/security/"
	linkerdDocs   = "https://linkerd.io/2/reference/authorization-policy/"
	kyvernoDocs   = "https://kyverno.io/docs/policy-types/"
	calicoDocs    = "https://docs.tigera.io/calico/latest/reference/resources/"
	ciliumDocs    = "https://docs.cilium.io/en/stable/network/kubernetes/policy/"
	wardenDocs    = "https://docs.kubewarden.io/reference/CRDs"
	gatekeeperDoc = "https://open-policy-agent.github.io/gatekeeper/website/docs/violations/"
)

func customPolicyTable() []customPolicy {
	return []customPolicy{
		{group: "cilium.io", kinds: []string{"CiliumNetworkPolicy"}, keeps: keepsTraffic, pods: []string{"endpointSelector"}, aboutPods: true, source: ciliumDocs},
		{group: "cilium.io", kinds: []string{"CiliumClusterwideNetworkPolicy"}, keeps: keepsTraffic, source: ciliumDocs},
		{group: "*projectcalico.org", kinds: []string{"NetworkPolicy"}, keeps: keepsTraffic, aboutPods: true, source: calicoDocs},
		{group: "*projectcalico.org", kinds: []string{"GlobalNetworkPolicy"}, keeps: keepsTraffic, source: calicoDocs},
		{group: "crd.antrea.io", kinds: []string{"NetworkPolicy", "ClusterNetworkPolicy"}, keeps: keepsTraffic, source: "https://antrea.io/docs/main/docs/antrea-network-policy/"},
		{group: "policy.networking.k8s.io", keeps: keepsTraffic, source: "https://network-policy-api.sigs.k8s.io/"},
		{group: "security.istio.io", kinds: []string{"AuthorizationPolicy", "RequestAuthentication"}, keeps: keepsCallers, pods: []string{"selector"}, aboutPods: true, source: istioDocs},
		{
			group: "security.istio.io", kinds: []string{"PeerAuthentication"}, keeps: keepsCallers, pods: []string{"selector"}, aboutPods: true,
			armed: []string{"mtls", "mode"}, enforcing: []string{"STRICT"}, source: istioDocs,
		},
		{group: "policy.linkerd.io", kinds: []string{"Server", "ServerAuthorization", "AuthorizationPolicy"}, keeps: keepsCallers, pods: []string{"podSelector"}, aboutPods: true, source: linkerdDocs},
		{group: "gateway.envoyproxy.io", kinds: []string{"SecurityPolicy"}, keeps: keepsCallers, source: "https://gateway.envoyproxy.io/docs/api/extension_types/"},
		{
			group: "traefik.io", kinds: []string{"Middleware"}, keeps: keepsCallers, when: []string{"basicAuth", "digestAuth", "forwardAuth", "ipAllowList", "ipWhiteList"},
			source: "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/middleware/",
		},
		{
			group: "kyverno.io", kinds: []string{"ClusterPolicy", "Policy"}, keeps: keepsObjects,
			armed: []string{"validationFailureAction"}, enforcing: []string{"Enforce", "enforce"}, source: kyvernoDocs,
		},
		{group: "policies.kyverno.io", kinds: []string{"ValidatingPolicy", "ImageValidatingPolicy"}, keeps: keepsObjects, source: kyvernoDocs},
		{group: "constraints.gatekeeper.sh", keeps: keepsObjects, armed: []string{"enforcementAction"}, enforcing: []string{"", "deny", "scoped"}, source: gatekeeperDoc},
		{
			group: "policies.kubewarden.io", kinds: []string{"AdmissionPolicy", "ClusterAdmissionPolicy"}, keeps: keepsObjects,
			armed: []string{"mode"}, enforcing: []string{"", "protect"}, source: wardenDocs,
		},
	}
}

// customPolicies is the table, which is made once: every object is looked up in it.
var customPolicies = sync.OnceValue(customPolicyTable) //nolint:gochecknoglobals // a constant table

// CustomPolicyRules are about policies of other APIs that go, or that enforce nothing any more.
func CustomPolicyRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "custom-policy-gone", Risk: change.Exposure,
			Why:  "a policy of a third-party API is deleted; what it prevented is allowed from now on",
			Fix:  "keep the policy while anything relies on it",
			Find: customPoliciesGone,
		},
		{
			ID: "custom-policy-disarmed", Risk: change.Exposure,
			Why:  "a policy that only warns, audits or permits allows what it used to reject",
			Fix:  "set the policy to enforce again",
			Find: customPoliciesDisarmed,
		},
	}
}

// customPolicyOf returns the row about objects of a kind; nil if there is none.
func customPolicyOf(ref manifest.Ref) *customPolicy {
	table := customPolicies()
	for i := range table {
		if row := &table[i]; rule.InGroup(row.group, ref.Group) && (len(row.kinds) == 0 || slices.Contains(row.kinds, ref.Kind)) {
			return row
		}
	}
	return nil
}

// customPoliciesGone tells of policies that go. One of the same content under another name
// takes over, and so does nothing where the pods that it is about go, too.
func customPoliciesGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Goes() {
			continue
		}
		row := customPolicyOf(o.Ref())
		if row == nil || !row.enforces(o.Old) || !row.guards(u, o.Old) || u.Any(func(other *upgrade.Object) bool {
			return other.Ref().GroupKind() == o.Ref().GroupKind() && other.Does(change.Create) && reflect.DeepEqual(upgrade.Spec(other.New), upgrade.Spec(o.Old))
		}) {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: "it no longer " + row.keeps, Evidence: []change.Evidence{{What: "policy that goes", Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}

// customPoliciesDisarmed tells of policies that stay, and no longer enforce anything.
func customPoliciesDisarmed(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Change.Before() == nil {
			continue
		}
		row := customPolicyOf(o.Ref())
		if row == nil || !row.enforces(o.Change.Before()) || row.enforces(o.New) {
			continue
		}
		path := fieldpath.Fields(append([]string{"spec"}, row.armed...)...)
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("it no longer %s (%s)", row.keeps, path), Paths: []fieldpath.Path{path},
			Evidence: []change.Evidence{{What: "policy that enforces nothing any more", Objects: []manifest.Ref{o.Ref()}}},
		})
	}
	return found
}

// enforces reports whether a policy keeps anything from happening.
func (row *customPolicy) enforces(o *manifest.Object) bool {
	spec := upgrade.Spec(o)
	if len(row.when) > 0 && !slices.ContainsFunc(row.when, func(field string) bool { return spec[field] != nil }) {
		return false
	}
	if o.Ref.Kind == "Policy" || o.Ref.Kind == "ClusterPolicy" {
		// Kyverno takes the action of a rule before that of the policy.
		for _, r := range untyped.Maps(spec, "rules") {
			if strings.EqualFold(untyped.Text(r, "validate", "failureAction"), "Enforce") {
				return true
			}
		}
	}
	return row.armed == nil || slices.Contains(row.enforcing, untyped.Text(spec, row.armed...))
}

// guards reports whether something that stays is behind a policy that is about pods; all other
// policies are about what is in the cluster.
func (row *customPolicy) guards(u *upgrade.Upgrade, o *manifest.Object) bool {
	if !row.aboutPods {
		return true
	}
	labels := map[string]string{}
	for name, value := range untyped.Map(upgrade.Spec(o), append(slices.Clone(row.pods), "matchLabels")...) {
		if text, is := value.(string); is && row.pods != nil {
			labels[strings.TrimPrefix(name, "k8s:")] = text
		}
	}
	return slices.ContainsFunc(upgrade.Lasting(u.Workloads(o.Ref.Namespace)), func(w *upgrade.Workload) bool {
		return w.Before != nil && w.After != nil && (len(labels) == 0 || w.After.Carries(labels))
	})
}
