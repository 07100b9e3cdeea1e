package risk

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/api"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/traffic"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/impact/workloads"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
)

const whyRefused = "the API server rejects the change: the upgrade fails after other objects have already changed, and nothing rolls them back"

// refusalRules know remedies. Which changes are refused the API server says.
func refusalRules() []rule.Rule {
	return showing(rule.RefusalEvidence, api.Unmerged(), helmRefusals(), admissionRefusals(), workloadRefusals(), traffic.Addresses(), workloads.HookPods(), objectRefusals(), []rule.Rule{
		{
			ID: "value-refused", Risk: change.Rejected,
			Why:  "the API server rejects the object whatever was there before; the upgrade fails after other objects have already changed",
			Fix:  "correct the field",
			When: refusedFor(func(e change.FieldError) bool { return e.Itself }),
			Remedy: func(c *change.Change) string {
				if slices.ContainsFunc(c.Outcome.Refused, wantsText) {
					return "quote the value in the template ({{ … | quote }}): YAML reads it as a number or a boolean, and the field holds text"
				}
				return ""
			},
		},
		{
			ID: "api-refused", Risk: change.Rejected,
			Why: whyRefused,
			Fix: "leave the field as it is; or, before the upgrade, kubectl delete KIND NAME -n NAMESPACE",
			Remedy: func(c *change.Change) string {
				if slices.Contains(withData(), c.Ref.Kind) || !rule.OfKubernetes(c.Ref.Group) {
					return "leave the field as it is" // more may go with the object than itself
				}
				return ""
			},
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				return refusal(c), nil, len(c.Outcome.Refused) > 0
			},
		},
	})
}

// wantsText reports whether a value is refused since it is a number or a boolean where the API
// server wants text, in the words of encoding/json or of server-side apply.
func wantsText(e change.FieldError) bool {
	scalar := strings.Contains(e.Message, "cannot unmarshal number") || strings.Contains(e.Message, "cannot unmarshal bool")
	return scalar && strings.HasSuffix(e.Message, "of type string") || strings.HasSuffix(e.Message, ": expected string")
}

// helmRefusals are refusals before anything is sent.
func helmRefusals() []rule.Rule { //nolint:funlen // a table
	return []rule.Rule{
		{
			ID: "record-too-large", Risk: change.Rejected, Kinds: []string{"Secret", "ConfigMap"},
			Why: "Helm first stores chart, values and manifest of the release in one Secret or ConfigMap, which holds at most 1 MiB; a larger release fails at once",
			Fix: "leave out of the chart what it does not need (.helmignore), split it, or have Helm store releases in a database (HELM_DRIVER=sql)",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				message, paths, fires := refusedAs("FieldValueTooLong")(c)
				return message, paths, fires && c.Outcome.Upfront
			},
		},
		{
			ID: "api-not-served", Risk: change.Rejected,
			Why:  "this Kubernetes does not serve the API version; Helm stops before it changes anything, even if only the installed release uses it",
			Fix:  "move the chart to a served version; for an installed release, rewrite its stored manifest first (try helm mapkubeapis)",
			When: refusedAs("NotFound"),
			Remedy: func(c *change.Change) string {
				if strings.Contains(refusal(c), "did you mean ") {
					return "correct kind, or apiVersion"
				}
				return ""
			},
		},
		{
			ID: "kind-only-in-crds", Risk: change.Rejected,
			Why:  "Helm applies a chart's crds directory only on installation; an upgrade finds no such kind in the cluster and stops before it changes anything",
			Fix:  "apply the definitions before the upgrade: helm show crds CHART | kubectl apply --server-side --force-conflicts -f -",
			When: refusedAs("NoKindInstalled"),
		},
		{
			ID: "kind-not-defined", Risk: change.Rejected,
			Why:  "the cluster has no definition of this kind; Helm looks up all kinds before it applies any definition, and stops before it changes anything",
			Fix:  "install the definition before the upgrade (the Prometheus Operator brings that of ServiceMonitor), or switch the object off in the values",
			When: refusedAs("NoKindMatch"),
		},
		{
			ID: "name-missing", Risk: change.Rejected,
			Why: "Helm looks up every object of the release by name, and fails if one has none",
			Fix: "give the object a name; only hooks may leave it to the API server (generateName)",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				return refusal(c), nil, c.Ref.Name == "" && len(c.Outcome.Refused) > 0
			},
		},
		{
			ID: "hook-definition-in-the-way", Risk: change.Rejected, Kinds: []string{"CustomResourceDefinition"},
			Why: "Helm never deletes a definition that is a hook, and cannot create it a second time",
			Fix: "leave the upgrade events out of helm.sh/hook, so that only an installation creates it; or put it into the crds directory of the chart",
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				message, paths, fires := refusedAs("AlreadyExists")(c)
				return message, paths, fires && c.New != nil && len(c.New.HookEvents()) > 0
			},
		},
		{
			ID: "hook-in-the-way", Risk: change.Rejected,
			Why: "the object of an earlier run still exists, and the hook's delete policies do not remove it first; the hook cannot be created",
			Fix: "add before-hook-creation to the hook's delete policies",
			Remedy: func(c *change.Change) string {
				if slices.Contains(withData(), c.Ref.Kind) {
					return "leave the upgrade events out of helm.sh/hook, so that only an installation creates it" // data would go with it
				}
				return ""
			},
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				message, paths, fires := refusedAs("AlreadyExists")(c)
				return message, paths, fires && c.New != nil && len(c.New.HookEvents()) > 0
			},
		},
		{
			ID: "hook-becomes-object", Risk: change.Rejected,
			Why: "the object that the hook left behind does not belong to the release, and Helm will not take it over",
			Fix: "before the upgrade, kubectl delete KIND NAME -n NAMESPACE; or give the hook the delete policy hook-succeeded one release earlier",
			Remedy: func(c *change.Change) string {
				if slices.Contains(withData(), c.Ref.Kind) {
					return "let Helm take it over (--take-ownership)" // data would go with it
				}
				return ""
			},
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				message, paths, fires := refusedAs("AlreadyExists")(c)
				return message, paths, fires && c.Old != nil && len(c.Old.HookEvents()) > 0
			},
		},
		{
			ID: "object-in-the-way", Risk: change.Rejected,
			Why:  "an object of that name already exists and does not belong to the release; Helm stops before it changes anything",
			Fix:  "delete or rename one of the two, or let Helm take it over (--take-ownership)",
			When: refusedAs("AlreadyExists"),
		},
		{
			ID: "resource-version-set", Risk: change.Rejected,
			Why:  "a manifest with a resourceVersion can only update exactly that version of the object",
			Fix:  "take metadata.resourceVersion out of the manifest",
			When: refusedFor(func(e change.FieldError) bool { return e.Field == "metadata.resourceVersion" }),
		},
		{
			ID: "field-conflict", Risk: change.Rejected,
			Why:  "another manager owns the field now, and server-side apply does not take it over",
			Fix:  "undo the change by hand, leave the field out of the chart, or take it back with --force-conflicts",
			When: refusedAs("Conflict"),
		},
	}
}

// workloadRefusals are about what runs pods.
func workloadRefusals() []rule.Rule {
	return []rule.Rule{
		{
			ID: "volume-claim-templates-immutable", Risk: change.Rejected, Kinds: []string{"StatefulSet"},
			Why:    whyRefused,
			Fix:    "leave the templates as they are; if they only grow, patch each claim, delete the StatefulSet but orphan its pods, then upgrade",
			Remedy: growClaims,
			When:   editUnder("spec", "volumeClaimTemplates"),
		},
		{
			ID: "statefulset-immutable", Risk: change.Rejected, Kinds: []string{"StatefulSet"},
			Why:    whyRefused,
			Fix:    "delete the StatefulSet but not its pods (kubectl delete statefulset NAME -n NAMESPACE --cascade=orphan), then upgrade",
			Remedy: forStatefulSet,
			When:   refusedUnder("spec"),
		},
		{
			ID: "job-immutable", Risk: change.Rejected, Kinds: []string{"Job"},
			Why:  whyRefused,
			Fix:  "before the upgrade, kubectl delete job NAME -n NAMESPACE; or put the revision into its name, or make it a hook with the delete policy before-hook-creation",
			When: refusedUnder("spec"),
		},
		{
			ID: "selector-immutable", Risk: change.Rejected, Kinds: []string{"Deployment", "DaemonSet", "ReplicaSet"},
			Why:    whyRefused,
			Fix:    "keep the selector and the labels it picks; or delete the workload but not its pods: kubectl delete KIND NAME -n NAMESPACE --cascade=orphan; then upgrade, and delete what it has left",
			Remedy: besideOld,
			When: func(c *change.Change) (string, []fieldpath.Path, bool) {
				// Labels that the selector does not fit are refused in a new object, too.
				labels := slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Field == "spec.template.metadata.labels" })
				message, paths, fires := refusedUnder("spec.selector")(c)
				return message, paths, fires || labels && c.Op == change.Update
			},
		},
		{
			ID: "pod-immutable", Risk: change.Rejected, Kinds: []string{"Pod"},
			Why:  whyRefused,
			Fix:  "before the upgrade, kubectl delete pod NAME -n NAMESPACE; or let a Deployment own it",
			When: refusedUnder("spec"),
		},
	}
}

// objectRefusals are about everything else.
func objectRefusals() []rule.Rule {
	return []rule.Rule{
		{
			ID: "claim-immutable", Risk: change.Rejected, Kinds: []string{"PersistentVolumeClaim"},
			Why:  whyRefused,
			Fix:  "a claim can only grow, and only if its StorageClass allows it; for anything else make a new claim and move the data",
			When: refusedUnder("spec", ""),
		},
		{
			ID: "immutable-data", Risk: change.Rejected, Kinds: []string{"ConfigMap", "Secret"},
			Why:  whyRefused,
			Fix:  "give the object a new name (with a hash of its content) and point the workloads to it; or, before the upgrade, kubectl delete KIND NAME -n NAMESPACE",
			When: refusedUnder("data", "binaryData", "stringData", "immutable", "type"),
		},
		{
			ID: "role-ref-immutable", Risk: change.Rejected, Kinds: []string{"RoleBinding", "ClusterRoleBinding"},
			Why:  whyRefused,
			Fix:  "before the upgrade, kubectl delete KIND NAME -n NAMESPACE; or give the new binding another name",
			When: refusedUnder("roleRef"),
		},
		{
			ID: "service-immutable", Risk: change.Rejected, Kinds: []string{"Service"},
			Why:  whyRefused,
			Fix:  "leave the field as it is; or, before the upgrade, kubectl delete service NAME -n NAMESPACE; it will get another address",
			When: refusedUnder("spec.clusterIP", "spec.clusterIPs", "spec.loadBalancerClass", "spec.ipFamilies", "spec.ipFamilyPolicy"),
		},
	}
}

// withData are kinds with which data goes when they are deleted.
func withData() []string {
	return []string{"PersistentVolumeClaim", "PersistentVolume", "Namespace", "StatefulSet", "CustomResourceDefinition"}
}

// refusal names the first field that is refused, in the API server's words.
func refusal(c *change.Change) string {
	if len(c.Outcome.Refused) == 0 {
		return ""
	}
	return c.Outcome.Refused[0].String()
}

// refusedFor fires if one of the reasons of a refusal fits.
func refusedFor(fits func(change.FieldError) bool) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		return refusal(c), nil, slices.ContainsFunc(c.Outcome.Refused, fits)
	}
}

func refusedAs(reason string) func(*change.Change) (string, []fieldpath.Path, bool) {
	return refusedFor(func(e change.FieldError) bool { return e.Type == reason })
}

// refusedUnder fires if the update of an object is refused for one of the fields
// or for what is inside them.
func refusedUnder(fields ...string) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		fires := c.Op == change.Update && slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool {
			return !e.Itself && slices.ContainsFunc(fields, func(f string) bool {
				rest, found := strings.CutPrefix(e.Field, f)
				return found && (rest == "" || f == "" || rest[0] == '.' || rest[0] == '[')
			})
		})
		return refusal(c), nil, fires
	}
}

// editUnder fires if the update is refused and the manifests differ in a field.
func editUnder(fields ...string) func(*change.Change) (string, []fieldpath.Path, bool) {
	return func(c *change.Change) (string, []fieldpath.Path, bool) {
		if c.Op != change.Update || !slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return !e.Itself }) {
			return "", nil, false
		}
		var paths []fieldpath.Path
		for i := range c.Edits {
			if c.Edits[i].Path.Under(fields...) {
				paths = append(paths, c.Edits[i].Path)
			}
		}
		return refusal(c), paths, len(paths) > 0
	}
}
