package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Evidence is one thing that makes a finding true: related objects, and what is named or
// counted in them. It is plain data. The digest of a finding covers all of it, so that an
// acceptance never covers more than existed when it was written.
type Evidence struct {
	// What says what the other fields are, such as "names what is not there" or "pods before".
	What string `json:"what"`
	// Objects are the objects concerned, the acting ones first.
	Objects []manifest.Ref `json:"objects,omitempty"`
	// Names are the names of things in these objects: ports, keys, containers, hosts,
	// addresses, fields. They contain no secret.
	Names []string `json:"names,omitempty"`
	// Count is a number, if What counts something; -1 if it is not known.
	Count int `json:"count,omitempty"`
}
