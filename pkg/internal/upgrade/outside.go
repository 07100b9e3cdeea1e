package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// References returns what an object names.
func References(o *manifest.Object, facts rollout.Facts) []reference.Reference {
	if o == nil {
		return nil
	}
	template, workload := facts.PodTemplate(o.Ref.Group, o.Ref.Kind)
	if !reference.Refers(o.Ref, workload) {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil // it was said where the object was judged
	}
	return reference.Of(o.Ref, value, template, workload)
}

// Outside returns the names that this upgrade brings, or on which new pods depend, and
// that lead out of the release.
func (u *Upgrade) Outside() []Outside {
	var open []Outside
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Names == nil || o.Change == nil || !o.names() {
			continue
		}
		for _, r := range o.Names.New {
			if !u.leadsOut(r) || o.lacksFor(r.To) {
				continue
			}
			isNew := !slices.ContainsFunc(o.Names.Old, func(old reference.Reference) bool { return old.To == r.To })
			if isNew || u.Asked && starts(o.Change) && u.RunsPods(o.Ref()) {
				open = append(open, Outside{o, r})
			}
		}
	}
	return open
}

// claimed reports whether an object may be a claim that a StatefulSet of the release
// makes, or has made, for one of its pods: TEMPLATE-NAME-NUMBER.
func (u *Upgrade) claimed(id manifest.Identity) bool {
	return id.Group == "" && id.Kind == "PersistentVolumeClaim" && u.Any(func(o *Object) bool {
		ref := o.Ref()
		return ref.Kind == "StatefulSet" && ref.Namespace == id.Namespace && strings.Contains(id.Name, "-"+ref.Name+"-")
	})
}

// blocks reports whether something does not work at all without what is used so. A
// certificate may come later, and a role or an account may be somebody else's.
func blocks(use reference.Use) bool {
	return use == reference.ToStart || use == reference.InEnv || use == reference.AsBackend || use == reference.AsTarget || use == reference.ByAPIServer || use == reference.ForToken
}

// leadOut judges one name that leads out of the release.
func (u *Upgrade) leadOut(o Outside) {
	ref, servable := Servable(o.To)
	value, known := u.Elsewhere.Object(ref)
	if told := u.toldOf(o.To); !known && told != nil {
		value, known, servable = told, true, true
	}
	say := func(reason string) {
		note := Note{o.From, change.Doubt{Reason: reason, Hides: missingHides(o.Use), Never: o.Use == reference.ForTLS && !u.Asked}} // somebody may make it by hand
		if o.From.Ref().GroupKind() == "Pod" && AdmitsPods(o.To) {
			note.Doubt.Hides = change.Rejected // nobody tries again
		}
		if !slices.Contains(u.links.Notes, note) {
			u.links.Notes = append(u.links.Notes, note)
		}
	}
	what := fmt.Sprintf("it names %s (%s), which is not in the release", ref, o.Path)
	switch {
	case o.Use == reference.AsTarget && !strings.Contains(o.To.Group, ".") && !u.Builtin(o.To.Group, o.To.Kind): // groups of custom resources have a dot
		u.broken(Broken{On: o.From, From: o.From.New.Ref, To: ref, Path: o.Path, Use: o.Use, Because: fmt.Sprintf("no API server has the kind %s in group %q", o.To.Kind, o.To.Group)})
	case !servable || !known:
		say(what + ": whether it is there was not judged")
	case u.makesKey(o.To, o.Key):
	case value == nil || o.Key != "" && !slices.Contains(keysOf(value, o.Use), o.Key):
		if makers := u.makers(o.To.Name, o.From); len(makers) > 0 {
			say(fmt.Sprintf("%s; %s may make it: that was not judged", what, makers[0]))
			return
		}
		u.broken(Broken{On: o.From, From: o.From.New.Ref, To: ref, Key: o.keyMissing(value), Path: o.Path, Use: o.Use})
	}
}

// keyMissing is the key that is missing; "" where the object is missing as a whole, whichever key was meant.
func (o *Outside) keyMissing(value map[string]any) string {
	if value == nil && o.Use == reference.ForTLS {
		return ""
	}
	return o.Key
}

// issued reports whether something makes the certificate that an object names: cert-manager, which an
// annotation asks for it (https://cert-manager.io/docs/usage/ingress/), or another object of the release.
func (u *Upgrade) issued(o Outside) bool {
	if o.Use != reference.ForTLS {
		return false
	}
	annotations := untyped.Map(Value(o.From.New), "metadata", "annotations")
	for _, name := range []string{"cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "kubernetes.io/tls-acme"} {
		if text := untyped.Text(annotations, name); text != "" && text != "false" {
			return true
		}
	}
	_, made := u.links.makers[o.To]
	return made || u.MayMake(o.To.Name, o.From)
}

// toldOf returns an object of which somebody has said that it is in the cluster; nil if nobody has.
func (u *Upgrade) toldOf(id manifest.Identity) map[string]any {
	for _, o := range u.Cluster {
		if o.Ref.Identity() == id {
			return Value(o)
		}
	}
	return nil
}

// AdmitsPods reports whether the API server's admission rejects each pod that names an object of
// this kind that is not there (serviceaccount, priority and runtimeclass in
// k8s.io/kubernetes/plugin/pkg/admission). All else that is missing keeps a pod from starting.
func AdmitsPods(id manifest.Identity) bool {
	kind := manifest.Ref{Group: id.Group, Kind: id.Kind}
	return slices.Contains([]string{"ServiceAccount", "PriorityClass.scheduling.k8s.io", "RuntimeClass.node.k8s.io"}, kind.GroupKind())
}

// Servable gives an object that is named a version in which every API server serves it.
func Servable(id manifest.Identity) (ref manifest.Ref, servable bool) {
	groups := []string{"", "apps", "batch", "scheduling.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io"}
	return manifest.Ref{Group: id.Group, Version: "v1", Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}, slices.Contains(groups, id.Group)
}

// leadsOut reports whether a name is of something that the release does not have, and that is needed.
func (u *Upgrade) leadsOut(r reference.Reference) bool {
	switch {
	case u.Object(r.To) != nil, r.Optional, InEveryCluster(r.To), u.claimed(r.To), r.Use == reference.AsName, r.Use == reference.AsOneFile, r.Use == reference.ForClaims, r.Use == reference.AsListener, r.Use == reference.ToPull:
		return false
	default:
		return u.Asked || blocks(r.Use) || r.Use == reference.ForTLS
	}
}

// lacksFor reports whether it is told already that a hook names an object in vain.
func (o *Object) lacksFor(id manifest.Identity) bool {
	return slices.ContainsFunc(o.Missing, func(m Missing) bool { return m.To.Identity() == id })
}

// MayMake reports whether something of the release besides some objects may make an object of that
// name.
func (u *Upgrade) MayMake(name string, except ...*Object) bool {
	return len(u.makers(name, except...)) > 0
}

// comesBack reports whether a controller makes an object anew in each namespace as soon as it is
// gone (serviceaccount and certificates/rootcacertpublisher in k8s.io/kubernetes/pkg/controller).
func comesBack(id manifest.Identity) bool {
	return id.Group == "" && (id.Kind == "ServiceAccount" && id.Name == "default" || id.Kind == "ConfigMap" && id.Name == "kube-root-ca.crt")
}

// InEveryCluster reports whether an object is in every cluster.
func InEveryCluster(id manifest.Identity) bool {
	switch id.Kind {
	case "ServiceAccount", "ConfigMap":
		return comesBack(id)
	case "PriorityClass":
		return strings.HasPrefix(id.Name, "system-")
	case "ClusterRole":
		return slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, id.Name) || strings.HasPrefix(id.Name, "system:")
	case "Role":
		return id.Name == "extension-apiserver-authentication-reader" || strings.HasPrefix(id.Name, "system:")
	case "Service":
		return id.Name == "kubernetes" && id.Namespace == "default"
	default:
		return false
	}
}
