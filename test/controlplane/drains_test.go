package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// drainCase is nodes, what is installed on them, and what it is upgraded to; the same if that is "".
type drainCase struct{ name, nodes, old, updated string }

func drainCases() []drainCase {
	two, three := nodeOf("a", "")+nodeOf("b", ""), nodeOf("a", "")+nodeOf("b", "")+nodeOf("c", "")
	const own = "app: web"
	web := workload("Deployment", "web", 2, "")
	apart := workload("Deployment", "web", 2, `affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchLabels: {app: web}}, topologyKey: kubernetes.io/hostname}]}}`)
	local := localVolume("data-0", "a") + localVolume("data-1", "a")
	claims := `volumes: [{name: data, persistentVolumeClaim: {claimName: data-0}}]`
	return []drainCase{
		{"nothing in the way", three, web + budget("web", "maxUnavailable: 1", own), ""},
		{"budget asks for all", three, web + budget("web", "minAvailable: 2", own), ""},
		{"budget asks for all by percentage", two, web + budget("web", "minAvailable: 60%", own), ""},
		{"single pod with budget", two, workload("Deployment", "web", 1, "") + budget("web", "minAvailable: 1", own), ""},
		{"two budgets", two, web + budget("a", "maxUnavailable: 1", own) + budget("b", "maxUnavailable: 1", own), ""},
		{"budget over a DaemonSet, too", two, web + workload("DaemonSet", "log", 0, "", "tier: web") + budget("web", "maxUnavailable: 1", "tier: web"), ""},
		{"number over a DaemonSet, too", two, web + workload("DaemonSet", "log", 0, "", "tier: web") + budget("web", "minAvailable: 1", "tier: web"), ""},
		{"one pod on each node", two, apart, ""},
		{"one pod on each node with budget", two, apart + budget("web", "maxUnavailable: 1", own), ""},
		{"one pod on each node but one", three, apart, ""},
		{"selected node", nodeOf("a", ", disk: fast") + nodeOf("b", ""), workload("Deployment", "web", 2, "nodeSelector: {disk: fast}"), ""},
		{"selected node with budget", nodeOf("a", ", disk: fast") + nodeOf("b", ""), workload("Deployment", "web", 2, "nodeSelector: {disk: fast}") + budget("web", "maxUnavailable: 1", own), ""},
		{"local volume", two, local + workload("Deployment", "web", 1, claims), ""},
		{"host port", two, workload("Deployment", "web", 2, "hostNetwork: true"), ""},
		{"upgrade that makes the budget ask for all", two, web + budget("web", "maxUnavailable: 1", own), web + budget("web", "maxUnavailable: 0", own)},
		{"upgrade that scales to what the budget asks for", three, workload("Deployment", "web", 3, "") + budget("web", "minAvailable: 2", own), web + budget("web", "minAvailable: 2", own)},
		{"upgrade to pods that select a node", nodeOf("a", ", disk: fast") + nodeOf("b", ""), web, workload("Deployment", "web", 2, "nodeSelector: {disk: fast}")},
	}
}

func nodeOf(name, more string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Node\nmetadata: {name: drain-%s, labels: {kubernetes.io/hostname: drain-%s%s}}\n---\n", name, name, more)
}

func workload(kind, name string, replicas int, spec string, more ...string) string {
	count := ""
	if replicas > 0 {
		count = fmt.Sprintf("replicas: %d, ", replicas)
	}
	if spec != "" {
		spec = ", " + spec
	}
	more = append(more, "tier: web")
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: %s\nmetadata: {name: %s}\nspec: {%sselector: {matchLabels: {app: %s}}, template: {metadata: {labels: {app: %s, %s}}, "+
		"spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: 'c:1', ports: [{containerPort: 80}]}]%s}}}\n---\n", kind, name, count, name, name, more[0], spec)
}

func localVolume(claim, node string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: drain-%s}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: '', claimRef: {namespace: drains, name: %s}, local: {path: /data}, "+
		"nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [drain-%s]}]}]}}}\n"+
		"---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: %s}\nspec: {accessModes: [ReadWriteOnce], storageClassName: '', volumeName: drain-%s, resources: {requests: {storage: 1Gi}}}\n", claim, claim, node, claim, claim)
}

// TestDrains drains real nodes one after the other by evictions, with pods that the real scheduler has
// placed, and holds what the program says against what happens.
func TestDrains(t *testing.T) {
	l := startLab(t)
	if err := l.Strip(t.Context()); err != nil { // its nodes
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range drainCases() {
		t.Run(c.name, func(t *testing.T) {
			d := &drainer{t: t, l: l, client: client, namespace: fmt.Sprint("drains-", i)}
			d.run(c)
		})
	}
}

// drainer holds one case against a cluster.
type drainer struct {
	t         *testing.T
	l         *lab.Lab
	client    *kubernetes.Clientset
	namespace string
}

func (d *drainer) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *drainer) run(c drainCase) {
	ctx := d.t.Context()
	c.old, c.updated = ofDrains(c.old, d.namespace), ofDrains(c.updated, d.namespace)
	space := "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + d.namespace + "}\n"
	d.must(d.l.Apply(ctx, c.nodes+space+c.old, d.namespace))
	defer d.clean(c)
	d.settle()
	if c.updated == "" {
		c.updated = c.old
	}
	reader, err := live.New(d.l.Config, live.Options{})
	d.must(err)
	said, err := safediff.Drain(ctx, safediff.Manifest{Name: "old.yaml", Text: c.old}, safediff.Manifest{Name: "new.yaml", Text: c.updated},
		safediff.Options{Namespace: d.namespace, Look: reader.Read}, reader.Drains)
	d.must(err)
	if len(said.Unknown) > 0 {
		d.t.Errorf("not known: %+v", said.Unknown)
	}
	if c.updated != c.old {
		d.upgrade(c.updated)
		d.settle()
	}
	nodes, err := d.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	d.must(err)
	for i := range nodes.Items {
		node := nodes.Items[i].Name
		held, waiting := false, []string(nil)
		running := d.on(node)
		for _, f := range said.Findings {
			here := slices.Contains(f.Nodes, node) || len(f.Nodes) == 0 && slices.ContainsFunc(running, func(p corev1.Pod) bool { return p.Labels["app"] == f.Workload.Name })
			held = held || here && f.Risk == change.Stuck
			if here && f.Risk != change.Stuck && len(running) > 0 {
				waiting = append(waiting, f.Workload.Name)
			}
		}
		left, pending := d.drain(node)
		if held != (left > 0) {
			d.t.Errorf("%s: %d pods are left, and the program says %t that it never empties: %+v", node, left, held, said.Findings)
		}
		if !held && !slices.Equal(slices.Sorted(slices.Values(waiting)), pending) {
			d.t.Errorf("%s: the program says that pods of %v find no other node, and those of %v do not", node, waiting, pending)
		}
	}
}

// ofDrains tells volumes for which claim they are.
func ofDrains(stream, namespace string) string {
	return strings.ReplaceAll(stream, "claimRef: {namespace: drains,", "claimRef: {namespace: "+namespace+",")
}

// upgrade applies the objects of a stream on the server's side.
func (d *drainer) upgrade(stream string) {
	objects, err := lab.Objects(stream)
	d.must(err)
	for _, o := range objects {
		client, err := d.l.ClientFor(o, d.namespace)
		d.must(err)
		_, err = client.Apply(d.t.Context(), o.GetName(), o, metav1.ApplyOptions{FieldManager: "drains", Force: true})
		d.must(err)
	}
}

// clean takes the case out of the cluster, pods first.
func (d *drainer) clean(c drainCase) {
	ctx := context.WithoutCancel(d.t.Context())
	for _, stream := range []string{c.old, c.nodes} {
		objects, err := lab.Objects(stream)
		d.must(err)
		for _, o := range slices.Backward(objects) { // a claim stays until its pods are gone
			d.must(d.l.Delete(ctx, o, d.namespace))
		}
		d.poll("pods to go", func(ctx context.Context) bool { return len(d.pods(ctx)) == 0 })
	}
}

func (d *drainer) poll(what string, is func(context.Context) bool) {
	d.t.Helper()
	err := wait.PollUntilContextTimeout(context.WithoutCancel(d.t.Context()), 200*time.Millisecond, 3*time.Minute, true, func(ctx context.Context) (bool, error) { return is(ctx), nil })
	if err != nil {
		d.t.Fatalf("waiting for %s: %v", what, err)
	}
}

func (d *drainer) pods(ctx context.Context) []corev1.Pod {
	list, err := d.client.CoreV1().Pods(d.namespace).List(ctx, metav1.ListOptions{})
	d.must(err)
	return list.Items
}

// on lists the pods on a node that a drain evicts.
func (d *drainer) on(node string) []corev1.Pod {
	return slices.DeleteFunc(d.pods(d.t.Context()), func(p corev1.Pod) bool {
		owner := metav1.GetControllerOf(&p)
		return p.Spec.NodeName != node || owner != nil && owner.Kind == "DaemonSet"
	})
}

func is(p *corev1.Pod, condition corev1.PodConditionType, status corev1.ConditionStatus) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == condition && c.Status == status })
}

// settle waits until controllers and scheduler have nothing left to do: all pods that are wanted are
// there, each is ready or finds no node, and the budgets have counted them.
func (d *drainer) settle() {
	d.t.Helper()
	d.poll("the cluster to settle", d.settled)
}

func (d *drainer) settled(ctx context.Context) bool {
	wanted := 0
	deployments, err := d.client.AppsV1().Deployments(d.namespace).List(ctx, metav1.ListOptions{})
	d.must(err)
	for _, o := range deployments.Items {
		if o.Status.ObservedGeneration < o.Generation || o.Status.UpdatedReplicas != *o.Spec.Replicas || o.Status.Replicas != *o.Spec.Replicas {
			return false
		}
		wanted += int(*o.Spec.Replicas)
	}
	sets, err := d.client.AppsV1().DaemonSets(d.namespace).List(ctx, metav1.ListOptions{})
	d.must(err)
	for _, o := range sets.Items {
		if !counted(&o) {
			return false
		}
		wanted += int(o.Status.DesiredNumberScheduled)
	}
	pods := d.pods(ctx)
	for i := range pods {
		p := &pods[i]
		if p.DeletionTimestamp != nil || !is(p, corev1.PodReady, corev1.ConditionTrue) && !is(p, corev1.PodScheduled, corev1.ConditionFalse) {
			return false
		}
	}
	return len(pods) == wanted && d.budgetsCounted(ctx, pods)
}

func counted(o *appsv1.DaemonSet) bool {
	return o.Status.ObservedGeneration >= o.Generation && o.Status.DesiredNumberScheduled > 0 && o.Status.NumberReady == o.Status.DesiredNumberScheduled
}

// budgetsCounted reports whether the budgets know of all pods. Of several over one pod one is told, and one
// whose pods cannot be counted says so.
func (d *drainer) budgetsCounted(ctx context.Context, pods []corev1.Pod) bool {
	budgets, err := d.client.PolicyV1().PodDisruptionBudgets(d.namespace).List(ctx, metav1.ListOptions{})
	d.must(err)
	return len(budgets.Items) == 0 || slices.ContainsFunc(budgets.Items, func(b policyv1.PodDisruptionBudget) bool {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		d.must(err)
		ready := 0
		for i := range pods {
			if selector.Matches(labels.Set(pods[i].Labels)) && is(&pods[i], corev1.PodReady, corev1.ConditionTrue) {
				ready++
			}
		}
		// A budget that its controller has never been able to count has no generation of its own that was observed
		// (failSafe in k8s.io/kubernetes/pkg/controller/disruption).
		failed := slices.ContainsFunc(b.Status.Conditions, func(c metav1.Condition) bool {
			return c.Reason == policyv1.SyncFailedReason && c.ObservedGeneration >= b.Generation
		})
		fresh := int(b.Status.CurrentHealthy) == ready && len(b.Status.DisruptedPods) == 0 && b.Status.DisruptionsAllowed == max(0, b.Status.CurrentHealthy-b.Status.DesiredHealthy)
		return failed || fresh && b.Status.ObservedGeneration >= b.Generation
	})
}

// drain cordons a node and evicts its pods until there are none, or the API server refuses each of them
// while nothing else is left to happen. It returns how many are left, and the workloads of which pods
// find no node, and then makes the node take pods again.
func (d *drainer) drain(node string) (left int, pending []string) {
	d.cordon(node, true)
	for {
		evicted := 0
		for _, p := range d.on(node) {
			err := d.client.PolicyV1().Evictions(d.namespace).Evict(d.t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: d.namespace}})
			switch {
			case err == nil:
				evicted++
				d.settle()
			case apierrors.IsTooManyRequests(err), apierrors.IsInternalError(err), apierrors.ReasonForError(err) == metav1.StatusReasonUnknown:
			default:
				d.t.Fatal(err)
			}
		}
		if evicted == 0 {
			break
		}
	}
	for _, p := range d.pods(d.t.Context()) {
		if p.Spec.NodeName == "" {
			pending = append(pending, p.Labels["app"])
		}
	}
	left = len(d.on(node))
	d.cordon(node, false)
	d.poll("pods to come back", func(ctx context.Context) bool {
		return d.settled(ctx) && !slices.ContainsFunc(d.pods(ctx), func(p corev1.Pod) bool { return p.Spec.NodeName == "" })
	})
	slices.Sort(pending)
	return left, slices.Compact(pending)
}

func (d *drainer) cordon(node string, on bool) {
	_, err := d.client.CoreV1().Nodes().Patch(d.t.Context(), node, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, on), metav1.PatchOptions{})
	d.must(err)
}
