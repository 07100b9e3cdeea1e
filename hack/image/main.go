// Command image writes a program as a container image, without a daemon: an OCI image
// layout that skopeo, crane, podman and `docker load` of newer versions read.
//
//	go run ./hack/image -program bin/helm-safe-diff -version 0.1.0 -created TIME -layout DIR
//
// The image holds the program, the certificates of -certificates, and nothing else: no
// shell, no git, no Helm. It does not run as root. The same arguments make the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// nobody is the user and the group that the program runs as.
const nobody = 65532

func main() {
	var i image
	flag.StringVar(&i.program, "program", "", "`file` of the program, for linux")
	flag.StringVar(&i.certificates, "certificates", "", "`file` with the certificates of authorities; none if it is empty")
	flag.StringVar(&i.architecture, "architecture", "amd64", "`processor` that the program is for")
	flag.StringVar(&i.version, "version", "", "version of the program")
	flag.StringVar(&i.created, "created", "", "time of the image, such as 2026-11-30T00:00:00Z")
	layout := flag.String("layout", "", "`folder` for the layout")
	flag.Parse()
	if err := i.write(context.Background(), *layout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// image is what goes into an image.
type image struct{ program, certificates, architecture, version, created string }

// write adds the image to a layout, under its version.
func (i image) write(ctx context.Context, layout string) error {
	created, err := time.Parse(time.RFC3339, i.created)
	if err != nil {
		return fmt.Errorf("read -created: %w", err)
	}
	store, err := oci.New(layout)
	if err != nil {
		return err
	}
	files, err := i.files(created)
	if err != nil {
		return err
	}
	var layer bytes.Buffer
	zip := gzip.NewWriter(&layer)
	if _, err := zip.Write(files); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	config, err := json.Marshal(ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{OS: "linux", Architecture: i.architecture},
		Config: ocispec.ImageConfig{
			User: fmt.Sprintf("%d:%d", nobody, nobody), Entrypoint: []string{"/bin/helm-safe-diff"}, WorkingDir: "/work",
			Env: []string{"HOME=/tmp", "PATH=/bin"},
			Labels: map[string]string{
				ocispec.AnnotationVersion: i.version, ocispec.AnnotationTitle: "helm-safe-diff", ocispec.AnnotationLicenses: "Apache-2.0",
			},
		},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.NewDigestFromBytes(digest.SHA256, sum(files))}},
	})
	if err != nil {
		return err
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	if manifest.Config, err = push(ctx, store, ocispec.MediaTypeImageConfig, config); err != nil {
		return err
	}
	blob, err := push(ctx, store, ocispec.MediaTypeImageLayerGzip, layer.Bytes())
	if err != nil {
		return err
	}
	manifest.Layers = []ocispec.Descriptor{blob}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	whole, err := push(ctx, store, ocispec.MediaTypeImageManifest, text)
	if err != nil {
		return err
	}
	return store.Tag(ctx, whole, i.version)
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

func push(ctx context.Context, store *oci.Store, mediaType string, data []byte) (ocispec.Descriptor, error) {
	what := content.NewDescriptorFromBytes(mediaType, data)
	if there, err := store.Exists(ctx, what); there || err != nil {
		return what, err
	}
	return what, store.Push(ctx, what, bytes.NewReader(data))
}

// files returns the layer as a tar.
func (i image) files(at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, mode fs.FileMode, from string) error {
		header := &tar.Header{Name: name, Mode: int64(mode.Perm()), ModTime: at, Format: tar.FormatPAX, Typeflag: tar.TypeDir}
		if mode.IsDir() {
			if mode.Perm() == 0o777 {
				header.Mode |= 0o1000 // only who made a file may remove it
			}
			return w.WriteHeader(header)
		}
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		header.Typeflag, header.Size = tar.TypeReg, int64(len(data))
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	const folder = fs.ModeDir | 0o755
	for _, dir := range []string{"bin/", "etc/", "etc/ssl/", "etc/ssl/certs/", "work/"} {
		if err := add(dir, folder, ""); err != nil {
			return nil, err
		}
	}
	if err := add("tmp/", fs.ModeDir|0o777, ""); err != nil {
		return nil, err
	}
	if err := add("bin/helm-safe-diff", 0o755, i.program); err != nil {
		return nil, err
	}
	if i.certificates != "" {
		if err := add("etc/ssl/certs/ca-certificates.crt", 0o644, i.certificates); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}
