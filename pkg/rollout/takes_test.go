package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/kubernetes/pkg/features"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

func TestReadyAfter(t *testing.T) {
	const sidecars = "# pod => initContainers:\n" +
		"      - {name: setup, image: setup}\n" +
		"      - {name: proxy, image: proxy, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 20}, readinessProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 45}}\n" +
		"      - {name: agent, image: agent, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 5}}"
	for name, tc := range map[string]struct {
		edits []string
		want  int
	}{
		"a probe without delay":                  {nil, 0},
		"readiness":                              {[]string{"# probe => initialDelaySeconds: 30"}, 30},
		"further successes bound nothing":        {[]string{"# probe => successThreshold: 3\n          initialDelaySeconds: 30"}, 30},
		"startup":                                {[]string{"# container => startupProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 40}", "# probe => initialDelaySeconds: 30"}, 40},
		"liveness waits for nobody":              {[]string{"# container => livenessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 40}"}, 0},
		"a sidecar that is ready last":           {[]string{sidecars}, 45},
		"containers start behind their sidecars": {[]string{sidecars, "# probe => initialDelaySeconds: 30"}, 55},
	} {
		o := stored(t, with(t, deploymentText, tc.edits...))
		if got := ReadyAfter(&PodsOf(o).Spec); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// Each workload is ready 30 seconds after it was made, and available 10 seconds later.
func TestTakes(t *testing.T) {
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.MaxUnavailableStatefulSet, true)
	three, none := 3, 0
	replicas := func(n string) string { return "replicas: 3 => replicas: " + n }
	rolling := func(surge, down string) string {
		return "+ strategy: {rollingUpdate: {maxSurge: " + surge + ", maxUnavailable: " + down + "}}"
	}
	const (
		recreate = "+ strategy: {type: Recreate}"
		parallel = "+ podManagementPolicy: Parallel"
	)
	all := func(seconds, turns, watched, legacy int) *change.Takes {
		return &change.Takes{Ready: 30, Available: seconds, Turns: turns, Watched: watched, Legacy: legacy}
	}
	down := func(takes *change.Takes) *change.Takes { takes.Down = 30; return takes }
	for name, tc := range map[string]struct {
		text  string
		both  []string // edits of both sides
		news  []string // of the new one
		fresh bool     // there is no old one
		auto  bool     // an autoscaler decides how many
		facts Facts
		want  *change.Takes
	}{
		"nothing happens":                      {text: deploymentText},
		"one pod more at a time":               {text: deploymentText, news: []string{newImage}, want: all(120, 3, 120, 110)},
		"two at a time":                        {text: deploymentText, both: []string{rolling("1", "1")}, news: []string{newImage}, want: all(80, 2, 80, 30)},
		"all at once, none down for certain":   {text: deploymentText, both: []string{rolling("1", "3")}, news: []string{newImage}, want: all(40, 1, 40, 0)},
		"all at once, all down":                {text: deploymentText, both: []string{rolling("0", "3")}, news: []string{newImage}, want: down(all(40, 1, 40, 0))},
		"Recreate":                             {text: deploymentText, both: []string{recreate}, news: []string{newImage}, want: down(all(40, 1, 40, 30))},
		"a new Deployment":                     {text: deploymentText, fresh: true, want: all(40, 1, 40, 30)},
		"a Deployment of nothing":              {text: deploymentText, both: []string{replicas("0")}, fresh: true},
		"paused":                               {text: deploymentText, news: []string{newImage, "+ paused: true"}},
		"scaled up":                            {text: deploymentText, news: []string{replicas("9")}},
		"scaled up, with another image":        {text: deploymentText, both: nil, news: []string{replicas("9"), newImage}, want: all(40, 1, 40, 30)},
		"an autoscaler decides how many":       {text: deploymentText, auto: true, news: []string{newImage}, want: all(40, 1, 40, 0)},
		"one after the other":                  {text: statefulSetText, news: []string{newImage}, want: all(120, 3, 110, 110)},
		"the only one":                         {text: statefulSetText, both: []string{replicas("1")}, news: []string{newImage}, want: down(all(40, 1, 30, 30))},
		"two of a StatefulSet at a time":       {text: statefulSetText, both: []string{"+ updateStrategy: {rollingUpdate: {maxUnavailable: 2}}"}, news: []string{newImage}, want: all(80, 2, 70, 70)},
		"a partition":                          {text: statefulSetText, news: []string{newImage, fromPartition("1")}, want: all(80, 2, 70, 70)},
		"a new StatefulSet":                    {text: statefulSetText, fresh: true, want: all(120, 3, 110, 110)},
		"a new StatefulSet, Parallel":          {text: statefulSetText, both: []string{parallel}, fresh: true, want: all(40, 1, 30, 30)},
		"scaled up and updated":                {text: statefulSetText, news: []string{replicas("5"), newImage}, want: all(200, 5, 190, 190)},
		"scaled up and updated, Parallel":      {text: statefulSetText, both: []string{parallel}, news: []string{replicas("5"), newImage}, want: all(120, 3, 110, 110)},
		"nobody waits for OnDelete":            {text: statefulSetText, both: []string{onDeletePods}, news: []string{replicas("5"), newImage}, want: all(80, 2, 0, 0)},
		"node by node":                         {text: daemonSetText, facts: Facts{Nodes: &three}, news: []string{newImage}, want: all(120, 3, 120, 80)},
		"nodes, two at a time":                 {text: daemonSetText, facts: Facts{Nodes: &three}, both: []string{"+ updateStrategy: {rollingUpdate: {maxUnavailable: 2}}"}, news: []string{newImage}, want: all(80, 2, 80, 40)},
		"nodes, all at once":                   {text: daemonSetText, facts: Facts{Nodes: &three}, both: []string{"+ updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}"}, news: []string{newImage}, want: down(all(40, 1, 40, 0))},
		"nodes, new pods first":                {text: daemonSetText, facts: Facts{Nodes: &three}, both: []string{"+ updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"}, news: []string{newImage}, want: all(120, 3, 120, 80)},
		"nodes that nobody knows":              {text: daemonSetText, news: []string{newImage}, want: all(40, 1, 40, 0)},
		"nodes that nobody knows, all at once": {text: daemonSetText, both: []string{"+ updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}"}, news: []string{newImage}, want: down(all(40, 1, 40, 0))},
		"no node":                              {text: daemonSetText, facts: Facts{Nodes: &none}, news: []string{newImage}},
		"a new DaemonSet":                      {text: daemonSetText, facts: Facts{Nodes: &three}, fresh: true, want: all(40, 1, 40, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			both := append([]string{"# probe => initialDelaySeconds: 30", "+ minReadySeconds: 10"}, tc.both...)
			text := with(t, tc.text, both...)
			updated := stored(t, with(t, text, tc.news...))
			old := stored(t, text)
			if tc.fresh {
				old = nil
			}
			pods, _ := Predict(old, updated, tc.facts)
			if diff := cmp.Diff(tc.want, Takes(old, updated, pods, !tc.auto, tc.facts)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
