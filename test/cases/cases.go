// Package cases reads testdata/cases, the specification by example, and writes
// down in its words what the program says. Its grammar is in
// testdata/cases/README.md.
package cases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// The release of every case, and the API group of the kinds that cases define.
const (
	Namespace = "demo"
	Release   = "shop"
	Group     = "example.com"
)

// Case is one upgrade and what must be said of it.
type Case struct {
	// Name is SUBJECT/SITUATION.
	Name string
	// Comment says what the case shows.
	Comment  string
	Old, New string
	// Before is the first revision of the release, if Old is the second.
	Before string
	// Again is New as the chart comes out when it is rendered once more; "" if it
	// comes out the same.
	Again string
	// Cluster is what else is known of the cluster.
	Cluster string
	// Drift is what somebody does to live objects before the upgrade: documents
	// that name an object and hold a merge patch for it, null to delete it.
	Drift string
	// Want is what must be said where Helm merges three ways, WantServerSide
	// where it applies on the server's side, if that differs.
	Want, WantServerSide string
	// Live is what must be said with a look at the cluster, Told what must be told
	// then of an object, each in the grammar of their sections; "" for no more than
	// what happens. LiveServerSide and ToldServerSide are as WantServerSide.
	Live, LiveServerSide string
	Told, ToldServerSide string
	// OneWay is what must be said that a rollback does not bring back; "" for nothing.
	// OneWayServerSide is the same where Helm applies on the server's side.
	OneWay, OneWayServerSide string
	// Messages are the messages of all findings, in the words of Messages; of most cases none
	// are held. MessagesServerSide is the same where Helm applies on the server's side.
	Messages, MessagesServerSide string
	// KubeVersion is "" for the newest.
	KubeVersion string
	// Versions are those of the chart on the two sides, if it is about to be published.
	Versions *safediff.Versions
	// Dead are given keys that no template of the new chart reads.
	Dead []change.DeadKey
	// TakeOwnership says that the upgrade is made with --take-ownership.
	TakeOwnership bool
	// Record is how many bytes the record of the release has; 0 for too few to matter.
	Record int
	// Timeout is that of helm upgrade, such as "5s", for what is waited for in vain; "" for
	// Helm's own.
	Timeout string
	// Wait says that the upgrade is made with --wait.
	Wait bool
	// Unmeasured says why a control plane cannot tell; "" for almost every case.
	Unmeasured string
	// Remedies are the hints that are followed in the laboratory, to see that they help.
	Remedies []Remedy
	// Mended is the new manifest once the hints about the chart were followed; "" if they ask for
	// no other chart.
	Mended string

	file    string
	archive *txtar.Archive
}

// Load reads all cases below a folder, in the order of their names.
func Load(dir string) ([]Case, error) {
	var list []Case
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txtar") {
			return err
		}
		c, err := read(dir, path)
		list = append(list, c)
		return err
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("no cases in %s", dir)
	}
	return list, err
}

func read(dir, path string) (Case, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return Case{}, err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return Case{}, err
	}
	c := Case{
		Name: strings.TrimSuffix(filepath.ToSlash(name), ".txtar"), Comment: strings.TrimSpace(string(archive.Comment)),
		file: path, archive: archive,
	}
	c.Remedies = remediesIn(c.Comment)
	for line := range strings.Lines(c.Comment) {
		if version, found := strings.CutPrefix(line, "kube-version:"); found {
			c.KubeVersion = strings.TrimSpace(version)
		}
		if versions, found := strings.CutPrefix(line, "versions:"); found {
			old, updated, _ := strings.Cut(strings.TrimSpace(versions), " ")
			c.Versions = &safediff.Versions{Name: Release, Old: old, New: updated}
		}
		if dead, found := strings.CutPrefix(line, "dead:"); found {
			key, rest, _ := strings.Cut(strings.TrimSpace(dead), " ")
			at, was, _ := strings.Cut(rest, " ")
			c.Dead = append(c.Dead, change.DeadKey{Key: key, At: change.KeyPlace{Name: at}, Keys: 1, Was: was == "was read"})
		}
		c.Wait = c.Wait || strings.TrimSpace(line) == "wait"
		c.TakeOwnership = c.TakeOwnership || strings.TrimSpace(line) == "take-ownership"
		if size, found := strings.CutPrefix(line, "record:"); found {
			if c.Record, err = strconv.Atoi(strings.TrimSpace(size)); err != nil {
				return c, fmt.Errorf("%s: %w", path, err)
			}
		}
		if timeout, found := strings.CutPrefix(line, "timeout:"); found {
			c.Timeout = strings.TrimSpace(timeout)
		}
		if reason, found := strings.CutPrefix(line, "unmeasured:"); found {
			c.Unmeasured = strings.TrimSpace(reason)
		}
	}
	sections := map[string]*string{
		"before.yaml": &c.Before, "old.yaml": &c.Old, "new.yaml": &c.New, "again.yaml": &c.Again, "cluster.yaml": &c.Cluster, "drift.yaml": &c.Drift, "want": &c.Want, "want-server-side": &c.WantServerSide,
		"live": &c.Live, "live-server-side": &c.LiveServerSide, "told": &c.Told, "told-server-side": &c.ToldServerSide,
		"one-way": &c.OneWay, "one-way-server-side": &c.OneWayServerSide,
		"messages": &c.Messages, "messages-server-side": &c.MessagesServerSide,
		"mended.yaml": &c.Mended,
	}
	for _, f := range archive.Files {
		text, known := sections[f.Name]
		if !known {
			return c, fmt.Errorf("%s: unknown section %q", path, f.Name)
		}
		*text = string(f.Data)
	}
	c.sameServerSide()
	if c.Comment == "" {
		return c, errors.New(path + ": the case does not say what it shows")
	}
	return c, nil
}

// sameServerSide fills in what is the same where Helm applies on the server's side.
func (c *Case) sameServerSide() {
	if !c.has("one-way-server-side") {
		c.OneWayServerSide = c.OneWay
	}
	if !c.has("messages-server-side") {
		c.MessagesServerSide = c.Messages
	}
}

// has reports whether the file of the case has a section.
func (c *Case) has(section string) bool {
	return slices.ContainsFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == section })
}

// HoldsMessages reports whether the case says which messages there must be.
func (c *Case) HoldsMessages() bool { return c.has("messages") || c.has("messages-server-side") }

// Options returns how to judge the case.
func (c *Case) Options(serverSide bool) safediff.Options {
	revision := 1
	if c.Before != "" {
		revision = 2
	}
	wait := change.Wait{Waits: c.Wait, Timeout: change.DefaultTimeout}
	if timeout, err := time.ParseDuration(c.Timeout); err == nil {
		wait.Timeout = timeout
	}
	return safediff.Options{
		Namespace: Namespace, Release: change.Release{Name: Release, Namespace: Namespace, Revision: revision, Wait: wait},
		KubeVersion: c.KubeVersion, Versions: c.Versions, Dead: c.Dead, ServerSide: serverSide, TakeOwnership: c.TakeOwnership, Again: safediff.Again{Manifest: safediff.Manifest{Name: "again.yaml", Text: c.Again}},
		Cluster: []safediff.Manifest{{Name: "cluster.yaml", Text: c.Cluster}},
		Record:  safediff.Record{Kind: "Secret", Bytes: c.Record},
	}
}

// Wanted returns what must be said.
func (c *Case) Wanted(serverSide bool) string {
	if serverSide && c.WantServerSide != "" {
		return c.WantServerSide
	}
	return c.Want
}

// WantedOneWay returns what must be said that a rollback does not bring back.
func (c *Case) WantedOneWay(serverSide bool) string {
	if serverSide {
		return c.OneWayServerSide
	}
	return c.OneWay
}

// WantedMessages returns what the findings must say.
func (c *Case) WantedMessages(serverSide bool) string {
	if serverSide {
		return c.MessagesServerSide
	}
	return c.Messages
}

// Rewrite writes into the file of the case what is said of it in a section, which is
// "want", "one-way" or "messages", and in the one for server-side apply if that is something else.
// Where nothing is said, only "want" says so.
func (c *Case) Rewrite(section, said, saidServerSide string) error {
	const serverSide = "-server-side"
	is := func(f txtar.File) bool { return strings.TrimSuffix(f.Name, serverSide) == section }
	at := slices.IndexFunc(c.archive.Files, is)
	if at < 0 {
		at = len(c.archive.Files)
	}
	var texts []txtar.File
	if said != "" || section == "want" {
		texts = append(texts, txtar.File{Name: section, Data: []byte(said)})
	}
	if saidServerSide != said {
		texts = append(texts, txtar.File{Name: section + serverSide, Data: []byte(saidServerSide)})
	}
	c.archive.Files = slices.Insert(slices.DeleteFunc(c.archive.Files, is), at, texts...)
	return os.WriteFile(c.file, txtar.Format(c.archive), 0o600)
}

// OneWay writes down what the program says that a rollback does not bring back.
func OneWay(set *change.Set) string {
	lines := make([]string, 0, len(set.OneWay))
	for _, n := range set.OneWay {
		lines = append(lines, fmt.Sprintf("%s/%s: %s\n", n.Ref.Kind, n.Ref.Name, n.Reason))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Messages writes down what the findings say, each after its rule and its object.
func Messages(set *change.Set) string {
	var lines []string
	for i := range set.Changes {
		c := &set.Changes[i]
		for _, f := range c.Findings {
			lines = append(lines, fmt.Sprintf("%s %s/%s: %s\n", f.Rule, c.Ref.Kind, c.Ref.Name, f.Message))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// Said writes down what the program says.
func Said(set *change.Set) string {
	unchecked := map[string]bool{}
	for _, n := range set.Unchecked {
		unchecked[n.Ref.String()] = true
	}
	lines := make([]string, 0, len(set.Changes))
	for i := range set.Changes {
		c := &set.Changes[i]
		words := []string{fmt.Sprintf("%s %s/%s: %s", risksOf(c), c.Ref.Kind, c.Ref.Name, c.Op)}
		words = append(words, podWords(c.Outcome.Pods)...)
		for _, e := range c.Outcome.Refused {
			field := e.Field
			if field == "" {
				field = "-"
			}
			words = append(words, "refused "+field)
		}
		if c.Outcome.Unreached {
			words = append(words, "unreached")
		}
		if unchecked[c.Ref.String()] {
			words = append(words, "unchecked")
		}
		if len(c.Outcome.Ignored) > 0 {
			words = append(words, "ignored")
		}
		lines = append(lines, strings.Join(words, ", ")+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int {
		_, ra, _ := strings.Cut(a, " ")
		_, rb, _ := strings.Cut(b, " ")
		return strings.Compare(ra, rb)
	})
	return strings.Join(lines, "")
}

func podWords(p *change.Pods) []string {
	var words []string
	if p == nil {
		return nil
	}
	switch {
	case p.Replaced && p.Affected < 0:
		words = append(words, "? replaced")
	case p.Replaced:
		words = append(words, fmt.Sprintf("%d replaced", p.Affected))
	}
	if p.AllDown {
		words = append(words, "down")
	}
	return words
}

// risksOf names the classes of a change's findings, worst first, each with the rules that
// find it: "outage(service-selects-nothing),restart(pod-restart)".
func risksOf(c *change.Change) string {
	if c.Hidden() {
		return "hidden"
	}
	risks := c.Risks()
	if len(risks) == 0 {
		return "safe"
	}
	words := make([]string, len(risks))
	for i, risk := range risks {
		var rules []string
		for k := range c.Findings {
			if f := &c.Findings[k]; f.Risk == risk && !slices.Contains(rules, f.Rule) {
				rules = append(rules, f.Rule)
			}
		}
		slices.Sort(rules)
		words[i] = fmt.Sprintf("%s(%s)", risk, strings.Join(rules, ","))
	}
	return strings.Join(words, ",")
}
