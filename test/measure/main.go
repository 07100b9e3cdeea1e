// Command measure judges real chart upgrades and prints, as Markdown, what comes
// out: how much of what helm-diff prints is hidden, which restarts have a cause,
// which findings there are. docs/measured.md holds what it has printed.
//
//	go run ./test/measure [-kube-version 1.36] PAIRS
//
// PAIRS is a folder that holds OWNER+REPO/CHART/OLD..NEW/{old,new}.yaml, each the
// output of "helm template demo CHART --namespace default --include-crds", and, if a
// second rendering of the new version came out different, new2.yaml.
//
// It judges nothing: a number that is not as promised is a number in a table, and
// what is behind it is named on standard error.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if len(os.Args) == 5 && os.Args[1] == engineFlag {
		exit(printHelmDiff(os.Stdout, os.Args[2:]))
	}
	version := flag.String("kube-version", "1.36", "version of Kubernetes that the upgrades are judged for")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: measure [-kube-version 1.36] PAIRS")
		os.Exit(1)
	}
	exit(run(context.Background(), os.Stdout, os.Stderr, flag.Arg(0), *version))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures all upgrades of a folder and prints the tables to w, and to log what
// is worth a look.
func run(ctx context.Context, w, log io.Writer, folder, version string) error {
	names, err := upgrades(folder)
	if err != nil {
		return err
	}
	var all []upgrade
	for _, name := range names {
		u, err := measure(ctx, filepath.Join(folder, filepath.FromSlash(name)), version)
		if err != nil {
			return fmt.Errorf("measure %s: %w", name, err)
		}
		for _, remark := range u.remarks {
			_, _ = fmt.Fprintf(log, "%s: %s\n", name, remark)
		}
		u.name = name
		all = append(all, u)
	}
	return tables(w, log, all, version)
}

// upgrades returns the folders below a folder that hold an old.yaml, in order.
func upgrades(folder string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "old.yaml" {
			return err
		}
		name, err := filepath.Rel(folder, filepath.Dir(path))
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("there is no OWNER+REPO/CHART/OLD..NEW/old.yaml in %q", folder)
	}
	slices.Sort(names)
	return names, err
}
