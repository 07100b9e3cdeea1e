package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/safe-diff/helm-safe-diff/pkg/cli"
)

// step is a script of a pipeline, as it is in the repository.
type step struct {
	script string
	env    map[string]string
}

// TestPipelines runs the very scripts that the templates for CI systems hold, in a
// clone of a repository with a pull request that breaks a chart.
func TestPipelines(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := program(t)
	action := checkedOut(t, root, bin)
	for name, test := range map[string]struct {
		steps []step
		files []string // that are made
	}{
		"github":     {githubSteps(t, action, "web", "")[:2], []string{"summary", "comment.md", "report.sarif"}},
		"gitlab":     {gitlabSteps(t, root, "web", ""), []string{"gl-code-quality-report.json", "helm-safe-diff.xml", "helm-safe-diff.md"}},
		"pre-commit": {hookSteps(t, root), nil},
		"argo":       {argoSteps(t, root), []string{"helm-safe-diff.md"}},
	} {
		t.Run(name, func(t *testing.T) {
			clone := pullRequest(t)
			for i, s := range test.steps {
				code, out := run(t, clone, bin, s)
				last := i == len(test.steps)-1
				if last && code != 3 || !last && code != 0 {
					t.Fatalf("exit code %d of %q:\n%s", code, s.script, out)
				}
				if last && !strings.Contains(out, "no new major version") {
					t.Errorf("it does not tell what the pull request breaks:\n%s", out)
				}
			}
			for _, file := range test.files {
				if text, err := os.ReadFile(filepath.Join(clone, file)); err != nil || !strings.Contains(string(text), "selector") {
					t.Errorf("%s: %v, %.80q", file, err, text)
				}
			}
		})
	}
}

// program returns a folder with the program by its name, by which the test's own program
// is it (testscript.Main).
func program(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "helm-safe-diff")); err != nil {
		t.Fatal(err)
	}
	return bin
}

// checkedOut returns a folder as the runner has an action in it, with the program of its
// release installed.
func checkedOut(t *testing.T, root, bin string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"action.yml", "plugin.yaml", "install-binary.sh"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nif [ \"$*\" = \"version --short\" ]; then echo " + release(t, root) + "; exit; fi\nexec '" + bin + "/helm-safe-diff' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "bin", "helm-safe-diff"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// release is the version in plugin.yaml.
func release(t *testing.T, root string) string {
	t.Helper()
	var plugin struct {
		Version string `json:"version"`
	}
	readYAML(t, &plugin, root, "plugin.yaml")
	return plugin.Version
}

// What a pipeline leaves behind is of its own run; what a pull request names is no flag
// and no pattern; the outputs are set.
func TestPipelinesAreNotFooled(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := program(t)
	action := checkedOut(t, root, bin)
	for name, test := range map[string]struct {
		steps   func(paths, args string) step
		files   []string // that are reports
		output  string
		outputs []string
	}{
		"github": {
			func(paths, args string) step { return githubSteps(t, action, paths, args)[1] }, []string{"comment.md", "report.sarif"},
			"output", []string{"exit-code=3", "verdict=fails", "charts=1", "errors=0", "findings="},
		},
		"gitlab": {
			func(paths, args string) step { return gitlabSteps(t, root, paths, args)[0] }, []string{"helm-safe-diff.md", "helm-safe-diff.xml"},
			"helm-safe-diff.env", []string{"SAFE_DIFF_EXIT_CODE=3", "SAFE_DIFF_VERDICT=fails", "SAFE_DIFF_CHARTS=1", "SAFE_DIFF_ERRORS=0", "SAFE_DIFF_FINDINGS="},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for what, list := range map[string][3]string{
				"a flag as a path": {"--fail-on=none", "", "1"}, "a pattern": {"w*", "", "1"}, "a wrong flag": {"web", "--no-such-flag", "1"}, "a chart": {"web", "", "3"},
			} {
				clone := pullRequest(t)
				for _, file := range test.files {
					if err := os.WriteFile(filepath.Join(clone, file), []byte("committed"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				code, out := run(t, clone, bin, test.steps(list[0], list[1]))
				if strconv.Itoa(code) != list[2] {
					t.Errorf("%s: exit code %d:\n%s", what, code, out)
				}
				for _, file := range test.files {
					if text, err := os.ReadFile(filepath.Join(clone, file)); err == nil && string(text) == "committed" {
						t.Errorf("%s: %s is still what was committed", what, file)
					}
				}
				text, err := os.ReadFile(filepath.Join(clone, test.output))
				if err != nil {
					t.Errorf("%s: no outputs: %v", what, err)
				}
				for _, want := range test.outputs {
					if code == 3 && !strings.Contains(string(text), want) {
						t.Errorf("%s: %q is not in the outputs:\n%s", what, want, text)
					}
				}
			}
		})
	}
}

// run runs a script as CI systems do.
func run(t *testing.T, dir, bin string, s step) (int, string) {
	t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", s.script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull)
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+strings.ReplaceAll(value, "$CLONE", dir))
	}
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// pullRequest makes a clone in which a branch is checked out that breaks a chart.
func pullRequest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `
git init -q -b main origin
cd origin
mkdir -p web/templates
printf 'apiVersion: v2\nname: web\nversion: 1.4.0\n' >web/Chart.yaml
cat >web/templates/web.yaml <<'EOF'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: web}]}
EOF
git add .
git commit -qm base
git checkout -qb pull
sed -i.bak 's/matchLabels: {app: web}/matchLabels: {tier: front}/' web/templates/web.yaml
sed -i.bak 's/1.4.0/1.4.1/' web/Chart.yaml
rm web/*.bak web/templates/*.bak
git commit -qam pull
cd ..
git clone -q origin clone`
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "clone")
}

func readYAML(t *testing.T, into any, path ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func githubSteps(t *testing.T, root, paths, args string) []step {
	t.Helper()
	var action struct {
		Runs struct {
			Steps []struct {
				Run string            `json:"run"`
				Env map[string]string `json:"env"`
			} `json:"steps"`
		} `json:"runs"`
	}
	readYAML(t, &action, root, "action.yml")
	// What GitHub puts into the place of expressions.
	given := map[string]string{
		"${{ github.action_path }}": root, "${{ inputs.base }}": "origin/main", "${{ inputs.paths }}": paths, "${{ inputs.args }}": args,
		"${{ inputs.comment }}": "comment.md", "${{ inputs.sarif }}": "report.sarif",
		"${{ inputs.token }}": "token", "${{ github.repository }}": "shop/charts", "${{ github.event.pull_request.number }}": "7",
	}
	steps := make([]step, 0, len(action.Runs.Steps))
	for _, s := range action.Runs.Steps {
		env := map[string]string{"GITHUB_ACTION_PATH": root, "GITHUB_PATH": "$CLONE/path", "GITHUB_STEP_SUMMARY": "$CLONE/summary", "GITHUB_OUTPUT": "$CLONE/output", "RUNNER_TEMP": "$CLONE"}
		for name, value := range s.Env {
			text, known := given[value]
			if !strings.Contains(value, "${{") {
				text, known = value, true
			}
			if !known {
				t.Fatalf("action.yml: %s is %q, which the test does not know", name, value)
			}
			env[name] = text
		}
		steps = append(steps, step{s.Run, env})
	}
	return steps
}

func gitlabSteps(t *testing.T, root, paths, args string) []step {
	t.Helper()
	var jobs map[string]struct {
		Script    []string       `json:"script"`
		Variables map[string]any `json:"variables"`
	}
	readYAML(t, &jobs, root, "ci", "gitlab.yml")
	job := jobs["helm-safe-diff"]
	if job.Variables["SAFE_DIFF_VERSION"] != release(t, root) {
		t.Errorf("ci/gitlab.yml is of version %v", job.Variables["SAFE_DIFF_VERSION"])
	}
	return []step{{strings.Join(job.Script, "\n"), map[string]string{
		"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "SAFE_DIFF_PATHS": paths, "SAFE_DIFF_ARGS": args, "SAFE_DIFF_VERSION": builtAs(t),
	}}}
}

// builtAs is what the test's own program says of its version.
func builtAs(t *testing.T) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Main([]string{"version", "--short"}, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return strings.TrimSpace(stdout.String())
}

func hookSteps(t *testing.T, root string) []step {
	t.Helper()
	var hooks []struct {
		Entry string   `json:"entry"`
		Args  []string `json:"args"`
	}
	readYAML(t, &hooks, root, ".pre-commit-hooks.yaml")
	return []step{{hooks[0].Entry + " " + strings.Join(hooks[0].Args, " "), nil}}
}

func argoSteps(t *testing.T, root string) []step {
	t.Helper()
	var workflow struct {
		Spec struct {
			Templates []struct {
				Script struct {
					Source string `json:"source"`
				} `json:"script"`
			} `json:"templates"`
		} `json:"spec"`
	}
	readYAML(t, &workflow, root, "ci", "argo-workflows.yaml")
	return []step{{workflow.Spec.Templates[0].Script.Source, map[string]string{
		"REPOSITORY": "$CLONE/../origin", "REVISION": "pull", "BASE": "main", "OUT": "$CLONE",
	}}}
}
