package risk

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
)

// permissionRules are about RBAC. What leads to more permissions than it names is
// told by kubernetes.io/docs/concepts/security/rbac-good-practices.
func permissionRules() []Rule {
	roles, bindings := []string{"Role", "ClusterRole"}, []string{"RoleBinding", "ClusterRoleBinding"}
	return []Rule{
		{
			ID: "wildcard-permissions", Risk: change.Exposure, Kinds: roles,
			Why:  "a wildcard also gives what nobody thought of, and what later versions of Kubernetes bring",
			Fix:  "list the API groups, resources and verbs that the program uses",
			When: permissionsWiden(wildcards),
		},
		{
			ID: "escalating-permissions", Risk: change.Exposure, Kinds: roles,
			Why:  "who has the permission can get others by it that the role does not name",
			Fix:  "leave the permission out, or restrict it to a namespace or by resourceNames",
			When: permissionsWiden(escalating),
		},
		{
			ID: "secrets-readable", Risk: change.Exposure, Kinds: []string{"ClusterRole"},
			Why:  "bound to the whole cluster, the role gives every password, key and ServiceAccount token that any namespace holds; list and watch show the content, too",
			Fix:  "use a Role in the namespaces concerned, or name the Secrets in resourceNames",
			When: permissionsWiden(secretReads),
		},
		{
			ID: "admin-bound", Risk: change.Exposure, Kinds: bindings,
			Why:  "cluster-admin may do everything; admin and edit read Secrets and start pods as any ServiceAccount of their namespaces",
			Fix:  "bind a role of its own that names what the program needs",
			When: widens(adminBindings),
		},
		{
			ID: "everybody-bound", Risk: change.Exposure, Kinds: bindings,
			Why:  "the role holds for all users and programs of the cluster, or for callers without any login",
			Fix:  "bind the role to the users, groups or ServiceAccounts that need it",
			When: widens(publicBindings),
		},
	}
}

// grant is one rule of a role.
type grant struct {
	groups, resources, verbs []string
	named                    bool // for some names only
	path                     fieldpath.Path
}

// permission is one thing that RBAC may allow.
type permission struct{ group, resource, verb string }

func grants(r reading) []grant {
	list, _ := r.value["rules"].([]any)
	found := make([]grant, 0, len(list))
	for i, rule := range list {
		found = append(found, grant{
			groups: texts(at(rule, "apiGroups")), resources: texts(at(rule, "resources")), verbs: texts(at(rule, "verbs")),
			named: len(texts(at(rule, "resourceNames"))) > 0, path: fieldpath.Fields("rules").Child(fieldpath.Index(i)),
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
	_, sub, found := strings.Cut(p.resource, "/")
	return !g.named && has(g.groups, p.group) && has(g.verbs, p.verb) &&
		(has(g.resources, p.resource) || found && slices.Contains(g.resources, "*/"+sub))
}

// permissionsWiden fires for what a role allows and did not before.
func permissionsWiden(read func(g grant, had func(permission) bool) []exposed) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		old, updated, lands := sides(c)
		if !lands {
			return "", nil, false
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
		return at(updated.value, "metadata", "labels", label) == "true" && at(old.value, "metadata", "labels", label) != "true"
	})
}

// wildcard reports whether a permission leaves open for what or for which verbs it is.
// Every verb on custom resources that are named is what their own program needs.
func (p permission) wildcard() bool {
	return p.group == "*" || strings.HasPrefix(p.resource, "*") || p.verb == "*" && ofKubernetes(p.group)
}

// wildcards are the permissions of a rule that name no resource or no verb.
func wildcards(g grant, had func(permission) bool) []exposed {
	if g.named {
		return nil
	}
	fresh := false
	for _, group := range g.groups {
		for _, resource := range g.resources {
			for _, verb := range g.verbs {
				p := permission{group, resource, verb}
				fresh = fresh || p.wildcard() && !had(p)
			}
		}
	}
	if !fresh {
		return nil
	}
	verbs, resources := shortened(g.verbs), shortened(g.resources)
	if slices.Contains(g.verbs, "*") {
		verbs = "every verb"
	}
	if slices.Contains(g.resources, "*") {
		resources = "all resources"
	}
	if !slices.Contains(g.groups, "*") {
		resources += " of " + shortened(groupNames(g.groups))
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
		{"", []string{"serviceaccounts/token"}, []string{"create"}, "may make tokens for ServiceAccounts"},
		{"certificates.k8s.io", []string{"certificatesigningrequests/approval"}, []string{"update", "patch"}, "may approve certificates"},
		{
			"admissionregistration.k8s.io", []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}, write,
			"may send every object through a webhook of its own",
		},
		{"", []string{"pods"}, []string{"create"}, startsPods},
		{"", []string{"replicationcontrollers"}, write, startsPods},
		{"apps", []string{"deployments", "statefulsets", "daemonsets", "replicasets"}, write, startsPods},
		{"batch", []string{"jobs", "cronjobs"}, write, startsPods},
	}
}

const startsPods = "may start pods, with any Secret and ServiceAccount of their namespace"

// escalating are the permissions of a rule that lead to others. A rule for all
// resources is one for wildcards to tell of.
func escalating(g grant, had func(permission) bool) []exposed {
	var list []exposed
	for _, p := range powers() {
		for _, resource := range p.resources {
			for _, verb := range p.verbs {
				is := permission{p.group, resource, verb}
				if slices.Contains(g.resources, resource) && g.allows(is) && !had(is) {
					list = append(list, exposed{says: p.says, path: g.path})
				}
			}
		}
	}
	return list
}

// secretReads are the permissions of a rule to read Secrets.
func secretReads(g grant, had func(permission) bool) []exposed {
	for _, verb := range []string{"get", "list", "watch"} {
		if p := (permission{"", "secrets", verb}); g.allows(p) && !had(p) {
			return []exposed{{says: "reads Secrets of all namespaces", path: g.path}}
		}
	}
	return nil
}

// adminBindings are the subjects that get one of the roles for administrators.
func adminBindings(r reading) []exposed {
	role := text(at(r.value, "roleRef", "name"))
	if at(r.value, "roleRef", "kind") != "ClusterRole" || !slices.Contains([]string{"cluster-admin", "admin", "edit"}, role) {
		return nil
	}
	return bound(r, role, func(string) bool { return true })
}

// publicBindings are the subjects that stand for everybody.
func publicBindings(r reading) []exposed {
	return bound(r, text(at(r.value, "roleRef", "name")), func(name string) bool {
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
		kind, name := text(at(s, "kind")), text(at(s, "name"))
		if !fits(name) {
			continue
		}
		if namespace := text(at(s, "namespace")); namespace != "" {
			name = namespace + "/" + name
		}
		list = append(list, exposed{
			what: kind + " " + name + " " + role, says: "gives " + role + reach + " to %s", of: kind + " " + name,
			path: fieldpath.Fields("subjects").Child(fieldpath.Index(i)),
		})
	}
	return list
}
