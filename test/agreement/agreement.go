// Package agreement holds predictions against what happened on a real control
// plane, object by object, and counts.
package agreement

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Upgrade is one upgrade as it happened.
type Upgrade struct {
	Case    string `json:"case"`
	Helm    string `json:"helm"`
	Upgrade struct {
		OK    bool   `json:"ok"`
		Error string `json:"error,omitempty"`
		// Status is that of the revision which Helm has recorded, NotRecorded if there is
		// none; "" if nobody looked.
		Status string `json:"status,omitempty"`
	} `json:"upgrade"`
	Resources []Resource `json:"resources"`
	// Disturbed says that somebody has changed objects behind Helm's back before.
	Disturbed bool `json:"disturbed,omitempty"`
	// Rollback is what helm rollback then did; nil if nobody tried.
	Rollback *Rollback `json:"rollback,omitempty"`
}

// Rollback is how a rollback of the upgrade went.
type Rollback struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	// Status is that of the revision which Helm has recorded for it.
	Status string `json:"status,omitempty"`
}

// NotRecorded is the status of an upgrade of which Helm has recorded nothing.
const NotRecorded = "none"

// How an object comes back in a rollback.
const (
	BackSame    = "same"    // as it was
	BackOther   = "other"   // with other fields
	BackAnew    = "anew"    // another one in its place, of one that was empty
	BackEmpty   = "empty"   // another one in its place, without what it held
	BackGone    = "gone"    // not at all
	BackRefused = "refused" // Helm fails at it
)

// Resource is what happened to one object.
type Resource struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Verdict is unchanged, modified, created, deleted, recreated, rejected or
	// absent.
	Verdict string `json:"verdict"`
	// Changed are fields of the live object that differ.
	Changed   []string   `json:"changed,omitempty"`
	Pods      *Pods      `json:"pods,omitempty"`
	Endpoints *Endpoints `json:"endpoints,omitempty"`
	// Hangs is how the rollout of a workload has not come to an end; nil if it has, or if
	// the object has none.
	Hangs *Hang `json:"hangs,omitempty"`
	// Back is how the object that was there before comes back in a rollback, BackChanged
	// the fields in which it differs then; "" if it was not there, or nobody tried.
	Back        string   `json:"back,omitempty"`
	BackChanged []string `json:"backChanged,omitempty"`
}

// Pods is what happened to the pods of a workload.
type Pods struct {
	Before    int `json:"before"`
	After     int `json:"after"`
	Replaced  int `json:"replaced"`  // gone, with another in its place
	Restarted int `json:"restarted"` // the same pod with another image
	// MinReady is the fewest pods that were ready at any moment.
	MinReady    *int `json:"minReady"`
	ReadyBefore *int `json:"readyBefore"`
}

// Hang is a rollout, or a Job, that did not come to an end.
type Hang struct {
	// Old is how many pods of before stay, New how many others there are, and Ready how
	// many of these are ready.
	Old   int `json:"old"`
	New   int `json:"new"`
	Ready int `json:"ready"`
	// Before says that it was so before the upgrade already.
	Before bool `json:"before,omitempty"`
	// Why are the warnings about the workload and its pods, "REASON: MESSAGE", sorted.
	Why []string `json:"why,omitempty"`
}

// Endpoints counts the ready addresses of a Service.
type Endpoints struct {
	Before int `json:"before"`
	Worst  int `json:"worst"`
	After  int `json:"after"`
}

// Question is one thing that is predicted.
type Question string

// The questions, in the order of the table.
const (
	Fails    Question = "upgrade fails"
	Verdict  Question = "verdict of an object"
	Restart  Question = "pods restart"
	Replaced Question = "pods replaced"
	Downtime Question = "no pod ready"
	NoRoute  Question = "service has no endpoints"
	Failed   Question = "leaves the release failed"
	Hangs    Question = "rollout hangs"
	OneWay   Question = "does not come back in a rollback"
)

// Questions returns all of them.
func Questions() []Question {
	return []Question{Fails, Verdict, Restart, Replaced, Downtime, NoRoute, Hangs, Failed, OneWay}
}

// Difference is a prediction that did not come true.
type Difference struct {
	At       string // case and object
	Question Question
	Happened string
	Said     string
	Detail   string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: %s, predicted %s %.300s", d.At, d.Question, d.Happened, d.Said, d.Detail)
}

// Tally counts answers.
type Tally struct {
	Agree  int
	Hit    int // of these, it happened and was predicted
	Missed int // it happened and was not predicted, or another thing was
	Alarm  int // it was predicted and did not happen
}

func (t *Tally) add(happened, said bool) {
	switch {
	case happened && said:
		t.Agree++
		t.Hit++
	case happened == said:
		t.Agree++
	case happened:
		t.Missed++
	default:
		t.Alarm++
	}
}

// Precision is the share of alarms that were right.
func (t *Tally) Precision() float64 { return share(t.Hit, t.Alarm) }

// Recall is the share of events that were predicted.
func (t *Tally) Recall() float64 { return share(t.Hit, t.Missed) }

func share(hits, others int) float64 {
	if hits+others == 0 {
		return 0
	}
	return float64(hits) / float64(hits+others)
}

// Score counts over many upgrades. Differences are in the order in which they
// were found.
type Score struct {
	Upgrades int
	Tallies  map[Question]*Tally
	// Textual counts for comparison what a diff of the text would say: pods
	// restart if anything differs in a pod template, and nothing else is known.
	Textual map[Question]*Tally
	// Open counts the differences about objects of which the program said that it
	// could not judge all: no wrong answers, but none either.
	Open        int
	Differences []Difference

	open    bool // what is looked at was not judged in all
	stopped bool // Helm has stopped where that was predicted
	refused bool // something was rejected
	mayFail bool // whether the upgrade fails depends on the Helm
}

// Add compares one upgrade with what was predicted for it.
func (s *Score) Add(set *change.Set, u *Upgrade) {
	s.Upgrades++
	refused := slices.ContainsFunc(set.Changes, func(c change.Change) bool { return len(c.Outcome.Refused) > 0 || rejected(&c) || awaited(set, &c) })
	s.mayFail = slices.ContainsFunc(set.Changes, func(c change.Change) bool { return c.Outcome.Undeleted != "" && mayBe(set, c.Ref, change.Rejected) })
	s.open = s.mayFail
	s.stopped = stopped(set, u)
	s.refused = slices.ContainsFunc(u.Resources, func(r Resource) bool { return r.Verdict == "rejected" })
	s.yes(Fails, u.Case, !u.Upgrade.OK, refused, u.Upgrade.Error)
	tally(&s.Textual, Fails).add(!u.Upgrade.OK, false)
	for i := range u.Resources {
		r := &u.Resources[i]
		c := find(set, r)
		s.open = c != nil && slices.ContainsFunc(set.Unchecked, func(n change.Notice) bool { return n.Ref == c.Ref })
		at := u.Case + " " + r.Kind + "/" + r.Name
		if c == nil && slices.ContainsFunc(set.Hooks, func(h change.HookRun) bool { return is(h.Ref, r) }) {
			continue // a hook that runs as it did before is no change
		}
		s.verdict(at, r, c)
		switch {
		case mayHang(set, r, c):
			s.Open++ // how far a rollout comes that hangs, if it does
		case r.Pods != nil:
			s.pods(at, r.Pods, c)
		}
		s.hangs(at, r, c)
		if r.Endpoints != nil {
			s.route(at, r.Endpoints, c, set)
		}
	}
	s.rollback(set, u)
}

// stopped reports whether Helm has stopped at a change of which that was predicted, so that nobody
// can see whether what it did not come to would have been rejected.
func stopped(set *change.Set, u *Upgrade) bool {
	return !u.Upgrade.OK && slices.ContainsFunc(set.Changes, func(c change.Change) bool {
		met := slices.ContainsFunc(u.Resources, func(r Resource) bool { return is(c.Ref, &r) && (r.Verdict == "rejected" || cleared(&c)) })
		own := !slices.ContainsFunc(u.Resources, func(r Resource) bool { return is(c.Ref, &r) }) // Helm's record of the release
		return awaited(set, &c) || c.Outcome.Upfront || (met || own) && len(c.Outcome.Refused) > 0 && (c.Op == change.Create || c.Hook != nil && c.Hook.Runs)
	})
}

// rejected reports whether a finding says that the upgrade fails at a change.
func rejected(c *change.Change) bool {
	return !c.Outcome.Unreached && slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Risk == change.Rejected })
}

// mayBe reports whether a notice about an object says that what is not known of it may be of a class.
func mayBe(set *change.Set, ref manifest.Ref, risk change.Risk) bool {
	return slices.ContainsFunc(set.Unchecked, func(n change.Notice) bool { return n.Ref == ref && n.Hides == risk })
}

// route holds what is said of a Service against its addresses. One that keeps its
// selector is asked about only if it has no endpoints in the end: that is because of
// what becomes of the pods, and it is enough that some workload is said to go down.
// In between, its addresses lag behind the pods.
func (s *Score) route(at string, e *Endpoints, c *change.Change, set *change.Set) {
	switch {
	case turned(c):
		s.yes(NoRoute, at, e.Before > 0 && e.Worst == 0, nowhere(c), fmt.Sprintf("%+v", *e))
	case e.Before > 0 && e.After == 0:
		said := slices.ContainsFunc(set.Changes, func(c change.Change) bool { return down(&c) })
		s.yes(NoRoute, at, true, said, fmt.Sprintf("%+v", *e))
	}
}

func down(c *change.Change) bool {
	return !c.Outcome.Unreached && slices.ContainsFunc(c.Findings, func(f change.Finding) bool {
		return f.Risk == change.Downtime || f.Risk == change.Outage
	})
}

// turned reports whether a Service selects by other labels from now on, or is said to leave
// its pods behind.
func turned(c *change.Change) bool {
	return c != nil && !c.Outcome.Unreached && len(c.Outcome.Refused) == 0 && (nowhere(c) || c.Op == change.Update && c.Ref.Kind == "Service" &&
		slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Under("spec", "selector") }))
}

// nowhere reports whether a Service is said to find no pods. That it goes down for
// another reason leaves it its addresses.
func nowhere(c *change.Change) bool {
	return !c.Outcome.Unreached && slices.ContainsFunc(c.Findings, func(f change.Finding) bool {
		return slices.Contains([]string{"service-selects-nothing", "service-selects-late", "service-deleted", "service-renamed"}, f.Rule)
	})
}

func (s *Score) verdict(at string, r *Resource, c *change.Change) {
	said := Said(c)
	switch {
	case said == "":
		return
	case s.stopped && said == "rejected" && (r.Verdict == "unchanged" || r.Verdict == "absent"):
		return // Helm did not come to it
	case s.stopped && s.refused && said == "deleted" && r.Verdict == "unchanged" && len(c.Outcome.Refused) > 0:
		return // nor to the deletion before the hook
	case r.Verdict == "absent" && said == "unchanged":
		said = "absent" // not there before, and not made
	case s.mayFail && c != nil && (r.Verdict == "rejected" && c.Outcome.Undeleted != "" || r.Verdict == "absent" && c.Hook != nil && c.Hook.Runs):
		s.Open++ // whether that fails the upgrade, before its last hooks, depends on the Helm
		return
	}
	t := tally(&s.Tallies, Verdict)
	if said == r.Verdict {
		t.Agree++
		return
	}
	t.Missed++
	s.Differences = append(s.Differences, Difference{at, Verdict, r.Verdict, said, strings.Join(r.Changed, " ")})
}

// Said returns the verdict that a change amounts to; nil is an object that does
// not differ. It is "" for a hook of which the manifests are not at hand.
func Said(c *change.Change) string {
	switch {
	case c == nil || c.Op == change.Keep:
		return "unchanged"
	case len(c.Outcome.Refused) > 0 && cleared(c):
		return "deleted"
	case len(c.Outcome.Refused) > 0:
		return "rejected"
	case c.Outcome.Unreached:
		return "unchanged"
	case c.Hook != nil && !c.Hook.Runs && c.Op != change.Delete:
		return "unchanged"
	case c.Hook != nil && c.Hook.Runs && c.Op != change.Delete:
		return hookSaid(c)
	case c.Op == change.Create:
		return "created"
	case c.Op == change.Delete:
		return "deleted"
	case c.Op == change.Recreate:
		return "recreated"
	case c.Outcome.Changed:
		return "modified"
	default:
		return "unchanged"
	}
}

// cleared reports whether Helm deletes what an earlier run of a hook has left before the API server
// refuses the new one.
func cleared(c *change.Change) bool {
	if c.Hook == nil || !c.Hook.Runs || c.New == nil || c.Outcome.Upfront || c.Ref.Kind == "CustomResourceDefinition" ||
		slices.ContainsFunc(c.Outcome.Refused, func(e change.FieldError) bool { return e.Type == "Undeletable" || e.Type == "AlreadyExists" }) {
		return false
	}
	policies := c.New.HookDeletePolicies()
	return left(c) && (len(policies) == 0 || slices.Contains(policies, "before-hook-creation"))
}

// left reports whether there is something of a hook, or in its place, before the upgrade.
func left(c *change.Change) bool {
	if c.Old == nil {
		return false
	}
	events := c.Old.HookEvents()
	return len(events) == 0 || (slices.Contains(events, "pre-install") || slices.Contains(events, "post-install")) &&
		!slices.Contains(c.Old.HookDeletePolicies(), "hook-succeeded")
}

// hookSaid returns what becomes of a hook that runs: Helm deletes what an earlier
// run has left, makes it anew, and deletes it again if its policy says so.
func hookSaid(c *change.Change) string {
	if c.New == nil {
		return ""
	}
	there := left(c)
	stays := !slices.Contains(c.New.HookDeletePolicies(), "hook-succeeded") || slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Rule == "hook-not-deleted" })
	switch {
	case there && stays && len(c.Outcome.Fields) > 0:
		return "modified" // server-side apply takes what an earlier run has left
	case there && stays:
		return "recreated"
	case there:
		return "deleted"
	case stays:
		return "created"
	default:
		return "unchanged"
	}
}

func (s *Score) pods(at string, p *Pods, c *change.Change) {
	said := change.Pods{}
	if c != nil && c.Outcome.Pods != nil && !c.Outcome.Unreached {
		said = *c.Outcome.Pods
	}
	if c != nil && slices.ContainsFunc(c.Findings, func(f change.Finding) bool { return f.Rule == "hook-not-made-again" }) {
		said.AllDown = true // its message says that the pods are deleted
	}
	detail := fmt.Sprintf("before %d, after %d, replaced %d, restarted %d", p.Before, p.After, p.Replaced, p.Restarted)
	down := false
	if p.MinReady != nil && p.ReadyBefore != nil {
		down = *p.MinReady == 0 && *p.ReadyBefore > 0
		detail += fmt.Sprintf(", ready %d, fewest %d", *p.ReadyBefore, *p.MinReady)
	}
	happened := p.Replaced + p.Restarted
	if c == nil || c.Op != change.Recreate {
		s.yes(Restart, at, happened > 0, said.Replaced, detail)
		tally(&s.Textual, Restart).add(happened > 0, templateDiffers(c))
	}
	if said.Replaced && said.Affected >= 0 && happened > 0 {
		s.count(at, happened, said.Affected, detail)
	}
	if p.Restarted == 0 { // nobody looked at containers, which restart in place
		s.yes(Downtime, at, down, said.AllDown, detail)
		tally(&s.Textual, Downtime).add(down, false)
	}
}

func (s *Score) count(at string, happened, said int, detail string) {
	t := tally(&s.Tallies, Replaced)
	if happened == said {
		t.Agree++
		return
	}
	t.Missed++
	s.Differences = append(s.Differences, Difference{at, Replaced, strconv.Itoa(happened), strconv.Itoa(said), detail})
}

func (s *Score) yes(q Question, at string, happened, said bool, detail string) {
	if s.open && happened && !said {
		s.Open++
		return
	}
	tally(&s.Tallies, q).add(happened, said)
	if happened == said {
		return
	}
	s.Differences = append(s.Differences, Difference{at, q, strconv.FormatBool(happened), strconv.FormatBool(said), detail})
}

func tally(tallies *map[Question]*Tally, q Question) *Tally {
	if *tallies == nil {
		*tallies = map[Question]*Tally{}
	}
	if (*tallies)[q] == nil {
		(*tallies)[q] = &Tally{}
	}
	return (*tallies)[q]
}

// templateDiffers reports whether a diff of the text shows anything in the pod
// template of a workload.
func templateDiffers(c *change.Change) bool {
	return c != nil && c.Op == change.Update && slices.ContainsFunc(c.Edits, func(e change.Edit) bool { return e.Path.Under("spec", "template") })
}

func find(set *change.Set, r *Resource) *change.Change {
	for i := range set.Changes {
		if is(set.Changes[i].Ref, r) {
			return &set.Changes[i]
		}
	}
	return nil
}

// is reports whether ref is what a resource is called.
func is(ref manifest.Ref, r *Resource) bool {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		group = ""
	}
	return ref.Kind == r.Kind && ref.Name == r.Name && ref.Group == group && (r.Namespace == "" || ref.Namespace == r.Namespace)
}
