// Package measure makes an upgrade with real Helm on a real control plane, and
// tells what happened to every object and its pods.
package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// Release is the name of every release.
const Release = "shop"

// Way is how a release comes about: which Helm installs it, which one upgrades it.
type Way struct {
	Name             string
	Install, Upgrade string // programs
	// ServerSide says that Helm then applies on the server's side.
	ServerSide bool
}

// Case is an upgrade to be made. Charts are folders.
type Case struct {
	Name               string
	OldChart, NewChart string
	// FirstChart is installed before the old one if it is not "".
	FirstChart string
	// Old and New are the manifests that the charts render, for the objects to
	// look at.
	Old, New string
	// Cluster is what is in the cluster besides the release.
	Cluster string
	// Drift changes live objects once the old side has settled, as Lab.Interfere
	// reads it.
	Drift string
	// OldArgs and NewArgs are further arguments of helm install and upgrade.
	OldArgs, NewArgs []string
	// Between is called when the old side is installed and has settled, and drift
	// with it; nil for nothing.
	Between func(ctx context.Context, namespace string) error
}

// Bench makes upgrades on one control plane. It is safe for concurrent use, as
// long as cases that share objects outside of namespaces do not run together.
type Bench struct {
	lab   *lab.Lab
	home  string
	watch *watcher
	core  kubernetes.Interface
	empty survey
}

// New returns a bench on a control plane in which nothing is installed yet. home is a
// folder for what Helm keeps.
func New(ctx context.Context, l *lab.Lab, home string) (*Bench, error) {
	core, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		return nil, err
	}
	b := &Bench{lab: l, home: home, core: core}
	if b.empty, err = b.survey(ctx); err != nil {
		return nil, err
	}
	b.watch, err = watch(ctx, core)
	return b, err
}

// Config returns how to reach the cluster.
func (b *Bench) Config() *rest.Config { return b.lab.Config }

// Asked returns what the plugin has asked the cluster so far.
func (b *Bench) Asked() ([]lab.Request, error) { return b.lab.Asked() }

// Run makes an upgrade in a namespace of its own and leaves the namespace as it
// is then. late is how many pods took longer than the laboratory makes them, because the
// machine was busy: then what was there at worst may be chance.
func (b *Bench) Run(ctx context.Context, c Case, way Way, namespace string) (u *agreement.Upgrade, late int, err error) {
	namespaces := b.namespacesOf(c, namespace)
	record := b.watch.record(namespaces)
	defer b.watch.forget(namespaces)
	u, err = b.run(ctx, c, way, namespace, record)
	return u, record.lateness(), err
}

func (b *Bench) run(ctx context.Context, c Case, way Way, namespace string, record *recorder) (*agreement.Upgrade, error) {
	namespaces := b.namespacesOf(c, namespace)
	objects, running, err := b.begin(ctx, c, way, namespace, record)
	if err != nil {
		return nil, err
	}
	before, err := b.read(ctx, objects, namespace)
	if err != nil {
		return nil, err
	}
	if c.Between != nil {
		if err := c.Between(ctx, namespace); err != nil {
			return nil, err
		}
	}
	installed, _, err1 := b.revision(ctx, namespace)
	remains, err2 := b.remains(ctx, objects, before, namespace)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	was := record.begin()
	was.workloads = b.watch.workloads(namespaces)
	_, failed := b.helm(ctx, way.Upgrade, append([]string{"upgrade", Release, c.NewChart, "--namespace", namespace}, c.NewArgs...)...)
	if err := errors.Join(b.watch.settle(ctx, namespaces, record, running), b.awaitNamespaces(ctx, objects)); err != nil {
		return nil, err
	}
	b.lab.Rediscover()
	is := record.end()
	is.workloads = b.watch.workloads(namespaces)
	after, err := b.read(ctx, objects, namespace)
	if err != nil {
		return nil, err
	}
	u := &agreement.Upgrade{Case: c.Name, Helm: way.Name, Disturbed: c.Drift != ""}
	u.Upgrade.OK = failed == nil
	if failed != nil {
		u.Upgrade.Error = failed.Error()
	}
	for i, o := range objects {
		r := verdict(o, before[i], after[i], u.Upgrade.Error)
		r.Pods, r.Endpoints = record.happened(was, is, o)
		if r.Hangs, err = b.hangs(ctx, was, is, o); err != nil {
			return nil, err
		}
		u.Resources = append(u.Resources, r)
	}
	remains.left = after
	if err := b.awaitPolicies(ctx, namespace, c.Old, c.New); err != nil {
		return nil, err
	}
	return u, b.back(ctx, way, namespace, installed, objects, remains, u)
}

// begin brings about the old side of a case, and all that is in the cluster besides. It returns the objects
// of both sides, and whether there should be pods.
func (b *Bench) begin(ctx context.Context, c Case, way Way, namespace string, record *recorder) (objects []*unstructured.Unstructured, running bool, err error) {
	if c.Cluster != "" {
		if err := b.makeNamespace(ctx, namespace); err != nil {
			return nil, false, err
		}
		if err := b.lab.Apply(ctx, c.Cluster, namespace); err != nil {
			return nil, false, err
		}
		if err := b.awaitPolicies(ctx, namespace, c.Cluster); err != nil {
			return nil, false, err
		}
	}
	if objects, err = b.objects(c, namespace); err != nil {
		return nil, false, err
	}
	running = slices.ContainsFunc(objects, runs)
	if err := b.install(ctx, c, way, namespace, record, running); err != nil {
		return nil, false, err
	}
	if err := b.awaitPolicies(ctx, namespace, c.Old, c.Drift); err != nil {
		return nil, false, err
	}
	objects, err = b.objects(c, namespace) // by now all kinds are known
	return objects, running, err
}

// ErrInstall says that the old side cannot be installed.
var ErrInstall = errors.New("install")

// install brings about the old side, and what somebody does to it.
func (b *Bench) install(ctx context.Context, c Case, way Way, namespace string, record *recorder, running bool) error {
	for _, chart := range []string{c.FirstChart, c.OldChart} {
		if chart == "" {
			continue
		}
		args := append([]string{"upgrade", "--install", Release, chart, "--namespace", namespace, "--create-namespace"}, c.OldArgs...)
		if _, err := b.helm(ctx, way.Install, args...); err != nil {
			return fmt.Errorf("%w: %w", ErrInstall, err)
		}
		if err := b.watch.settle(ctx, b.namespacesOf(c, namespace), record, running); err != nil {
			return err
		}
	}
	if c.Drift == "" {
		return nil
	}
	if err := b.lab.Interfere(ctx, c.Drift, namespace); err != nil {
		return err
	}
	return b.watch.settle(ctx, b.namespacesOf(c, namespace), record, running)
}

// verdict tells what happened to one object. failure is what Helm said, if it
// failed.
func verdict(o, before, after *unstructured.Unstructured, failure string) agreement.Resource {
	r := agreement.Resource{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
	r.Verdict, r.Changed = compare(before, after)
	if failure != "" && (r.Verdict == "unchanged" || r.Verdict == "absent") && names(failure, o) {
		r.Verdict = "rejected"
	}
	return r
}

func (b *Bench) makeNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := b.core.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	return err
}

// runs reports whether an object has pods.
func runs(o *unstructured.Unstructured) bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Pod"}, o.GetKind())
}

// awaitNamespaces waits until Namespaces that are on their way out are gone, and
// with them what they hold.
func (b *Bench) awaitNamespaces(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if o.GetKind() != "Namespace" {
			continue
		}
		err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			live, err := b.core.CoreV1().Namespaces().Get(ctx, o.GetName(), metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return true, nil
			}
			return err == nil && live.DeletionTimestamp == nil, err
		})
		if err != nil {
			return fmt.Errorf("wait for Namespace %s: %w", o.GetName(), err)
		}
	}
	return nil
}

// objects returns the objects of both sides, each once.
func (b *Bench) objects(c Case, namespace string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	seen := map[string]bool{}
	for _, stream := range []string{c.New, c.Old} {
		list, err := lab.Objects(stream)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if o.GetName() == "" {
				continue
			}
			switch namespaced, known := b.lab.Namespaced(o.GroupVersionKind()); {
			case known && !namespaced:
				o.SetNamespace("") // whatever the manifest says
			case o.GetNamespace() == "":
				o.SetNamespace(namespace)
			}
			key := o.GroupVersionKind().GroupKind().String() + "/" + o.GetNamespace() + "/" + o.GetName()
			if !seen[key] {
				seen[key] = true
				objects = append(objects, o)
			}
		}
	}
	return objects, nil
}

// read returns the live objects; nil for one that is not there, or whose kind the
// cluster does not serve.
func (b *Bench) read(ctx context.Context, objects []*unstructured.Unstructured, namespace string) ([]*unstructured.Unstructured, error) {
	live := make([]*unstructured.Unstructured, len(objects))
	for i, o := range objects {
		client, err := b.lab.ServedClientFor(o, namespace)
		if err != nil {
			continue // not served
		}
		found, err := client.Get(ctx, o.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, err
		case found.GetDeletionTimestamp() == nil:
			live[i] = found
		}
	}
	return live, nil
}

// Outside returns the names of the objects that live in no namespace, which two
// cases must not share at the same time, and of the classes that the others name: what
// becomes of a claim depends on whether there is such a class.
func (b *Bench) Outside(c Case) []string {
	var names []string
	for _, stream := range []string{c.Old, c.New, c.Cluster, c.Drift} {
		list, err := lab.Objects(stream)
		if err != nil {
			continue
		}
		for _, o := range list {
			if namespaced, known := b.lab.Namespaced(o.GroupVersionKind()); known && !namespaced {
				names = append(names, o.GetKind()+"/"+o.GetName())
			}
			names = append(names, classes(o.Object)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// classes returns the classes that a value names, such as "StorageClass/fast" for the
// field storageClassName.
func classes(value any) []string {
	var names []string
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			kind, found := strings.CutSuffix(key, "ClassName")
			if name, isText := item.(string); found && isText && kind != "" {
				names = append(names, strings.ToUpper(kind[:1])+kind[1:]+"Class/"+name)
				continue
			}
			names = append(names, classes(item)...)
		}
	case []any:
		for _, item := range v {
			names = append(names, classes(item)...)
		}
	}
	return names
}

// Clear deletes the objects of a case that live in no namespace, and its Services,
// which hold node ports, and waits until they are gone. The pods and claims of a case that has
// nodes or volumes of its own go, too: a claim takes the next volume of the same name.
func (b *Bench) Clear(ctx context.Context, c Case, namespace string) error {
	used := func(name string) bool {
		return strings.HasPrefix(name, "Node/") || strings.HasPrefix(name, "PersistentVolume/")
	}
	if slices.ContainsFunc(b.Outside(c), used) {
		if err := b.vacate(ctx, namespace); err != nil {
			return err
		}
	}
	for _, stream := range []string{c.New, c.Old, c.Cluster} {
		list, err := lab.Objects(stream)
		if err != nil {
			return err
		}
		for _, o := range list {
			if namespaced, known := b.lab.Namespaced(o.GroupVersionKind()); !known || namespaced && o.GetKind() != "Service" {
				continue
			}
			if err := b.lab.Delete(ctx, o, namespace); err != nil {
				return err
			}
		}
	}
	return nil
}

// vacate deletes a namespace, and waits until no pod and no claim is left in it.
func (b *Bench) vacate(ctx context.Context, namespace string) error {
	err := b.core.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		pods, err1 := b.core.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		claims, err2 := b.core.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{})
		err := errors.Join(err1, err2)
		return err == nil && len(pods.Items) == 0 && len(claims.Items) == 0, err
	})
}

// Render returns what a chart renders, hooks included.
func (b *Bench) Render(ctx context.Context, way Way, chart, namespace string, args ...string) (string, error) {
	return b.helm(ctx, way.Install, append([]string{"template", Release, chart, "--namespace", namespace, "--is-upgrade"}, args...)...)
}

// Plugin runs helm-safe-diff as Helm runs its plugins, and returns what it prints
// to stdout. A risk is no error.
// token is that of the account that it uses.
func (b *Bench) Plugin(ctx context.Context, program string, way Way, namespace, token string, args ...string) (string, error) {
	cmd := b.command(ctx, program, args...)
	cmd.Env = append(cmd.Env, "HELM_NAMESPACE="+namespace, "HELM_BIN="+way.Upgrade, "HELM_KUBETOKEN="+token)
	return output(cmd, 3)
}
