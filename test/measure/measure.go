package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// namespace is where the releases stand.
const namespace = "default"

// upgrade is what was measured of one upgrade.
type upgrade struct {
	name string
	// again says that a second rendering of the new version came out different.
	again bool
	// failed says that the upgrade could not be judged, mute that helm-diff could
	// not read it; then the rest is of the other alone.
	failed, mute bool
	// theirs is what helm-diff prints, narrow the same with three lines around what
	// changes, left what we print in its form, and text our report for people.
	theirs, narrow, left printed
	text                 int
	set                  change.Set
	// remarks are what is worth a look, one clause each.
	remarks []string
}

// measure judges the upgrade that a folder holds.
func measure(ctx context.Context, dir, version string) (upgrade, error) {
	var u upgrade
	old, updated := filepath.Join(dir, "old.yaml"), filepath.Join(dir, "new.yaml")
	streams, err := manifests(old, updated, filepath.Join(dir, "new2.yaml"))
	if err != nil {
		return u, err
	}
	u.again = streams[2].Text != ""
	var read bool
	if u.theirs, read, err = helmDiff(ctx, old, updated, -1); err != nil {
		return u, err
	}
	if u.mute = !read; u.mute {
		u.remarks = append(u.remarks, "helm-diff cannot read it")
	} else if u.narrow, _, err = helmDiff(ctx, old, updated, 3); err != nil {
		return u, err
	}
	u.set, err = safediff.Compare(ctx, streams[0], streams[1], safediff.Options{
		Namespace: namespace, KubeVersion: version,
		Release: change.Release{Name: "demo", Namespace: namespace, Revision: 1},
		Again:   safediff.Again{Manifest: streams[2]},
	})
	if err != nil {
		u.failed = true
		u.remarks = append(u.remarks, "cannot be judged: "+err.Error())
		return u, ctx.Err()
	}
	for i := range u.set.Changes {
		if c := &u.set.Changes[i]; restarts(c) && c.Outcome.Pods.Cause == "" {
			u.remarks = append(u.remarks, c.Ref.String()+" restarts, and no cause is named")
		}
	}
	text, err := printedAs("text", &u.set)
	if err != nil {
		return u, err
	}
	u.text = strings.Count(text, "\n")
	left, err := printedAs("helm-diff", &u.set)
	u.left = count(left)
	return u, err
}

// printedAs returns the report in a format.
func printedAs(name string, set *change.Set) (string, error) {
	format, err := report.Find(name)
	if err != nil {
		return "", err
	}
	var page bytes.Buffer
	err = format.Write(&page, set, report.Options{FailOn: change.DefaultFailOn()})
	return page.String(), err
}

// restarts reports whether an upgrade replaces pods of an object that there is
// before and after.
func restarts(c *change.Change) bool {
	return c.Op == change.Update && c.Outcome.Pods != nil && c.Outcome.Pods.Replaced
}

// manifests reads files; the last may be missing.
func manifests(files ...string) ([]safediff.Manifest, error) {
	streams := make([]safediff.Manifest, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && (i < len(files)-1 || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		streams[i] = safediff.Manifest{Name: filepath.Base(file), Text: string(text)}
	}
	return streams, nil
}
