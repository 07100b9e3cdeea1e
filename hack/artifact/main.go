// Command artifact adds an archive of a release to an OCI image layout, as the artifact from
// which Helm 4 installs a plugin (PullPlugin in helm.sh/helm/v4/pkg/registry):
//
//	go run ./hack/artifact -archive dist/safe-diff-0.1.0-linux-amd64.tgz -tag 0.1.0-linux-amd64 -created TIME -layout DIR
//
// The signature beside the archive, ARCHIVE.prov, goes with it. The same arguments make the
// same bytes.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v4/pkg/registry"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

func main() {
	archive := flag.String("archive", "", "`file` that make dist has written")
	tag := flag.String("tag", "", "`tag` of the artifact")
	created := flag.String("created", "", "time of the artifact, such as 2026-11-30T00:00:00Z")
	layout := flag.String("layout", "", "`folder` for the layout")
	flag.Parse()
	if err := add(context.Background(), *archive, *tag, *created, *layout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// add adds an archive to a layout.
func add(ctx context.Context, archive, tag, created, layout string) error {
	store, err := oci.New(layout)
	if err != nil {
		return err
	}
	plugin, err := push(ctx, store, archive, ocispec.MediaTypeImageLayerGzip)
	if err != nil {
		return err
	}
	layers := []ocispec.Descriptor{plugin}
	signature, err := push(ctx, store, archive+".prov", ocispec.MediaTypeImageLayer)
	switch {
	case err == nil:
		layers = append(layers, signature)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	manifest, err := oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, registry.PluginArtifactType, oras.PackManifestOptions{
		Layers: layers, ManifestAnnotations: map[string]string{ocispec.AnnotationCreated: created},
	})
	if err != nil {
		return err
	}
	return store.Tag(ctx, manifest, tag)
}

// push stores a file under its name, by which Helm finds it.
func push(ctx context.Context, store *oci.Store, file, mediaType string) (ocispec.Descriptor, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer := content.NewDescriptorFromBytes(mediaType, data)
	layer.Annotations = map[string]string{ocispec.AnnotationTitle: filepath.Base(file)}
	if there, err := store.Exists(ctx, layer); there || err != nil {
		return layer, err
	}
	return layer, store.Push(ctx, layer, bytes.NewReader(data))
}
