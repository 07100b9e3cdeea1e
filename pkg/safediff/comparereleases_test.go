package safediff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// A checksum says nothing where the configuration differs in names only, and is a
// restart wherever anything else may have changed it.
func TestChecksums(t *testing.T) {
	const (
		config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s-config}\ndata: {level: %s}\n---\n"
		web    = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s-web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {checksum/config: %[2]s, other: %[2]s}}
    spec: {containers: [{name: web, image: "web:%[3]d", envFrom: [{configMapRef: {name: %[1]s-config}}]}]}
---
`
		job = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: %[1]s-job}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        metadata: {annotations: {checksum/config: %[2]s}}
        spec: {restartPolicy: Never, containers: [{name: web, image: "web:1"}]}
---
`
	)
	plain := func(name, sum string, image int) string {
		return strings.Replace(fmt.Sprintf(web, name, sum, image), ", other: "+sum, "", 1)
	}
	for _, test := range []struct {
		name, old, updated string
		shown              []string
	}{
		{"names only", fmt.Sprintf(config, "shop", "info") + plain("shop", "abc", 1), fmt.Sprintf(config, "shop-eu", "info") + plain("shop-eu", "def", 1), nil},
		{"names only, of a CronJob", fmt.Sprintf(config, "shop", "info") + fmt.Sprintf(job, "shop", "abc"),
			fmt.Sprintf(config, "shop-eu", "info") + fmt.Sprintf(job, "shop-eu", "def"), nil},
		{"another value", fmt.Sprintf(config, "shop", "info") + plain("shop", "abc", 1), fmt.Sprintf(config, "shop-eu", "debug") + plain("shop-eu", "def", 1),
			[]string{"ConfigMap/shop-eu-config .data.level", `Deployment/shop-eu-web .spec.template.metadata.annotations["checksum/config"]`}},
		{"another configuration", fmt.Sprintf(config, "shop", "info") + plain("shop", "abc", 1),
			fmt.Sprintf(config, "shop-eu", "info") + fmt.Sprintf(config, "more", "info") + plain("shop-eu", "def", 1),
			[]string{"ConfigMap/more-config", `Deployment/shop-eu-web .spec.template.metadata.annotations["checksum/config"]`}},
		{"no configuration", plain("shop", "abc", 1), plain("shop-eu", "def", 1),
			[]string{`Deployment/shop-eu-web .spec.template.metadata.annotations["checksum/config"]`}},
		{"another image", fmt.Sprintf(config, "shop", "info") + plain("shop", "abc", 1), fmt.Sprintf(config, "shop-eu", "info") + plain("shop-eu", "def", 2),
			[]string{`Deployment/shop-eu-web .spec.template.metadata.annotations["checksum/config"]`, `Deployment/shop-eu-web .spec.template.spec.containers[name="web"].image`}},
		{"another annotation", fmt.Sprintf(config, "shop", "info") + fmt.Sprintf(web, "shop", "abc", 1), fmt.Sprintf(config, "shop-eu", "info") + fmt.Sprintf(web, "shop-eu", "def", 1),
			[]string{"Deployment/shop-eu-web .spec.template.metadata.annotations.other", `Deployment/shop-eu-web .spec.template.metadata.annotations["checksum/config"]`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, err := CompareReleases(context.Background(), Manifest{"old.yaml", test.old}, Manifest{"new.yaml", test.updated}, Options{
				Namespace: "demo", Release: change.Release{Name: "shop-eu", Namespace: "demo", From: change.Place{Name: "shop", Namespace: "demo"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			var shown []string
			for _, c := range set.Changes {
				if len(c.Edits) == 0 {
					shown = append(shown, c.Ref.Kind+"/"+c.Ref.Name)
				}
				for _, e := range c.Edits {
					if e.Noise == "" {
						shown = append(shown, fmt.Sprintf("%s/%s %s", c.Ref.Kind, c.Ref.Name, e.Path))
					}
				}
			}
			slices.Sort(shown)
			if !slices.Equal(test.shown, shown) {
				t.Errorf("shown are %q, and not %q", shown, test.shown)
			}
		})
	}
}
