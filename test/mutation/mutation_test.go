package mutation_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/safe-diff/helm-safe-diff/test/cases"
	"github.com/safe-diff/helm-safe-diff/test/mutation"
)

var (
	lasts    = flag.Duration("lasts", 0, "how long to make upgrades; 0 stands for as many as every run of the tests makes")
	from     = flag.Uint64("from", 0, "the seed to begin with")
	progress = flag.String("progress", "", "a file that keeps the next seed, from which the next run goes on")
)

// everyRun is how many upgrades every run of the tests makes.
const everyRun = 1000

// TestMutations makes upgrades of seeds, one after the other.
func TestMutations(t *testing.T) {
	maker, err := mutation.NewMaker("../../testdata/cases", "../../pkg/apiserver/testdata/kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	checker := mutation.NewChecker()
	begun, begin := time.Now(), next(t)
	seed := begin
	for ; more(seed-begin, begun); seed++ {
		u := maker.Make(seed)
		if err := checker.Check(&u); err != nil {
			t.Errorf("%s: %v", u.Name, err)
			keep(t, &u)
		}
		if seed%100 == 0 {
			note(t, seed+1)
		}
	}
	note(t, seed)
	made := seed - begin
	slices.Sort(checker.Unreadable)
	for _, reason := range slices.Compact(slices.Clone(checker.Unreadable)) {
		t.Logf("no object: %s", reason)
	}
	t.Logf("%d upgrades from seed %d, %d of them no objects to Helm either, in %s", made, begin, len(checker.Unreadable), time.Since(begun).Round(time.Second))
	if len(checker.Unreadable)*10 > int(made) {
		t.Errorf("%d of %d upgrades are no objects: too many to be worth the time", len(checker.Unreadable), made)
	}
}

func more(made uint64, begun time.Time) bool {
	if *lasts == 0 {
		return made < everyRun
	}
	return time.Since(begun) < *lasts
}

func next(t *testing.T) uint64 {
	t.Helper()
	if *progress == "" {
		return *from
	}
	text, err := os.ReadFile(*progress)
	if os.IsNotExist(err) {
		return *from
	}
	seed, err2 := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return seed
}

func note(t *testing.T, seed uint64) {
	t.Helper()
	if *progress == "" {
		return
	}
	if err := os.WriteFile(*progress, []byte(fmt.Sprintln(seed)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keep writes an upgrade of which something does not hold into the folder FOUND of the
// environment, in the form of testdata/found.
func keep(t *testing.T, u *mutation.Upgrade) {
	t.Helper()
	dir := os.Getenv("FOUND")
	if dir == "" {
		return
	}
	comment := u.Name + "\n"
	if u.Options.ServerSide {
		comment += "server-side\n"
	}
	archive := txtar.Archive{Comment: []byte(comment), Files: []txtar.File{
		{Name: "old.yaml", Data: []byte(u.Old)}, {Name: "new.yaml", Data: []byte(u.New)}, {Name: "cluster.yaml", Data: []byte(u.Cluster)},
	}}
	name := strings.NewReplacer(" ", "-", "/", "-", "(", "", ")", "").Replace(u.Name) + ".txtar"
	if err := os.WriteFile(filepath.Join(dir, name), txtar.Format(&archive), 0o600); err != nil {
		t.Error(err)
	}
}

// TestFound checks what once did not hold: each file of testdata/found is an upgrade.
func TestFound(t *testing.T) {
	files, err := filepath.Glob("testdata/found/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no upgrades in testdata/found", err)
	}
	checker := mutation.NewChecker()
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := cases.Case{}
			for _, way := range []struct{ serverSide, replace bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
				u := mutation.Upgrade{Name: file, Options: c.Options(way.serverSide)}
				u.Options.Cluster, u.Options.Replace = nil, way.replace
				for _, f := range archive.Files {
					switch f.Name {
					case "old.yaml":
						u.Old = string(f.Data)
					case "new.yaml":
						u.New = string(f.Data)
					case "cluster.yaml":
						u.Cluster = string(f.Data)
					default:
						t.Fatalf("unknown section %q", f.Name)
					}
				}
				if err := checker.Check(&u); err != nil {
					t.Errorf("server-side apply %t, --force %t: %v", way.serverSide, way.replace, err)
				}
			}
		})
	}
}
