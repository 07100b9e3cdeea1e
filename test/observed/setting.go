// Package observed keeps what the laboratory of test/controlplane has observed, as
// data, and holds predictions against it without a control plane.
//
// An observation is what happened in one upgrade of a case, never what was predicted.
// Its key is a digest of what was done: the inputs of the case, the minor version of
// Kubernetes, those of Helm and the way of applying. A case whose inputs change has
// another key, and so no observation until it is measured again.
package observed

import (
	_ "embed"
	"fmt"
	"strings"
)

// Kubernetes is the version that the laboratory runs.
const Kubernetes = "v1.37.2"

// The versions of Helm that make the upgrades.
const (
	helm3 = "v3.22.0"
	helm4 = "v4.3.2"
)

// Nodes is how many nodes the laboratory has.
const Nodes = 3

// Way is how a release comes about: which version of Helm installs it, and which one
// upgrades it.
type Way struct {
	Name             string
	Install, Upgrade string
	// ServerSide says that Helm then applies on the server's side.
	ServerSide bool
}

// Ways returns all ways in which a case is measured.
func Ways() []Way {
	return []Way{
		{Name: "Helm 3", Install: helm3, Upgrade: helm3},
		{Name: "Helm 4", Install: helm4, Upgrade: helm4, ServerSide: true},
		{Name: "Helm 3, then 4", Install: helm3, Upgrade: helm4},
	}
}

// Versions says what an upgrade in this way is measured with, such as
// "Kubernetes v1.37.2, Helm v3.22.0 and v4.3.2".
func (w Way) Versions() string {
	text := "Kubernetes " + Kubernetes + ", Helm " + w.Install
	if w.Upgrade != w.Install {
		text += " and " + w.Upgrade
	}
	return text
}

//go:embed furniture.yaml
var classes string

// Furniture returns what is in the laboratory's cluster besides releases, as a YAML
// stream.
func Furniture() string {
	var b strings.Builder
	b.WriteString(classes)
	for i := range Nodes {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: node-%d\n  labels: {kubernetes.io/hostname: node-%d}\n", i, i)
	}
	return b.String()
}
