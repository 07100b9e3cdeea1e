package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// Links are what objects name of each other, as far as this upgrade changes it.
type Links struct {
	// Broken are names of what is not there after the upgrade.
	Broken []Broken
	// Stale are the uses of a ConfigMap or Secret in workloads whose pods go on with what
	// it held before. Of each workload the worst use counts.
	Stale []Stale
	// Notes are names of which it is not known whether they are broken.
	Notes []Note

	// makers are the custom resources of which Secrets are made.
	makers map[manifest.Identity]*Object
}

// Broken is a name of what is not there after the upgrade.
type Broken struct {
	// On is the object that changes: the one that has the name, or, where that one stays
	// as it is, the one that is named.
	On       *Object
	From, To manifest.Ref
	// Key is the key of a ConfigMap or Secret, the port of a Service, or the listener of a
	// Gateway; "" for the object as a whole.
	Key string
	// Path is where From names To.
	Path fieldpath.Path
	Use  reference.Use
	// Because is why it is not there, one clause; "" if that goes without saying.
	Because string
}

// Stale is a workload that reads a ConfigMap or Secret that changes.
type Stale struct {
	// On is the ConfigMap or Secret.
	On *Object
	// Reader is the workload.
	Reader manifest.Ref
	Use    reference.Use
	// Keys are what it reads of what changes, in order; empty for all of it.
	Keys []string
	// Reloader is the annotation by which some controller restarts the pods when what
	// they read changes; "" if there is none.
	Reloader string
}

// Note is what could not be judged of an object.
type Note struct {
	On    *Object
	Doubt change.Doubt
}

// Outside is a name that leads out of the release.
type Outside struct {
	From *Object
	reference.Reference
}

// Links follows the names in all objects. Objects that stay as they are are decoded only if
// they name something that does not.
func (u *Upgrade) Links() *Links {
	if u.links != nil {
		return u.links
	}
	done := false
	defer func() { // what panics has no answer, for whoever asks next neither
		if !done {
			u.links = nil
		}
	}()
	u.links = &Links{makers: u.secretMakers()}
	touched := u.touched()
	for i := range u.Objects {
		o := &u.Objects[i]
		n := o.Names
		switch {
		case !o.names():
			continue
		case n == nil && (!reference.Refers(o.New.Ref, u.RunsPods(o.New.Ref)) || !mayMention(o.New, touched)):
			continue
		case n == nil:
			same := References(o.New, u.Rollout)
			n = &Names{same, same}
			o.New.Forget()
		}
		for _, r := range n.New {
			if to := u.Object(r.To); to != nil {
				u.follow(o, to, r, n.Old)
			} else {
				u.followMade(o, u.links.makers[r.To], r, n.Old)
			}
		}
	}
	for _, o := range u.Outside() {
		if !u.issued(o) {
			u.leadOut(o)
		}
	}
	done = true
	return u.links
}

// Naming returns the objects of the new release that name another one, without those of
// which nobody knows the names since they stay as they are.
func (u *Upgrade) Naming(id manifest.Identity) []*Object {
	var list []*Object
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.names() && o.Names != nil && slices.ContainsFunc(o.Names.New, func(r reference.Reference) bool { return r.To == id }) {
			list = append(list, o)
		}
	}
	return list
}

// names reports whether the names in an object count: Helm comes to it, and it is no hook
// that does not run.
func (o *Object) names() bool {
	return o.New != nil && !o.Idle() && (o.Change == nil || o.Done())
}

// touched returns the names of what goes, and of what others read and changes.
func (u *Upgrade) touched() map[string]bool {
	touched := map[string]bool{}
	for i := range u.Objects {
		c := u.Objects[i].Change
		if c != nil && Done(c) && (c.Op == change.Delete || c.Op == change.Create && isConfiguration(c.Ref) ||
			c.Op == change.Update && (Contents(c) || c.Ref.Kind == "Service" || c.Ref.Kind == "Gateway")) {
			touched[c.Ref.Name] = true
		}
		if because, _ := u.TokenGone(&u.Objects[i]); because != "" {
			touched[u.Objects[i].Ref().Name] = true
		}
	}
	for secret, maker := range u.links.makers {
		if maker != nil && maker.Does(change.Update) {
			touched[secret.Name] = true
		}
	}
	return touched
}

// Contents reports whether the data of a ConfigMap or Secret change.
func Contents(c *change.Change) bool {
	if !isConfiguration(c.Ref) || !c.Outcome.Changed {
		return false
	}
	_, some := ChangedKeys(c)
	return some
}

// isConfiguration reports whether an object is a ConfigMap or Secret.
func isConfiguration(ref manifest.Ref) bool {
	return ref.Group == "" && (ref.Kind == "ConfigMap" || ref.Kind == "Secret")
}

// ChangedKeys returns the keys of a ConfigMap or Secret that change, all of them if
// that is not known, and whether there are any.
func ChangedKeys(c *change.Change) (keys []string, some bool) {
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

// follow looks what becomes of one name. old is what the object named before.
func (u *Upgrade) follow(from, to *Object, r reference.Reference, old []reference.Reference) {
	known := r.Among(old)
	gone, _ := u.TokenGone(to)
	switch because := u.neverMade(from, to, known); {
	case r.Use == reference.ToPull:
		if to.goes() {
			u.unpulled(from, to)
		}
		return
	case r.Use == reference.ForClaims && !u.needsClass(from, to, r.Path):
	case r.Optional, from.Awaited(), r.Key == "" && comesBack(r.To): // what Helm waits for is judged at the moment at which it runs
	case because != "":
		u.lost(from, to, r, because)
		return
	case to.goes() && (r.Use == reference.ByAPIServer || r.Use == reference.ForTLS):
		r.Key = "" // it goes as a whole, whichever port or key was meant
		u.lost(from, to, r, "")
		return
	case to.goes(), to.keyless(r, known):
		u.lost(from, to, r, "")
		return
	case gone != "":
		u.lost(from, to, r, gone)
		return
	}
	if known && reads(r.Use) && (to.Does(change.Update) && Contents(to.Change) || to.appears(r)) {
		u.stale(from, to, r)
	}
}

// appears reports whether an object comes that a container could do without when it started:
// its environment is made then. Files follow.
func (o *Object) appears(r reference.Reference) bool {
	return r.Optional && r.Use == reference.InEnv && isConfiguration(o.Ref()) && o.Does(change.Create) && (r.Key == "" || has(o.New, r))
}

// goes reports whether the upgrade deletes an object. A hook that leaves the release
// stays in the cluster.
func (o *Object) goes() bool { return o.Goes() && len(o.Old.HookEvents()) == 0 }

// keyless reports whether a key, or a port, goes with this upgrade, or is named for the
// first time and is not there.
func (o *Object) keyless(r reference.Reference, known bool) bool {
	if r.Key == "" || o.New == nil || o.Change == nil && known || o.Change != nil && !o.Done() {
		return false
	}
	return o.drops(r) || !known && o.lacks(r)
}

// missingHides is the worst class of what follows if something that is used so is not
// there.
func missingHides(use reference.Use) change.Risk {
	switch use {
	case reference.AsBackend, reference.AsListener, reference.ForAuth, reference.ForTLS, reference.AsName, reference.ByAPIServer, reference.ForToken:
		return change.Outage
	default:
		return change.Stuck
	}
}

func reads(use reference.Use) bool {
	return use == reference.InEnv || use == reference.AsFile || use == reference.AsSubPath
}

// lost notes that a name is of what is not there: on the object that has it, if that
// changes by itself, else on the one that goes.
func (u *Upgrade) lost(from, to *Object, r reference.Reference, because string) {
	if maker := u.Maker(from, to, r); maker != "" {
		u.links.Notes = append(u.links.Notes, Note{to, change.Doubt{Reason: maker, Hides: missingHides(r.Use), Never: true}})
		return
	}
	on := to
	if _, by := u.TokenGone(to); on.Change == nil && by != nil {
		on = by
	}
	if from.Names != nil && (to.Change == nil || starts(from.Change) || !u.RunsPods(from.Ref())) {
		on = from
	}
	u.broken(Broken{On: on, From: from.New.Ref, To: to.Ref(), Key: r.Key, Path: r.Path, Use: r.Use, Because: because})
}

// Maker says which other object of the release may make what is not there; "" if none does.
func (u *Upgrade) Maker(from, to *Object, r reference.Reference) string {
	makers := u.makers(r.To.Name, from, to)
	if r.Key != "" || len(makers) == 0 || !madeByOthers(r.To.Kind) {
		return ""
	}
	return fmt.Sprintf("%s names it, and may make it anew: that was not judged", makers[0])
}

// broken adds a name of what is not there, once for each object and key.
func (u *Upgrade) broken(link Broken) {
	if !slices.ContainsFunc(u.links.Broken, func(b Broken) bool {
		return b.On == link.On && b.From == link.From && b.To == link.To && (b.Key == link.Key || b.Key == "")
	}) {
		u.links.Broken = append(u.links.Broken, link)
	}
}

// starts reports whether the upgrade makes new pods.
func starts(c *change.Change) bool {
	p := c.Outcome.Pods
	return c.Op == change.Create || c.Op == change.Recreate || p != nil && (p.Replaced || p.Desired > p.Before)
}

// drops reports whether a key, or a port, was there and no longer is.
func (o *Object) drops(r reference.Reference) bool {
	return o.Old != nil && o.New != nil && has(o.Old, r) && !has(o.Result(), r) && !o.stays(r.Key)
}

// stays reports whether a key leaves the manifest and stays in the cluster, as one does that
// stringData of a Secret had: a merge does not take it out of data.
func (o *Object) stays(key string) bool {
	return slices.ContainsFunc(o.Stays, func(p fieldpath.Path) bool { return p.Under("stringData") && len(p) > 1 && p[1].Field == key })
}

// lacks reports whether an object holds something, and not the key. What is empty,
// somebody fills.
func (o *Object) lacks(r reference.Reference) bool {
	if o.New == nil || has(o.Result(), r) || o.stays(r.Key) {
		return false
	}
	value, err := o.Result().Value()
	return err == nil && len(keysOf(value, "")) > 0
}

func has(o *manifest.Object, r reference.Reference) bool {
	value, err := o.Value()
	return err != nil || slices.Contains(keysOf(value, r.Use), r.Key)
}

// keysOf returns the keys of a ConfigMap or Secret, the ports of a Service by name and by number,
// or the listeners of a Gateway. The environment of a container takes nothing from binaryData
// (makeEnvironmentVariables in k8s.io/kubernetes/pkg/kubelet).
func keysOf(value map[string]any, use reference.Use) []string {
	var keys []string
	for _, field := range []string{"data", "binaryData", "stringData"} {
		if field == "binaryData" && use == reference.InEnv {
			continue
		}
		keys = append(keys, manifest.Fields(untyped.Map(value, field))...)
	}
	for _, port := range untyped.Maps(value, "spec", "ports") {
		if name, named := port["name"].(string); named {
			keys = append(keys, name)
		}
		keys = append(keys, fmt.Sprint(port["port"]))
	}
	for _, listener := range untyped.Maps(value, "spec", "listeners") {
		keys = append(keys, untyped.Text(listener, "name"))
	}
	return keys
}

// madeByOthers reports whether something besides Helm makes objects of a kind.
func madeByOthers(kind string) bool {
	return slices.Contains([]string{"ConfigMap", "Secret", "PersistentVolumeClaim", "Service", "ServiceAccount"}, kind)
}

// makers returns the objects of the new release that may make an object of that name:
// a custom resource or a Job that mentions it, or a program that has it as argument.
func (u *Upgrade) makers(name string, except ...*Object) []manifest.Ref {
	var makers []manifest.Ref
	wanted := map[string]bool{name: true}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || slices.Contains(except, o) || !o.New.MayHold(name) {
			continue
		}
		value, err := o.New.Value()
		if err != nil {
			continue
		}
		custom := !u.Builtin(o.New.Ref.Group, o.New.Ref.Kind) || Ends(o.New.Ref)
		if says(value, func(text string) bool { return custom && mentions(text, wanted) || strings.Contains(text, "="+name) }) {
			makers = append(makers, o.New.Ref)
		}
		o.New.Forget()
	}
	return makers
}

// says reports whether one of the keys and texts in a value is as wanted.
func says(value any, wanted func(text string) bool) bool {
	switch v := value.(type) {
	case string:
		return wanted(v)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return says(item, wanted) })
	case map[string]any:
		for key, inner := range v {
			if wanted(key) || says(inner, wanted) {
				return true
			}
		}
	}
	return false
}

// mayMention reports whether one of the names can be a word in the object. It looks at
// the text only: false is certain.
func mayMention(o *manifest.Object, wanted map[string]bool) bool {
	return len(wanted) > 0 && (!o.Literal() || mentions(o.Text(), wanted))
}

// mentions reports whether one of the names is a word in a text.
func mentions(text string, wanted map[string]bool) bool {
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

// inName reports whether a byte may be part of the name of an object.
func inName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '-' || b == '.' || b >= 'A' && b <= 'Z'
}
