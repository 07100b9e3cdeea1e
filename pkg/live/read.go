package live

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Read reads the wanted objects, and around them what decides what becomes of
// them. What cannot be read is said in the State; the only error is that of ctx,
// and comes as soon as ctx ends. Of an identity that is wanted twice the first
// counts. Objects whose name the API server is to generate are left out.
func (r *Reader) Read(ctx context.Context, wanted []Wanted) (*State, error) {
	wanted = distinct(wanted)
	t := &task{reader: r, state: State{Objects: make(map[manifest.Identity]Object, len(wanted))}, seen: map[string]bool{}}
	lists, places := around(wanted), searches(wanted)
	t.wait.SetLimit(r.options.Parallel + runtime.GOMAXPROCS(0))
	t.add(len(wanted) + len(lists) + len(places))
	for _, l := range lists {
		t.start(func() { t.list(ctx, l) })
	}
	for _, s := range places {
		t.start(func() { t.selecting(ctx, s) })
	}
	for _, w := range wanted {
		t.start(func() { t.object(ctx, w) })
	}
	_ = t.wait.Wait() // what fails is in the state
	// What was found leads further.
	further, names := customResources(wanted, t.state.Objects), lostVolumes(wanted, &t.state)
	params := parameters(wanted, &t.state)
	mounted := slices.DeleteFunc(mountedVolumes(wanted, &t.state), func(name string) bool { return slices.Contains(names, name) })
	t.add(len(further) + len(names) + len(mounted) + len(params))
	for _, p := range params {
		t.start(func() { t.parameter(ctx, p) })
	}
	for _, l := range further {
		t.start(func() { t.list(ctx, l) })
	}
	for _, name := range names {
		t.start(func() { t.single(ctx, volumes(), name) })
	}
	for _, name := range mounted {
		t.start(func() { t.volume(ctx, name) })
	}
	_ = t.wait.Wait() // what fails is in the state
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sorted(&t.state)
	return &t.state, nil
}

// Drains reads, of all namespaces, what decides whether nodes can be drained, and where their pods go.
// What cannot be read is said in the State; the only error is that of ctx.
func (r *Reader) Drains(ctx context.Context) (*State, error) {
	t := &task{reader: r}
	lists := ofDrains()
	t.wait.SetLimit(len(lists))
	t.add(len(lists))
	for _, l := range lists {
		t.start(func() { t.list(ctx, l) })
	}
	_ = t.wait.Wait() // what fails is in the state
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sorted(&t.state)
	return &t.state, nil
}

// distinct returns the wanted objects that can be asked for, each once.
func distinct(wanted []Wanted) []Wanted {
	var kept []Wanted
	seen := map[manifest.Identity]bool{}
	for _, w := range wanted {
		if id := w.Ref.Identity(); w.Ref.Name != "" && !seen[id] {
			seen[id] = true
			kept = append(kept, w)
		}
	}
	return kept
}

// task is one Read under way.
type task struct {
	reader *Reader
	// wait runs a few more at a time than may send something, so that what has come
	// is decoded while others wait for the cluster. Thousands at a time would only
	// cost memory.
	wait errgroup.Group

	mu          sync.Mutex
	state       State
	seen        map[string]bool // what was already looked for on its own
	done, total int
}

// add tells that so many more things are to be read.
func (t *task) add(more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += more
}

// start runs the reading of one thing at the same time as others, once there is room
// for it. How many of them really send something at a time, the Reader decides.
func (t *task) start(read func()) {
	t.wait.Go(func() error {
		read()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.done++
		if t.reader.options.Progress != nil {
			t.reader.options.Progress(t.done, t.total)
		}
		return nil
	})
}

// list reads a list of what is around. What is optional and not served is empty.
func (t *task) list(ctx context.Context, l listing) {
	var items []map[string]any
	failure, served := "", true
	switch {
	case l.version == anyVersion:
		var known kind
		known, _, failure = t.reader.find(ctx, l.group, l.name)
		served = known.resource != ""
		if served {
			l.kind = known
		}
	case l.optional():
		c := t.reader.catalogue(ctx, l.endpoint())
		_, served = c.kinds[l.name]
		failure = c.reason
	}
	if served {
		items, failure = t.reader.list(ctx, l)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if failure != "" {
		t.state.Unread = append(t.state.Unread, Gap{Kind: l.name, Namespace: l.namespace, Reason: failure})
	}
	t.state.Surroundings = append(t.state.Surroundings, items...)
}

// single reads one object around the release that lives in no namespace, once.
func (t *task) single(ctx context.Context, k kind, name string) {
	where := k.endpoint().path() + "/" + k.resource + "/" + name
	t.mu.Lock()
	seen := t.seen[where]
	t.seen[where] = true
	t.mu.Unlock()
	if seen {
		return
	}
	value, failure := t.reader.object(ctx, k.endpoint(), where, permission("get", k.resource, k.group, ""))
	t.mu.Lock()
	defer t.mu.Unlock()
	if failure != "" {
		t.state.Unread = append(t.state.Unread, Gap{Kind: k.name, Reason: failure})
	}
	if value != nil {
		t.state.Surroundings = append(t.state.Surroundings, slim(value, k, false))
	}
}

// volume reads a volume, to know where it can be reached. If it cannot be read nothing is said of
// that, as without nodes.
func (t *task) volume(ctx context.Context, name string) {
	k := volumes()
	value, _ := t.reader.object(ctx, k.endpoint(), k.endpoint().path()+"/"+k.resource+"/"+name, permission("get", k.resource, k.group, ""))
	if value != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.state.Surroundings = append(t.state.Surroundings, slim(value, k, false))
	}
}

// object reads a wanted object and, if it is a custom resource, its definition.
func (t *task) object(ctx context.Context, w Wanted) {
	o, served := t.reader.wanted(ctx, w.Ref)
	t.mu.Lock()
	t.state.Objects[w.Ref.Identity()] = o
	t.mu.Unlock()
	if served.name != "" && isCustom(w.Ref.Group) {
		t.single(ctx, definitions(), served.name+"."+w.Ref.Group)
	}
}

// wanted reads an object that was asked for, and returns it and what the cluster
// calls its kind. Where its version is not served it is read in one that is: the
// version is no part of what an object is.
func (r *Reader) wanted(ctx context.Context, ref manifest.Ref) (Object, resource) {
	if flaw := unsafePath(ref); flaw != "" {
		return Object{Unread: flaw}, resource{}
	}
	e := endpoint{ref.Group, ref.Version}
	served := r.catalogue(ctx, e)
	if served.reason != "" {
		return Object{Unread: served.reason}, resource{}
	}
	if res, found := served.kinds[ref.Kind]; found {
		return r.served(ctx, e, res, ref)
	}
	for _, version := range r.versions(ctx, ref.Group) {
		other := endpoint{ref.Group, version}
		if res, found := r.catalogue(ctx, other).kinds[ref.Kind]; found {
			o, res := r.served(ctx, other, res, ref)
			o.Unserved = true
			return o, res
		}
	}
	return Object{Unread: fmt.Sprintf("the cluster does not serve %s of %s", ref.Kind, e), Unserved: true}, resource{}
}

// served reads an object of a kind as the cluster serves it.
func (r *Reader) served(ctx context.Context, e endpoint, res resource, ref manifest.Ref) (Object, resource) {
	where, namespace := e.path(), ""
	if res.namespaced {
		if ref.Namespace == "" {
			return Object{Unread: ref.Kind + " lives in a namespace, and none is given"}, res
		}
		namespace = ref.Namespace
		where += "/namespaces/" + namespace
	}
	where += "/" + res.name + "/" + ref.Name
	value, failure := r.object(ctx, e, where, permission("get", res.name, e.group, namespace))
	return Object{Value: value, Unread: failure}, res
}

// object reads one object; nil if there is none. What it takes to read it is the
// permission that the failure names if it is missing.
func (r *Reader) object(ctx context.Context, e endpoint, where, permission string) (value map[string]any, failure string) {
	o := r.get(ctx, request{endpoint: e, path: where})
	switch {
	case notThere(o):
		return nil, ""
	case !o.ok():
		return nil, reason(o, permission)
	}
	if err := json.Unmarshal(o.body, &value); err != nil || value == nil {
		return nil, "the answer of the cluster is no object"
	}
	return value, ""
}

// unsafePath returns why a ref cannot be asked for, one clause. What a manifest
// calls its objects must not lead to another path of the API server: the
// subresource pods/proxy can do more than read, even by GET.
func unsafePath(ref manifest.Ref) string {
	for _, segment := range []string{ref.Group, ref.Version, ref.Namespace, ref.Name} {
		if flaws := content.IsPathSegmentName(segment); len(flaws) > 0 {
			return fmt.Sprintf("%q cannot be the name of something in the cluster: it %s", segment, strings.Join(flaws, ", "))
		}
	}
	if ref.Version == "" {
		return "it has no apiVersion"
	}
	return ""
}

// sort brings what was found into a fixed order.
func sorted(s *State) {
	for _, objects := range [][]map[string]any{s.Surroundings, s.Selecting} {
		slices.SortFunc(objects, func(a, b map[string]any) int { return refOf(a).Compare(refOf(b)) })
	}
	slices.SortFunc(s.Unread, compareGaps)
	slices.SortFunc(s.Unseen, compareGaps)
	s.Unread = slices.Compact(s.Unread)
}

// compare orders gaps by kind, namespace and reason.
func compareGaps(g, h Gap) int {
	return slices.Compare([]string{g.Kind, g.Namespace, g.Reason}, []string{h.Kind, h.Namespace, h.Reason})
}

// refOf returns what an object is called.
func refOf(object map[string]any) manifest.Ref {
	apiVersion, _ := object["apiVersion"].(string)
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		group, version = "", apiVersion
	}
	kind, _ := object["kind"].(string)
	metadata, _ := object["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	name, _ := metadata["name"].(string)
	return manifest.Ref{Group: group, Version: version, Kind: kind, Namespace: namespace, Name: name}
}
