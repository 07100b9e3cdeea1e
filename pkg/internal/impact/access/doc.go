// Package access holds the rules about ServiceAccounts, and what they may do.
package access
