package references

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/kubernetes/third_party/forked/golang/expansion"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// VariableRules are about $(NAME) in what a container is started with.
func VariableRules() []rule.Rule {
	return []rule.Rule{{
		ID: "variable-not-expanded", Risk: change.Stuck,
		Why: "the kubelet leaves $(VARIABLE) as it is where the container has no such variable, or defines it further down in env (makeEnvironmentVariables in k8s.io/kubernetes/pkg/kubelet): " +
			"the program gets that text instead of the value",
		Fix:  "define the variable above what uses it, or take $(VARIABLE) out; write $$(VARIABLE) where the text itself is meant",
		Find: notExpanded,
	}}
}

// variables are those of a container: what defines them, and where they are used in vain.
type variables struct {
	// defined are the names that are known, unknown says that there may be more.
	defined []string
	unknown bool
	vain    []vain
}

// vain is a use of a variable that the container does not have there.
type vain struct {
	name, where string
	path        fieldpath.Path
}

// notExpanded tells of variables that containers use in vain from now on. Shells write $(COMMAND)
// in the same way: only what is a variable of the container, before or after, counts.
func notExpanded(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !u.RunsPods(o.Ref()) || !o.Does(change.Create, change.Update, change.Recreate) || o.Idle() || o.New == nil || !o.New.MayHold("$(") {
			continue
		}
		was, is := containersOf(u, o.Change.Before(), upgrade.Before), containersOf(u, o.Result(), upgrade.After)
		for _, name := range slices.Sorted(maps.Keys(is)) {
			before, after := was[name], is[name]
			if after.unknown {
				continue
			}
			for _, v := range after.vain {
				if slices.ContainsFunc(before.vain, func(b vain) bool { return b.name == v.name && b.where == v.where }) ||
					!slices.Contains(before.defined, v.name) && !slices.Contains(after.defined, v.name) {
					continue
				}
				why := "which it no longer has"
				if slices.Contains(after.defined, v.name) {
					why = "which env defines further down"
				}
				template, _ := u.Rollout.PodTemplate(o.Ref().Group, o.Ref().Kind)
				found = append(found, rule.Found{
					On: o, Message: fmt.Sprintf("container %s uses $(%s) in %s, a variable %s: the text stays as it is", name, v.name, v.where, why),
					Paths:    []fieldpath.Path{fieldpath.Fields(template...).Child(fieldpath.Field("spec")).Join(v.path)},
					Evidence: []change.Evidence{{What: "is not expanded", Objects: []manifest.Ref{o.Ref()}, Names: []string{name, v.where, v.name}}},
				})
			}
		}
	}
	return found
}

// containersOf reads the variables of all containers of a workload.
func containersOf(u *upgrade.Upgrade, o *manifest.Object, m upgrade.Moment) map[string]variables {
	list := map[string]variables{}
	for _, field := range []string{"initContainers", "containers"} {
		for _, c := range untyped.Maps(u.Template(o), "spec", field) {
			name := untyped.Text(c, "name")
			at := fieldpath.Path{fieldpath.Field(field), {Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}}
			list[name] = variablesOf(u, o.Ref.Namespace, c, at, m)
		}
	}
	return list
}

// variablesOf does what the kubelet does when it starts a container (makeEnvironmentVariables and
// ExpandContainerCommandAndArgs in k8s.io/kubernetes/pkg/kubelet).
func variablesOf(u *upgrade.Upgrade, namespace string, c map[string]any, at fieldpath.Path, m upgrade.Moment) variables {
	var v variables
	use := func(where, text string, path fieldpath.Path) {
		expansion.Expand(text, func(name string) string {
			// The API server's addresses and those of other Services are variables of every container.
			if !slices.Contains(v.defined, name) && !strings.Contains(name, "_SERVICE_") {
				v.vain = append(v.vain, vain{name, where, at.Join(path)})
			}
			return ""
		})
	}
	for _, from := range untyped.Maps(c, "envFrom") {
		keys, known := keysFrom(u, namespace, from, m)
		v.defined, v.unknown = append(v.defined, keys...), v.unknown || !known
	}
	for _, env := range untyped.Maps(c, "env") {
		name := untyped.Text(env, "name")
		use("env "+name, untyped.Text(env, "value"), fieldpath.Path{fieldpath.Field("env"), {Keys: []fieldpath.Key{{Name: "name", Value: name, Quoted: true}}}, fieldpath.Field("value")})
		v.defined = append(v.defined, name)
	}
	for _, field := range []string{"command", "args"} {
		for i, text := range untyped.Texts(c, field) {
			use(field, text, fieldpath.Path{fieldpath.Field(field), fieldpath.Index(i)})
		}
	}
	return v
}

// keysFrom returns the variables that a ConfigMap or Secret of the release makes, and whether they
// are known.
func keysFrom(u *upgrade.Upgrade, namespace string, from map[string]any, m upgrade.Moment) (names []string, known bool) {
	for field, kind := range map[string]string{"configMapRef": "ConfigMap", "secretRef": "Secret"} {
		name := untyped.Text(from, field, "name")
		if name == "" {
			continue
		}
		o := u.Object(manifest.Identity{Kind: kind, Namespace: namespace, Name: name})
		if o == nil || o.Standing(m) == nil {
			return nil, false
		}
		value := upgrade.Value(o.Standing(m))
		for _, data := range []string{"data", "stringData"} {
			for _, key := range manifest.Fields(untyped.Map(value, data)) {
				names = append(names, untyped.Text(from, "prefix")+key)
			}
		}
	}
	return names, true
}
