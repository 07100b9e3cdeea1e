package change

// Effect is what would be different of one finding, or of what is hidden, if a proposed
// policy counted.
type Effect struct {
	// What is one clause, with the object, the rule, and what becomes of the finding by
	// each of the two policies.
	What string
	// Fails says that the finding fails the run by the policy that counts, Would that it
	// would by the proposed one.
	Fails, Would bool
}
