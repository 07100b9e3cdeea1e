package remedy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for hint, want := range map[string]Steps{
		"keep the name": {},
		"kubectl explain lists the fields; `helm safe-diff values` lists all such keys": {},
		"rewrite its stored manifest first (try helm mapkubeapis)":                      {},
		"annotate it with helm.sh/resource-policy: keep, or leave it as it is":          {},
		"delete it (kubectl delete job web -n prod) before the upgrade":                 {Before: []string{"kubectl delete job web -n prod"}},
		"let Helm take it over (--take-ownership)":                                      {Flags: []string{"--take-ownership"}},
		"helm show crds CHART | kubectl apply --server-side -f -":                       {Before: []string{"helm show crds CHART | kubectl apply --server-side -f -"}},
		"if it was killed, `helm rollback web --namespace prod` ends it":                {Before: []string{"helm rollback web --namespace prod"}},
		"kubectl delete deployment web --cascade=orphan, then upgrade, then kubectl delete replicaset -l a=b,c!=d": {
			Before: []string{"kubectl delete deployment web --cascade=orphan"}, After: []string{"kubectl delete replicaset -l a=b,c!=d"},
		},
		`grow them: kubectl patch pvc a b -p '{"x, y":"z;"}', kubectl patch pvc $(seq 0 9) -n prod; then upgrade`: {
			Before: []string{`kubectl patch pvc a b -p '{"x, y":"z;"}'`, "kubectl patch pvc $(seq 0 9) -n prod"},
		},
		"after the upgrade, kubectl rollout restart daemonset web": {After: []string{"kubectl rollout restart daemonset web"}},
	} {
		if diff := cmp.Diff(want, Read(hint)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", hint, diff)
		}
	}
}

func TestLike(t *testing.T) {
	steps := Read("kubectl delete job web -n prod; then upgrade")
	for hint, want := range map[string]bool{
		"kubectl delete secret a -n b":                                        true,
		"kubectl delete clusterrolebinding a":                                 true,
		"kubectl delete job web -n prod --cascade=orphan":                     false,
		"kubectl delete job web -n prod, then upgrade, then kubectl delete x": false,
		"kubectl delete job web -n prod, and upgrade with --take-ownership":   false,
		"kubectl patch job web -n prod":                                       false,
		"keep it":                                                             false,
	} {
		if other := Read(hint); steps.Like(&other) != want {
			t.Errorf("%s: %t", hint, !want)
		}
	}
}
