package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// MovedTo lists what has changed since the plan was made, one clause each; nothing if the
// plan still holds. It leaves out what has only become better, such as a finding that is
// gone.
func (p *Plan) MovedTo(now *Plan) []string {
	moved := p.moved(&now.Fingerprint)
	moved = append(moved, p.Manifest.Moved(&now.Manifest, Templates, Hooks, CRDs)...)
	return append(moved, p.Worse(now)...)
}

// Worse lists what is not approved in a new judgement: findings, what could not be judged,
// and, if the cluster was asked both times, what was changed in it since.
func (p *Plan) Worse(now *Plan) []string {
	list := worse(&p.Set, &now.Set)
	if p.Offline || now.Offline {
		return list
	}
	return append(list, drifted(&p.Set, &now.Set)...)
}

// drifted lists the drift that did not exist when the plan was made.
func drifted(approved, now *change.Set) []string {
	known := map[string]bool{}
	for i := range approved.Drift {
		known[driftText(&approved.Drift[i])] = true
	}
	var list []string
	for i := range now.Drift {
		if text := driftText(&now.Drift[i]); !known[text] {
			list = append(list, text)
		}
	}
	return list
}

// driftText describes a drift with the value in the cluster. It leaves out the manager and
// the time of writing, because they can change while the value does not.
func driftText(d *change.Drift) string {
	if len(d.Path) == 0 {
		return d.Ref.String() + " was deleted in the cluster"
	}
	return fmt.Sprintf("%s was changed in the cluster: %s is %s", d.Ref, d.Path, d.Is.Text())
}

func (f *Fingerprint) moved(now *Fingerprint) []string {
	var moved []string
	add := func(format string, args ...any) { moved = append(moved, fmt.Sprintf(format, args...)) }
	if f.Release != now.Release || f.Namespace != now.Namespace {
		add("the plan is for release %s in namespace %s, not for %s in %s", f.Release, f.Namespace, now.Release, now.Namespace)
		return moved // everything else is about another release
	}
	if f.NoHooks != now.NoHooks || f.IncludeCRDs != now.IncludeCRDs {
		add("--no-hooks or --include-crds is not as it was")
		return moved
	}
	moved = append(moved, f.cluster(now.Cluster)...)
	switch {
	case f.Revision != now.Revision:
		add("revision %s was installed, now it is %s", revision(f.Revision), revision(now.Revision))
	case f.Installed != now.Installed:
		add("revision %d is not the one that it was: its manifest is different", f.Revision)
	}
	if f.Failed != now.Failed && now.Failed != 0 {
		add("revision %d came in between, and is not deployed", now.Failed)
	}
	if f.Back != now.Back {
		add("the plan goes back to revision %s, now it would be %s", revision(f.Back), revision(now.Back))
	}
	if f.Chart != now.Chart {
		add("the chart was %s, now it is %s", f.Chart, now.Chart)
	}
	if f.Values != now.Values {
		add("the values that are given are not the same")
	}
	if f.Policy != now.Policy {
		add("the policy is not the same")
	}
	return moved
}

func (f *Fingerprint) cluster(now string) []string {
	switch {
	case f.Cluster == "" || f.Cluster == now:
		return nil
	case now == "":
		return []string{"which cluster this is cannot be told: the UID of its namespace kube-system cannot be read"}
	default:
		return []string{"this is a different cluster"}
	}
}

func revision(n int) string {
	if n == 0 {
		return "none"
	}
	return strconv.Itoa(n)
}

// BeginsFrom lists what has changed in the installed release. now needs only release,
// namespace, revision and cluster.
func (p *Plan) BeginsFrom(now Fingerprint, installed string) []string {
	now.Chart, now.Values, now.Policy, now.Installed = p.Chart, p.Values, p.Policy, p.Installed
	now.NoHooks, now.IncludeCRDs, now.Back = p.NoHooks, p.IncludeCRDs, p.Back
	if now.Revision == p.Revision && !p.InstalledAs(installed) {
		now.Installed = ""
	}
	return p.moved(&now)
}

// UnderPolicy reports whether a text is the policy under which the plan was made.
func (p *Plan) UnderPolicy(text string) bool { return quick([]byte(text)) == p.Policy }

// Has reports whether the manifest has an object of a part.
func (m *Manifest) Has(part Part) bool {
	return slices.ContainsFunc(m.Objects, func(o Object) bool { return o.Part == part })
}

// name identifies an object.
type name struct{ apiVersion, kind, namespace, name string }

func (n name) String() string {
	if n.namespace == "" {
		return n.kind + " " + n.name
	}
	return n.kind + " " + n.namespace + "/" + n.name
}

// Moved lists the objects of some parts that differ between two manifests, by name.
func (m *Manifest) Moved(now *Manifest, parts ...Part) []string {
	old, updated := m.byName(parts), now.byName(parts)
	names := slices.Collect(maps.Keys(old))
	for n := range updated {
		if _, both := old[n]; !both {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b name) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name), cmp.Compare(a.apiVersion, b.apiVersion))
	})
	var moved []string
	for _, n := range names {
		switch before, after := old[n], updated[n]; {
		case before == "":
			moved = append(moved, n.String()+" is not in the plan")
		case after == "":
			moved = append(moved, n.String()+" is in the plan, and is not rendered any more")
		case before != after:
			moved = append(moved, n.String()+" is rendered differently")
		}
	}
	if slices.ContainsFunc(parts, func(part Part) bool { return m.Secrets[part] != now.Secrets[part] }) {
		moved = append(moved, "what Secrets hold is not the same")
	}
	return moved
}

// byName returns the digests of the objects of some parts.
func (m *Manifest) byName(parts []Part) map[name]string {
	digests := map[name]string{}
	for _, o := range m.Objects {
		if slices.Contains(parts, o.Part) {
			digests[name{o.APIVersion, o.Kind, o.Namespace, o.Name}] += string(o.Part) + " " + o.Digest + "\n"
		}
	}
	return digests
}

// worse lists what nobody has approved in a new judgement: findings that are new or cover
// more than before, and what could be judged then and cannot be judged now.
func worse(approved, now *change.Set) []string {
	known, before := findings(approved), map[string]found{}
	digests := map[[2]string]bool{}
	for _, f := range known {
		before[f.about] = f
		digests[[2]string{f.about, f.digest}] = true
	}
	var list []string
	for _, f := range findings(now) {
		if digests[[2]string{f.about, f.digest}] {
			continue
		}
		was, is := before[f.about]
		switch {
		case !is:
			list = append(list, fmt.Sprintf("finding %s is new: %s", f.about, f.message))
		case was.message != f.message:
			list = append(list, fmt.Sprintf("finding %s has changed: it was %q, now it is %q", f.about, was.message, f.message))
		default:
			list = append(list, fmt.Sprintf("finding %s is about a different change: %s", f.about, strings.Join(edited(was.change, f.change), "; ")))
		}
	}
	for _, n := range now.Unchecked {
		if !slices.Contains(approved.Unchecked, n) {
			about := ""
			if n.Ref != (manifest.Ref{}) {
				about = n.Ref.String() + ": "
			}
			list = append(list, "unchecked, and not so in the plan: "+about+n.Reason)
		}
	}
	return list
}

// edited lists the differences between two changes of one object.
func edited(was, is *change.Change) []string {
	known := map[string]bool{}
	for i := range was.Edits {
		known[editText(&was.Edits[i])] = true
	}
	var list []string
	for i := range is.Edits {
		if text := editText(&is.Edits[i]); !known[text] {
			list = append(list, text)
		}
		delete(known, editText(&is.Edits[i]))
	}
	for _, text := range slices.Sorted(maps.Keys(known)) {
		list = append(list, "no longer "+text)
	}
	if len(list) == 0 {
		return []string{"what becomes of the object in the cluster is different"}
	}
	return list
}

func editText(e *change.Edit) string {
	return fmt.Sprintf("%s: %s → %s", e.Path, e.Old.Text(), e.New.Text())
}

// found is a finding: what it is about, the digest of the change, and the change.
type found struct {
	about, digest, message string
	change                 *change.Change
}

func findings(set *change.Set) []found {
	var list []found
	for i := range set.Changes {
		c := &set.Changes[i]
		for j := range c.Findings {
			f := &c.Findings[j]
			list = append(list, found{fmt.Sprintf("%s (%s) of %s", f.Rule, f.Risk, c.Ref), c.Digest(f), f.Message, c})
		}
	}
	return list
}
