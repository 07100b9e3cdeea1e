package change

// Effect is what would be different about one finding, or about what is hidden, under a
// proposed policy.
type Effect struct {
	// What is one clause, with the object, the rule, and what happens to the finding under
	// each of the two policies.
	What string
	// Fails says that the finding fails the run under the policy in force, Would that it would
	// fail it under the proposed one.
	Fails, Would bool
}
