package safediff_test

import (
	"context"
	"fmt"
	"io"
	"os"

	helmcli "helm.sh/helm/v3/pkg/cli"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/helm"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

const installed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {helm.sh/chart: shop-1}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

const proposed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {helm.sh/chart: shop-2}}
spec:
  replicas: 2
  strategy: {type: Recreate}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:2"}]}
`

// Two manifests, as `helm get manifest` and `helm template` print them, are judged.
func Example() {
	set, err := safediff.Compare(context.Background(),
		safediff.Manifest{Name: "installed", Text: installed},
		safediff.Manifest{Name: "proposed", Text: proposed},
		safediff.Options{Namespace: "prod", KubeVersion: "1.36"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Verdict(change.DefaultFailOn()))
	for i := range set.Changes {
		c := &set.Changes[i]
		for _, f := range c.Findings {
			fmt.Printf("%s: %s %s/%s: %s\n", f.Risk, c.Op, c.Ref.Kind, c.Ref.Name, f.Message)
		}
	}
	// What could not be judged is no less important than what was found.
	fmt.Println(len(set.Unchecked), "unchecked")
	// Output:
	// risky
	// downtime: update Deployment/web: no pod is ready while they are replaced (strategy Recreate)
	// 0 unchecked
}

// Any format of the program goes to any writer.
func Example_write() {
	set, err := safediff.Compare(context.Background(),
		safediff.Manifest{Name: "installed", Text: installed},
		safediff.Manifest{Name: "proposed", Text: proposed},
		safediff.Options{
			Namespace: "prod", KubeVersion: "1.36",
			Release: change.Release{Name: "shop", Namespace: "prod", Revision: 7, OldChart: "shop-1", NewChart: "shop-2"},
		})
	if err == nil {
		err = report.Write(os.Stdout, "text", &set, report.Options{})
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// RISKY  1 downtime
	// release shop in namespace prod, installed revision 7, chart shop-1 → shop-2, judged for Kubernetes 1.36, three-way merge: 1 to update
	//
	// downtime: update Deployment prod/web: image 1 → 2
	//   no pod is ready while they are replaced (strategy Recreate) [pods-all-down]
	//   + .spec.strategy: {"type":"Recreate"}
	//   hint: use strategy RollingUpdate if old and new pods may run at the same time; otherwise upgrade when a downtime does no harm
	//   accept: helm safe-diff accept REPORT.json --rule pods-all-down --object Deployment/prod/web --reason WHY
	//
	// exit 3: 1 downtime is in --fail-on; hidden: 1 edit (metadata-labels); --show-hidden shows all
}

// Charts are rendered by Helm in this process; here without a cluster. Upgrade in the
// place of Template takes the installed release as the old side.
func Example_charts() {
	client := &helm.Client{Settings: helmcli.New(), Stderr: os.Stderr}
	ctx := context.Background()
	render := func(chart string) (helm.Side, error) {
		return client.Template(ctx, helm.Template{Release: "shop", Chart: helm.Chart{Ref: chart}, Twice: true})
	}
	old, err := render("../../testdata/charts/shop/1.4.2")
	if err != nil {
		fmt.Println(err)
		return
	}
	updated, err := render("../../testdata/charts/shop/2.0.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := safediff.Compare(ctx,
		safediff.Manifest{Name: old.Name, Text: old.Manifest},
		safediff.Manifest{Name: updated.Name, Text: updated.Manifest},
		safediff.Options{
			Namespace: updated.Namespace, KubeVersion: updated.KubeVersion,
			Release: change.Release{Name: updated.Release, Namespace: updated.Namespace, OldChart: old.Chart, NewChart: updated.Chart},
			OldCRDs: safediff.Manifest{Text: old.CRDs}, NewCRDs: safediff.Manifest{Text: updated.CRDs},
			Again: safediff.Again{Manifest: safediff.Manifest{Text: updated.Again}, LooksUp: updated.LooksUp, Offline: true},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, risk := range change.Risks() {
		if n := set.Summary().Risks[risk]; n > 0 {
			fmt.Println(n, risk)
		}
	}
	// Output:
	// 1 rejected
	// 1 data-loss
	// 1 downtime
	// 2 restart
}

// A tool that calls helm-diff as a library (manifest.Parse of both sides, then
// diff.Manifests) gets the same text from here, without what has no effect, and besides
// the answer whether to stop.
func Example_insteadOfHelmDiff() {
	manifests := func(namespace, old, updated string, w io.Writer) (changed, risky bool, err error) {
		set, err := safediff.Compare(context.Background(),
			safediff.Manifest{Name: "installed", Text: old}, safediff.Manifest{Name: "proposed", Text: updated},
			safediff.Options{Namespace: namespace})
		if err != nil {
			return false, false, err
		}
		verdict := set.Verdict(change.DefaultFailOn())
		return verdict != change.Nothing, set.ExitCode(change.DefaultFailOn(), false) == change.ExitRisky, report.Write(w, "helm-diff", &set, report.Options{})
	}
	changed, risky, err := manifests("prod", installed, proposed, os.Stdout)
	fmt.Println(changed, risky, err)
	// Output:
	// prod, web, Deployment (apps) has changed:
	// ...
	//     selector:
	//       matchLabels:
	//         app: web
	// +   strategy:
	// +     type: Recreate
	//     template:
	//       metadata:
	//         labels:
	//           app: web
	//       spec:
	//         containers:
	// -       - image: web:1
	// +       - image: web:2
	//           name: web
	// true true <nil>
}
