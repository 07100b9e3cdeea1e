package observed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// inputs are what decides what happens in an upgrade. What a case wants to be said is
// not among them, nor is its comment.
type inputs struct {
	Before, Old, New, Cluster, Drift string
	TakeOwnership                    bool
	Timeout                          string `json:",omitempty"`
	Wait                             bool   `json:",omitempty"`
	Kubernetes, Install              string
	Upgrade                          string `json:",omitempty"`
	ServerSide                       bool   `json:",omitempty"`
}

// Key identifies the observation of a case that is measured in a way.
func Key(c *cases.Case, way Way) string {
	in := inputsOf(c, way)
	in.Upgrade, in.ServerSide = minor(way.Upgrade), way.ServerSide
	return digest(in)
}

// ClusterKey identifies what is in the cluster before the upgrade: the Helm that makes
// it has done nothing yet.
func ClusterKey(c *cases.Case, way Way) string { return digest(inputsOf(c, way)) }

func inputsOf(c *cases.Case, way Way) inputs {
	return inputs{
		Before: c.Before, Old: c.Old, New: c.New, Cluster: c.Cluster, Drift: c.Drift,
		TakeOwnership: c.TakeOwnership, Timeout: c.Timeout, Wait: c.Wait, Kubernetes: minor(Kubernetes), Install: minor(way.Install),
	}
}

// minor is the minor version of a release, such as "v1.37". A patch release is no
// reason to measure everything again: what it changes is found by the tenth that is
// measured again with each commit.
func minor(version string) string { return version[:strings.LastIndexByte(version, '.')] }

func digest(in inputs) string {
	text, _ := json.Marshal(in) // strings and booleans cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Alone reports whether a case has nodes or default classes of its own, so that the
// furniture of the laboratory is taken away and nothing else runs meanwhile.
func Alone(c *cases.Case) bool {
	return strings.Contains(c.Cluster, "kind: Node\n") || strings.Contains(c.Cluster, "is-default-class")
}
