package safediff

// Record is what Helm stores of a release before it does anything else.
type Record struct {
	// Kind is Secret or ConfigMap; "" for a storage without a limit.
	Kind string
	// Bytes is how long it is, or will be at least.
	Bytes int
	// Most says what most of it is, one clause; "" if that is not known.
	Most string
	// AtLeast says that only the manifest is known.
	AtLeast bool
}
