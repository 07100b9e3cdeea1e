package cli

import (
	"fmt"
	"slices"
)

// foundMaySet lists the flags that a policy may set although it was found, and not named by
// --config. Such a file comes with whatever was checked out, so it may only say how to judge.
// Every other flag is in operatorFlags, or has no effect.
func foundMaySet() []string {
	return []string{
		// What the judgement assumes of the cluster, of the place and of how Helm applies.
		"api-versions", "environment", "force", "force-conflicts", "force-replace", "helm", "is-upgrade", "kube-version", "server-side", "take-ownership",
		// What else of a chart is judged.
		"check-version-increment", "include-crds", "values-matrix",
		// What fails a run, and what is hidden in its report. fail-on itself is failOn in the file.
		"detailed-exitcode", "fail-on", "fail-on-dead", "show-hidden", "suppress", "suppress-output-line-regex", "suppress-secrets",
		// How a report looks.
		"color", "colour", "context", "markdown-max-bytes", "no-color", "why",
	}
}

// reviewedMaySet lists the flags that a policy may set besides, if it is not the one of the
// working folder but of a branch or commit that the operator has named: its owners have
// reviewed it, and a pull request cannot change it.
func reviewedMaySet() []string { return []string{"allow-registry"} }

// decision is something that only the operator decides: whoever types the command, sets
// its environment, or names a policy by --config.
type decision struct {
	// what completes "the flag decides".
	what  string
	flags []string
}

// operatorFlags lists the flags that a policy may not set unless it is named by --config.
func operatorFlags() []decision {
	flags := slices.Concat(upgradeNoEffect(), rollbackNoEffect(), uninstallNoEffect(), helmDiffNoEffect())
	carriedOut := make([]string, 0, len(flags))
	for _, f := range flags {
		carriedOut = append(carriedOut, f.name)
	}
	return []decision{
		{"where output goes", []string{"out", "output", "stderr-file"}},
		{"whether Secrets are shown", []string{"show-secrets", "show-secrets-decoded"}},
		{"which program runs", []string{"post-renderer", "post-renderer-args"}},
		{"what is fetched, from where and by whom", []string{
			"allow-registry", "ca-file", "cert-file", "dependency-update", "devel", "enable-dns", "insecure-skip-tls-verify", "key-file",
			"keyring", "new-version",
			"old-chart", "old-version", "pass-credentials", "password", "plain-http", "repo", "username", "verify", "version",
		}},
		{"what is read from this machine", []string{
			"allow-empty", "cluster-objects", "manifests", "manifests-path", "new-values", "old-manifests", "old-values", "plan", "set-file", "template", "values",
		}},
		{"which cluster is asked, and for what", []string{
			"dry-run", "new-context", "new-kubeconfig", "new-namespace", "offline", "old-context", "old-kubeconfig", "old-namespace",
		}},
		{"which policy counts", []string{"approve-policy", "config", "policy-from"}},
		{"what is compared", []string{
			"allow-unreleased", "base", "cascade", "chart", "ignore-not-found", "install", "keep-history", "new-set", "no-hooks", "old-set",
			"release", "render-subchart-notes", "reset-then-reuse-values", "reset-values", "reuse-values", "set", "set-json", "set-literal",
			"set-string", "skip-crds", "skip-schema-validation",
		}},
		{"what is accepted", []string{"all", "by", "object", "reason", "rule", "until"}},
		{"what is printed of the program itself", []string{"class", "folder", "short"}},
		{"how long it may take", []string{"render-timeout"}},
		{"how the upgrade is carried out", carriedOut},
	}
}

// checkFound returns an error for a flag that a policy may not set since nobody has named
// the policy. at is where the policy sets it, as FILE:LINE; reviewed says that it is the
// policy of a branch or commit that the operator has named.
func checkFound(at, name string, reviewed bool) error {
	if slices.Contains(foundMaySet(), name) || reviewed && slices.Contains(reviewedMaySet(), name) {
		return nil
	}
	what := "more than how to judge"
	for _, d := range operatorFlags() {
		if slices.Contains(d.flags, name) {
			what = d.what
		}
	}
	return fmt.Errorf("%s: %s decides %s, which a policy may only do if it is named by --config", at, name, what)
}
