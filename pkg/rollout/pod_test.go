package rollout

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const podText = `
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {note: a}}
spec:
  initContainers:
  - {name: init, image: "init:1"}
  - {name: proxy, image: "proxy:1", restartPolicy: Always}
  containers:
  - {name: web, image: "nginx:1"}
  - {name: side, image: "side:1"}
`

func TestPod(t *testing.T) {
	restarted := func(how string) change.Pods {
		return change.Pods{Replaced: true, AllDown: true, Before: 1, Desired: 1, Affected: 1, How: how}
	}
	runSteps(t, podText, Facts{}, []step{
		{"image", nil, []string{"nginx:1 => nginx:2"}, restarted(`container "web" is restarted in place`), ""},
		{"images", nil, []string{"nginx:1 => nginx:2", "side:1 => side:2"}, restarted("containers are restarted in place"), ""},
		{"image of a sidecar", nil, []string{"proxy:1 => proxy:2"}, restarted(`container "proxy" is restarted in place`), ""},
		{"image of an init container, which is over", nil, []string{"init:1 => init:2"}, kept(1, ""), ""},
		{"annotation", nil, []string{"note: a => note: b"}, kept(1, ""), ""},
		{"deadline", nil, []string{"+ activeDeadlineSeconds: 60"}, kept(1, ""), ""},
		{"toleration", nil, []string{"+ tolerations: [{key: more, operator: Exists}]"}, kept(1, ""), ""},
	})
}
