package change

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Redefined is what an update of a CustomResourceDefinition takes away.
type Redefined struct {
	// Group and Kind are what it defines.
	Group, Kind string
	// Removed are versions that it no longer has, Unserved those that are no longer served,
	// Statusless and Scaleless those that no longer have the subresource status, or scale.
	Removed, Unserved, Statusless, Scaleless []string
	// Lost are fields that a schema no longer has, Tighter those of which it accepts less.
	// Both are "VERSION FIELD".
	Lost, Tighter []string
	// Never are the fields of which a schema accepts no value any more, with the reason:
	// "VERSION FIELD (REASON)".
	Never []string
	// Unconverted says that a webhook is no longer asked to convert objects between versions.
	Unconverted bool
	// Stored are the custom resources at hand that stay as they are and are not as they were
	// under the new definition.
	Stored []Reread
}

// Reread is a custom resource that stays as it is while its definition changes.
type Reread struct {
	Ref manifest.Ref
	// Released says that it is part of the release, so that its manifest is there.
	Released bool
	// Pruned are the fields that the API server drops when it reads the object, Refused those
	// that it no longer accepts in a change. Unserved says that its version is not served.
	Pruned, Refused []string
	Unserved        bool
}
