package traffic

import (
	"cmp"
	"fmt"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// OutsideRules are about access from outside of the cluster that ends.
func OutsideRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "outside-access-ends", Risk: change.Outage, Kinds: []string{"Service"},
			Why:  "a Service that is no longer of type LoadBalancer loses its load balancer and address, and one of type ClusterIP has no node port: clients from outside can no longer connect",
			Fix:  "let clients come in another way before this one ends, and keep both for one release",
			Find: outsideEnds,
		},
		{
			ID: "ingress-class-removed", Risk: change.Outage, Kinds: []string{"Ingress"},
			Why: "a controller handles the Ingresses of its class; the API server sets the default class on new ones only (DefaultIngressClass in k8s.io/kubernetes/plugin/pkg/admission), " +
				"so that no controller handles one that has lost its class, unless it also takes Ingresses without one",
			Fix:  "keep ingressClassName",
			Find: classRemoved,
		},
		{
			ID: "ingress-class-gone", Risk: change.Outage, Kinds: []string{"IngressClass"},
			Why:  "the IngressClass says which controller handles an Ingress; without it no controller does",
			Fix:  "keep the IngressClass as long as an Ingress names it",
			Find: classGone,
		},
	}
}

// outsideEnds tells of Services that are no longer reached from outside of the cluster in a
// way in which they were.
func outsideEnds(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !upgrade.IsService(o.Ref()) || !o.Does(change.Update) || !o.Edited("spec") || o.Change.Before() == nil {
			continue
		}
		was, is := u.Service(o.Change.Before()).Type, u.Service(o.New).Type
		var message string
		switch {
		case was == "LoadBalancer" && is != was:
			message = "its load balancer goes, with the address at which it is reached"
		case was == "NodePort" && is == "ClusterIP":
			message = "it is no longer reached at the ports of the nodes"
		default:
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: message, Paths: []fieldpath.Path{fieldpath.Fields("spec", "type")},
			Evidence: []change.Evidence{{What: "type before and after", Objects: []manifest.Ref{o.Ref()}, Names: []string{was, is}}},
		})
	}
	return found
}

const classAnnotation = "kubernetes.io/ingress.class"

// classOf returns the class of an Ingress, "" if it has none. The field counts only where
// there is no annotation, for those controllers that read both.
func classOf(o *manifest.Object) string {
	return cmp.Or(untyped.Text(annotationsOf(o), classAnnotation), untyped.Text(upgrade.Spec(o), "ingressClassName"))
}

func classRemoved(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !isIngress(o.Ref()) || !o.Does(change.Update) || o.Change.Before() == nil {
			continue
		}
		was, is := classOf(o.Change.Before()), classOf(o.New)
		if was == "" || is != "" {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("it has no class any more, and the controller of class %s no longer takes it", was),
			Paths:    append(rule.Edits(o.Change, "ingressClassName"), rule.Edits(o.Change, classAnnotation)...),
			Evidence: []change.Evidence{{What: "class before", Objects: []manifest.Ref{o.Ref()}, Names: []string{was}}},
		})
	}
	return found
}

// classGone tells of IngressClasses that go while Ingresses of the release name them. A class
// that is an annotation needs no IngressClass.
func classGone(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Ref().Kind != "IngressClass" || !o.Goes() {
			continue
		}
		var left []manifest.Ref
		for _, in := range u.StandingAt(upgrade.After) {
			if isIngress(in.Ref) && untyped.Text(upgrade.Spec(in), "ingressClassName") == o.Ref().Name {
				left = append(left, in.Ref)
			}
		}
		if len(left) > 0 {
			found = append(found, rule.Found{
				On: o, Message: "no controller takes " + rule.Names(left) + " any more",
				Evidence: []change.Evidence{{What: "names a class that goes", Objects: left}},
			})
		}
	}
	return found
}
