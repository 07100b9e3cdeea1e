package safediff

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// names are what an object names of others, on both sides.
type names struct{ old, updated []reference.Reference }

// named judges a pair, and reads what the object names while it is decoded.
func (j *judge) named(ctx context.Context, p diff.Pair) judgement {
	judged := j.pair(ctx, p)
	if judged.err == nil && judged.change != nil && !judged.relabelled {
		judged.names = &names{j.references(p.Old), j.references(p.New)}
		judged.sides = j.sides(p)
	}
	return judged
}

func (j *judge) references(o *manifest.Object) []reference.Reference {
	if o == nil {
		return nil
	}
	template, workload := j.rollout.PodTemplate(o.Ref.Group, o.Ref.Kind)
	if !reference.Refers(o.Ref, workload) {
		return nil
	}
	value, err := o.Value()
	if err != nil {
		return nil // it was said where the object was judged
	}
	return reference.Of(o.Ref, value, template, workload)
}

// links looks at what objects name of each other: what does not follow a change, and
// what is no longer there. Objects that stay as they are are decoded only if they
// name something that does not.
type links struct {
	*judge
	pairs  []diff.Pair
	judged []judgement
	// place is where the pair of an object stands.
	place map[manifest.Identity]int
	// outside are the names that lead out of the release, by the pair that has them.
	outside []outsider
}

type outsider struct {
	from int
	reference.Reference
}

// link writes into the changes what becomes of the names in them. What leads out of
// the release is asked of the cluster, if there is one.
func (j *judge) link(ctx context.Context, pairs []diff.Pair, judged []judgement) error {
	l := links{judge: j, pairs: pairs, judged: judged, place: places(pairs)}
	touched := l.touched()
	changed := map[int]bool{}
	for i, p := range pairs {
		if p.New == nil || j.passes(p, judged[i].change) {
			continue
		}
		n := judged[i].names
		if n == nil {
			_, workload := j.rollout.PodTemplate(p.New.Ref.Group, p.New.Ref.Kind)
			if !reference.Refers(p.New.Ref, workload) || !mentions(p.New.Text(), touched) {
				continue
			}
			same := j.references(p.New)
			n = &names{same, same}
			p.New.Forget()
		}
		for _, r := range n.updated {
			l.follow(i, r, n.old, changed)
		}
	}
	if err := l.ask(ctx, changed); err != nil {
		return err
	}
	l.causes()
	for i := range judged {
		if changed[i] {
			classify(judged[i].change)
		}
	}
	return nil
}

// passes reports whether the names in an object do not count: Helm does not come to
// it, or it is a hook that does not run.
func (j *judge) passes(p diff.Pair, c *change.Change) bool {
	return diff.IsHook(p.New) && !j.hook(p).Runs || c != nil && !done(c)
}

// touched returns the names of what goes, and of what others read and changes.
func (l *links) touched() map[string]bool {
	touched := map[string]bool{}
	for i := range l.judged {
		c := l.judged[i].change
		if c != nil && done(c) && (c.Op == change.Delete || c.Op == change.Update && (contents(c) || c.Ref.Kind == "Service")) {
			touched[c.Ref.Name] = true
		}
	}
	return touched
}

// contents reports whether the data of a ConfigMap or Secret change.
func contents(c *change.Change) bool {
	if c.Ref.Group != "" || c.Ref.Kind != "ConfigMap" && c.Ref.Kind != "Secret" || !c.Outcome.Changed {
		return false
	}
	_, some := changedKeys(c)
	return some
}

// changedKeys returns the keys of a ConfigMap or Secret that change, all of them if
// that is not known, and whether there are any.
func changedKeys(c *change.Change) (keys []string, some bool) {
	if c.Outcome.Fields == nil {
		return nil, true
	}
	for _, path := range c.Outcome.Fields {
		if !path.Under("data") && !path.Under("binaryData") {
			continue
		}
		if len(path) < 2 {
			return nil, true
		}
		keys, some = append(keys, path[1].Field), true
	}
	return keys, some
}

// follow looks where one name leads. from is the pair that has it, old what the
// object named before.
func (l *links) follow(from int, r reference.Reference, old []reference.Reference, changed map[int]bool) {
	at, inside := l.place[r.To]
	if !inside {
		l.outside = append(l.outside, outsider{from, r})
		return
	}
	known := slices.ContainsFunc(old, func(o reference.Reference) bool {
		return o.To == r.To && o.Use == r.Use && (o.Key == r.Key || o.Key == "" || r.Key == "")
	})
	if !r.Optional && (l.goes(at) || l.keyless(at, r.Key, known)) {
		l.lost(from, at, r, changed)
		return
	}
	if c := l.judged[at].change; known && reads(r.Use) && c != nil && c.Op == change.Update && done(c) && contents(c) && l.stale(from, c, r) {
		changed[at] = true
	}
}

// goes reports whether the upgrade deletes an object. A hook that leaves the release
// stays in the cluster.
func (l *links) goes(at int) bool {
	c := l.judged[at].change
	return c != nil && c.Op == change.Delete && done(c) && !diff.IsHook(l.pairs[at].Old)
}

// keyless reports whether a key, or a port, goes with this upgrade, or is named for the
// first time and is not there.
func (l *links) keyless(at int, key string, known bool) bool {
	p, c := l.pairs[at], l.judged[at].change
	if key == "" || p.New == nil || c == nil && known || c != nil && !done(c) {
		return false
	}
	return dropped(p, key) || !known && missing(p, key)
}

func reads(use change.Use) bool {
	return use == change.UsedInEnv || use == change.UsedAsFile || use == change.UsedAsSubPath
}

// lost notes that a name leads nowhere: in the object that has it, if that changes by
// itself, else in the one that goes.
func (l *links) lost(from, at int, r reference.Reference, changed map[int]bool) {
	if makers := l.makers(r.To.Name, from, at); r.Key == "" && len(makers) > 0 && madeByOthers(r.To.Kind) {
		l.judged[at].unchecked = append(l.judged[at].unchecked, fmt.Sprintf("%s names it, and may make it anew: that was not judged", makers[0]))
		return
	}
	where := at
	if l.judged[from].names != nil && (l.judged[at].change == nil || starts(l.judged[from].change) || !l.runsPods(from)) {
		where = from
	}
	to := l.pairs[at].Ref()
	l.broken(where, change.Link{From: l.pairs[from].New.Ref, To: to, Key: r.Key, Path: r.Path, Use: r.Use})
	changed[where] = true
}

// broken adds a name that leads nowhere, once for each object and key.
func (l *links) broken(where int, link change.Link) {
	o := &l.judged[where].change.Outcome
	if !slices.ContainsFunc(o.Broken, func(b change.Link) bool {
		return b.From == link.From && b.To == link.To && (b.Key == link.Key || b.Key == "")
	}) {
		o.Broken = append(o.Broken, link)
	}
}

func (l *links) runsPods(i int) bool {
	ref := l.pairs[i].Ref()
	_, owner := l.rollout.PodTemplate(ref.Group, ref.Kind)
	return owner
}

// starts reports whether the upgrade makes new pods.
func starts(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Create || c.Op == change.Recreate || p != nil && (p.Replaced || p.Desired > p.Before)
}

// dropped reports whether a key, or a port, was there and no longer is.
func dropped(p diff.Pair, key string) bool {
	return p.Old != nil && p.New != nil && has(p.Old, key) && !has(p.New, key)
}

// missing reports whether an object holds something, and not the key. What is empty,
// somebody fills.
func missing(p diff.Pair, key string) bool {
	if p.New == nil || has(p.New, key) {
		return false
	}
	value, err := p.New.Value()
	return err == nil && len(keysOf(value)) > 0
}

func has(o *manifest.Object, key string) bool {
	value, err := o.Value()
	return err != nil || slices.Contains(keysOf(value), key)
}

// keysOf returns the keys of a ConfigMap or Secret, or the ports of a Service by name
// and by number.
func keysOf(value map[string]any) []string {
	var keys []string
	for _, field := range []string{"data", "binaryData", "stringData"} {
		data, _ := value[field].(map[string]any)
		keys = append(keys, manifest.Fields(data)...)
	}
	spec, _ := value["spec"].(map[string]any)
	ports, _ := spec["ports"].([]any)
	for _, item := range ports {
		port, _ := item.(map[string]any)
		if name, named := port["name"].(string); named {
			keys = append(keys, name)
		}
		keys = append(keys, fmt.Sprint(port["port"]))
	}
	return keys
}

// madeByOthers reports whether something besides Helm makes objects of a kind.
func madeByOthers(kind string) bool {
	return slices.Contains([]string{"ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "ServiceAccount"}, kind)
}

// makers returns the objects of the new release that may make an object of that name:
// a custom resource or a Job that mentions it, or a program that has it as argument.
func (l *links) makers(name string, but ...int) []manifest.Ref {
	var makers []manifest.Ref
	wanted := map[string]bool{name: true}
	for i, p := range l.pairs {
		if p.New == nil || slices.Contains(but, i) || !strings.Contains(p.New.Text(), name) {
			continue
		}
		custom := !l.server.Builtin(p.New.Ref.Group, p.New.Ref.Kind)
		if (custom || jobs(p.New.Ref)) && mentions(p.New.Text(), wanted) || strings.Contains(p.New.Text(), "="+name) {
			makers = append(makers, p.New.Ref)
		}
	}
	return makers
}

// mentions reports whether one of the names stands in a text as a word. A text that
// may write letters in other ways is taken to hold all names.
func mentions(text string, wanted map[string]bool) bool {
	if len(wanted) == 0 {
		return false
	}
	if strings.Contains(text, `\u`) || strings.Contains(text, `\x`) || text == "" {
		return true
	}
	for at := 0; at < len(text); {
		if !inName(text[at]) {
			at++
			continue
		}
		end := at + 1
		for end < len(text) && inName(text[end]) {
			end++
		}
		if wanted[strings.Trim(text[at:end], "-.")] {
			return true
		}
		at = end
	}
	return false
}

// inName reports whether a byte may stand in the name of an object.
func inName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '.' || b >= 'A' && b <= 'Z'
}
