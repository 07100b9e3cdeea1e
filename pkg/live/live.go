// Package live reads from a cluster what it holds of a release. It is the only
// package that talks to an API server about objects, and it only ever reads: its
// transport refuses every request that could write.
package live

import "github.com/safe-diff/helm-safe-diff/pkg/cluster"

// What a Reader is asked for, and what it answers, is data of package cluster.
type (
	// State is cluster.State.
	State = cluster.State
	// Object is cluster.Object.
	Object = cluster.Object
	// Gap is cluster.Gap.
	Gap = cluster.Gap
	// Wanted is cluster.Wanted.
	Wanted = cluster.Wanted
	// LabelReader is cluster.LabelReader.
	LabelReader = cluster.LabelReader
	// Attempt is cluster.Attempt.
	Attempt = cluster.Attempt
	// Answer is cluster.Answer.
	Answer = cluster.Answer
)
