// Package networkpolicies holds the rules about NetworkPolicies: what they cut off, let go, or
// allow from now on.
package networkpolicies
