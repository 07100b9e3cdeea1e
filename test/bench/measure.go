package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// limit is how long one sample may take.
const limit = 5 * time.Minute

// sample runs one subject in a process of its own.
func sample(subject string, args ...string) (cost, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, self, append([]string{childFlag, subject}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return cost{}, fmt.Errorf("%s: %w: %s", subject, err, line)
	}
	var c cost
	err = json.Unmarshal(stdout.Bytes(), &c)
	return c, err
}

// paired runs two subjects in turn.
func (b *bench) paired(first, second string, args ...string) (a, c []cost, err error) {
	for range b.samples {
		one, err := sample(first, args...)
		if err != nil {
			return nil, nil, err
		}
		other, err := sample(second, args...)
		if err != nil {
			return nil, nil, err
		}
		a, c = append(a, one), append(c, other)
	}
	return a, c, nil
}

// alone runs one subject several times.
func (b *bench) alone(subject string, args ...string) ([]cost, error) {
	costs := make([]cost, b.samples)
	for i := range costs {
		var err error
		if costs[i], err = sample(subject, args...); err != nil {
			return nil, err
		}
	}
	return costs, nil
}

func cpuOf(c cost) float64  { return c.CPU.Seconds() }
func wallOf(c cost) float64 { return c.Wall.Seconds() }
func peakOf(c cost) float64 { return float64(c.Peak) }

// ratio is the median of a/b over the pairs.
func ratio(a, b []cost, of func(cost) float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = of(a[i]) / of(b[i])
	}
	return median(ratios)
}

func medianOf(costs []cost, of func(cost) float64) float64 {
	values := make([]float64, len(costs))
	for i := range costs {
		values[i] = of(costs[i])
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

// write puts a workload where the subjects can read it.
func (b *bench) write(w workload) (old, updated string, bytes int, err error) {
	old, updated = filepath.Join(b.dir, "old.yaml"), filepath.Join(b.dir, "new.yaml")
	before, after := w()
	err = errors.Join(os.WriteFile(old, []byte(before), 0o600), os.WriteFile(updated, []byte(after), 0o600))
	return old, updated, len(before) + len(after), err
}

func describe(name string, costs []cost) string {
	return fmt.Sprintf("%s %.0f ms CPU %.0f ms wall %.0f MiB", name,
		1000*medianOf(costs, cpuOf), 1000*medianOf(costs, wallOf), medianOf(costs, peakOf)/(1<<20))
}
