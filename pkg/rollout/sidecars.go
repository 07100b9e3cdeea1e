package rollout

import (
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/util/parsers"
)

// noSidecars finds programs that were sidecars (init containers with restartPolicy: Always) and
// are waited for from now on: as init containers by the containers behind them
// (computeInitContainerActions in k8s.io/kubernetes/pkg/kubelet/kuberuntime), as containers of a
// Job by the Job. A program that runs as long as its pod does not end by itself. One with another
// command, other arguments or an image of another repository may.
func noSidecars(o runtime.Object, before, after *corev1.PodSpec) []Obstacle {
	old := containersOf(&corev1.Pod{Spec: *before})
	var list []Obstacle
	for _, c := range containersOf(&corev1.Pod{Spec: *after}) {
		if c.sidecar || !slices.ContainsFunc(old, func(was placed) bool { return was.sidecar && sameProgram(was.Container, c.Container) }) {
			continue
		}
		switch {
		case c.init:
			list = append(list, Obstacle{
				Kind: WaitsForSidecar, Container: c.Name, Paths: c.paths("restartPolicy"),
				Message: fmt.Sprintf("init container %s was a sidecar (restartPolicy: Always), and the containers after it now wait until it ends", c.Name),
			})
		case runsToEnd(o):
			list = append(list, Obstacle{
				Kind: JobOfSidecar, Container: c.Name, Paths: c.paths(),
				Message: fmt.Sprintf("container %s was a sidecar (restartPolicy: Always), and the Job now is complete only once it ends", c.Name),
			})
		}
	}
	return list
}

// sameProgram reports whether two containers of the same name run the same program, perhaps in
// another version.
func sameProgram(a, b *corev1.Container) bool {
	return a.Name == b.Name && repository(a.Image) == repository(b.Image) && slices.Equal(a.Command, b.Command) && slices.Equal(a.Args, b.Args)
}

// repository is an image without its tag and digest; the image itself if it cannot be parsed.
func repository(image string) string {
	name, _, _, err := parsers.ParseImageName(image)
	if err != nil {
		return image
	}
	return name
}

// runsToEnd reports whether the pods of an object are to end.
func runsToEnd(o runtime.Object) bool {
	switch o.(type) {
	case *batchv1.Job, *batchv1.CronJob:
		return true
	default:
		return false
	}
}
