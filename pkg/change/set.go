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
	// Changes holds every object whose manifest differs, hidden ones too, in
	// reporting order.
	Changes []Change
	// Same counts the objects whose manifest says the same on both sides.
	Same int
	// Unchecked lists what could not be judged, and why. What is not listed
	// was judged.
	Unchecked []Notice
	// OneWay lists what a rollback of this upgrade does not bring back, and why. Only an
	// upgrade is asked that.
	OneWay []Notice
	// Hooks are those that Helm runs, also where they stay as they are, in their order; one
	// of two events comes twice.
	Hooks []HookRun
	// Rotating lists what comes out differently each time the new chart is rendered,
	// whatever this upgrade changes; empty where that is not known.
	Rotating []Rotation
	// Drift lists what was changed in the cluster behind Helm's back; empty where
	// no cluster was read.
	Drift []Drift
	// Picture is for reports that draw the upgrade; nil where nobody has asked for it.
	Picture *Picture `json:",omitempty"`
	// Why is set if it was asked what the edits are due to.
	Why *Why `json:",omitempty"`
	// Remarks is what is to be said of the team's policy itself.
	Remarks []Remark
	// Proposed is what would be different by the policy that a pull request proposes.
	Proposed []Effect
}

// Remark is about an entry of the policy.
type Remark struct {
	// At is where the entry stands, as FILE:LINE.
	At string
	// What is one clause.
	What string
	// Idle says that the entry had nothing to do, and nothing else is wrong with it.
	Idle bool
}

// Rotation is an object of the new side that was another when the same chart was
// rendered once more, with the same values.
type Rotation struct {
	Ref manifest.Ref
	// Paths are the fields that rotate; empty if the object's name does, so that each
	// upgrade makes another object.
	Paths []fieldpath.Path
	// Restarts says that this upgrade replaces pods of the object because of that.
	Restarts bool
	// Unless is why it may be that the next upgrade leaves it as it is, one clause;
	// "" if every upgrade changes it.
	Unless string
}

// Drift is a field, or a whole object, that is not in the cluster as the installed
// release has it.
type Drift struct {
	Ref manifest.Ref
	// Path is the field; empty if the object is gone.
	Path fieldpath.Path
	// Said is what the release says, Is what the cluster has.
	Said, Is Value
	// By is the manager that the API server has noted for the field, "" if none,
	// and Since when it noted it, as RFC 3339.
	By, Since string
	Fate      Fate
}

// Fate is what this upgrade does to a drift.
type Fate string

// The fates.
const (
	PutBack  Fate = "put back" // the upgrade writes what the new release says
	Conflict Fate = "conflict" // the upgrade is refused because of it
	Survives Fate = "survives" // the upgrade leaves it
)

// Operation is what Helm is judged for.
type Operation string

// The Operations, each a word that can stand for "the …" in a sentence.
const (
	Upgrade   Operation = "upgrade"
	Install   Operation = "install" // an upgrade where there is no release yet
	Rollback  Operation = "rollback"
	Uninstall Operation = "uninstall"
)

// Release tells which upgrade a Set is about. Fields that do not apply (two
// manifest files have no release) are zero.
type Release struct {
	Name      string
	Namespace string
	// Context is the context of the kubeconfig, Cluster what the kubeconfig calls
	// the cluster.
	Context, Cluster string
	// Values are the values of the user's that differ.
	Values []Edit
	// From is the release on the old side where it is another one.
	From Place
	// Operation is what Helm is judged for; "" stands for an upgrade.
	Operation Operation
	// Revision is the installed revision; 0 if there is none.
	Revision int
	// NewRevision is the stored revision on the new side; 0 if that is not
	// stored anywhere.
	NewRevision int
	// OldChart and NewChart are "name-version".
	OldChart, NewChart string
	// Helm is the major version of the Helm that the judgement is made for; 0 if none has
	// read or rendered anything.
	Helm int
	// KubeVersion is the Kubernetes minor that the judgement is made for, such as "1.37".
	KubeVersion string
	// ServerSide is true if Helm applies on the server's side, false if it
	// merges three ways. Replace is true if it does neither, but replaces.
	ServerSide, Replace bool
	Wait
}

// Wait tells how Helm waits.
type Wait struct {
	// Waits says that Helm waits until what it makes is ready (--wait, --atomic), and fails
	// if it does not get so.
	Waits bool
	// Jobs says that it then also waits until Jobs are complete (--wait-for-jobs).
	Jobs bool `json:",omitempty"`
	// Timeout is for how long it waits; 0 if that is not known. Legacy says that Helm 4 waits as
	// Helm 3 does (--wait=legacy).
	Timeout time.Duration `json:",omitempty"`
	Legacy  bool          `json:",omitempty"`
}

// For reports whether Helm waits until an object of a kind is ready: a Job only with --wait-for-jobs
// (IsReady in helm.sh/helm/v3/pkg/kube; to Helm 4 a Job is ready that has started, jobConditions in
// github.com/fluxcd/cli-utils/pkg/kstatus/status), and a CronJob never. It waits for hooks all the
// same.
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

// DefaultTimeout is Helm's own (newUpgradeCmd and newRollbackCmd in helm.sh/helm/v3/cmd/helm, the same
// in helm.sh/helm/v4/pkg/cmd).
const DefaultTimeout = 5 * time.Minute

// Place tells where a release is.
type Place struct{ Name, Namespace, Context string }

// Change is one object that differs between the two sides.
type Change struct {
	Ref manifest.Ref
	Op  Op
	// Old is nil if the object is created, New if it is deleted or kept.
	Old, New *manifest.Object
	// Edits tells how the manifests differ, field by field. It is empty for an
	// object that stands on one side only.
	Edits    []Edit
	Outcome  Outcome
	Findings []Finding
	// Off are findings of rules that the policy switches off. Nothing hangs on them.
	Off []Finding
	// Accepted are findings that somebody knows of. Nothing hangs on them, but noise
	// does not hide what they point at.
	Accepted []Accepted
	// Hook is set where the object is a Helm hook on the new side, or, if it
	// is gone there, on the old side.
	Hook *Hook
	// Noise is the filter that hides an object without edits as a whole.
	Noise string
	// Renamed is set on an object that goes and one that comes if they are the same
	// one under another name; both hold the same Rename.
	Renamed *Rename
	// Because is why an object comes or goes; nil for others, and where nobody has asked.
	Because *Because `json:",omitempty"`
}

// Op is what Helm does with an object.
type Op string

// The Ops.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
	// Recreate deletes the live object and makes it anew: it became a hook.
	Recreate Op = "recreate"
	// Keep takes the object out of the release and leaves it in the cluster.
	Keep Op = "keep"
	// Publish is about a chart itself, and nothing that Helm does to a cluster.
	Publish Op = "publish"
	// Amend is about the policy, and nothing that Helm does to a cluster.
	Amend Op = "amend"
	// Configure is about the values that a user gives, and no object.
	Configure Op = "configure"
	// Leave is about a definition in a crds directory, which no upgrade touches.
	Leave Op = "leave"
)

// Hook tells when Helm runs an object.
type Hook struct {
	// Events are Helm's names, such as "pre-upgrade".
	Events []string
	// Runs reports whether this very upgrade runs the hook.
	Runs bool
}

// HookRun is a hook at an event at which Helm runs it.
type HookRun struct {
	// Ref names it; a name that the API server makes up ends in a star.
	Ref   manifest.Ref
	Event string
	// Pods says that it runs pods; others are what these need.
	Pods bool
	// New says that the installed release does not have it, Edited that it has another one,
	// in more than noise.
	New, Edited bool
}

// Edit is one field that differs between the two manifests.
type Edit struct {
	Path fieldpath.Path
	// Old and New are absent if the field stands on one side only.
	Old, New Value
	// Reordered marks a list whose items are the same ones in another order;
	// Old and New then hold what names the items.
	Reordered bool
	// Rotates says that the field of the new side comes out differently each time the
	// chart is rendered: that it differs is not due to this upgrade.
	Rotates bool
	// Watchers is who looks at a label of the object itself and acts on this edit,
	// one clause each, such as "ServiceMonitor demo/web no longer selects it".
	Watchers []string
	// Noise is the filter that hides the edit, or "".
	Noise string
	// Because is what the edit is due to; nil where nobody has asked.
	Because *Because `json:",omitempty"`
}

// Hidden reports whether noise hides all there is to show of the change. A
// change with a finding is never hidden, accepted or not.
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

// Doubt is what could not be judged of an object, or is not known of it.
type Doubt struct {
	// Reason is one clause: what could not be judged, and what it would have decided.
	Reason string
	// Hides is the worst class that it may hide; "" for what hides no harm.
	Hides Risk
	// Never says that it is never known, whatever is read: what a program does, an
	// operator, a webhook. It makes no upgrade undecided.
	Never bool
}

// Of returns the notice of a doubt about an object.
func (d Doubt) Of(ref manifest.Ref) Notice {
	return Notice{Ref: ref, Reason: d.Reason, Hides: d.Hides, Never: d.Never}
}

// Notice is something that is said of an object and is no finding.
type Notice struct {
	// Ref is the object concerned; zero if the notice is about the whole.
	Ref manifest.Ref
	// Reason is one clause: of what could not be judged, what is not known, and what it
	// would have decided.
	Reason string
	// Hides is the worst class that it may hide; "" for what hides no harm.
	Hides Risk
	// All says that it is about every object that changes, not about Ref; Never as in Doubt.
	All, Never bool
	// Shipped says how a definition in the crds directory of the chart differs from what is in
	// the cluster, such as "new"; "" for a notice about anything else.
	Shipped string `json:",omitempty"`
	// Rule is the ID of the rule that could not be asked; "" if it is about no single one.
	Rule string
}

func (e *Edit) reveal() { e.Old, e.New = e.Old.Revealed(), e.New.Revealed() }

// Revealed returns the set with every secret shown, for a user who asked for
// that. s stays as it is.
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

// Compare orders changes for a report: worst risk first, then what is deleted,
// made anew, updated, created and kept, then by object.
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
