package rollout

import (
	"testing"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

const (
	jobText = `
apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  parallelism: 2
  completions: 4
  template:
    metadata: {labels: {app: web}}
    spec:
      restartPolicy: Never
      containers:
      - {name: web, image: "nginx:1"}
`
	cronJobText = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: web}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: web, image: "nginx:1"}
`
)

func TestJob(t *testing.T) {
	const done = "whether the Job is done"
	const suspend = "+ suspend: true"
	runs := change.Pods{Before: 2, Desired: 2, Fewest: unknown}
	runSteps(t, jobText, Facts{}, []step{
		{"suspended", nil, []string{suspend}, change.Pods{Before: 2, AllDown: true, How: "suspended: running pods are deleted"}, done},
		{"resumed", []string{suspend}, nil, change.Pods{Desired: 2, Fewest: unknown}, ""},
		{"template of a suspended Job", []string{suspend}, []string{suspend, "app: web => app: next"}, change.Pods{}, ""},
		{"less parallelism", nil, []string{"parallelism: 2 => parallelism: 1"}, change.Pods{Before: 2, Desired: 1, Fewest: unknown, How: "parallelism 1: further pods are deleted"}, done},
		{"no parallelism", nil, []string{"parallelism: 2 => parallelism: 0"}, change.Pods{Before: 2, AllDown: true, How: "parallelism 0: further pods are deleted"}, done},
		{"more parallelism than completions", nil, []string{"parallelism: 2 => parallelism: 9"}, change.Pods{Before: 2, Desired: 4, Fewest: unknown}, ""},
		{"deadline", nil, []string{"+ activeDeadlineSeconds: 60"}, runs, ""},
	})
}

func TestCronJob(t *testing.T) {
	runSteps(t, cronJobText, Facts{}, []step{
		{"another image is for the next run", nil, []string{"nginx:1 => nginx:2"}, kept(unknown, "the next run uses the new template; what runs already goes on"), ""},
		{"schedule", nil, []string{"0 3 => 0 4"}, kept(unknown, ""), ""},
	})
}
