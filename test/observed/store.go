package observed

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// Observation is what happened in one upgrade.
type Observation struct {
	Key string `json:"key"`
	agreement.Upgrade
	// Versions are those that it was measured with, as Way.Versions has them. The key
	// holds no patch releases.
	Versions string `json:"versions"`
	// Again says why it was measured more than once, in the order in which that was
	// done: an observation is accepted when two of three measurements agree.
	Again []string `json:"again,omitempty"`
}

// Cluster is what was in the cluster before an upgrade, by ClusterKey.
type Cluster struct {
	Key string `json:"key"`
	// Objects are the objects of the case and what controllers have made of them, with
	// everything that chance decides made the same each time.
	Objects []map[string]any `json:"objects"`
}

// Store holds all observations, each once.
type Store struct {
	Laboratory   *Laboratory
	Observations map[string]*Observation
	Clusters     map[string]*Cluster

	dir string
}

// Laboratory is what an empty laboratory answers.
type Laboratory struct {
	// Groups are the answers to discovery: by path, such as "/apis/apps" and
	// "/apis/apps/v1".
	Groups map[string]json.RawMessage `json:"groups"`
	// Objects are in every cluster, furniture included.
	Objects []map[string]any `json:"objects"`
}

const (
	laboratoryFile = "laboratory.json.gz"
	upgradesFolder = "upgrades" // SUBJECT.jsonl, a line for each upgrade
	clustersFolder = "clusters" // SUBJECT.jsonl.gz, a line for each cluster
)

// Load reads a store; a folder that is not there is an empty one.
func Load(dir string) (*Store, error) {
	s := &Store{Observations: map[string]*Observation{}, Clusters: map[string]*Cluster{}, dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, laboratoryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		text, err = unzip(text)
	}
	if err == nil {
		err = json.Unmarshal(text, &s.Laboratory)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", laboratoryFile, err)
	}
	upgrades, err1 := filepath.Glob(filepath.Join(dir, upgradesFolder, "*.jsonl"))
	clusters, err2 := filepath.Glob(filepath.Join(dir, clustersFolder, "*.jsonl.gz"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	for _, file := range upgrades {
		if err := readLines(file, func(o *Observation) { s.Observations[o.Key] = o }); err != nil {
			return nil, err
		}
	}
	for _, file := range clusters {
		if err := readLines(file, func(c *Cluster) { s.Clusters[c.Key] = c }); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func readLines[T any](file string, keep func(*T)) error {
	text, err := os.ReadFile(file)
	if err == nil && strings.HasSuffix(file, ".gz") {
		text, err = unzip(text)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	for decoder.More() {
		line := new(T)
		if err := decoder.Decode(line); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		keep(line)
	}
	return nil
}

// Save writes the store: what belongs to keys that are not kept is left out, as the
// inputs of a case have changed, or the case is gone. keep is from the keys of observations to the
// names of their cases, clusters from the keys of clusters to the same.
func (s *Store) Save(keep, clusters map[string]string) error {
	text, err := json.Marshal(s.Laboratory)
	if err != nil {
		return err
	}
	upgrades, around := map[string][]*Observation{}, map[string][]*Cluster{}
	for key, name := range keep {
		if o := s.Observations[key]; o != nil {
			o.Case = name
			upgrades[subject(name)] = append(upgrades[subject(name)], o)
		}
	}
	for key, name := range clusters {
		if c := s.Clusters[key]; c != nil {
			around[subject(name)] = append(around[subject(name)], c)
		}
	}
	err = errors.Join(os.MkdirAll(s.dir, 0o755), writeZipped(filepath.Join(s.dir, laboratoryFile), text),
		os.RemoveAll(filepath.Join(s.dir, upgradesFolder)), os.RemoveAll(filepath.Join(s.dir, clustersFolder)))
	for name, list := range upgrades {
		slices.SortFunc(list, func(a, b *Observation) int { return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Helm, b.Helm)) })
		text, wrong := lines(list)
		err = errors.Join(err, wrong, write(filepath.Join(s.dir, upgradesFolder, name+".jsonl"), text))
	}
	for name, list := range around {
		slices.SortFunc(list, func(a, b *Cluster) int {
			return cmp.Or(cmp.Compare(clusters[a.Key], clusters[b.Key]), cmp.Compare(a.Key, b.Key))
		})
		text, wrong := lines(list)
		err = errors.Join(err, wrong, writeZipped(filepath.Join(s.dir, clustersFolder, name+".jsonl.gz"), text))
	}
	return err
}

func subject(name string) string {
	folder, _, _ := strings.Cut(name, "/")
	return folder
}

func lines[T any](list []T) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, line := range list {
		if err := encoder.Encode(line); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// writeZipped compresses without a time, so that the same text is the same file. A file
// that holds that text already is left alone.
func writeZipped(file string, text []byte) error {
	if old, err := os.ReadFile(file); err == nil {
		if old, err = unzip(old); err == nil && bytes.Equal(old, text) {
			return nil
		}
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	_, err1 := w.Write(text)
	if err := errors.Join(err1, w.Close()); err != nil {
		return err
	}
	return write(file, b.Bytes())
}

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func unzip(text []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Keep saves the store as far as cases have it that are measured.
func (s *Store) Keep(list []cases.Case) error {
	keep, clusters := map[string]string{}, map[string]string{}
	for i := range list {
		if list[i].Unmeasured != "" {
			continue
		}
		for _, way := range Ways() {
			keep[Key(&list[i], way)], clusters[ClusterKey(&list[i], way)] = list[i].Name, list[i].Name
		}
	}
	return s.Save(keep, clusters)
}
