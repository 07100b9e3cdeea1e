package controlplane

import (
	"path/filepath"
	"testing"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// startLab starts a control plane for one test. needs are flags without which it cannot run, besides
// the folder of the control plane.
func startLab(t *testing.T, needs ...*string) *lab.Lab {
	t.Helper()
	for _, flag := range append(needs, bin) {
		if *flag == "" {
			t.Fatal("run `make test-cluster`, which builds the control plane and the program first")
		}
	}
	l, err := lab.Start(t.Context(), *bin, filepath.Join(t.TempDir(), "lab"))
	t.Cleanup(l.Stop)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
