// Package guards holds the rules about what protects and watches workloads: disruption budgets,
// monitors and alerts, quotas and limits, and policies of other APIs.
package guards
