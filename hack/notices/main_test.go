package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is linked into this very test is listed with its licences, Go's own first.
func TestNotices(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	notices, sbom := filepath.Join(t.TempDir(), "notices"), filepath.Join(t.TempDir(), "sbom")
	if err := run(self, "0.1.0", "2026-11-30T00:00:00Z", notices, sbom); err != nil {
		t.Fatal(err)
	}
	texts, err := os.ReadFile(notices)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"std 1.", "github.com/google/licensecheck v", "Copyright (c) 2019 The Go Authors"} {
		if !strings.Contains(string(texts), part) {
			t.Errorf("the notices lack %q:\n%s", part, texts)
		}
	}
	list, err := os.ReadFile(sbom)
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(list, &doc); err != nil {
		t.Fatal(err)
	}
	declared := map[string]string{}
	for _, p := range doc.Packages {
		declared[p.Name] = p.Declared
	}
	if declared["github.com/google/licensecheck"] != "BSD-3-Clause" || declared["std"] != "BSD-3-Clause" || len(doc.Relationships) != len(doc.Packages) {
		t.Errorf("the list has %v and %d relationships", declared, len(doc.Relationships))
	}
}
