// Command truth holds the predictions of helm-safe-diff against upgrades that
// were measured on a real control plane, and prints how far they agree.
//
//	go run ./test/truth [-kube-version 1.36] [-v] CASES_DIR RESULTS.jsonl
//
// CASES_DIR holds a folder KIND-VARIANT/MUTATION for each case with old.yaml and
// new.yaml; RESULTS.jsonl holds what happened, one case a line. Cases that hang
// on live state (before.yaml, drift.yaml) are left out and counted.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// measured is one line of the results.
type measured struct {
	Case    string
	Upgrade struct {
		OK     bool
		Error  string
		Reason string
	}
	Resources []resource
}

type resource struct {
	APIVersion, Kind, Namespace, Name, Verdict string
	Changed                                    []string
	Pods                                       *pods
}

type pods struct {
	Before, After, Replaced, Restarted, Removed, Orphaned int
	MinReady, ReadyBefore                                 *int
}

// tally counts agreement in one question.
type tally struct{ agree, miss, alarm int }

func main() {
	version := flag.String("kube-version", "1.36", "version of the measured control plane")
	serverSide := flag.Bool("server-side", false, "the releases were applied on the server's side (installed by Helm 4)")
	verbose := flag.Bool("v", false, "name every disagreement")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: truth [-kube-version 1.36] [-v] CASES_DIR RESULTS.jsonl")
		os.Exit(1)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *version, *serverSide, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(cases, results, version string, serverSide, verbose bool) error {
	file, err := os.Open(results)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	s := scorer{cases: cases, version: version, serverSide: serverSide, verbose: verbose, tallies: map[string]*tally{}}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var m measured
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			return fmt.Errorf("read %s: %w", results, err)
		}
		if err := s.score(m); err != nil {
			return fmt.Errorf("case %s: %w", m.Case, err)
		}
	}
	s.print()
	return scanner.Err()
}

type scorer struct {
	cases, version string
	serverSide     bool
	verbose        bool
	tallies        map[string]*tally
	scored, live   int
}

func (s *scorer) score(m measured) error {
	dir := filepath.Join(s.cases, filepath.FromSlash(m.Case))
	for _, state := range []string{"before.yaml", "drift.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, state)); err == nil {
			s.live++
			return nil
		}
	}
	set, err := s.compare(dir)
	if err != nil {
		return err
	}
	s.scored++
	refused := slices.ContainsFunc(set.Changes, func(c change.Change) bool { return len(c.Outcome.Refused) > 0 })
	s.ask(m.Case, "upgrade fails", !m.Upgrade.OK, refused, m.Upgrade.Error)
	for _, r := range m.Resources {
		c := find(set, r)
		at := m.Case + " " + r.Kind + "/" + r.Name
		if m.Upgrade.OK || r.Verdict == "rejected" {
			s.verdict(at, r, c)
		}
		if r.Pods == nil || !m.Upgrade.OK {
			continue
		}
		p := r.Pods
		replaced := p.Replaced > 0 || p.Restarted > 0
		down := p.MinReady != nil && *p.MinReady == 0 && p.ReadyBefore != nil && *p.ReadyBefore > 0
		predicted := change.Pods{}
		if c != nil && c.Outcome.Pods != nil {
			predicted = *c.Outcome.Pods
		}
		s.ask(at, "restart", replaced, predicted.Replaced, fmt.Sprintf("%+v", *p))
		s.ask(at, "downtime", down, predicted.AllDown, fmt.Sprintf("%+v", *p))
	}
	return nil
}

func (s *scorer) compare(dir string) (change.Set, error) {
	oldText, err1 := os.ReadFile(filepath.Join(dir, "old.yaml"))
	newText, err2 := os.ReadFile(filepath.Join(dir, "new.yaml"))
	if err := errors.Join(err1, err2); err != nil {
		return change.Set{}, err
	}
	return safediff.Compare(context.Background(),
		safediff.Manifest{Name: "old.yaml", Text: string(oldText)},
		safediff.Manifest{Name: "new.yaml", Text: string(newText)},
		safediff.Options{Namespace: "xcasex", KubeVersion: s.version, ServerSide: s.serverSide, Release: change.Release{Name: "rel", Namespace: "xcasex"}})
}

func find(set change.Set, r resource) *change.Change {
	for i := range set.Changes {
		ref := set.Changes[i].Ref
		group, _, _ := strings.Cut(r.APIVersion, "/")
		if !strings.Contains(r.APIVersion, "/") {
			group = ""
		}
		if ref.Kind == r.Kind && ref.Name == r.Name && ref.Group == group && (r.Namespace == "" || ref.Namespace == r.Namespace) {
			return &set.Changes[i]
		}
	}
	return nil
}

func (s *scorer) verdict(at string, r resource, c *change.Change) {
	predicted := "unchanged"
	switch {
	case c == nil:
	case len(c.Outcome.Refused) > 0:
		predicted = "rejected"
	case c.Op == change.Create:
		predicted = "created"
	case c.Op == change.Delete:
		predicted = "deleted"
	case c.Op == change.Recreate:
		predicted = "recreated"
	case c.Outcome.Changed:
		predicted = "modified"
	}
	t := s.tally("verdict of an object")
	if predicted == r.Verdict {
		t.agree++
		return
	}
	t.miss++
	if s.verbose {
		fmt.Printf("%s: %s, predicted %s %v\n", at, r.Verdict, predicted, r.Changed)
	}
}

func (s *scorer) ask(at, question string, happened, predicted bool, detail string) {
	t := s.tally(question)
	switch {
	case happened == predicted:
		t.agree++
		return
	case happened:
		t.miss++
	default:
		t.alarm++
	}
	if s.verbose {
		fmt.Printf("%s: %s %t, predicted %t: %.300s\n", at, question, happened, predicted, detail)
	}
}

func (s *scorer) tally(question string) *tally {
	if s.tallies[question] == nil {
		s.tallies[question] = &tally{}
	}
	return s.tallies[question]
}

func (s *scorer) print() {
	fmt.Printf("%d cases scored, %d left out (live state)\n", s.scored, s.live)
	fmt.Printf("%-22s %8s %8s %8s\n", "question", "agree", "missed", "alarm")
	for _, question := range []string{"upgrade fails", "verdict of an object", "restart", "downtime"} {
		t := s.tally(question)
		fmt.Printf("%-22s %8d %8d %8d\n", question, t.agree, t.miss, t.alarm)
	}
}
