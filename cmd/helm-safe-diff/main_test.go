package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/safe-diff/helm-safe-diff/pkg/helm/helmtest"
)

var update = flag.Bool("update", false, "write what the program prints into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"helm-safe-diff": main, "gh": ghStandIn})
}

// TestScripts runs the program as a user would, one session a file.
func TestScripts(t *testing.T) {
	charts, err := filepath.Abs("../../testdata/charts")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"CHARTS": charts, "HOME": env.WorkDir, "KUBECONFIG": filepath.Join(env.WorkDir, "no-kubeconfig"),
				"HELM_CACHE_HOME": env.WorkDir, "HELM_CONFIG_HOME": env.WorkDir, "HELM_DATA_HOME": env.WorkDir,
				"HELM_SAFE_DIFF_HELM": "4", // whatever is installed
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"cluster": cluster,
			"repeats": repeats,
			"replace": replace,
		},
	})
}

// exits holds a command against an exact exit code: exits CODE COMMAND.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG …]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// repeats runs a command eight times and wants the same bytes each time.
func repeats(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: repeats COMMAND [ARG …]")
	}
	var first []byte
	for i := range 8 {
		// The exit code is for exits to judge.
		_ = ts.Exec(args[0], args[1:]...)
		out := []byte(ts.ReadFile("stdout"))
		if i == 0 {
			first = out
		}
		if len(out) == 0 || !bytes.Equal(first, out) {
			ts.Fatalf("run %d printed something else than run 1", i+1)
		}
	}
}

// replace replaces a text in a file: replace OLD NEW FILE.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not contain %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}

// cluster starts a stand-in for a cluster that has the releases of a file
// installed, and fails if anybody writes to it: cluster RELEASES.yaml. Variables
// in the file are filled in.
func cluster(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cluster RELEASES.yaml")
	}
	c := helmtest.Start()
	ts.Defer(func() {
		c.Close()
		if writes := c.Writes(); len(writes) > 0 {
			ts.Fatalf("the cluster was written to: %v", writes)
		}
	})
	file := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(file, []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
	releases, err := helmtest.ReadReleases(file)
	ts.Check(err)
	for _, r := range releases {
		ts.Check(c.Install(r))
	}
	kubeconfig, err := c.WriteKubeconfig(ts.MkAbs("."))
	ts.Check(err)
	ts.Setenv("KUBECONFIG", kubeconfig)
}
