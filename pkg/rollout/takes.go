package rollout

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	daemonutil "k8s.io/kubernetes/pkg/controller/daemon/util"
	"k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// ReadyAfter returns the least number of seconds from the creation of a pod until it is ready. The
// kubelet does not probe a container before initialDelaySeconds after its start, and not for
// readiness before the startup probe has succeeded (doProbe in
// k8s.io/kubernetes/pkg/kubelet/prober/worker.go). Sidecars start one after the other, each after
// the one before has started, and the other containers after them (computeInitContainerActions in
// pkg/kubelet/kuberuntime). successThreshold adds nothing: while a container is not ready, the
// kubelet probes it again at each update of the pod (UpdatePodStatus in
// pkg/kubelet/prober/prober_manager.go). All else that takes time, such as pulling an image, counts
// as nothing.
func ReadyAfter(spec *corev1.PodSpec) int {
	started, ready := 0, 0
	for _, c := range containersOf(&corev1.Pod{Spec: *spec}) {
		if c.init && !c.sidecar {
			continue
		}
		startup := delay(c.StartupProbe)
		ready = max(ready, started+max(startup, delay(c.ReadinessProbe)))
		if c.sidecar {
			started += startup
		}
	}
	return ready
}

func delay(p *corev1.Probe) int {
	if p == nil {
		return 0
	}
	return int(p.InitialDelaySeconds)
}

// Takes returns lower bounds for the rollout from old to updated, of which pods says what happens;
// nil if it creates no pod, or none that can start. counted says that the number of pods is that of
// the object: no autoscaler changes it. The time that old pods take to end counts as nothing: their
// grace period is an upper bound.
func Takes(old, updated runtime.Object, pods *change.Pods, counted bool, facts Facts) *change.Takes {
	template := PodsOf(updated)
	if template == nil || pods == nil || pods.Blocked() || Rests(updated) {
		return nil
	}
	p := pace{pods: pods, counted: counted, steady: facts.allReady(old)}
	p.ready = ReadyAfter(&template.Spec)
	switch o := updated.(type) {
	case *appsv1.Deployment:
		p.available = p.ready + int(o.Spec.MinReadySeconds)
		p.deployment(o)
	case *appsv1.StatefulSet:
		p.available = p.ready + int(o.Spec.MinReadySeconds)
		p.statefulSet(old, o)
	case *appsv1.DaemonSet:
		p.available = p.ready + int(o.Spec.MinReadySeconds)
		p.daemonSet(o)
	}
	if p.takes == (change.Takes{}) {
		return nil
	}
	p.takes.Ready = p.ready
	return &p.takes
}

// allReady reports whether all pods of a workload are ready; true if that is not known.
func (f Facts) allReady(o runtime.Object) bool {
	d, is := o.(interface{ GetUID() types.UID })
	if !is {
		return true
	}
	own := f.Running.owned(d.GetUID())
	return own == nil || own.ready() == len(own.Pods)
}

// pace works out how long a rollout takes at least.
type pace struct {
	pods *change.Pods
	// ready and available are for one pod: a controller goes on when a pod is available,
	// minReadySeconds after it is ready (IsPodAvailable in k8s.io/kubernetes/pkg/api/v1/pod).
	ready, available int
	// counted and steady say that the number of pods is known, and that the old ones are ready.
	counted, steady bool
	takes           change.Takes
}

// turns returns in how many turns of at most atOnce pods the controller creates pods.
func (p *pace) turns(pods, atOnce int) int {
	switch {
	case pods == 0:
		return 0
	case !p.counted || pods == unknown || atOnce < 1:
		return 1
	default:
		return (pods + atOnce - 1) / atOnce
	}
}

// after returns when the last of some turns is over: last is how long a pod of that turn takes.
func (p *pace) after(turns, last int) int {
	if turns == 0 {
		return 0
	}
	return (turns-1)*p.available + last
}

// deployment follows NewRSNewReplicas, reconcileOldReplicaSets and rolloutRecreate in
// k8s.io/kubernetes/pkg/controller/deployment: at no moment more than maxSurge and
// maxUnavailable together of the new pods are not available, whether old ones are ready or not.
func (p *pace) deployment(d *appsv1.Deployment) {
	recreates := d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
	news, atOnce, spare := p.pods.Affected, int(util.MaxSurge(*d)+util.MaxUnavailable(*d)), int(util.MaxUnavailable(*d))
	switch {
	case p.pods.Before == 0:
		news, atOnce = p.pods.Desired, p.pods.Desired
	case !p.pods.Replaced:
		return
	case recreates:
		atOnce = news
	}
	p.takes.Turns = p.turns(news, atOnce)
	p.takes.Available = p.after(p.takes.Turns, p.available)
	p.takes.Watched = p.takes.Available
	if p.counted && news >= 0 {
		// IsReady in helm.sh/helm/v3/pkg/kube/ready.go is content with ready pods, and with
		// maxUnavailable fewer.
		p.takes.Legacy = p.after(p.turns(max(0, news-spare), atOnce), p.ready)
	}
	if p.pods.AllDown && p.pods.Replaced && (recreates || util.MaxSurge(*d) == 0) {
		p.takes.Down = p.ready
	}
}

// statefulSet follows updateStatefulSet in k8s.io/kubernetes/pkg/controller/statefulset:
// unless podManagementPolicy is Parallel, each new pod waits for the one before, and the
// update for all of them; then at most maxUnavailable pods are not available.
func (p *pace) statefulSet(old runtime.Object, s *appsv1.StatefulSet) {
	parallel := s.Spec.PodManagementPolicy == appsv1.ParallelPodManagement
	comes, moved, atOnce := max(0, p.pods.Desired-p.pods.Before), 0, maxUnavailable(s)
	if p.pods.Replaced {
		moved = p.pods.Affected
	}
	if !p.counted {
		comes = 0
	}
	was, is := old.(*appsv1.StatefulSet)
	shifted := is && was != nil && ordinalsOf(was).from != ordinalsOf(s).from
	if parallel && (!p.steady || shifted || moved == 0) {
		comes, moved, atOnce = 0, comes+moved, comes+moved // all at once, as far as is known
	} else if parallel {
		comes = 0
	}
	p.takes.Turns = p.turns(comes, 1) + p.turns(moved, atOnce)
	p.takes.Available = p.after(p.takes.Turns, p.available)
	// Both Helms are content with pods that are ready (statefulSetReady in
	// helm.sh/helm/v3/pkg/kube/ready.go, stsConditions in
	// github.com/fluxcd/cli-utils/pkg/kstatus/status), and Helm 3 looks at no other strategy.
	if s.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		p.takes.Watched = p.after(p.takes.Turns, p.ready)
		p.takes.Legacy = p.takes.Watched
	}
	if p.pods.AllDown && p.pods.Before == p.pods.Desired && moved == p.pods.Before && !shifted {
		p.takes.Down = p.ready
	}
}

// daemonSet follows rollingUpdate in k8s.io/kubernetes/pkg/controller/daemon/update.go. Old
// pods that are not available it replaces all at once.
func (p *pace) daemonSet(d *appsv1.DaemonSet) {
	nodes, atOnce, surges := p.pods.Affected, 0, false
	switch {
	case p.pods.Before == 0 && p.pods.Desired > 0:
		nodes, atOnce = p.pods.Desired, p.pods.Desired
	case !p.pods.Replaced:
		return
	case p.pods.Before == unknown:
		surge, err := daemonutil.SurgeCount(d, 1)
		surges = err != nil || surge > 0
	default:
		surge, err := daemonutil.SurgeCount(d, p.pods.Before)
		surges = err != nil || surge > 0
		if atOnce = surge; !surges {
			atOnce = daemonUnavailable(d, p.pods.Before)
		}
		if !p.steady {
			atOnce = nodes
		}
	}
	p.takes.Turns = p.turns(nodes, atOnce)
	p.takes.Available = p.after(p.takes.Turns, p.available)
	p.takes.Watched = p.takes.Available
	// Helm 3 wants the last pods to be there, and not to be ready (daemonSetReady in
	// helm.sh/helm/v3/pkg/kube/ready.go).
	p.takes.Legacy = max(0, p.takes.Turns-1) * p.available
	if p.pods.AllDown && p.pods.Replaced && !surges && p.pods.Affected == p.pods.Before {
		p.takes.Down = p.ready
	}
}
