// Package api holds the rules about the API itself: what the API server serves, by definitions
// and APIServices, whom it asks, by webhooks and admission policies, and what it stores of a
// manifest.
package api
