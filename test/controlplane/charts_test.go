package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/measure"
)

var program = flag.String("program", "", "the built helm-safe-diff")

// upgradeOf is an upgrade between versions or values of a shipped chart.
type upgradeOf struct {
	name     string
	old, new string   // below testdata/charts
	oldArgs  []string // further arguments
	newArgs  []string
}

func upgrades() []upgradeOf {
	set := func(values ...string) []string { return []string{"--set", strings.Join(values, ",")} }
	return []upgradeOf{
		{name: "shop: labels only", old: "shop/1.4.2", new: "shop/1.4.3"},
		{name: "shop: an image", old: "shop/1.4.2", new: "shop/1.5.0"},
		{name: "shop: all at once", old: "shop/1.4.2", new: "shop/2.0.0"},
		{name: "shop: back", old: "shop/1.5.0", new: "shop/1.4.2"},
		{name: "redis: another image", old: "redis", new: "redis", newArgs: set("image=registry.example.com/redis:7.4.0")},
		{name: "redis: more storage", old: "redis", new: "redis", newArgs: set("storage=8Gi")},
		{name: "redis: configuration and password", old: "redis", new: "redis", newArgs: set("config.maxmemory=2gb", "password=changed")},
		{name: "redis: nothing", old: "redis", new: "redis"},
		{name: "stolon: failover", old: "stolon", new: "stolon", newArgs: set("failover.target=keeper1")},
		{name: "stolon: proxies one after the other", old: "stolon", new: "stolon", newArgs: set("proxy.strategy=Recreate", "image=registry.example.com/stolon:0.18.0")},
		{name: "stolon: storage", old: "stolon", new: "stolon", newArgs: set("keeper.storage=200Gi")},
		{name: "stolon: keepers", old: "stolon", new: "stolon", newArgs: set("keeper.replicas=5")},
		{
			name: "jobs: other batches", old: "db-migrate", new: "db-migrate",
			oldArgs: set("jobsCount=4", "batchSize=100"), newArgs: set("jobsCount=8", "batchSize=50"),
		},
		{name: "jobs: more", old: "db-migrate", new: "db-migrate", oldArgs: set("jobsCount=4"), newArgs: set("jobsCount=8")},
	}
}

// TestUpgradeCommand runs `helm safe-diff upgrade` against releases of the shipped
// charts in a real cluster, then makes the upgrade, and holds what was said
// against what happened. Nothing is known to the program that a user would not
// give it.
func TestUpgradeCommand(t *testing.T) {
	r := newRun(t)
	r.each(len(upgrades())*len(ways()), func(n int) {
		up, way := upgrades()[n/len(ways())], ways()[n%len(ways())]
		if err := r.upgrade(t.Context(), up, way, fmt.Sprintf("chart-%d", n)); err != nil {
			t.Errorf("%s, %s: %v", up.name, way.Name, err)
		}
	})
	r.print(false)
	r.onlyRead(lab.Reader, lab.Trier)
}

// onlyRead holds what was asked of the API server by these accounts to reading and, by
// the one for --dry-run=server, to changes that are not stored.
func (r *run) onlyRead(users ...string) {
	requests, err := r.bench.Asked()
	if err != nil {
		r.t.Fatal(err)
	}
	verbs := map[string]map[string]int{}
	for _, user := range users {
		verbs[user] = map[string]int{}
	}
	for _, request := range requests {
		verbs[request.User][request.Verb]++
		reads := request.Verb == "get" || request.Verb == "list"
		tries := request.User == lab.Trier && strings.Contains(request.URI, "dryRun=All")
		if !reads && !tries || request.Code == http.StatusForbidden {
			r.t.Errorf("the plugin asked to %s %s (%d)", request.Verb, request.URI, request.Code)
		}
	}
	for _, user := range users {
		if verbs[user]["get"] == 0 || verbs[user]["list"] == 0 || user == lab.Trier && verbs[user]["patch"] == 0 {
			r.t.Errorf("the audit log holds %v", verbs)
		}
	}
	fmt.Printf("asked by helm safe-diff, as the API server's audit log has it: %v\n", verbs)
}

func (r *run) upgrade(ctx context.Context, up upgradeOf, way measure.Way, namespace string) error {
	chart := func(name string) string {
		path, _ := filepath.Abs(filepath.Join("../../testdata/charts", name))
		return path
	}
	c := measure.Case{Name: up.name, OldChart: chart(up.old), NewChart: chart(up.new), OldArgs: up.oldArgs, NewArgs: up.newArgs}
	var err error
	if c.Old, err = r.bench.Render(ctx, way, c.OldChart, namespace, c.OldArgs...); err != nil {
		return err
	}
	if c.New, err = r.bench.Render(ctx, way, c.NewChart, namespace, c.NewArgs...); err != nil {
		return err
	}
	var set, tried change.Set
	c.Between = func(ctx context.Context, namespace string) error {
		args := append([]string{"upgrade", measure.Release, c.NewChart, "--output", "json"}, c.NewArgs...)
		report, err1 := r.bench.Plugin(ctx, *program, way, namespace, lab.ReaderToken, args...)
		other, err2 := r.bench.Plugin(ctx, *program, way, namespace, lab.TrierToken, append(args, "--dry-run=server")...)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		set, err1 = readReport(report)
		tried, err2 = readReport(other)
		return errors.Join(err1, err2)
	}
	defer r.lock(r.bench.Outside(c))()
	happened, _, err := r.bench.Run(ctx, c, way, namespace)
	if err := errors.Join(err, r.bench.Clear(ctx, c, namespace)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scoreOf(way.Name).Add(&set, happened)
	r.scoreOf(way.Name+trying).Add(&tried, happened)
	return nil
}

// readReport reads of a JSON report what can be held against a cluster.
func readReport(text string) (change.Set, error) {
	var report struct {
		Changes []struct {
			APIVersion, Kind, Namespace, Name string
			Op                                change.Op
			Hook                              *struct{ Runs bool }
			Outcome                           struct {
				Changed, Reached bool
				Refused          []struct{ Field, Message string }
				Pods             *struct {
					Replaced, AllDown bool
					Affected          *int
				}
			}
		}
		OneWay []struct{ APIVersion, Kind, Namespace, Name, Reason string }
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return change.Set{}, fmt.Errorf("read the report: %w", err)
	}
	var set change.Set
	for _, c := range report.Changes {
		out := change.Change{Ref: refOf(c.APIVersion, c.Kind, c.Namespace, c.Name), Op: c.Op, Outcome: change.Outcome{Changed: c.Outcome.Changed, Unreached: !c.Outcome.Reached}}
		for _, e := range c.Outcome.Refused {
			out.Outcome.Refused = append(out.Outcome.Refused, change.FieldError{Field: e.Field, Message: e.Message})
		}
		if p := c.Outcome.Pods; p != nil {
			out.Outcome.Pods = &change.Pods{Replaced: p.Replaced, AllDown: p.AllDown, Affected: -1}
			if p.Affected != nil {
				out.Outcome.Pods.Affected = *p.Affected
			}
		}
		if c.Hook != nil {
			out.Hook = &change.Hook{Runs: c.Hook.Runs}
		}
		set.Changes = append(set.Changes, out)
	}
	for _, n := range report.OneWay {
		set.OneWay = append(set.OneWay, change.Notice{Ref: refOf(n.APIVersion, n.Kind, n.Namespace, n.Name), Reason: n.Reason})
	}
	return set, nil
}

func refOf(apiVersion, kind, namespace, name string) manifest.Ref {
	ref := manifest.Ref{Kind: kind, Namespace: namespace, Name: name, Version: apiVersion}
	if group, version, found := strings.Cut(apiVersion, "/"); found {
		ref.Group, ref.Version = group, version
	}
	return ref
}
