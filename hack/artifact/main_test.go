package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// The same archive makes the same artifact, which has the archive and its signature under
// their names.
func TestArtifact(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "safe-diff-0.1.0-linux-amd64.tgz")
	write(t, archive, "the archive")
	write(t, archive+".prov", "the signature")
	var indices [2]string
	var layout string
	for i := range indices {
		layout = t.TempDir()
		if err := add(t.Context(), archive, "0.1.0", "2026-11-30T00:00:00Z", layout); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(layout, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		indices[i] = string(text)
	}
	if indices[0] != indices[1] {
		t.Errorf("two artifacts of one archive differ:\n%s\n%s", indices[0], indices[1])
	}
	store, err := oci.New(layout)
	if err != nil {
		t.Fatal(err)
	}
	root, err := store.Resolve(t.Context(), "0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	layers, err := content.Successors(t.Context(), store, root)
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string]string{}
	for _, layer := range layers {
		data, err := content.FetchAll(t.Context(), store, layer)
		if err != nil {
			t.Fatal(err)
		}
		titles[layer.Annotations[ocispec.AnnotationTitle]] = string(data)
	}
	if titles["safe-diff-0.1.0-linux-amd64.tgz"] != "the archive" || titles["safe-diff-0.1.0-linux-amd64.tgz.prov"] != "the signature" {
		t.Errorf("the artifact has %v", titles)
	}
}

// Helm 4 installs the plugin from a registry. HELM4 names the program, and LAYOUT what `make
// dist` has written; TAG is the artifact in it, KEYRING has the key of its signature (`make
// test-helm` sets them).
func TestInstalledByHelm(t *testing.T) {
	bin, layout, tag, keyring := os.Getenv("HELM4"), os.Getenv("LAYOUT"), os.Getenv("TAG"), os.Getenv("KEYRING")
	if bin == "" || layout == "" {
		t.Skip("HELM4 names no helm, or LAYOUT no layout")
	}
	store, err := oci.New(layout)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registryOf(store))
	defer server.Close()
	home := t.TempDir()
	for _, kind := range []string{"DATA", "CONFIG", "CACHE"} {
		t.Setenv("HELM_"+kind+"_HOME", filepath.Join(home, strings.ToLower(kind)))
	}
	run := func(args ...string) (string, error) {
		out, err := exec.Command(bin, args...).CombinedOutput()
		return string(out), err
	}
	from := "oci://" + strings.TrimPrefix(server.URL, "http://") + "/team/safe-diff:" + tag
	other := filepath.Join(home, "none.gpg")
	write(t, other, "")
	if out, err := run("plugin", "install", from, "--plain-http", "--keyring", other); err == nil {
		t.Errorf("a signature of a key that is not known is taken:\n%s", out)
	}
	for _, args := range [][]string{
		{"plugin", "install", from, "--plain-http", "--keyring", keyring}, {"safe-diff", "version"}, {"plugin", "uninstall", "safe-diff"},
		{"plugin", "install", from, "--plain-http", "--verify=false"}, {"safe-diff", "version"},
	} {
		if out, err := run(args...); err != nil {
			t.Fatalf("helm %v: %v\n%s", args, err, out)
		}
	}
}

// registryOf serves a layout to whoever pulls, under any name
// (github.com/opencontainers/distribution-spec, "Pull").
func registryOf(store *oci.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		parts := strings.Split(r.URL.Path, "/")
		what, err := store.Resolve(r.Context(), parts[len(parts)-1])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		serve(r.Context(), w, store, what)
	})
}

func serve(ctx context.Context, w http.ResponseWriter, store *oci.Store, what ocispec.Descriptor) {
	data, err := store.Fetch(ctx, what)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer func() { _ = data.Close() }()
	w.Header().Set("Content-Type", what.MediaType)
	w.Header().Set("Content-Length", strconv.FormatInt(what.Size, 10))
	w.Header().Set("Docker-Content-Digest", what.Digest.String())
	_, _ = io.Copy(w, data)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
