package helm

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/release"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serverSide reports whether an upgrade of the release is applied on the server's
// side: Helm 4 does that with the releases for which it has noted so
// (getUpgradeServerSideValue in helm.sh/helm/v4/pkg/action), Helm 3 never.
func (c *Client) serverSide(ctx context.Context, cfg *action.Configuration, last *release.Release) (bool, error) {
	method, err := c.applyMethod(ctx, cfg, last)
	if err != nil || method != "ssa" {
		return false, err
	}
	return !strings.HasPrefix(askCaller(ctx), "v3."), nil
}

// installsServerSide reports whether the Helm that runs this program installs a
// release on the server's side, as Helm 4 does unless it is told otherwise.
func installsServerSide(ctx context.Context) bool {
	return strings.HasPrefix(askCaller(ctx), "v4.")
}

// applyMethod reads what Helm 4 notes beside a revision and the SDK of Helm 3 does
// not know: "ssa", "csa", or "" for a revision that Helm 3 made. Only releases
// that the cluster keeps can have it.
func (c *Client) applyMethod(ctx context.Context, cfg *action.Configuration, rel *release.Release) (string, error) {
	var packed []byte
	name := fmt.Sprintf("sh.helm.release.v1.%s.v%d", rel.Name, rel.Version)
	client, err := cfg.KubernetesClientSet()
	if err != nil {
		return "", err
	}
	switch c.Driver {
	case "", "secret", "secrets":
		secret, err := client.CoreV1().Secrets(rel.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		packed = secret.Data["release"]
	case "configmap", "configmaps":
		config, err := client.CoreV1().ConfigMaps(rel.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		packed = []byte(config.Data["release"])
	default:
		return "", nil
	}
	return unpackMethod(packed)
}

// unpackMethod reads the record of a release as Helm's storage keeps it: JSON,
// zipped, in base64 (pkg/storage/driver/util.go).
func unpackMethod(packed []byte) (string, error) {
	zipped, err := base64.StdEncoding.DecodeString(string(packed))
	if err != nil {
		return "", err
	}
	var text io.Reader = bytes.NewReader(zipped)
	if bytes.HasPrefix(zipped, []byte{0x1f, 0x8b, 0x08}) {
		if text, err = gzip.NewReader(text); err != nil {
			return "", err
		}
	}
	var record struct {
		ApplyMethod string `json:"apply_method"`
	}
	err = json.NewDecoder(text).Decode(&record)
	return record.ApplyMethod, err
}
