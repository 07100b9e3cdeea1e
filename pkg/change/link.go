package change

import (
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Link is one object naming another.
type Link struct {
	From, To manifest.Ref
	// Key is the key of a ConfigMap or Secret, or the port of a Service; "" for the
	// object as a whole.
	Key string
	// Path is where From names To.
	Path fieldpath.Path
	Use  Use
}

// Use is what an object is needed for.
type Use string

// The Uses.
const (
	UsedInEnv       Use = "env"        // copied into a container when it starts
	UsedAsFile      Use = "file"       // mounted, and follows within a minute or two
	UsedAsSubPath   Use = "subPath"    // mounted with subPath, and never follows
	UsedToStart     Use = "start"      // the pod is not made, or does not start, without it
	UsedAsName      Use = "name"       // gives pods their DNS names
	UsedAsBackend   Use = "backend"    // takes the requests
	UsedForTLS      Use = "tls"        // holds the certificate
	UsedAsTarget    Use = "target"     // is scaled
	UsedAsRole      Use = "role"       // holds what is allowed
	UsedAsSubject   Use = "subject"    // is allowed something
	UsedByAPIServer Use = "api server" // is called by the API server
)

// Reader is a workload that reads a ConfigMap or Secret that changes.
type Reader struct {
	Ref manifest.Ref
	Use Use
	// Keys are what it reads of what changes, in order; empty for all of it.
	Keys []string
	// Reloader is the annotation by which some controller restarts the pods when what
	// they read changes; "" if there is none.
	Reloader string
}
