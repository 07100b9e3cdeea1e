// Package change is the vocabulary of helm-safe-diff: what an upgrade changes,
// what the cluster makes of it, and what is risky about it.
//
// A Set is plain data in a fixed order. It flows through the stages and only
// ever gets richer: diff makes the changes and their edits, apiserver and
// rollout the outcomes, risk the findings, noise the marks. No stage edits what
// an earlier one wrote, and no type here knows about colour, width or flags.
package change

import (
	"cmp"
	"slices"
	"time"

	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Set is everything that one upgrade changes.
type Set struct {
	Release Release
	// Changes holds every object whose manifest differs, hidden ones too, in reporting order.
	Changes []Change
	// Same counts the objects whose manifest is the same on both sides.
	Same int
	// Unchecked lists what could not be judged, and why. Everything else was judged.
	Unchecked []Notice
	// OneWay lists what a rollback of this upgrade does not bring back, and why. It is set for
	// an upgrade only.
	OneWay []Notice
	// Hooks are the hooks that Helm runs, in its order, even if they do not change. A hook
	// with two events is in it twice.
	Hooks []HookRun
	// Rotating lists what is different each time the new chart is rendered, whatever this
	// upgrade changes; empty if that is not known.
	Rotating []Rotation
	// Drift lists what was changed in the cluster behind Helm's back; empty if no cluster was
	// read.
	Drift []Drift
	// Picture is for reports that draw the upgrade; nil if nobody asked for it.
	Picture *Picture `json:",omitempty"`
	// Why is set if somebody asked for the causes of the edits.
	Why *Why `json:",omitempty"`
	// Remarks are about the team's policy itself.
	Remarks []Remark
	// Proposed is what would be different under the policy that a pull request proposes.
	Proposed []Effect
}

// Remark is about an entry of the policy.
type Remark struct {
	// At is where the entry is, as FILE:LINE.
	At string
	// What is one clause.
	What string
	// Idle says that the entry had no effect, and that nothing else is wrong with it.
	Idle bool
}

// Rotation is an object of the new side that was different when the same chart was rendered
// once more with the same values.
type Rotation struct {
	Ref manifest.Ref
	// Paths are the fields that rotate; empty if the object's name rotates, so that each
	// upgrade creates another object.
	Paths []fieldpath.Path
	// Restarts says that this upgrade replaces pods of the object because of this.
	Restarts bool
	// Unless is why the next upgrade may leave the object as it is, one clause; "" if every
	// upgrade changes it.
	Unless string
}

// Drift is a field or a whole object in which the cluster differs from the installed
// release.
type Drift struct {
	Ref manifest.Ref
	// Path is the field; empty if the object is gone.
	Path fieldpath.Path
	// Said is what the release says, Is what the cluster has.
	Said, Is Value
	// By is the manager that the API server has recorded for the field, "" if there is none.
	// Since is the recorded time, as RFC 3339.
	By, Since string
	Fate      Fate
}

// Fate is what this upgrade does to a drift.
type Fate string

// The fates.
const (
	PutBack  Fate = "put back" // the upgrade writes what the new release says
	Conflict Fate = "conflict" // the upgrade is rejected because of it
	Survives Fate = "survives" // the upgrade leaves it as it is
)

// Operation is the Helm operation that is judged.
type Operation string

// The Operations. Each is a word that can follow "the" in a sentence.
const (
	Upgrade   Operation = "upgrade"
	Install   Operation = "install" // an upgrade where there is no release yet
	Rollback  Operation = "rollback"
	Uninstall Operation = "uninstall"
)

// Release says which upgrade a Set is about. Fields that do not apply are zero (two
// manifest files have no release).
type Release struct {
	Name      string
	Namespace string
	// Context is the context of the kubeconfig. Cluster is the name of the cluster in the
	// kubeconfig.
	Context, Cluster string
	// Values are the user's values that differ.
	Values []Edit
	// From is the release on the old side, if that is another one.
	From Place
	// Operation is the Helm operation that is judged; "" is an upgrade.
	Operation Operation
	// Revision is the installed revision; 0 if there is none.
	Revision int
	// NewRevision is the stored revision on the new side; 0 if it is not stored.
	NewRevision int
	// OldChart and NewChart are "name-version".
	OldChart, NewChart string
	// Helm is the major version of Helm for which the judgement is made; 0 if no Helm has read
	// or rendered anything.
	Helm int
	// KubeVersion is the Kubernetes minor version for which the judgement is made, such as
	// "1.37".
	KubeVersion string
	// ServerSide is true if Helm uses server-side apply, false if it merges three ways.
	// Replace is true if Helm does neither, but replaces.
	ServerSide, Replace bool
	Wait
}

// Wait tells how Helm waits.
type Wait struct {
	// Waits says that Helm waits until the objects are ready (--wait, --atomic), and fails if
	// they do not become ready.
	Waits bool
	// Jobs says that Helm then also waits until Jobs are complete (--wait-for-jobs).
	Jobs bool `json:",omitempty"`
	// Timeout is how long Helm waits; 0 if that is not known. Legacy says that Helm 4 waits as
	// Helm 3 does (--wait=legacy).
	Timeout time.Duration `json:",omitempty"`
	Legacy  bool          `json:",omitempty"`
}

// For reports whether Helm waits until an object of a kind is ready. It waits for a Job
// only with --wait-for-jobs (IsReady in helm.sh/helm/v3/pkg/kube; for Helm 4, a Job is
// ready once it has started, jobConditions in
// github.com/fluxcd/cli-utils/pkg/kstatus/status), and never for a CronJob. Hooks are
// different: Helm always waits for them.
func (w Wait) For(ref manifest.Ref) bool {
	switch {
	case ref.Group == "batch" && ref.Kind == "CronJob":
		return false
	case ref.Group == "batch" && ref.Kind == "Job":
		return w.Waits && w.Jobs
	default:
		return w.Waits
	}
}

// DefaultTimeout is Helm's own default (newUpgradeCmd and newRollbackCmd in
// helm.sh/helm/v3/cmd/helm, the same in helm.sh/helm/v4/pkg/cmd).
const DefaultTimeout = 5 * time.Minute

// Place says where a release is.
type Place struct{ Name, Namespace, Context string }

// Change is one object that differs between the two sides.
type Change struct {
	Ref manifest.Ref
	Op  Op
	// Old is nil if the object is created, New if it is deleted or kept.
	Old, New *manifest.Object
	// Edits says how the manifests differ, field by field. It is empty for an object that is
	// on one side only.
	Edits    []Edit
	Outcome  Outcome
	Findings []Finding
	// Off are findings of rules that the policy switches off. They affect nothing.
	Off []Finding
	// Accepted are findings that somebody has accepted. They affect nothing, except that noise
	// does not hide what they point at.
	Accepted []Accepted
	// Hook is set if the object is a Helm hook on the new side, or, if it is not there, on the
	// old side.
	Hook *Hook
	// Noise is the filter that hides an object without edits as a whole.
	Noise string
	// Renamed is set on a deleted object and a created object that are the same under another
	// name. Both hold the same Rename.
	Renamed *Rename
	// Because is why an object is created or deleted; nil for others, and if nobody asked.
	Because *Because `json:",omitempty"`
}

// Op is what Helm does with an object.
type Op string

// The Ops.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
	// Recreate deletes the live object and creates it again: it became a hook.
	Recreate Op = "recreate"
	// Keep takes the object out of the release and leaves it in the cluster.
	Keep Op = "keep"
	// Publish is about a chart itself, not about anything that Helm does to a cluster.
	Publish Op = "publish"
	// Amend is about the policy, not about anything that Helm does to a cluster.
	Amend Op = "amend"
	// Configure is about the values that a user gives, not about an object.
	Configure Op = "configure"
	// Leave is about a definition in a crds directory, which no upgrade changes.
	Leave Op = "leave"
)

// Hook says when Helm runs an object.
type Hook struct {
	// Events are Helm's names, such as "pre-upgrade".
	Events []string
	// Runs reports whether this upgrade runs the hook.
	Runs bool
}

// HookRun is a hook at one of the events at which Helm runs it.
type HookRun struct {
	// Ref names it. A name that the API server generates ends in a star.
	Ref   manifest.Ref
	Event string
	// Pods says that it runs pods. Other hooks are what these need.
	Pods bool
	// New says that the installed release does not have the hook. Edited says that the
	// installed hook differs, in more than noise.
	New, Edited bool
}

// Edit is one field that differs between the two manifests.
type Edit struct {
	Path fieldpath.Path
	// Old and New are absent if the field is on one side only.
	Old, New Value
	// Reordered marks a list with the same items in another order. Old and New then hold what
	// names the items.
	Reordered bool
	// Rotates says that the field of the new side is different each time the chart is
	// rendered, so this upgrade is not the reason why it differs.
	Rotates bool
	// Watchers are those that read a label of the object itself and act on this edit, one
	// clause each, such as "ServiceMonitor demo/web no longer selects it".
	Watchers []string
	// Noise is the filter that hides the edit, or "".
	Noise string
	// Because is the cause of the edit; nil if nobody asked.
	Because *Because `json:",omitempty"`
}

// Hidden reports whether noise hides everything about the change. A change with a finding
// is never hidden, accepted or not.
func (c *Change) Hidden() bool {
	if len(c.Findings)+len(c.Accepted) > 0 {
		return false
	}
	if len(c.Edits) == 0 {
		return c.Noise != ""
	}
	for i := range c.Edits {
		if c.Edits[i].Noise == "" {
			return false
		}
	}
	return true
}

// Doubt is something about an object that could not be judged or is not known.
type Doubt struct {
	// Reason is one clause: what could not be judged, and what it would have decided.
	Reason string
	// Hides is the worst class that it may hide; "" if it hides no harm.
	Hides Risk
	// Never says that this can never be known, whatever is read: what a program, an operator
	// or a webhook does. It does not make an upgrade undecided.
	Never bool
}

// Of returns the notice for a doubt about an object.
func (d Doubt) Of(ref manifest.Ref) Notice {
	return Notice{Ref: ref, Reason: d.Reason, Hides: d.Hides, Never: d.Never}
}

// Notice is a statement about an object that is not a finding.
type Notice struct {
	// Ref is the object concerned; zero if the notice is about the whole.
	Ref manifest.Ref
	// Reason is one clause. For something that could not be judged, it says what is not known,
	// and what that would have decided.
	Reason string
	// Hides is the worst class that it may hide; "" if it hides no harm.
	Hides Risk
	// All says that the notice is about every object that changes, not about Ref. Never is as
	// in Doubt.
	All, Never bool
	// Shipped says how a definition in the crds directory of the chart differs from the one in
	// the cluster, such as "new"; "" for a notice about anything else.
	Shipped string `json:",omitempty"`
	// Rule is the ID of the rule that could not be evaluated; "" if it is not about a single
	// rule.
	Rule string
}

func (e *Edit) reveal() { e.Old, e.New = e.Old.Revealed(), e.New.Revealed() }

// Revealed returns the set with every secret shown, for a user who asked for that. It does
// not change s.
func (s *Set) Revealed() Set {
	revealed := *s
	revealed.Changes = slices.Clone(s.Changes)
	for i := range revealed.Changes {
		c := &revealed.Changes[i]
		c.Edits = slices.Clone(c.Edits)
		for j := range c.Edits {
			c.Edits[j].reveal()
		}
		c.Renamed = c.Renamed.revealed()
	}
	revealed.Release.Values = slices.Clone(s.Release.Values)
	for i := range revealed.Release.Values {
		revealed.Release.Values[i].reveal()
	}
	revealed.Drift = slices.Clone(s.Drift)
	for i := range revealed.Drift {
		d := &revealed.Drift[i]
		d.Said, d.Is = d.Said.Revealed(), d.Is.Revealed()
	}
	return revealed
}

// Compare orders changes for a report: worst risk first, then what is deleted, recreated,
// updated, created and kept, then by object.
func Compare(a, b Change) int {
	return cmp.Or(
		cmp.Compare(a.rank(), b.rank()),
		cmp.Compare(slices.Index(opOrder(), a.Op), slices.Index(opOrder(), b.Op)),
		a.Ref.Compare(b.Ref),
	)
}

func opOrder() []Op {
	return []Op{Delete, Recreate, Update, Create, Keep, Leave, Publish, Amend, Configure}
}

// rank is 0 for the worst class; a change without findings ranks last.
func (c *Change) rank() int {
	worst := len(Risks())
	for i := range c.Findings {
		worst = min(worst, slices.Index(Risks(), c.Findings[i].Risk))
	}
	return worst
}
