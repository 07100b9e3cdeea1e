package controlplane

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// entry is what a run has observed in one upgrade.
type entry struct {
	Observation *observed.Observation
	Cluster     *observed.Cluster
	// Differences are predictions that did not come true, where nothing is recorded.
	Differences []string `json:",omitempty"`
	// Unmeasured says why an upgrade that was made up could not be measured; "" if it was.
	Unmeasured string `json:",omitempty"`
}

// contradiction returns the differences as an error; nil for none, and where nothing was observed.
func (e *entry) contradiction() error {
	if e == nil || len(e.Differences) == 0 {
		return nil
	}
	return errors.New(strings.Join(e.Differences, "\n"))
}

// journal keeps what was observed from the moment on in which it was, in a file if it has
// one. A run that is killed leaves the file, and the next one goes on from there; one that
// has come to its end removes it.
type journal struct {
	file *os.File // nil for none

	mu      sync.Mutex
	entries map[string]*entry // by the key of the observation
}

func openJournal(name string) (*journal, error) {
	j := &journal{entries: map[string]*entry{}}
	if name == "" {
		return j, nil
	}
	text, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		lines := bufio.NewScanner(text)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			e := new(entry)
			if json.Unmarshal(lines.Bytes(), e) == nil { // else the line that was being written
				j.entries[e.Observation.Key] = e
			}
		}
		if err := errors.Join(lines.Err(), text.Close()); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	j.file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil && len(j.entries) > 0 {
		_, err = j.file.WriteString("\n") // behind a line that was being written
	}
	return j, err
}

func (j *journal) add(e *entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries[e.Observation.Key] = e
	if j.file == nil {
		return nil
	}
	_, err = j.file.Write(append(text, '\n'))
	return err
}

// done says that nobody has to go on from here.
func (j *journal) done() {
	if j.file != nil {
		_ = os.Remove(j.file.Name())
	}
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close()
	}
}
