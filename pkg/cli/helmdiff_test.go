package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	helmcli "helm.sh/helm/v3/pkg/cli"
)

// The flags of helm-diff 3.15 (cmd/options.go, cmd/upgrade.go, cmd/local.go in its
// repository) by command: what callers may pass. A + marks a flag that needs a value.
func helmDiffFlagsOf() map[string]string {
	const (
		all = `color no-color suppress-secrets,q show-secrets show-secrets-decoded suppress+ context+,C output+ strip-trailing-cr
find-renames+,D suppress-output-line-regex+ detailed-exitcode include-tests normalize-manifests kube-context+ `
		chart = `include-crds enable-dns values+,f set+ set-string+ set-literal+ set-json+ set-file+ api-versions+,a kube-version+
post-renderer+ post-renderer-args+ `
	)
	return map[string]string{
		"upgrade": all + chart + `kubeconfig+ three-way-merge take-ownership server-side+ version+ repo+ devel insecure-skip-tls-verify
allow-unreleased install no-hooks disable-validation disable-openapi-validation skip-schema-validation dry-run reuse-values
reset-values reset-then-reuse-values`,
		"rollback": all, "revision": all, "release": all,
		"local": all + chart + "release+ namespace+",
	}
}

func TestCommandsHaveTheFlagsOfHelmDiff(t *testing.T) {
	isolate(t)
	doc, err := os.ReadFile("../../docs/from-helm-diff.md")
	if err != nil {
		t.Fatal(err)
	}
	root := (&app{settings: helmcli.New()}).rootCommand()
	for command, flags := range helmDiffFlagsOf() {
		for _, path := range [][]string{{command}, {"diff", command}} {
			cmd, _, err := root.Find(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range strings.Fields(flags) {
				name, shorthand, _ := strings.Cut(word, ",")
				name, value := strings.CutSuffix(name, "+")
				holdFlag(t, cmd, name, shorthand, value)
				if !regexp.MustCompile("`(-., )?--" + name + `\b`).Match(doc) {
					t.Errorf("docs/from-helm-diff.md does not tell of --%s", name)
				}
			}
		}
	}
}

// holdFlag holds a flag of a command against what its callers expect.
func holdFlag(t *testing.T, cmd *cobra.Command, name, shorthand string, value bool) {
	t.Helper()
	if err := cmd.ParseFlags(nil); err != nil { // merges the flags of root
		t.Fatal(err)
	}
	flag := cmd.Flags().Lookup(name)
	if flag == nil {
		t.Errorf("%s: --%s is missing", cmd.CommandPath(), name)
		return
	}
	if shorthand != "" && flag.Shorthand != shorthand {
		t.Errorf("%s: --%s has the shorthand %q, want %q", cmd.CommandPath(), name, flag.Shorthand, shorthand)
	}
	if needsValue := flag.NoOptDefVal == ""; needsValue != value {
		t.Errorf("%s: --%s takes the next word as its value: %v", cmd.CommandPath(), name, needsValue)
	}
}

func TestVariablesOfHelmDiffAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/from-helm-diff.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("COLOR OUTPUT TPL IGNORE_UNKNOWN_FLAGS USE_UPGRADE_DRY_RUN THREE_WAY_MERGE NORMALIZE_MANIFESTS OUTPUT_CONTEXT BIN_TGZ") {
		if !strings.Contains(string(doc), "`HELM_DIFF_"+name) {
			t.Errorf("docs/from-helm-diff.md does not tell of HELM_DIFF_%s", name)
		}
	}
}
