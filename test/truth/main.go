// Command truth holds the predictions of helm-safe-diff against upgrades that
// were measured on a real control plane, and prints how far they agree.
//
//	go run ./test/truth [-kube-version 1.36] [-server-side] [-cluster-objects FILE] [-v] CASES_DIR RESULTS.jsonl
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

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
)

func main() {
	version := flag.String("kube-version", "1.36", "version of the measured control plane")
	serverSide := flag.Bool("server-side", false, "the releases were applied on the server's side (installed by Helm 4)")
	cluster := flag.String("cluster-objects", "", "file with what stood in the cluster besides the releases")
	verbose := flag.Bool("v", false, "name every disagreement")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: truth [-kube-version 1.36] [-v] CASES_DIR RESULTS.jsonl")
		os.Exit(1)
	}
	opts := safediff.Options{
		Namespace: "xcasex", KubeVersion: *version, ServerSide: *serverSide,
		Release: change.Release{Name: "rel", Namespace: "xcasex", Revision: 1},
	}
	if *cluster != "" {
		text, err := os.ReadFile(*cluster)
		if err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		opts.Cluster = []safediff.Manifest{{Name: *cluster, Text: string(text)}}
	}
	if err := run(flag.Arg(0), flag.Arg(1), opts, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(cases, results string, opts safediff.Options, verbose bool) error {
	file, err := os.Open(results)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	var score agreement.Score
	live := 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var u agreement.Upgrade
		if err := json.Unmarshal(scanner.Bytes(), &u); err != nil {
			return fmt.Errorf("read %s: %w", results, err)
		}
		dir := filepath.Join(cases, filepath.FromSlash(u.Case))
		if exists(dir, "before.yaml") || exists(dir, "drift.yaml") {
			live++
			continue
		}
		set, err := predict(dir, opts)
		if err != nil {
			return fmt.Errorf("case %s: %w", u.Case, err)
		}
		score.Add(&set, &u)
	}
	if verbose {
		for _, d := range score.Differences {
			fmt.Println(d)
		}
	}
	score.Print(os.Stdout, true)
	fmt.Printf("%d left out (live state)\n", live)
	return scanner.Err()
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func predict(dir string, opts safediff.Options) (change.Set, error) {
	oldText, err1 := os.ReadFile(filepath.Join(dir, "old.yaml"))
	newText, err2 := os.ReadFile(filepath.Join(dir, "new.yaml"))
	if err := errors.Join(err1, err2); err != nil {
		return change.Set{}, err
	}
	return safediff.Compare(context.Background(),
		safediff.Manifest{Name: "old.yaml", Text: string(oldText)},
		safediff.Manifest{Name: "new.yaml", Text: string(newText)}, opts)
}
