package exposure

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// permissionRules are about RBAC. What leads to more permissions than it names is
// told by kubernetes.io/docs/concepts/security/rbac-good-practices.
func permissionRules() []rule.Rule {
	roles, bindings := []string{"Role", "ClusterRole"}, []string{"RoleBinding", "ClusterRoleBinding"}
	return []rule.Rule{
		{
			ID: "wildcard-permissions", Risk: change.Exposure, Kinds: roles,
			Why:  "a wildcard also grants what nobody thought of and what later versions of Kubernetes add",
			Fix:  "list the API groups, resources and verbs that the program uses",
			Read: permissionsWiden(wildcards),
		},
		{
			ID: "escalating-permissions", Risk: change.Exposure, Kinds: roles,
			Why:  "whoever has this permission can use it to get others that the role does not name",
			Fix:  "leave the permission out, or restrict it to a namespace or by resourceNames",
			Read: permissionsWiden(escalating),
		},
		{
			ID: "secrets-readable", Risk: change.Exposure, Kinds: roles,
			Why: "the role reveals every password, key and ServiceAccount token of its namespace, and of every namespace if it is bound to the whole cluster; " +
				"list and watch show the content, too",
			Fix:  "use a Role in the namespaces concerned, and name the Secrets in resourceNames",
			Read: secretsReadable,
		},
		{
			ID: "aggregates-all-roles", Risk: change.Exposure, Kinds: []string{"ClusterRole"},
			Why:  "an empty selector aggregates the rules of every ClusterRole, cluster-admin and future ones included (k8s.io/kubernetes/pkg/controller/clusterroleaggregation)",
			Fix:  "select the intended roles by a label of their own",
			Read: widens(aggregatesAll),
		},
		{
			ID: "admin-bound", Risk: change.Exposure, Kinds: bindings,
			Why:  "cluster-admin may do everything; admin and edit read Secrets and start pods as any ServiceAccount of their namespaces",
			Fix:  "bind a role of its own that names what the program needs",
			Read: widens(adminBindings),
		},
		{
			ID: "everybody-bound", Risk: change.Exposure, Kinds: bindings,
			Why:  "the role is granted to all users and programs of the cluster, or to callers that have not logged in",
			Fix:  "bind the role to the users, groups or ServiceAccounts that need it",
			Read: widens(publicBindings),
		},
	}
}

// grant is one rule of a role.
type grant struct {
	groups, resources, verbs []string
	paths                    []string // of the API server, nonResourceURLs
	named                    bool     // for some names only
	path                     fieldpath.Path
}

// permission is one thing that RBAC may allow.
type permission struct{ group, resource, verb, path string }

func grants(r reading) []grant {
	list, _ := r.value["rules"].([]any)
	found := make([]grant, 0, len(list))
	for i, rule := range list {
		found = append(found, grant{
			groups: untyped.Texts(untyped.At(rule, "apiGroups")), resources: untyped.Texts(untyped.At(rule, "resources")), verbs: untyped.Texts(untyped.At(rule, "verbs")),
			paths: untyped.Texts(untyped.At(rule, "nonResourceURLs")),
			named: len(untyped.Texts(untyped.At(rule, "resourceNames"))) > 0, path: fieldpath.Fields("rules").Child(fieldpath.Index(i)),
		})
	}
	return found
}

// allows reports whether the rule allows something for objects of every name
// (k8s.io/kubernetes/pkg/apis/rbac/v1, VerbMatches and so on).
func (g grant) allows(p permission) bool {
	has := func(list []string, name string) bool {
		return slices.Contains(list, name) || slices.Contains(list, "*")
	}
	if p.path != "" {
		return g.everyPath(p.verb)
	}
	_, sub, found := strings.Cut(p.resource, "/")
	return !g.named && has(g.groups, p.group) && has(g.verbs, p.verb) &&
		(has(g.resources, p.resource) || found && slices.Contains(g.resources, "*/"+sub))
}

// permissionsWiden fires for what a role allows and did not before.
func permissionsWiden(read func(g grant, had func(permission) bool) []exposed) func(*change.Change) rule.Found {
	return func(c *change.Change) rule.Found {
		old, updated, lands := sides(c)
		if !lands {
			return rule.Found{}
		}
		var before []grant
		if !joins(old, updated) {
			before = grants(old)
		}
		had := func(p permission) bool {
			return slices.ContainsFunc(before, func(g grant) bool { return g.allows(p) })
		}
		var list []exposed
		for _, g := range grants(updated) {
			list = append(list, read(g, had)...)
		}
		return told(list)
	}
}

// aggregatedTo begins the labels by which a ClusterRole becomes a part of another one.
const aggregatedTo = "rbac.authorization.k8s.io/aggregate-to-"

// joins reports whether a ClusterRole becomes a part of view, edit or admin, whose
// holders then have its permissions without having had them before.
func joins(old, updated reading) bool {
	return slices.ContainsFunc([]string{"view", "edit", "admin"}, func(role string) bool {
		label := aggregatedTo + role
		return untyped.At(updated.value, "metadata", "labels", label) == "true" && untyped.At(old.value, "metadata", "labels", label) != "true"
	})
}

// wildcard reports whether a permission leaves open for what or for which verbs it is.
// Every verb on custom resources that are named is what their own program needs.
func (p permission) wildcard() bool {
	return p.group == "*" || strings.HasPrefix(p.resource, "*") || p.verb == "*" && rule.OfKubernetes(p.group)
}

// everyPath says that a rule allows a verb on all paths of the API server that are no resources
// (k8s.io/kubernetes/pkg/apis/rbac/v1, NonResourceURLMatches).
func (g grant) everyPath(verb string) bool {
	return (slices.Contains(g.paths, "*") || slices.Contains(g.paths, "/*")) && (slices.Contains(g.verbs, verb) || slices.Contains(g.verbs, "*"))
}

// wildcards are the permissions of a rule that name no resource, no path or no verb.
func wildcards(g grant, had func(permission) bool) []exposed {
	if slices.ContainsFunc(g.verbs, func(verb string) bool { return g.everyPath(verb) && !had(permission{path: "*", verb: verb}) }) {
		verbs := rule.Shortened(g.verbs)
		if slices.Contains(g.verbs, "*") {
			verbs = "every verb"
		}
		return []exposed{{says: "allows " + verbs + " on %s", of: "every path of the API server", path: g.path}}
	}
	if g.named {
		return nil
	}
	fresh := false
	for _, group := range g.groups {
		for _, resource := range g.resources {
			for _, verb := range g.verbs {
				p := permission{group: group, resource: resource, verb: verb}
				fresh = fresh || p.wildcard() && !had(p)
			}
		}
	}
	if !fresh {
		return nil
	}
	verbs, resources := rule.Shortened(g.verbs), rule.Shortened(g.resources)
	if slices.Contains(g.verbs, "*") {
		verbs = "every verb"
	}
	if slices.Contains(g.resources, "*") {
		resources = "all resources"
	}
	if !slices.Contains(g.groups, "*") {
		resources += " of " + rule.Shortened(groupNames(g.groups))
	}
	return []exposed{{says: "allows " + verbs + " on %s", of: resources, path: g.path}}
}

// groupNames returns API groups as people call them.
func groupNames(groups []string) []string {
	names := slices.Clone(groups)
	for i, name := range names {
		if name == "" {
			names[i] = "the core API"
		}
	}
	return names
}

// power is a permission that leads to others.
type power struct {
	group            string
	resources, verbs []string
	says             string
}

// powers are those permissions.
func powers() []power {
	write := []string{"create", "update", "patch"}
	return []power{
		{"rbac.authorization.k8s.io", []string{"roles", "clusterroles"}, []string{"escalate"}, "may give roles more permissions than it has itself (escalate)"},
		{"rbac.authorization.k8s.io", []string{"roles", "clusterroles"}, []string{"bind"}, "may bind roles that it does not have itself (bind)"},
		{"", []string{"users", "groups", "serviceaccounts"}, []string{"impersonate"}, "may act as others (impersonate)"},
		{"", []string{"pods/exec", "pods/attach"}, []string{"create", "get"}, "may run commands in pods"},
		{"", []string{"nodes/proxy"}, []string{"get", "create"}, "may talk to kubelets past the API server (nodes/proxy)"},
		{"", []string{"serviceaccounts/token"}, []string{"create"}, "may create tokens for ServiceAccounts"},
		{"certificates.k8s.io", []string{"certificatesigningrequests/approval"}, []string{"update", "patch"}, "may approve certificates"},
		{
			"admissionregistration.k8s.io", []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}, write,
			"may register webhooks that see and change every object",
		},
		{"", []string{"pods/ephemeralcontainers"}, []string{"update", "patch"}, "may run containers of its own in pods (ephemeralcontainers)"},
		{"", []string{"pods/portforward"}, []string{"create", "get"}, "may reach the ports of pods past every policy (portforward)"},
		{"", []string{"pods"}, []string{"update", "patch"}, "may change the images of running pods"},
		{"", []string{"nodes", "nodes/status"}, []string{"update", "patch", "delete"}, "may change nodes, and so where pods run"},
		{"", []string{"persistentvolumes"}, []string{"create"}, "may mount any folder of a node, by volumes of its own"},
		{"", []string{"namespaces"}, []string{"update", "patch"}, "may loosen Pod Security by the labels of namespaces"},
		{"", []string{"secrets"}, []string{"create"}, "may create tokens for ServiceAccounts (Secrets of type kubernetes.io/service-account-token)"},
		{"apiregistration.k8s.io", []string{"apiservices"}, write, "may answer in the place of the API server"},
		{
			"admissionregistration.k8s.io", []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"},
			append(slices.Clone(write), "delete"), "may change what admission policies refuse",
		},
		{"", []string{"endpoints"}, write, leadsElsewhere},
		{"discovery.k8s.io", []string{"endpointslices"}, write, leadsElsewhere},
		{"argoproj.io", []string{"applications", "applicationsets", "appprojects"}, write, "may have Argo CD apply objects of its choice"},
		{"kustomize.toolkit.fluxcd.io", []string{"kustomizations"}, write, fluxApplies},
		{"helm.toolkit.fluxcd.io", []string{"helmreleases"}, write, fluxApplies},
		{"helm.cattle.io", []string{"helmcharts", "helmchartconfigs"}, write, "may have the Helm controller of K3s apply objects of its choice"},
		{"", []string{"pods"}, []string{"create"}, startsPods},
		{"", []string{"replicationcontrollers"}, write, startsPods},
		{"apps", []string{"deployments", "statefulsets", "daemonsets", "replicasets"}, write, startsPods},
		{"batch", []string{"jobs", "cronjobs"}, write, startsPods},
	}
}

const (
	startsPods     = "may start pods, with any Secret and ServiceAccount of their namespace"
	leadsElsewhere = "may have Services lead to other addresses (endpoints)"
	fluxApplies    = "may have Flux apply objects of its choice"
)

// escalating are the permissions of a rule that lead to others. A rule for all
// resources is one for wildcards to tell of.
func escalating(g grant, had func(permission) bool) []exposed {
	var list []exposed
	for _, p := range powers() {
		for _, resource := range p.resources {
			for _, verb := range p.verbs {
				is := permission{group: p.group, resource: resource, verb: verb}
				if slices.Contains(g.resources, resource) && g.allows(is) && !had(is) {
					list = append(list, exposed{what: verb + " " + resource, says: p.says, path: g.path})
				}
			}
		}
	}
	return list
}

// secretsReadable fires for roles that come to read Secrets; for a Role only if it was there before and
// names them. One that is new is read by whoever adds it, and holds in one namespace.
func secretsReadable(c *change.Change) rule.Found {
	return permissionsWiden(func(g grant, had func(permission) bool) []exposed {
		switch {
		case c.Ref.Kind == "ClusterRole":
			return secretReads(g, had, "reads Secrets of all namespaces")
		case c.Op == change.Create, !slices.Contains(g.resources, "secrets"):
			return nil
		default:
			return secretReads(g, had, "reads Secrets of its namespace")
		}
	})(c)
}

// secretReads are the permissions of a rule to read Secrets.
func secretReads(g grant, had func(permission) bool, says string) []exposed {
	for _, verb := range []string{"get", "list", "watch"} {
		if p := (permission{resource: "secrets", verb: verb}); g.allows(p) && !had(p) {
			return []exposed{{says: says, path: g.path}}
		}
	}
	return nil
}

// adminBindings are the subjects that get one of the roles for administrators.
func adminBindings(r reading) []exposed {
	role := untyped.Text(untyped.At(r.value, "roleRef", "name"))
	if untyped.At(r.value, "roleRef", "kind") != "ClusterRole" || !slices.Contains([]string{"cluster-admin", "admin", "edit"}, role) {
		return nil
	}
	return bound(r, role, func(string) bool { return true })
}

// publicBindings are the subjects that stand for everybody.
func publicBindings(r reading) []exposed {
	return bound(r, untyped.Text(untyped.At(r.value, "roleRef", "name")), func(name string) bool {
		return slices.Contains([]string{"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"}, name)
	})
}

// bound lists the subjects of a binding that fit.
func bound(r reading, role string, fits func(name string) bool) []exposed {
	reach := ""
	if r.value["kind"] == "RoleBinding" {
		reach = " in its namespace"
	}
	var list []exposed
	subjects, _ := r.value["subjects"].([]any)
	for i, s := range subjects {
		kind, name := untyped.Text(untyped.At(s, "kind")), untyped.Text(untyped.At(s, "name"))
		if !fits(name) {
			continue
		}
		if namespace := untyped.Text(untyped.At(s, "namespace")); namespace != "" {
			name = namespace + "/" + name
		}
		list = append(list, exposed{
			what: kind + " " + name + " " + role, says: "gives " + role + reach + " to %s", of: kind + " " + name,
			path: fieldpath.Fields("subjects").Child(fieldpath.Index(i)),
		})
	}
	return list
}

// Powers says what the rules of a role allow that leads to more than they name.
func Powers(role map[string]any) []string {
	had := func(permission) bool { return false }
	var list []string
	for _, g := range grants(reading{value: role}) {
		for _, read := range []func(grant, func(permission) bool) []exposed{wildcards, escalating} {
			for _, e := range read(g, had) {
				if text := strings.Replace(e.says, "%s", e.of, 1); !slices.Contains(list, text) {
					list = append(list, text)
				}
			}
		}
	}
	return list
}

// aggregatesAll fires for a ClusterRole that takes in every other one.
func aggregatesAll(r reading) []exposed {
	var list []exposed
	for i, s := range items(r.value, nil, "aggregationRule", "clusterRoleSelectors") {
		labels, _ := s.fields["matchLabels"].(map[string]any)
		expressions, _ := s.fields["matchExpressions"].([]any)
		if len(labels) == 0 && len(expressions) == 0 {
			list = append(list, exposed{
				what: "all roles", says: "takes in the permissions of every ClusterRole",
				path: fieldpath.Fields("aggregationRule", "clusterRoleSelectors").Child(fieldpath.Index(i)),
			})
		}
	}
	return list
}
