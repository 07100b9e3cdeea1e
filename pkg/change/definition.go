package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Redefined is what an update of a CustomResourceDefinition removes.
type Redefined struct {
	// Group and Kind name the resource that it defines.
	Group, Kind string
	// Removed are the versions that it no longer has, Unserved the versions that are no longer
	// served. Statusless and Scaleless are the versions that no longer have the subresource
	// status, or scale.
	Removed, Unserved, Statusless, Scaleless []string
	// Lost are the fields that a schema no longer has, Tighter the fields for which it accepts
	// less. Both are "VERSION FIELD".
	Lost, Tighter []string
	// Never are the fields for which a schema no longer accepts any value, with the reason:
	// "VERSION FIELD (REASON)".
	Never []string
	// Unconverted says that a webhook is no longer asked to convert objects between versions.
	Unconverted bool
	// Stored are the known custom resources that do not change, but that the new definition
	// reads differently.
	Stored []Reread
}

// Reread is a custom resource that does not change while its definition does.
type Reread struct {
	Ref manifest.Ref
	// Released says that it is part of the release, so that its manifest is known.
	Released bool
	// Pruned are the fields that the API server drops when it reads the object, Refused the
	// fields that it no longer accepts in a change. Unserved says that the version of the
	// object is not served.
	Pruned, Refused []string
	Unserved        bool
}
