package admission

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/core"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/informers/node"
	nodeinformers "k8s.io/client-go/informers/node/v1"
	"k8s.io/client-go/informers/scheduling"
	schedulinginformers "k8s.io/client-go/informers/scheduling/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	nodelisters "k8s.io/client-go/listers/node/v1"
	schedulinglisters "k8s.io/client-go/listers/scheduling/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/safe-diff/helm-safe-diff/pkg/apiserver"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// indexed holds the objects of a kind as an informer would. What cannot be read is left aside: it
// is refused itself.
func indexed[T any](s *apiserver.Server, objects []*manifest.Object, kind schema.GroupVersionKind) cache.Indexer {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, o := range objects {
		if o.Ref.Group != kind.Group || o.Ref.Kind != kind.Kind {
			continue
		}
		if object := decodedAs[T](s, o, kind.GroupVersion()); object != nil {
			_ = indexer.Add(object) // it has a name
		}
	}
	return indexer
}

// informer is an informer of objects that are all there: I is its own type, L that of its lister.
type informer[I, L any] struct{ list L }

// Informer implements the informers of client-go.
func (informer[I, L]) Informer() cache.SharedIndexInformer { return synced{} }

// TypedInformer implements the informers of client-go; nobody asks for it.
func (informer[I, L]) TypedInformer() (none I) { return none }

// Lister implements the informers of client-go.
func (i informer[I, L]) Lister() L { return i.list }

// classInformers is a factory of informers that knows the classes and accounts of pods only. The real one would
// bring the clients of all kinds into the program.
type classInformers struct {
	informers.SharedInformerFactory
	PodClasses
}

// Scheduling implements informers.SharedInformerFactory.
func (f classInformers) Scheduling() scheduling.Interface {
	return schedulingGroup{classes: f.priorities}
}

// Node implements informers.SharedInformerFactory.
func (f classInformers) Node() node.Interface { return nodeGroup{classes: f.runtimes} }

// Core implements informers.SharedInformerFactory.
func (f classInformers) Core() core.Interface { return coreGroup{accounts: f.accounts} }

type coreGroup struct {
	core.Interface
	accounts cache.Indexer
}

// V1 implements core.Interface.
func (g coreGroup) V1() coreinformers.Interface { return coreV1{accounts: g.accounts} }

type coreV1 struct {
	coreinformers.Interface
	accounts cache.Indexer
}

// ServiceAccounts implements the informers of v1.
func (v coreV1) ServiceAccounts() coreinformers.TypedServiceAccountInformer {
	return informer[coreinformers.ServiceAccountIndexInformer, corelisters.ServiceAccountLister]{corelisters.NewServiceAccountLister(v.accounts)}
}

type schedulingGroup struct {
	scheduling.Interface
	classes cache.Indexer
}

// V1 implements scheduling.Interface.
func (g schedulingGroup) V1() schedulinginformers.Interface { return schedulingV1{classes: g.classes} }

type schedulingV1 struct {
	schedulinginformers.Interface
	classes cache.Indexer
}

// PriorityClasses implements the informers of scheduling.k8s.io/v1.
func (v schedulingV1) PriorityClasses() schedulinginformers.TypedPriorityClassInformer {
	return informer[schedulinginformers.PriorityClassIndexInformer, schedulinglisters.PriorityClassLister]{schedulinglisters.NewPriorityClassLister(v.classes)}
}

type nodeGroup struct {
	node.Interface
	classes cache.Indexer
}

// V1 implements node.Interface.
func (g nodeGroup) V1() nodeinformers.Interface { return nodeV1{classes: g.classes} }

type nodeV1 struct {
	nodeinformers.Interface
	classes cache.Indexer
}

// RuntimeClasses implements the informers of node.k8s.io/v1.
func (v nodeV1) RuntimeClasses() nodeinformers.TypedRuntimeClassInformer {
	return informer[nodeinformers.RuntimeClassIndexInformer, nodelisters.RuntimeClassLister]{nodelisters.NewRuntimeClassLister(v.classes)}
}
