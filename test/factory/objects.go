package factory

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

func (g *grown) renamed() bool {
	o := g.object()
	name, _ := at(o, "metadata", "name")
	text, is := name.(string)
	if !is {
		return false
	}
	to := pick(g.Rand, text+"-2", "other", "shop-"+text, text+".v2")
	if g.IntN(2) == 0 { // what names it follows
		for _, other := range g.new {
			follow(other, text, to)
		}
	}
	o["metadata"].(object)["name"] = to
	return true
}

// follow gives a new name to what is called by a text below the metadata of an object.
func follow(o object, from, to string) {
	kind, _ := o["kind"].(string)
	for _, p := range places(o, kind) {
		if p.value == from && (strings.HasSuffix(p.name, "ame") || strings.HasSuffix(p.path, "Ref.name")) {
			p.set(to)
		}
	}
}

func (g *grown) dropped() bool {
	if len(g.new) < 2 {
		return false
	}
	i := g.IntN(len(g.new))
	g.new = slices.Delete(g.new, i, i+1)
	return true
}

// another adds an object of any kind.
func (g *grown) another() bool {
	from := g.kinds
	if g.IntN(3) > 0 {
		from = g.bases[g.IntN(len(g.bases))].new
	}
	if len(from) == 0 {
		return false
	}
	o := runtime.DeepCopyJSON(from[g.IntN(len(from))])
	if g.IntN(3) == 0 { // on both sides, or only before
		if !doubled(append(slices.Clone(g.old), o)) {
			g.old = append(g.old, runtime.DeepCopyJSON(o))
		}
		if g.IntN(2) == 0 {
			return true
		}
	}
	if doubled(append(slices.Clone(g.new), o)) {
		return false
	}
	g.new = append(g.new, o)
	return true
}

// relabelled changes the value of a label wherever it is: in one object, or in all.
func (g *grown) relabelled() bool {
	var labels []place
	in := g.new
	if o := g.object(); o != nil && g.IntN(2) == 0 {
		in = []object{o}
	}
	for _, o := range in {
		kind, _ := o["kind"].(string)
		for _, p := range places(o, kind) {
			if _, is := p.value.(string); is && (strings.HasSuffix(p.within, "abels") || strings.HasSuffix(p.within, "selector")) && !guarded(p) {
				labels = append(labels, p)
			}
		}
	}
	if len(labels) == 0 {
		return false
	}
	one := labels[g.IntN(len(labels))]
	value := pick(g.Rand, "two", "other", one.value.(string)+"-2")
	for _, p := range labels {
		if p.name == one.name && p.value == one.value {
			p.set(value)
		}
	}
	return true
}

// annotate sets an annotation of an object, or takes it away where the value is "".
func annotate(o object, name, value string) bool {
	metadata, is := o["metadata"].(object)
	if !is {
		return false
	}
	annotations, _ := metadata["annotations"].(object)
	if annotations == nil {
		annotations = object{}
	}
	if value == "" {
		if _, has := annotations[name]; !has {
			return false
		}
		delete(annotations, name)
	} else {
		annotations[name] = value
	}
	metadata["annotations"] = annotations
	return true
}

func (g *grown) hooked() bool {
	o := g.object()
	if o == nil {
		return false
	}
	const hook, policy = "helm.sh/hook", "helm.sh/hook-delete-policy"
	if _, is := at(o, "metadata", "annotations", hook); is && g.IntN(2) == 0 {
		return annotate(o, hook, "")
	}
	if g.IntN(3) == 0 {
		annotate(o, policy, pick(g.Rand, "hook-succeeded", "before-hook-creation", "hook-failed", "before-hook-creation,hook-succeeded"))
	}
	if g.IntN(4) == 0 {
		annotate(o, "helm.sh/hook-weight", pick(g.Rand, "1", "-1", "10"))
	}
	return annotate(o, hook, pick(g.Rand, "pre-upgrade", "post-upgrade", "pre-install", "pre-install,pre-upgrade", "post-install,post-upgrade", "pre-delete", "pre-rollback", "test"))
}

func (g *grown) kept() bool {
	const policy = "helm.sh/resource-policy"
	if len(g.old) > 0 && g.IntN(2) == 0 { // what is kept leaves the release
		o := g.old[g.IntN(len(g.old))]
		i := slices.IndexFunc(g.new, func(other object) bool { return identity(other) == identity(o) })
		if i < 0 || len(g.new) < 2 {
			return false
		}
		g.new = slices.Delete(g.new, i, i+1)
		return annotate(o, policy, "keep")
	}
	o := g.object()
	if o == nil {
		return false
	}
	if _, is := at(o, "metadata", "annotations", policy); is {
		return annotate(o, policy, "")
	}
	return annotate(o, policy, pick(g.Rand, "keep", "Keep", "delete"))
}
