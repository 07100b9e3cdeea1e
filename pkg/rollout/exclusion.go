package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/daemon/util"
	deploymentutil "k8s.io/kubernetes/pkg/controller/deployment/util"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/scheduling"
)

// Excluded tells why pods that a workload makes find no node because other pods of it run
// there: old ones that stay until a new one is ready, or as many new ones as there are nodes; or
// because pods of other workloads run wherever one could.
// It is nil if they find one, or if the nodes are not known, unless each new pod has its node: that
// of the old one. open is why they may find one all
// the same, one clause; "" if they cannot. Both objects have the API server's defaults; old is
// nil for a workload that is new.
func Excluded(old, updated runtime.Object, pods *change.Pods, facts Facts, in scheduling.Namespace) (why *Obstacle, open string) {
	d, daemons := updated.(*appsv1.DaemonSet)
	if len(facts.Cluster) == 0 && !daemons || Rests(updated) || pods == nil || pods.Blocked() {
		return nil, ""
	}
	e := exclusions{old: old, updated: updated, pods: pods, facts: facts, in: in}
	if e.fresh = PodOf(updated, in.Name, "new", 1); e.fresh == nil || e.fresh.Spec.NodeName != "" {
		return nil, ""
	}
	e.compare()
	if len(e.own)+len(e.beside)+len(e.keepers) == 0 {
		return nil, ""
	}
	if daemons {
		if why, open = e.daemonBesideOthers(d); why != nil {
			return why, open
		}
		return e.surging(d)
	}
	e.fit = facts.search(e.fresh).Fitting(facts.Cluster)
	if len(e.fit.Nodes) == 0 {
		return nil, "" // as Unplaced tells
	}
	if why, open = e.besideOthers(); why != nil {
		return why, open
	}
	if why, open = e.blocked(); why != nil && open == "" {
		return why, ""
	}
	if many, but := e.tooMany(); many != nil && (why == nil || but == "") {
		return many, but
	}
	return why, open
}

// compare finds what new pods are excluded by.
func (e *exclusions) compare() {
	e.own = scheduling.Exclusions(e.fresh, PodOf(e.updated, e.in.Name, "new", 0), e.in)
	if e.old != nil {
		if e.stale = PodOf(e.old, e.in.Name, "old", 0); e.stale != nil {
			e.beside = scheduling.Exclusions(e.fresh, e.stale, e.in)
			e.before = scheduling.Exclusions(PodOf(e.old, e.in.Name, "old", 1), e.stale, e.in)
		}
	}
	e.spread()
	e.keepers = e.facts.keepers(e.fresh, e.stale, e.in)
}

// PodOf returns a pod as the controller of a workload makes it, of the old or the new
// template, with what it labels each pod; nil for what makes no pods that go on running. Pods
// of different numbers are different.
func PodOf(o runtime.Object, namespace, side string, number int) *corev1.Pod {
	marks := map[string]string{}
	switch o := o.(type) {
	case *appsv1.Deployment:
		marks[appsv1.DefaultDeploymentUniqueLabelKey] = side
	case *appsv1.DaemonSet:
		marks[appsv1.DefaultDaemonSetUniqueLabelKey], marks[appsv1.DeprecatedTemplateGeneration] = side, side
	case *appsv1.StatefulSet:
		marks[appsv1.StatefulSetRevisionLabel], marks[appsv1.PodIndexLabel] = side, strconv.Itoa(number)
		marks[appsv1.StatefulSetPodNameLabel] = fmt.Sprintf("%s-%d", o.Name, number)
	case *appsv1.ReplicaSet, *corev1.ReplicationController:
	default:
		return nil
	}
	pod := podFrom(PodsOf(o))
	pod.Namespace, pod.Labels = namespace, maps.Clone(pod.Labels)
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	maps.Copy(pod.Labels, marks)
	return pod
}

// exclusions are what pods of a workload exclude each other by.
type exclusions struct {
	old, updated runtime.Object
	pods         *change.Pods
	facts        Facts
	in           scheduling.Namespace

	fresh, stale *corev1.Pod // one of the new template, and one of the old
	// own is between new pods, before between old ones, beside keeps a new one from where an
	// old one is.
	own, before, beside []scheduling.Exclusion
	keepers             []keeper           // keep a new pod from where other workloads are
	fit                 scheduling.Fitting // for a new pod
	// now are the nodes that can hold an old pod, ever those on which one may be.
	now, ever []*corev1.Node
}

// blocked tells why a rolling update of a Deployment does not get on: no old pod goes before
// a new one is ready, and wherever a new one may run there is an old one.
func (e *exclusions) blocked() (*Obstacle, string) {
	stay := e.staying()
	if stay < 1 {
		return nil, ""
	}
	e.now = e.facts.search(e.stale).Fitting(e.facts.Cluster).Nodes
	e.ever = e.facts.search(scheduling.Settled(e.stale, e.facts.Cluster)).Fitting(e.facts.Cluster).Nodes
	if e.coveredBy(stay) < len(e.fit.Nodes) {
		return nil, "" // there is always a node without an old pod
	}
	surely := slices.DeleteFunc(slices.Clone(e.beside), func(x scheduling.Exclusion) bool { return x.Unsure })
	var everywhere bool
	if placed, known := e.placed(); known {
		if e.free(placed, e.beside) > 0 && e.pods.Desired <= e.pods.Before {
			return nil, ""
		}
		everywhere = e.free(placed, surely) == 0 && stay >= e.pods.Before
	} else if !e.seen() {
		everywhere = e.everywhere(surely, min(stay, e.pods.Before))
	}
	switch why := e.obstacle("its new pods find no node while the old ones run", e.beside[0]); {
	case len(surely) == 0:
		return why, unknownLabels
	case !everywhere || stay < e.pods.Desired:
		return why, "whether old pods run on all of these nodes is not known"
	case e.raised():
		return why, "with a higher priority they push out old ones"
	default:
		return why, e.fit.Open
	}
}

const unknownLabels = "whether its anti-affinity selects them depends on labels of the namespace, which are not known"

// staying returns how many old pods a rolling update of a Deployment leaves while no new one
// is ready, if new ones may not run near them. The controller first brings the old ReplicaSet
// to the number that is wanted (scale in k8s.io/kubernetes/pkg/controller/deployment/sync.go).
func (e *exclusions) staying() int {
	d, is := Sized(e.updated, e.pods.Desired).(*appsv1.Deployment)
	if !is || !e.pods.Replaced || e.pods.Before < 1 || len(e.beside) == 0 || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return 0
	}
	return e.pods.Desired - int(deploymentutil.MaxUnavailable(*d))
}

// raised reports whether new pods have a priority by which the scheduler may delete old ones.
func (e *exclusions) raised() bool {
	return e.stale.Spec.PriorityClassName != e.fresh.Spec.PriorityClassName
}

// coveredBy returns how many of the nodes for a new pod so many old pods keep it from at most.
func (e *exclusions) coveredBy(pods int) int {
	covered := 0
	for _, x := range e.beside {
		there := places(e.ever, x.Key)
		var sizes []int
		for place, size := range places(e.fit.Nodes, x.Key) {
			if there[place] > 0 {
				sizes = append(sizes, size)
			}
		}
		slices.Sort(sizes)
		for _, size := range sizes[max(0, len(sizes)-pods):] {
			covered += size
		}
	}
	return covered
}

// places returns how many nodes are in each of the places that a key means.
func places(nodes []*corev1.Node, key string) map[string]int {
	sizes := map[string]int{}
	for _, node := range nodes {
		if place, is := scheduling.Near(node, key); is {
			sizes[place]++
		}
	}
	return sizes
}

// placed returns the nodes of the old pods; known is false if nobody knows them, or if some
// are of another template yet.
func (e *exclusions) placed() (nodes []*corev1.Node, known bool) {
	d, is := e.old.(*appsv1.Deployment)
	if !is || !e.seen() {
		return nil, false
	}
	own := e.facts.Running.owned(d.UID)
	if own.ofTemplate(&d.Spec.Template) != len(own.Pods) {
		return nil, false
	}
	for _, node := range e.facts.Cluster {
		if slices.ContainsFunc(own.Pods, func(p *corev1.Pod) bool { return p.Spec.NodeName == node.Name }) {
			nodes = append(nodes, node)
		}
	}
	return nodes, true
}

// seen reports whether the pods of a Deployment were read from the cluster.
func (e *exclusions) seen() bool {
	d, is := e.old.(*appsv1.Deployment)
	return is && e.facts.Running.owned(d.UID) != nil
}

// free returns how many of the nodes for a new pod no old one on some nodes keeps it from.
func (e *exclusions) free(old []*corev1.Node, beside []scheduling.Exclusion) int {
	taken := make([]map[string]int, len(beside))
	for i, x := range beside {
		taken[i] = places(old, x.Key)
	}
	free := 0
	for _, node := range e.fit.Nodes {
		near := false
		for i, x := range beside {
			place, is := scheduling.Near(node, x.Key)
			near = near || is && taken[i][place] > 0
		}
		if !near {
			free++
		}
	}
	return free
}

// everywhere reports whether so many old pods are near every node for a new one, wherever
// they are: they exclude each other as they exclude it, and are as many as there are places
// for them.
func (e *exclusions) everywhere(beside []scheduling.Exclusion, pods int) bool {
	return slices.ContainsFunc(beside, func(x scheduling.Exclusion) bool {
		if !slices.ContainsFunc(e.before, func(b scheduling.Exclusion) bool { return b.Key == x.Key && !b.Unsure && b.Most <= 1 }) {
			return false
		}
		held := places(e.now, x.Key)
		for _, node := range slices.Concat(e.fit.Nodes, e.ever) {
			if _, is := scheduling.Near(node, x.Key); !is {
				return false
			}
		}
		for place := range places(e.fit.Nodes, x.Key) {
			if held[place] == 0 {
				return false
			}
		}
		return pods >= len(places(e.ever, x.Key))
	})
}

// tooMany tells that fewer nodes can hold new pods than are wanted, because these exclude
// each other.
func (e *exclusions) tooMany() (*Obstacle, string) {
	fewest, by := e.fewest(e.own, e.fit.Nodes)
	if fewest < 0 || e.pods.Desired <= fewest || !e.renews() {
		return nil, ""
	}
	because := "they exclude each other"
	if by.Most > 0 {
		because = "they must be spread evenly"
	}
	why := e.obstacle(fmt.Sprintf("only %d of its %d pods find a node, because %s", fewest, e.pods.Desired, because), by)
	why.some = true
	switch {
	case by.Unsure:
		return why, unknownLabels
	case e.manyBefore():
		return why, "not all of the previous pods did either"
	default:
		return why, e.fit.Open
	}
}

// renews reports whether in the end all pods are of the new template.
func (e *exclusions) renews() bool {
	if e.old == nil || apiequality.Semantic.DeepEqual(PodsOf(e.old), PodsOf(e.updated)) {
		return true
	}
	switch o := e.updated.(type) {
	case *appsv1.StatefulSet:
		return !onDelete(o) && partition(o) == 0
	case *appsv1.Deployment:
		return true
	default:
		return false
	}
}

// manyBefore reports whether the old pods were too many already.
func (e *exclusions) manyBefore() bool {
	if e.stale == nil {
		return false
	}
	_, free := keptFrom(e.facts.search(e.stale).Fitting(e.facts.Cluster).Nodes, e.facts.keepers(e.stale, nil, e.in))
	fewest, by := e.fewest(e.before, free)
	return fewest >= 0 && !by.Unsure && e.pods.Before > fewest
}

// fewest returns how many pods that exclude each other some nodes can hold, and by what; -1 if
// there is no bound.
func (e *exclusions) fewest(list []scheduling.Exclusion, nodes []*corev1.Node) (fewest int, by scheduling.Exclusion) {
	fewest = -1
	for _, x := range list {
		sizes := places(nodes, x.Key)
		all := 0
		for _, size := range sizes {
			all += size
		}
		if most := len(sizes) * max(1, x.Most); all == len(nodes) && (fewest < 0 || most < fewest) { // a node without the label holds any number
			fewest, by = most, x
		}
	}
	return fewest, by
}

// surging tells why a DaemonSet that makes new pods first does not get on: on its node a new
// pod may not run beside the old one.
func (e *exclusions) surging(d *appsv1.DaemonSet) (*Obstacle, string) {
	old, is := e.old.(*appsv1.DaemonSet)
	surge, err := util.SurgeCount(d, 1)
	if !is || !e.pods.Replaced || err != nil || surge < 1 || len(e.beside) == 0 {
		return nil, ""
	}
	nodes, blocked := 0, 0
	x := e.beside[0]
	for _, node := range e.facts.Cluster {
		ran, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, old)
		if runs, _ := daemon.NodeShouldRunDaemonPod(logr.Discard(), node, d); !ran || !runs {
			continue
		}
		nodes++
		if _, near := scheduling.Near(node, x.Key); near {
			blocked++
		}
	}
	what := fmt.Sprintf("on %d of its %d nodes the new pod cannot run beside the old one", blocked, nodes)
	switch {
	case len(e.facts.Cluster) == 0 && x.Key == "":
		what = "on its node a new pod cannot run beside the old one"
	case blocked == 0:
		return nil, ""
	}
	why := e.obstacle(what, x)
	why.some = blocked < nodes
	switch {
	case x.Unsure:
		return why, unknownLabels
	case e.raised():
		return why, "with a higher priority it pushes out the old one"
	default:
		return why, ""
	}
}

// obstacle says something, and why in the words of the scheduler.
func (e *exclusions) obstacle(what string, by scheduling.Exclusion) *Obstacle {
	if nodes := len(e.fit.Nodes); nodes > 0 {
		reasons := maps.Clone(e.fit.Reasons)
		reasons[by.Reason] += nodes
		what += fmt.Sprintf(": 0/%d nodes are available: %s", len(e.facts.Cluster), scheduling.Histogram(reasons))
	}
	paths := excluding(&e.fresh.Spec)
	if by.Most > 0 {
		paths = []fieldpath.Path{fieldpath.Fields(by.Field())}
	}
	return &Obstacle{Kind: NoNodeBeside, Message: what + bracketed(by), Paths: paths}
}

// excluding are the fields of a pod by which it excludes others, as far as they are set.
func excluding(spec *corev1.PodSpec) []fieldpath.Path {
	var paths []fieldpath.Path
	if spec.Affinity != nil && spec.Affinity.PodAntiAffinity != nil && len(spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
		paths = append(paths, fieldpath.Fields("affinity", "podAntiAffinity"))
	}
	for _, c := range containersOf(&corev1.Pod{Spec: *spec}) {
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort > 0 }) {
			paths = append(paths, c.field("ports"))
		}
	}
	return paths
}
