package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cli"
)

// TestReportsDoc holds the sessions that docs/reports.md shows against what the
// program prints; -update writes them anew.
func TestReportsDoc(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("HELM_SAFE_DIFF_HELM", "4") // whatever is installed
	const file = "docs/reports.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sessions := 0
	got := regexp.MustCompile("(?ms)^```console\n\\$ helm safe-diff (.*?)\n.*?```$").ReplaceAllStringFunc(string(text), func(session string) string {
		sessions++
		prompt, _, _ := strings.Cut(strings.TrimPrefix(session, "```console\n"), "\n")
		var stdout, stderr bytes.Buffer
		args := strings.Fields(strings.TrimPrefix(prompt, "$ helm safe-diff "))
		if code := cli.Main(args, strings.NewReader(""), &stdout, &stderr); code != change.ExitRisky {
			t.Fatalf("exit code %d: %s", code, &stderr)
		}
		return "```console\n" + prompt + "\n" + stdout.String() + "```"
	})
	if sessions == 0 {
		t.Fatalf("%s shows no session", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("%s (-is +would be):\n%s", file, diff)
	}
}
