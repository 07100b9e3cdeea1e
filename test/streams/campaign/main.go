// Command campaign reads generated streams for hours, as this program and as Helm do,
// and prints those that differ.
//
//	go run ./campaign -state FILE [-streams N] [-for 8h]
//
// It goes on where the last run of the same state file stopped.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/safe-diff/helm-safe-diff/test/streams"
)

// state is how far a campaign has come.
type state struct {
	Next     uint64        `json:"next"` // seed
	Alike    int           `json:"alike"`
	Errors   int           `json:"errors"`
	Stricter int           `json:"stricter"`
	Failed   []string      `json:"failed"` // the streams that differ
	Took     time.Duration `json:"took"`
}

func main() {
	file := flag.String("state", "", "the file that keeps how far it has come")
	count := flag.Uint64("streams", 10_000_000, "how many streams, with those before")
	limit := flag.Duration("for", 24*time.Hour, "how long")
	first := flag.Uint64("first", 1<<32, "the first seed, if the file is new")
	flag.Parse()
	log.SetOutput(io.Discard) // Helm 3 says there what hooks it skips
	if err := run(*file, *count, *first, *limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string, count, first uint64, limit time.Duration) error {
	s := state{Next: first}
	if text, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("read %q: %w", file, err)
		}
	}
	before, begun, last := s.Took, time.Now(), time.Now()
	for done := s.done(); done < count && time.Since(begun) < limit; done++ {
		s.one()
		if time.Since(last) > 30*time.Second {
			last = time.Now()
			s.Took = before + time.Since(begun)
			if err := s.save(file); err != nil {
				return err
			}
		}
	}
	s.Took = before + time.Since(begun)
	if err := s.save(file); err != nil {
		return err
	}
	if len(s.Failed) > 0 {
		return fmt.Errorf("%d streams differ", len(s.Failed))
	}
	return nil
}

func (s *state) done() uint64 {
	return uint64(s.Alike + s.Errors + s.Stricter + len(s.Failed))
}

func (s *state) one() {
	text := streams.Generate(s.Next).Text
	verdict, why := streams.Judge(streams.Program, text)
	switch verdict {
	case streams.Alike:
		s.Alike++
	case streams.Errors:
		s.Errors++
	case streams.Stricter:
		s.Stricter++
	case streams.Different:
		s.Failed = append(s.Failed, text)
		fmt.Printf("seed %d:\n%q\n%s\n", s.Next, text, why)
	}
	s.Next++
}

func (s *state) save(file string) error {
	n := s.done()
	fmt.Printf("%d streams, %.0f a second: %d alike, %d errors of both, %d stricter, %d different\n",
		n, float64(n)/s.Took.Seconds(), s.Alike, s.Errors, s.Stricter, len(s.Failed))
	if file == "" {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
