package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	helmcli "helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// The flags of `helm upgrade` in Helm 3.22 (cmd/helm/upgrade.go) and Helm 4.3
// (pkg/cmd/upgrade.go): what may be pasted. A + marks a flag that needs a value.
const helmUpgradeFlags = `
atomic ca-file+ cert-file+ cleanup-on-fail create-namespace dependency-update description+ devel
disable-openapi-validation dry-run enable-dns force force-conflicts force-replace hide-notes hide-secret history-max+
insecure-skip-tls-verify install,i key-file+ keyring+ labels+,l no-hooks output+,o pass-credentials password+ plain-http
post-renderer+ post-renderer-args+ recreate-pods render-subchart-notes repo+ reset-then-reuse-values reset-values
reuse-values rollback-on-failure server-side+ set+ set-file+ set-json+ set-literal+ set-string+ skip-crds
skip-schema-validation take-ownership timeout+ username+ values+,f verify version+ wait wait-for-jobs
burst-limit+ debug kube-apiserver+ kube-as-group+ kube-as-user+ kube-ca-file+ kube-context+ kube-insecure-skip-tls-verify
kube-tls-server-name+ kube-token+ kubeconfig+ color colour content-cache+ namespace+,n qps+ registry-config+ repository-cache+ repository-config+`

func TestUpgradeHasTheFlagsOfHelm(t *testing.T) {
	a := &app{settings: helmcli.New()}
	root := a.rootCommand()
	upgrade, _, err := root.Find([]string{"upgrade"})
	if err != nil {
		t.Fatal(err)
	}
	if err := upgrade.ParseFlags(nil); err != nil { // merges the flags of root
		t.Fatal(err)
	}
	for _, word := range strings.Fields(helmUpgradeFlags) {
		name, shorthand, _ := strings.Cut(word, ",")
		name, value := strings.CutSuffix(name, "+")
		flag := upgrade.Flags().Lookup(name)
		if flag == nil {
			t.Errorf("--%s is missing", name)
			continue
		}
		if flag.Shorthand != shorthand {
			t.Errorf("--%s has the shorthand %q, want %q", name, flag.Shorthand, shorthand)
		}
		if needsValue := flag.NoOptDefVal == ""; needsValue != value {
			t.Errorf("--%s takes the next word as its value: %v", name, needsValue)
		}
	}
}

func TestFlagsWithoutEffect(t *testing.T) {
	flags := pflag.NewFlagSet("upgrade", pflag.ContinueOnError)
	addNoEffectFlags(flags, upgradeNoEffect(), nil)
	args := strings.Fields("--wait shop --wait=legacy ./chart --timeout 5m -l a=b --atomic=true --cleanup-on-fail")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"shop", "./chart"}, flags.Args()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestColored(t *testing.T) {
	tests := []struct {
		name  string
		flags reportFlags
		env   map[string]string
		want  bool
	}{
		{"no terminal", reportFlags{}, nil, false},
		{"--color", reportFlags{color: colorAlways}, map[string]string{"NO_COLOR": "1", "TERM": "dumb", "HELM_DIFF_COLOR": "false"}, true},
		{"--color=never", reportFlags{color: colorNever}, map[string]string{"HELM_DIFF_COLOR": "true"}, false},
		{"--color=auto", reportFlags{color: colorAuto}, map[string]string{"HELM_COLOR": "always"}, true},
		{"--no-color", reportFlags{noColor: true}, map[string]string{"HELM_DIFF_COLOR": "true"}, false},
		{"HELM_DIFF_COLOR", reportFlags{}, map[string]string{"HELM_DIFF_COLOR": "true", "NO_COLOR": "1"}, true},
		{"HELM_DIFF_COLOR=false", reportFlags{}, map[string]string{"HELM_DIFF_COLOR": "false", "HELM_COLOR": "always"}, false},
		{"NO_COLOR", reportFlags{}, map[string]string{"NO_COLOR": "1", "HELM_COLOR": "always"}, false},
		{"HELM_COLOR", reportFlags{}, map[string]string{"HELM_COLOR": "always"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			isolate(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			if got := test.flags.colored(&app{stdout: new(bytes.Buffer)}); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestColorFlag(t *testing.T) {
	for _, test := range []struct {
		args string
		want colorMode
		rest int
	}{
		{"--color shop", colorAlways, 1}, {"--color never shop", colorNever, 1}, {"--colour auto", colorAuto, 0},
		{"shop --color=false", colorNever, 1}, {"--color=true", colorAlways, 0}, {"--color=always --no-color=false", colorAlways, 0}, {"shop", "", 1},
	} {
		var f reportFlags
		cmd := &cobra.Command{}
		f.addTo(cmd)
		if err := cmd.ParseFlags(joinColor(strings.Fields(test.args))); err != nil {
			t.Fatal(err)
		}
		if f.color != test.want || cmd.Flags().NArg() != test.rest {
			t.Errorf("%s: %q and %d words left, want %q and %d", test.args, f.color, cmd.Flags().NArg(), test.want, test.rest)
		}
	}
}

func TestApplyFlags(t *testing.T) {
	for _, c := range []struct {
		name    string
		flags   applyFlags
		release bool // applied on the server's side
		want    safediff.Options
		err     string
	}{
		{"as the release says", applyFlags{serverSide: "auto"}, true, safediff.Options{ServerSide: true}, ""},
		{"as the user says", applyFlags{serverSide: "false"}, true, safediff.Options{}, ""},
		{"--force", applyFlags{serverSide: "auto", replace: true}, false, safediff.Options{Replace: true}, ""},
		{"--take-ownership", applyFlags{serverSide: "auto", takeOwnership: true}, false, safediff.Options{TakeOwnership: true}, ""},
		{"--force on the server's side", applyFlags{serverSide: "auto", replace: true}, true, safediff.Options{}, "Helm refuses --force-replace"},
		{"--force --server-side=true", applyFlags{serverSide: "true", replace: true}, false, safediff.Options{}, "exclude each other"},
		{"--force --force-conflicts", applyFlags{serverSide: "auto", replace: true, forceConflicts: true}, false, safediff.Options{}, "exclude each other"},
		{"unknown", applyFlags{serverSide: "yes"}, false, safediff.Options{}, "valid are auto, true, false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got safediff.Options
			err := c.flags.check()
			if err == nil {
				err = c.flags.apply(&got, c.release)
			}
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(safediff.Options{})); err != nil || diff != "" {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}
