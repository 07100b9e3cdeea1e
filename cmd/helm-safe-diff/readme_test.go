package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/cli"
)

// TestReadme holds what the README shows against what the program prints. A line
// "…" stands for lines that are left out.
func TestReadme(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("HELM_SAFE_DIFF_HELM", "4") // whatever is installed
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const prompt = "\n$ helm safe-diff "
	_, session, found := strings.Cut(string(readme), prompt)
	if !found {
		t.Fatalf("README.md shows no session that begins with %q", prompt)
	}
	session, _, _ = strings.Cut(session, "\n```")
	command, shown, _ := strings.Cut(session, "\n")
	head, tail, _ := strings.Cut(shown, "\n…\n")

	var stdout, stderr bytes.Buffer
	if code := cli.Main(strings.Fields(command), strings.NewReader(""), &stdout, &stderr); code != change.ExitRisky {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	printed := strings.TrimSuffix(stdout.String(), "\n")
	if len(printed) < len(head)+len(tail) {
		t.Fatalf("the program prints less than README.md shows:\n%s", printed)
	}
	if diff := cmp.Diff(head, printed[:len(head)]); diff != "" {
		t.Errorf("README.md (-), the program (+):\n%s", diff)
	}
	if diff := cmp.Diff(tail, printed[len(printed)-len(tail):]); diff != "" {
		t.Errorf("README.md (-), the program (+):\n%s", diff)
	}
}
