package change

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Drain is what happens when the nodes of a cluster are drained one after the other, as every
// upgrade of a cluster does, after an upgrade of a release.
type Drain struct {
	Release Release
	// Nodes is how many nodes are known, and Pods how many pods were looked at.
	Nodes, Pods int
	// Findings are pods that keep their node from being emptied, and pods that find no other one.
	Findings []DrainFinding
	// Asks are the flags without which `kubectl drain` stops.
	Asks []DrainAsk
	// Unknown is what may keep a node from being emptied as well, and hangs on what is not known.
	Unknown []Notice
}

// DrainFinding is pods of one workload, and what a drain of their node meets.
type DrainFinding struct {
	// Risk is Stuck where the node never empties. Pods that find no other node are Downtime if all
	// pods of the workload are on that node, and else Restart.
	Risk     Risk
	Workload manifest.Ref
	// Pods is how many they are, and Nodes where they are; no node stands for wherever they come to run.
	Pods  int
	Nodes []string
	// Why is one clause, and Volumes are those that other nodes cannot reach.
	Why     string
	Volumes []string
	// New says that the upgrade makes it so.
	New bool
}

// DrainAsk is a flag of `kubectl drain`, and the workloads because of whose pods it is needed.
type DrainAsk struct {
	Flag      string
	Workloads []manifest.Ref
}

// Held lists the nodes that never empty, in order, as far as it is known where pods are.
func (d *Drain) Held() []string {
	var nodes []string
	for i := range d.Findings {
		if d.Findings[i].Risk == Stuck {
			nodes = append(nodes, d.Findings[i].Nodes...)
		}
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// Verdict judges the drain by what fails a run.
func (d *Drain) Verdict(failOn FailOn) Verdict {
	switch {
	case d.any(failOn.Names):
		return Risky
	case slices.ContainsFunc(d.Unknown, func(n Notice) bool { return failOn.asBad(&n) }):
		return Undecided
	case len(d.Findings) > 0:
		return Changes
	default:
		return Nothing
	}
}

// ExitCode returns the process's exit code.
func (d *Drain) ExitCode(failOn FailOn) int {
	if d.any(failOn.Names) || failOn.Undecided() && d.Verdict(failOn) == Undecided {
		return ExitRisky
	}
	return ExitSafe
}

func (d *Drain) any(is func(Risk) bool) bool {
	return slices.ContainsFunc(d.Findings, func(f DrainFinding) bool { return is(f.Risk) })
}
