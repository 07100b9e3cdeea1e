package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// An image has the program, does not run as root, and is the same each time.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("the program"), 0o755); err != nil {
		t.Fatal(err)
	}
	of := image{program: program, architecture: "arm64", version: "0.1.0", created: "2026-11-30T00:00:00Z"}
	layouts := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for _, layout := range layouts {
		if err := of.write(t.Context(), layout); err != nil {
			t.Fatal(err)
		}
	}
	var indices [2][]byte
	for i, layout := range layouts {
		index, err := os.ReadFile(filepath.Join(layout, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		indices[i] = index
	}
	if !bytes.Equal(indices[0], indices[1]) {
		t.Errorf("two images of one program differ:\n%s\n%s", indices[0], indices[1])
	}
	store, err := oci.New(layouts[0])
	if err != nil {
		t.Fatal(err)
	}
	var manifest ocispec.Manifest
	var config ocispec.Image
	root, err := store.Resolve(t.Context(), "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	read := func(of ocispec.Descriptor) []byte {
		data, err := content.FetchAll(t.Context(), store, of)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := json.Unmarshal(read(root), &manifest); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(read(manifest.Config), &config); err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Architecture != "arm64" || !slices.Equal(config.Config.Entrypoint, []string{"/bin/helm-safe-diff"}) {
		t.Errorf("configuration: %+v", config)
	}
	if got := unpacked(t, read(manifest.Layers[0])); got != "the program" {
		t.Errorf("the program in the image is %q", got)
	}
}

func unpacked(t *testing.T, layer []byte) string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(zip); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "bin/helm-safe-diff" {
			data, err := io.ReadAll(files)
			if err != nil || header.Mode != 0o755 {
				t.Fatal(err, header.Mode)
			}
			return string(data)
		}
	}
}
