package observed

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// remediesFile holds one line for each hint that was followed.
const remediesFile = "remedies.jsonl"

// Followed is a hint that was followed in the laboratory, and did what it promises.
type Followed struct {
	Rule, Case, Helm string
	// Hint is what the program printed; the namespace in it is that of the cases.
	Hint string
}

// Remedies reads what was followed from the folder of the observations.
func Remedies(dir string) ([]Followed, error) {
	text, err := os.ReadFile(filepath.Join(dir, remediesFile))
	if err != nil {
		return nil, err
	}
	var list []Followed
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var one Followed
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		list = append(list, one)
	}
}

// KeepRemedies writes what was followed.
func KeepRemedies(dir string, list []Followed) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, one := range SortedRemedies(list) {
		if err := encoder.Encode(one); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, remediesFile), b.Bytes(), 0o600)
}

// SortedRemedies returns hints in the order of the file.
func SortedRemedies(list []Followed) []Followed {
	return slices.SortedFunc(slices.Values(list), func(a, b Followed) int {
		return strings.Compare(strings.Join([]string{a.Rule, a.Case, a.Helm, a.Hint}, "\n"), strings.Join([]string{b.Rule, b.Case, b.Helm, b.Hint}, "\n"))
	})
}
