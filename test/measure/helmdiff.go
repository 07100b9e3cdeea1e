package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/databus23/helm-diff/v3/diff"
	helmdiff "github.com/databus23/helm-diff/v3/manifest"
)

const (
	// engineFlag makes this program print what helm-diff prints of two files.
	engineFlag = "-helm-diff"
	// limit is how long helm-diff may take for one upgrade.
	limit = 5 * time.Minute
)

// printed is what a diff amounts to.
type printed struct {
	all, updated tally // updated are the objects that stand on both sides
	lines        int
}

// tally counts objects, and their lines with + or -.
type tally struct{ objects, changed int }

func (t tally) plus(u tally) tally { return tally{t.objects + u.objects, t.changed + u.changed} }

// helmDiff returns what helm-diff's engine prints of an upgrade, with so many lines
// around what changes; -1 is its default, whole objects. It runs in a process of its
// own, since it ends its process on input that it cannot read: then the second result
// is false.
func helmDiff(ctx context.Context, old, updated string, around int) (printed, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return printed{}, false, err
	}
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, self, engineFlag, strconv.Itoa(around), old, updated)
	cmd.Stdout = &stdout
	if cmd.Run() != nil {
		return printed{}, false, ctx.Err()
	}
	return count(stdout.String()), true, nil
}

// printHelmDiff prints two files as "helm diff upgrade --context AROUND" does, without
// colours. The arguments are AROUND OLD NEW.
func printHelmDiff(w io.Writer, args []string) error {
	around, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	old, updated := args[1], args[2]
	before, err := os.ReadFile(old)
	if err != nil {
		return err
	}
	after, err := os.ReadFile(updated)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	diff.Manifests(helmdiff.Parse(string(before), namespace, false), helmdiff.Parse(string(after), namespace, false),
		&diff.Options{OutputFormat: "diff", OutputContext: around}, &page)
	_, err = io.WriteString(w, colors.ReplaceAllString(page.String(), "$1"))
	return err
}

// colors matches a line that helm-diff has coloured: as a whole or not at all.
var colors = regexp.MustCompile(`(?m)^\x1b\[[0-9;]*m(.*)\x1b\[0m$`)

// count counts what helm-diff has printed, or a report in its form. Lines of objects
// begin with a sign or a blank, or stand for others ("..."); headings do neither.
func count(page string) printed {
	var p printed
	updated := false
	for line := range strings.Lines(page) {
		p.lines++
		var t tally
		switch line[0] {
		case '+', '-': // an object on one side stands against an empty line
			if strings.TrimSpace(line[1:]) != "" {
				t.changed++
			}
		case ' ', '.', '\r', '\n':
		default:
			t.objects++
			updated = strings.HasSuffix(line, " has changed:\n")
		}
		p.all = p.all.plus(t)
		if updated {
			p.updated = p.updated.plus(t)
		}
	}
	return p
}
