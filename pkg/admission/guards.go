package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Guards are the objects that built-in admission asks at one moment: limits and quotas of
// namespaces, and policies. A nil Guards lets everything pass.
type Guards struct {
	server   *apiserver.Server
	limits   map[string][]*corev1.LimitRange
	quotas   map[string][]*corev1.ResourceQuota
	policies *policies
	hooks    []webhook
	// namespaces are the labels of those that are known.
	namespaces map[string]labels.Set
	// classes and accounts are what admission reads of the classes and ServiceAccounts that pods name.
	classes  *PodClasses
	accounts map[string]*corev1.ServiceAccount
}

// NewGuards returns those among some objects; nil if there are none. What cannot be read is left
// aside: it is refused itself. So is a policy whose parameters are of a kind of which not all
// objects are known.
func NewGuards(s *apiserver.Server, objects []*manifest.Object, unread map[string]bool) *Guards {
	g := &Guards{server: s, limits: map[string][]*corev1.LimitRange{}, quotas: map[string][]*corev1.ResourceQuota{}, namespaces: map[string]labels.Set{},
		accounts: map[string]*corev1.ServiceAccount{}}
	for _, o := range objects {
		switch o.Ref.GroupKind() {
		case "LimitRange":
			if l := decodedAs[corev1.LimitRange](s, o, corev1.SchemeGroupVersion); l != nil {
				g.limits[o.Ref.Namespace] = append(g.limits[o.Ref.Namespace], l)
			}
		case "ResourceQuota":
			if q := decodedAs[corev1.ResourceQuota](s, o, corev1.SchemeGroupVersion); q != nil {
				g.quotas[o.Ref.Namespace] = append(g.quotas[o.Ref.Namespace], q)
			}
		case "ServiceAccount":
			if a := decodedAs[corev1.ServiceAccount](s, o, corev1.SchemeGroupVersion); a != nil {
				g.accounts[a.Namespace+"/"+a.Name] = a
			}
		case "Namespace":
			if set, err := o.Labels(); err == nil {
				g.namespaces[o.Ref.Name] = set
			}
		default:
			g.hooks = append(g.hooks, webhooksOf(s, o)...)
		}
	}
	g.policies = newPolicies(s, objects, unread)
	if len(g.limits)+len(g.quotas)+len(g.hooks) == 0 && g.policies == nil {
		return nil
	}
	g.classes = NewPodClasses(s, objects)
	return g
}

// MayAsk reports whether a policy may have something to say of an object, by its kind alone.
func (g *Guards) MayAsk(ref manifest.Ref) bool {
	if g == nil || g.policies == nil {
		return false
	}
	gvk := schema.GroupVersionKind{Group: ref.Group, Kind: ref.Kind}
	resource := g.server.ResourceName(gvk)
	return g.policies.named[resource] || g.policies.named["*"] || g.policies.named["*/*"]
}

// Policies reports whether there are policies among them.
func (g *Guards) Policies() bool { return g != nil && g.policies != nil }

// decodedAs reads an object with its defaults, in some version; nil if it does not fit.
func decodedAs[T any](s *apiserver.Server, o *manifest.Object, version schema.GroupVersion) *T {
	object := s.Decoded(o)
	if object == nil {
		return nil
	}
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetNamespace(o.Ref.Namespace)
	}
	versioned, err := legacyscheme.Scheme.ConvertToVersion(object, version)
	if err != nil {
		return nil
	}
	typed, _ := any(versioned).(*T)
	return typed
}

// Refuse says why the guards refuse that an object comes, or changes; warnings are what
// policies say that only warn or audit.
func (g *Guards) Refuse(o *manifest.Object, result *apiserver.Result, exists bool) (refused []change.FieldError, warnings []string) {
	if g == nil || g.policies == nil {
		return nil, nil
	}
	attributes := g.attributes(o, result, exists)
	if attributes == nil {
		return nil, nil
	}
	message, warnings := g.policies.ask(attributes)
	if message != "" {
		refused = []change.FieldError{{Type: "Denied", Message: message}}
	}
	return refused, warnings
}

// attributes is the request as admission sees it; nil if that is not known.
func (g *Guards) attributes(o *manifest.Object, result *apiserver.Result, exists bool) admission.Attributes {
	object, before := result.Stores()
	if object == nil {
		return nil
	}
	if !exists {
		before = nil
	}
	if pod, is := object.(*api.Pod); is && before == nil {
		pod = pod.DeepCopy()
		g.account(pod, o.Ref.Namespace)
		object = pod
	}
	return g.server.Attributes(o, exists, object, before)
}

// Limits says why a LimitRange refuses a claim, or a bare pod, that comes or changes; "" if
// none does.
func (g *Guards) Limits(result *apiserver.Result, namespace string) string {
	if g == nil {
		return ""
	}
	stored, _ := result.Stores()
	return g.limited(stored, namespace)
}

// limited says that of the claim, or the bare pod, itself.
func (g *Guards) limited(stored runtime.Object, namespace string) string {
	switch object := stored.(type) {
	case *api.PersistentVolumeClaim:
		for _, limit := range g.limits[namespace] {
			if err := limitranger.PersistentVolumeClaimValidateLimitFunc(limit, object); err != nil {
				return fmt.Sprintf("LimitRange %s (%s)", limit.Name, flat(err))
			}
		}
	case *api.Pod:
		return g.pod(PodMaker{Ref: manifest.Ref{Kind: "Pod", Version: "v1", Namespace: namespace, Name: object.Name}}, object.DeepCopy())
	}
	return ""
}

// Pods says what the pods violate that a controller makes; "" for nothing.
func (g *Guards) Pods(m PodMaker) string {
	if g == nil {
		return ""
	}
	if pod := m.pod(); pod != nil {
		return g.pod(m, pod)
	}
	return ""
}

// limit gives a pod the defaults of limits.
func (g *Guards) limit(pod *api.Pod, namespace string) {
	for _, limit := range g.limits[namespace] {
		_ = limitranger.PodMutateLimitFunc(limit, pod) // it never fails
	}
}

// defaults gives a pod what admission and policies fill in, and says which policy fails.
func (g *Guards) defaults(m PodMaker, pod *api.Pod) (refused string) {
	g.fill(m, pod)
	p := g.mutations()
	if p == nil {
		return ""
	}
	return p.Mutate(m.request(pod), g.server.Types(""))
}

// overfilled says which limit fills in less than a container requests: the API server rejects such
// a pod once it has done so.
func (g *Guards) overfilled(pod *api.Pod, namespace string) string {
	for _, limit := range g.limits[namespace] {
		filled := pod.DeepCopy()
		_ = limitranger.PodMutateLimitFunc(limit, filled) // it never fails
		for _, list := range [][2][]api.Container{{pod.Spec.InitContainers, filled.Spec.InitContainers}, {pod.Spec.Containers, filled.Spec.Containers}} {
			for i := range list[0] {
				for _, name := range slices.Sorted(maps.Keys(list[1][i].Resources.Requests)) {
					asks := list[1][i].Resources.Requests[name]
					most, limited := list[1][i].Resources.Limits[name]
					if _, said := list[0][i].Resources.Limits[name]; limited && !said && asks.Cmp(most) > 0 {
						return fmt.Sprintf("LimitRange %s (its default limit of %s, %s, is below the request, %s)", limit.Name, name, most.String(), asks.String())
					}
				}
			}
		}
	}
	return ""
}

// Claim says why a LimitRange refuses the claims that a StatefulSet makes of a template; "" if
// none does.
func (g *Guards) Claim(template *corev1.PersistentVolumeClaim, namespace string) string {
	if g == nil || len(g.limits[namespace]) == 0 {
		return ""
	}
	claim := apiserver.InternalClaim(template)
	if claim == nil {
		return ""
	}
	return g.limited(claim, namespace)
}

// pod asks the guards in the API server's order: defaults of limits, limits, policies, quotas.
func (g *Guards) pod(m PodMaker, pod *api.Pod) string {
	namespace := m.Ref.Namespace
	if why := g.overfilled(pod, namespace); why != "" {
		return why
	}
	if why := g.defaults(m, pod); why != "" {
		return briefly(why)
	}
	g.settled(pod)
	for _, limit := range g.limits[namespace] {
		if err := limitranger.PodValidateLimitFunc(limit, pod); err != nil {
			return fmt.Sprintf("LimitRange %s (%s)", limit.Name, flat(err))
		}
	}
	if g.policies != nil {
		if message, _ := g.policies.ask(m.request(pod)); message != "" {
			return briefly(message)
		}
	}
	return g.quota(pod, namespace)
}

// briefly names a policy and what it says.
func briefly(message string) string {
	kind, _, _ := strings.Cut(message, " ")
	head, says, found := strings.Cut(message, denied)
	parts := strings.Split(head, "'")
	if len(parts) < 2 {
		return message
	}
	if says = strings.TrimPrefix(says, ": "); !found || says == "" {
		return kind + " " + parts[1]
	}
	return fmt.Sprintf("%s %s (%s)", kind, parts[1], says)
}

// flat writes an error of several reasons on one line.
func flat(err error) string { return strings.ReplaceAll(strings.Trim(err.Error(), "[]"), "\n", " ") }
