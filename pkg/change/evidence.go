package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Evidence is one thing that makes a finding true: objects that have to do with each other,
// and what is named or counted of them. It is plain data. The digest of a finding covers all
// of it, so that an acceptance never covers more than there was when it was written.
type Evidence struct {
	// What says what the rest is, such as "names what is not there" or "pods before".
	What string `json:"what"`
	// Objects are the objects concerned, those that act first.
	Objects []manifest.Ref `json:"objects,omitempty"`
	// Names are what is called something in these objects: ports, keys, containers, hosts,
	// addresses, fields. No secret is among them.
	Names []string `json:"names,omitempty"`
	// Count is a number, where What counts something; -1 if it is not known.
	Count int `json:"count,omitempty"`
}
