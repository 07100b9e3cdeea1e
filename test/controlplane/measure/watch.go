package measure

import (
	"context"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
)

// watcher follows workloads, pods and endpoints of all namespaces, and tells the
// recorder of a namespace what happens there.
type watcher struct {
	factory informers.SharedInformerFactory

	mu        sync.Mutex
	recorders map[string]*recorder
}

func watch(ctx context.Context, client kubernetes.Interface) (*watcher, error) {
	w := &watcher{factory: informers.NewSharedInformerFactory(client, 0), recorders: map[string]*recorder{}}
	apps, core, batch := w.factory.Apps().V1(), w.factory.Core().V1(), w.factory.Batch().V1()
	for _, informer := range []cache.SharedIndexInformer{
		core.Pods().Informer(), core.ReplicationControllers().Informer(), w.factory.Discovery().V1().EndpointSlices().Informer(),
		apps.Deployments().Informer(), apps.StatefulSets().Informer(), apps.DaemonSets().Informer(), apps.ReplicaSets().Informer(),
		batch.Jobs().Informer(), core.PersistentVolumeClaims().Informer(),
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { w.tell(o, false) },
			UpdateFunc: func(_, o any) { w.tell(o, false) },
			DeleteFunc: func(o any) {
				if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
					o = last.Obj
				}
				w.tell(o, true)
			},
		})
		if err != nil {
			return nil, err
		}
	}
	w.factory.Autoscaling().V2().HorizontalPodAutoscalers().Informer() // their status is nothing that happens
	w.factory.Start(ctx.Done())
	w.factory.WaitForCacheSync(ctx.Done())
	return w, nil
}

func (w *watcher) tell(o any, gone bool) {
	accessor, err := meta.Accessor(o)
	if err != nil {
		return
	}
	w.mu.Lock()
	r := w.recorders[accessor.GetNamespace()]
	w.mu.Unlock()
	if r != nil {
		r.see(o, gone)
	}
}

// record returns what happens in some namespaces from now on.
func (w *watcher) record(namespaces []string) *recorder {
	r := &recorder{
		last: time.Now(), pods: map[types.UID]pod{}, slices: map[place]*discoveryv1.EndpointSlice{},
		fewest: map[workload]int{}, worst: map[place]int{},
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, namespace := range namespaces {
		w.recorders[namespace] = r
	}
	return r
}

func (w *watcher) forget(namespaces []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, namespace := range namespaces {
		delete(w.recorders, namespace)
	}
}

// workload is what owns a pod: the object that a chart holds.
type workload struct{ namespace, kind, name string }

// place is where an object is called something.
type place struct{ namespace, name string }

type pod struct {
	name   string
	owner  workload
	ready  bool
	going  bool
	done   bool
	placed bool
	waits  bool // the scheduler has found no place for it
	images string
	// Since is when it was placed, or was told to go, whichever came last.
	since time.Time
}

// recorder keeps the pods and endpoints of the namespaces of a case.
type recorder struct {
	mu     sync.Mutex
	last   time.Time // of anything that happened
	pods   map[types.UID]pod
	slices map[place]*discoveryv1.EndpointSlice

	recording bool
	late      int              // how many pods took longer than they should
	fewest    map[workload]int // ready pods
	worst     map[place]int    // ready addresses of a Service
}

func (r *recorder) see(o any, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = time.Now()
	switch o := o.(type) {
	case *corev1.Pod:
		known, old := r.pods[o.UID]
		if gone {
			r.hold(known, known.going)
			delete(r.pods, o.UID)
			break
		}
		p := podOf(o)
		p.since = r.last
		if old {
			p.owner = known.owner // also when the owner has let go of it
			if p.placed == known.placed && p.going == known.going {
				p.since = known.since
			}
			r.hold(known, known.placed && !known.ready && p.ready)
		}
		r.pods[o.UID] = p
	case *discoveryv1.EndpointSlice:
		if gone {
			delete(r.slices, place{o.Namespace, o.Name})
		} else {
			r.slices[place{o.Namespace, o.Name}] = o
		}
	default:
		return
	}
	r.note()
}

// tardy is how long a pod may take to become ready once it is placed, and to be gone once
// it is told to: the laboratory's own 1 s and 0.6 s, and as much again. What takes longer
// is late, because the machine is busy, and the fewest of what was there may be too.
const tardy = 2 * time.Second

// hold notes that something was late with a pod.
func (r *recorder) hold(p pod, ended bool) {
	if ended && !p.since.IsZero() && r.last.Sub(p.since) > tardy {
		r.late++
	}
}

// note keeps the fewest of everything that was there when recording began.
func (r *recorder) note() {
	if !r.recording {
		return
	}
	ready := r.ready()
	for owner, fewest := range r.fewest {
		r.fewest[owner] = min(fewest, ready[owner])
	}
	addresses := r.addresses()
	for service, worst := range r.worst {
		r.worst[service] = min(worst, addresses[service])
	}
}

func (r *recorder) ready() map[workload]int {
	counts := map[workload]int{}
	for _, p := range r.pods {
		if p.ready && !p.going {
			counts[p.owner]++
		}
	}
	return counts
}

func (r *recorder) addresses() map[place]int {
	counts := map[place]int{}
	for _, slice := range r.slices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				counts[place{slice.Namespace, slice.Labels[discoveryv1.LabelServiceName]}] += len(endpoint.Addresses)
			}
		}
	}
	return counts
}

// snapshot is what there is at one moment.
type snapshot struct {
	pods      map[workload]map[types.UID]pod
	ready     map[workload]int
	addresses map[place]int
	workloads map[workload]bool // whether they have arrived where they want to be
}

func (r *recorder) snapshot() snapshot {
	s := snapshot{pods: map[workload]map[types.UID]pod{}, ready: r.ready(), addresses: r.addresses()}
	for uid, p := range r.pods {
		if p.going {
			continue
		}
		if s.pods[p.owner] == nil {
			s.pods[p.owner] = map[types.UID]pod{}
		}
		s.pods[p.owner][uid] = p
	}
	return s
}

// begin starts to record the fewest, and returns what there is before.
func (r *recorder) begin() snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.snapshot()
	for owner := range s.pods {
		r.fewest[owner] = s.ready[owner]
	}
	for service, n := range s.addresses {
		r.worst[service] = n
	}
	r.recording, r.last, r.late = true, time.Now(), 0
	return s
}

// end returns what there is afterwards.
func (r *recorder) end() snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recording = false
	return r.snapshot()
}

// lateness returns how many pods were late since recording began.
func (r *recorder) lateness() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.late
}

// quiet returns for how long nothing has happened, whether there are pods, and whether one is on
// its way out, or on its way to be ready: on a busy machine both take longer than nothing else does.
func (r *recorder) quiet() (since time.Duration, pods, going, starting bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pods {
		going = going || p.going
		starting = starting || !p.going && !p.ready && !p.done && (p.placed || !p.waits)
	}
	return time.Since(r.last), len(r.pods) > 0, going, starting
}

func podOf(o *corev1.Pod) pod {
	p := pod{name: o.Name, owner: ownerOf(o), going: o.DeletionTimestamp != nil, done: o.Status.Phase == corev1.PodSucceeded}
	for _, c := range o.Status.Conditions {
		p.ready = p.ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		p.waits = p.waits || c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	}
	p.placed = o.Spec.NodeName != ""
	for _, c := range o.Spec.Containers {
		p.images += c.Name + "=" + c.Image + " "
	}
	return p
}

// ownOf names an object as ownerOf does the owner of its pods.
func ownOf(o *unstructured.Unstructured) workload {
	return workload{o.GetNamespace(), o.GetKind(), o.GetName()}
}

// ownerOf names the workload that a chart would hold: the Deployment, not its
// ReplicaSet.
func ownerOf(o *corev1.Pod) workload {
	owner := metav1.GetControllerOf(o)
	switch hash := o.Labels["pod-template-hash"]; {
	case owner == nil:
		return workload{o.Namespace, "Pod", o.Name}
	case owner.Kind == "ReplicaSet" && hash != "" && strings.HasSuffix(owner.Name, "-"+hash):
		return workload{o.Namespace, "Deployment", strings.TrimSuffix(owner.Name, "-"+hash)}
	default:
		return workload{o.Namespace, owner.Kind, owner.Name}
	}
}

// happened compares what there is of an object before and after: the pods of a
// workload, the addresses of a Service.
func (r *recorder) happened(was, is snapshot, o *unstructured.Unstructured) (pods *agreement.Pods, endpoints *agreement.Endpoints) {
	own, at := ownOf(o), place{o.GetNamespace(), o.GetName()}
	if n, known := was.addresses[at]; known && o.GetKind() == "Service" {
		endpoints = &agreement.Endpoints{Before: n, Worst: r.worst[at], After: is.addresses[at]}
	}
	if was.pods[own] == nil && is.pods[own] == nil {
		return nil, endpoints
	}
	ready, fewest := was.ready[own], r.fewest[own]
	pods = &agreement.Pods{Before: len(was.pods[own]), After: len(is.pods[own]), MinReady: &fewest, ReadyBefore: &ready}
	gone, anew := 0, 0
	for uid, before := range was.pods[own] {
		switch after, stays := is.pods[own][uid]; {
		case !stays:
			gone++
		case after.images != before.images:
			pods.Restarted++
		}
	}
	for uid := range is.pods[own] {
		if _, old := was.pods[own][uid]; !old {
			anew++
		}
	}
	pods.Replaced = min(gone, anew)
	return pods, endpoints
}
