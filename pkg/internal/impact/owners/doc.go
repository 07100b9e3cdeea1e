// Package owners holds the rules about what goes with another object: what garbage collection
// deletes for an owner that is not there, and what an operator deletes with a custom resource.
package owners
