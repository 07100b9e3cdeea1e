package change

// RuleText is what a report may say about a rule besides its findings.
type RuleText struct {
	ID, Why, Fix string
	// Own says that the rule is the team's own, so that no page describes it.
	Own bool
	// Page is the page in docs that describes it; "" for rules.md.
	Page string
}
