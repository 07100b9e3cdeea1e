// Package charts is what the programs share that measure on folders of real charts.
package charts

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"

	"helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/helm"
)

// Main runs a program whose only argument is a folder, and ends it.
func Main(name string, measure func(ctx context.Context, out, log io.Writer, dir string) error) {
	if len(os.Args) != 2 {
		_, _ = fmt.Fprintf(os.Stderr, "usage: %s DIR\n", name)
		os.Exit(1)
	}
	if err := measure(context.Background(), os.Stdout, os.Stderr, os.Args[1]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Client renders charts with the newest Helm.
func Client() *helm.Client {
	return &helm.Client{Settings: cli.New(), Helm: helm.Newest, Stderr: io.Discard}
}

// Random returns numbers that are the same in each run, for each name others.
func Random(name string) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))
	return rand.New(rand.NewPCG(sum.Sum64(), 1)) // the same in each run
}

// Leaves lists the keys of maps that hold no other maps. Lists are one value.
func Leaves(values map[string]any) [][]string { return leaves(values, nil) }

func leaves(value map[string]any, at []string) [][]string {
	var list [][]string
	for _, key := range slices.Sorted(maps.Keys(value)) {
		path := append(slices.Clip(at), key)
		if below, is := value[key].(map[string]any); is && len(below) > 0 {
			list = append(list, leaves(below, path)...)
			continue
		}
		if key != "" {
			list = append(list, path)
		}
	}
	return list
}
