// Package helmtest stands in for a cluster with installed releases, in tests: a
// server that answers like the API server as far as Helm asks it before an
// upgrade, and refuses and records everything that would write.
package helmtest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Release describes an installed release.
type Release struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"` // "default" if empty
	Revision  int    `json:"revision"`  // 1 if 0
	Status    string `json:"status"`    // "deployed" if empty
	// Chart is the directory or archive of the chart; in a file, relative to it.
	Chart string `json:"chart"`
	// Values are the values the user gave.
	Values map[string]any `json:"values"`
	// Manifest, if not empty, is stored in the place of what the chart renders.
	Manifest string `json:"manifest"`
}

// ReadReleases reads a YAML file that holds a list of releases, or one release.
func ReadReleases(file string) ([]Release, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var releases []Release
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-")) {
		err = yaml.UnmarshalStrict(data, &releases)
	} else {
		releases = make([]Release, 1)
		err = yaml.UnmarshalStrict(data, &releases[0])
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for i, r := range releases {
		if r.Chart != "" && !filepath.IsAbs(r.Chart) {
			releases[i].Chart = filepath.Join(filepath.Dir(file), r.Chart)
		}
	}
	return releases, nil
}

// Render returns the release as Helm stores it after installing the chart, or
// after upgrading to it if the revision is not the first; but the templates see
// .Release.Revision 1, and no cluster to look things up in.
func (r Release) Render() (*release.Release, error) {
	if r.Namespace == "" {
		r.Namespace = "default"
	}
	r.Revision = max(r.Revision, 1)
	if r.Status == "" {
		r.Status = release.StatusDeployed.String()
	}
	ch, err := loader.Load(r.Chart)
	if err != nil {
		return nil, fmt.Errorf("load chart %s: %w", r.Chart, err)
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.ReleaseName, install.Namespace = r.Name, r.Namespace
	install.ClientOnly, install.DryRun, install.Replace = true, true, true
	install.IsUpgrade = r.Revision > 1
	if install.KubeVersion, err = chartutil.ParseKubeVersion(KubeVersion); err != nil {
		return nil, err
	}
	values := r.Values
	if values == nil {
		values = map[string]any{}
	}
	rel, err := install.Run(ch, values)
	if err != nil {
		return nil, fmt.Errorf("render chart %s: %w", r.Chart, err)
	}
	rel.Version = r.Revision
	rel.SetStatus(release.Status(r.Status), "")
	if r.Manifest != "" {
		rel.Manifest = r.Manifest
	}
	return rel, nil
}

// secretOf returns the Secret in which Helm keeps a release
// (pkg/storage/driver/secrets.go).
func secretOf(rel *release.Release) (corev1.Secret, error) {
	data, err := json.Marshal(rel)
	if err != nil {
		return corev1.Secret{}, err
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(data); err != nil {
		return corev1.Secret{}, err
	}
	if err := zip.Close(); err != nil {
		return corev1.Secret{}, err
	}
	return corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      fmt.Sprintf("sh.helm.release.v1.%s.v%d", rel.Name, rel.Version),
			Namespace: rel.Namespace,
			Labels: map[string]string{
				"name":    rel.Name,
				"owner":   "helm",
				"status":  rel.Info.Status.String(),
				"version": strconv.Itoa(rel.Version),
			},
		},
		Type: "helm.sh/release.v1",
		Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))},
	}, nil
}
