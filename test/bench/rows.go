package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

const mib = 1 << 20

// rows are the promises of the project.
func rows() []row {
	return []row{
		engine("10,000 documents, none changed", 18, documents(10_000, changesNothing)),
		engine("10,000 documents, 1 % of the labels changed", 14, documents(10_000, changesSomeLabels)),
		engine("10,000 documents, 1 % of the images changed", 12, documents(10_000, changesSomeImages)),
		engine("10,000 documents, every label changed", 4, documents(10_000, changesLabels)),
		engine("10,000 documents, every image changed", 1, documents(10_000, changesImages)),
		engine("1,000 documents, none changed", 1, documents(1_000, changesNothing)),
		engine("1,000 documents, every label changed", 1, documents(1_000, changesLabels)),
		engine("1,000 documents, every image changed", 0.6, documents(1_000, changesImages)),
		engine("1,000 documents, everything changed", 0.3, documents(1_000, changesAll)),
		engine("100 documents, every label changed", 1, documents(100, changesLabels)),
		engine("10 documents, every label changed", 1, documents(10, changesLabels)),
		engine("1,666 Jobs become 1,389 others", 0.3, jobs(1_666, 1_389)),
		engine("10 CRDs of 512 KiB, a description changed in each", 1.5, crds(10, 1)),
		engine("10 CRDs of 512 KiB, a field added to each", 0.15, grownCRDs(10)),
		engine("10 CRDs of 512 KiB, 70 descriptions changed in each", 6, crds(10, 70)),
		extrapolated("ConfigMap of 50,000 lines, 5 changed", 5),
		extrapolated("ConfigMap of 50,000 lines, all changed", 0),
		localRow("local, chart of 333 and 1,666 Jobs", "testdata/charts/db-migrate", "testdata/charts/db-migrate",
			"--new-set", "jobsCount=1666,batchSize=1200"),
		localRow("local, chart of two versions", "testdata/charts/shop/1.4.2", "testdata/charts/shop/2.0.0"),
		clusterRow("drain, 5,000 nodes and 50,000 pods", "drain"),
		clusterRow("a rollout among 5,000 nodes and 50,000 pods", "rollout"),
		{"start-up (version)", "≤ 45 ms CPU", startUp},
		{"growth from 1,000 to 10,000 changed objects", "exponent ≤ 1.05", growth},
		memory("memory, 10,000 documents, 1 % of the labels changed", documents(10_000, changesSomeLabels)),
		memory("memory, 10,000 documents, everything changed", documents(10_000, changesAll)),
		memory("memory, 10 CRDs of 512 KiB", crds(10, 70)),
	}
}

// engine compares the engines on a workload.
func engine(name string, goal float64, w workload) row {
	return row{name, fmt.Sprintf("≥ %g ×", goal), func(b *bench) (string, bool, string, error) {
		old, updated, _, err := b.write(w)
		if err != nil {
			return "", false, "", err
		}
		return b.engines(goal, old, updated)
	}}
}

func (b *bench) engines(goal float64, old, updated string) (measured string, ok bool, detail string, err error) {
	theirs, ours, err := b.paired("helm-diff", "safe-diff", old, updated)
	if err != nil {
		return "", false, "", err
	}
	times := ratio(theirs, ours, cpuOf)
	return fmt.Sprintf("%.1f × (wall %.1f ×)", times, ratio(theirs, ours, wallOf)), times >= goal,
		describe("ours", ours) + "; " + describe("theirs", theirs), nil
}

// extrapolated compares on a ConfigMap of 50,000 lines, on which helm-diff 3.9.11
// would want 20 GB: it is measured on 10,000 lines, and its cost grows with the
// square of the lines.
func extrapolated(name string, changed int) row {
	return row{name, "≥ 250 ×", func(b *bench) (string, bool, string, error) {
		var costs [2][]cost
		for i, side := range []struct {
			subject string
			lines   int
		}{{"helm-diff", 10_000}, {"safe-diff", 50_000}} {
			old, updated, _, err := b.write(configMap(side.lines, changed))
			if err != nil {
				return "", false, "", err
			}
			if costs[i], err = b.alone(side.subject, old, updated); err != nil {
				return "", false, "", err
			}
		}
		times := 25 * medianOf(costs[0], cpuOf) / medianOf(costs[1], cpuOf)
		return fmt.Sprintf("%.0f ×", times), times >= 250,
			describe("ours", costs[1]) + "; 25 × " + describe("theirs at 10,000 lines", costs[0]), nil
	}}
}

func localRow(name string, args ...string) row {
	const goal = 3.0
	return row{name, fmt.Sprintf("≤ %g × rendering both", goal), func(b *bench) (string, bool, string, error) {
		if _, err := os.Stat(args[0]); err != nil {
			return "", false, "", err
		}
		whole, rendering, err := b.paired("local", "render", args...)
		if err != nil {
			return "", false, "", err
		}
		times := ratio(whole, rendering, cpuOf)
		return fmt.Sprintf("%.2f × (wall %.2f ×)", times, ratio(whole, rendering, wallOf)), times <= goal,
			describe("local", whole) + "; " + describe("rendering", rendering), nil
	}}
}

func startUp(b *bench) (measured string, ok bool, detail string, err error) {
	if _, err := os.Stat(b.binary); err != nil {
		return "", false, "", errors.New("the program is not built")
	}
	var costs []cost
	for range max(9, b.samples) {
		start := time.Now()
		cmd := exec.CommandContext(context.Background(), b.binary, "version")
		if err := cmd.Run(); err != nil {
			return "", false, "", err
		}
		costs = append(costs, cost{CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Wall: time.Since(start)})
	}
	ms := 1000 * medianOf(costs, cpuOf)
	return fmt.Sprintf("%.0f ms CPU", ms), ms <= 45, fmt.Sprintf("%.0f ms wall", 1000*medianOf(costs, wallOf)), nil
}

func growth(b *bench) (measured string, ok bool, detail string, err error) {
	var medians [2]float64
	for i, n := range []int{1_000, 10_000} {
		old, updated, _, err := b.write(documents(n, changesAll))
		if err != nil {
			return "", false, "", err
		}
		costs, err := b.alone("safe-diff", old, updated)
		if err != nil {
			return "", false, "", err
		}
		medians[i] = medianOf(costs, cpuOf)
	}
	exponent := math.Log10(medians[1] / medians[0])
	return fmt.Sprintf("exponent %.2f", exponent), exponent <= 1.05,
		fmt.Sprintf("%.0f ms CPU, %.0f ms CPU", 1000*medians[0], 1000*medians[1]), nil
}

func memory(name string, w workload) row {
	return row{name, "≤ 120 MiB + 3 × input", func(b *bench) (string, bool, string, error) {
		old, updated, input, err := b.write(w)
		if err != nil {
			return "", false, "", err
		}
		costs, err := b.alone("safe-diff", old, updated)
		if err != nil {
			return "", false, "", err
		}
		peak, allowed := medianOf(costs, peakOf), float64(120*mib+3*input)
		return fmt.Sprintf("%.0f MiB", peak/mib), peak <= allowed, fmt.Sprintf("allowed %.0f MiB", allowed/mib), nil
	}}
}

// pairRows are real upgrades, the largest first.
func pairRows(folder string, count int) ([]row, error) {
	type pair struct {
		dir  string
		size int64
	}
	var pairs []pair
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "old.yaml" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		pairs = append(pairs, pair{filepath.Dir(path), info.Size()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pairs, func(a, b pair) int { return int(b.size - a.size) })
	var rows []row
	for _, p := range pairs[:min(count, len(pairs))] {
		goal := 1.0
		if p.size >= mib { // "large"
			goal = 6
		}
		name, _ := filepath.Rel(folder, p.dir)
		rows = append(rows, row{name, fmt.Sprintf("≥ %g ×", goal), func(b *bench) (string, bool, string, error) {
			return b.engines(goal, filepath.Join(p.dir, "old.yaml"), filepath.Join(p.dir, "new.yaml"))
		}})
	}
	return rows, nil
}
