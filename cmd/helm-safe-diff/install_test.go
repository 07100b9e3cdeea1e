package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installation is a folder of the plugin, and a machine with few programs.
type installation struct {
	plugin, path, served, cache string
	version                     string
}

// posix names the programs that every machine has which can unpack an archive.
const posix = "sh sed tr uname mktemp tar gzip awk cut find head chmod mkdir mv rm cat dirname basename sha256sum sleep pwd kill cp"

// newInstallation returns a machine without Go, curl and wget.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{plugin: t.TempDir(), path: t.TempDir(), served: t.TempDir(), cache: t.TempDir(), version: release(t, root)}
	for name := range strings.FieldsSeq(posix) {
		if at, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(at, filepath.Join(i.path, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"plugin.yaml", "install-binary.sh"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		i.write(t, i.plugin, name, string(text))
	}
	return i
}

func (i *installation) write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// program is a script that answers as the program does.
func (i *installation) program(from string) string {
	return "#!/bin/sh\n[ \"$*\" = 'version --short' ] && echo " + i.version + " && exit\necho " + from + "\n"
}

// release puts an archive and its checksum where curl finds them.
func (i *installation) release(t *testing.T, damaged bool) {
	t.Helper()
	i.write(t, i.path, "curl", "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" != --output ] || out=$2; shift; done\n"+
		"case $1 in https://*) cp '"+i.served+"'/\"${1##*/}\" \"$out\" 2>/dev/null;; *) exit 1;; esac\n")
	from := t.TempDir()
	if err := os.Mkdir(filepath.Join(from, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	i.write(t, from, "bin/helm-safe-diff", i.program("release"))
	name := "safe-diff-" + i.version + "-linux-amd64.tgz"
	if out, err := exec.Command("tar", "-czf", filepath.Join(i.served, name), "-C", from, "bin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	archive, err := os.ReadFile(filepath.Join(i.served, name))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive)
	if damaged {
		sum[0]++
	}
	i.write(t, i.served, "checksums.txt", hex.EncodeToString(sum[:])+"  "+name+"\n")
}

// source makes the folder a clone, and a Go that builds it, or that is too old.
func (i *installation) source(t *testing.T, works bool) {
	t.Helper()
	i.write(t, i.plugin, "go.mod", "module example.com/x\n")
	alive, err := os.ReadFile("../../hack/alive.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(i.plugin, "hack"), 0o755); err != nil {
		t.Fatal(err)
	}
	i.write(t, i.plugin, "hack/alive.sh", string(alive))
	old := "echo 'go: go.mod requires go >= 1.26.0 (running go 1.20)' >&2; exit 1"
	if works {
		old = "exit 0"
	}
	i.write(t, i.path, "go", "#!/bin/sh\n[ \"$1\" = build ] || { "+old+"; }\nout=$3\ncat >\"$out\" <<'END'\n"+i.program("source")+"END\nchmod 755 \"$out\"\n")
}

// install runs the script, and returns what it says and which program is there then.
func (i *installation) install(t *testing.T, env ...string) (said, from string, failed bool) {
	t.Helper()
	i.write(t, i.path, "uname", "#!/bin/sh\ncase $1 in -s) echo Linux;; -m) echo x86_64;; esac\n")
	cmd := exec.Command(filepath.Join(i.path, "sh"), filepath.Join(i.plugin, "install-binary.sh"))
	cmd.Env = append([]string{"PATH=" + i.path, "HELM_PLUGIN_DIR=" + i.plugin, "HELM_CACHE_HOME=" + i.cache, "TMPDIR=" + t.TempDir()}, env...)
	out, err := cmd.CombinedOutput()
	ran, _ := exec.Command(filepath.Join(i.plugin, "bin", "helm-safe-diff")).Output()
	return string(out), strings.TrimSpace(string(ran)), err != nil
}

// The checked archive of the release comes first, except in a clone of one's own; what
// cannot be had is said, and another way is taken; a wrong archive ends it.
func TestInstall(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, i *installation) []string
		from    string // the program that is there then; none if it is empty
		says    string
	}{
		"the release": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			return nil
		}, "release", "downloading version "},
		"what Helm cloned": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			i.source(t, true)
			return []string{"HELM_CACHE_HOME=" + filepath.Dir(i.plugin)}
		}, "release", "downloading version "},
		"a clone": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			i.source(t, true)
			return nil
		}, "source", "compiling Kubernetes takes about 6 minutes the first time"},
		"a clone, but the release is asked for": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			i.source(t, true)
			return []string{"SAFE_DIFF_RELEASE=1"}
		}, "release", "downloading version "},
		"a clone with an old Go": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			i.source(t, false)
			return nil
		}, "release", "the installed Go cannot build it: go: go.mod requires go >= 1.26.0 (running go 1.20)"},
		"a clone without Go": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			i.write(t, i.plugin, "go.mod", "module example.com/x\n")
			return nil
		}, "release", "Go is not installed"},
		"no network, but source": {func(t *testing.T, i *installation) []string {
			i.source(t, true)
			return []string{"HELM_CACHE_HOME=" + filepath.Dir(i.plugin)}
		}, "source", "cannot download https://"},
		"nothing": {func(*testing.T, *installation) []string {
			return nil
		}, "", "name it in SAFE_DIFF_BIN_TGZ, or install Go"},
		"asked to build, no Go": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			return []string{"SAFE_DIFF_BUILD=1"}
		}, "", "SAFE_DIFF_BUILD is set, but the program cannot be built here"},
		"a wrong archive, though it could be built": {func(t *testing.T, i *installation) []string {
			i.release(t, true)
			i.source(t, true)
			return []string{"HELM_CACHE_HOME=" + filepath.Dir(i.plugin)}
		}, "", "is damaged or not the right one"},
		"an archive that is named": {func(t *testing.T, i *installation) []string {
			i.release(t, false)
			return []string{"SAFE_DIFF_BIN_TGZ=" + filepath.Join(i.served, "safe-diff-"+i.version+"-linux-amd64.tgz"), "SAFE_DIFF_BUILD=1"}
		}, "release", "installed "},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstallation(t)
			said, from, failed := i.install(t, test.prepare(t, i)...)
			if from != test.from || failed != (test.from == "") || !strings.Contains(said, test.says) {
				t.Errorf("the program is from %q, want %q; failed %t:\n%s", from, test.from, failed, said)
			}
		})
	}
}
