package workloads

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/diff"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// ResizeRules are about autoscalers that stop pods, or that cannot measure.
func ResizeRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "autoscaler-stops-pods", Risk: change.Restart,
			Why: "the bounds of its autoscaler limit how many pods a workload has, whatever its manifest says; with other bounds, or without an autoscaler, " +
				"those beyond the new number are stopped at once, and the others take over their work",
			Fix:  "give the workload the pods that it needs: replicas if the autoscaler goes, other bounds if it stays",
			Find: resized(func(r *upgrade.Resize) bool { return r.After.Most > 0 }),
		},
		{
			ID: "autoscaler-stops-all", Risk: change.Outage,
			Why:  "an autoscaler that is paused at zero pods, or has a maximum of zero, stops all pods of its workload at once",
			Fix:  "pause it at the number of pods you need, or raise its maximum",
			Find: resized(func(r *upgrade.Resize) bool { return r.After.Most == 0 }),
		},
		{
			ID: "autoscaler-without-request", Risk: change.Stuck,
			Why: "an autoscaler compares what a pod uses with what it requests; if one of its containers has no request, or the one that it measures is not there, the autoscaler does not scale " +
				"(calculatePodRequests in k8s.io/kubernetes/pkg/controller/podautoscaler, getContainerMetrics in its metrics)",
			Fix:  "let the autoscaler measure a container that the pods have; give each container, sidecars too, a request for what it measures, or let it measure an AverageValue",
			Find: unmeasured,
		},
		{
			ID: "autoscalers-compete", Risk: change.Stuck,
			Why: "if two autoscalers select the same pods, neither scales them (AmbiguousSelector in k8s.io/kubernetes/pkg/controller/podautoscaler); " +
				"KEDA makes an autoscaler of its own for each ScaledObject",
			Fix:  "leave one autoscaler for each workload",
			Find: competing,
		},
	}
}

// resized tells autoscalers that come, go or change so that pods are surely stopped.
func resized(fits func(*upgrade.Resize) bool) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found { return stoppedPods(u.Resizes(), fits) }
}

func stoppedPods(list []upgrade.Resize, fits func(*upgrade.Resize) bool) []rule.Found {
	var found []rule.Found
	for _, r := range list {
		if r.Stops() == 0 || !fits(&r) {
			continue
		}
		before, after := rule.Pods(r.Before.Least), fmt.Sprintf("%d at most", r.After.Most)
		if r.After.Most == 0 {
			after = "none"
		}
		if r.Before.Most > r.Before.Least {
			before = fmt.Sprintf("%d pods or more", r.Before.Least)
		}
		on := r.On
		if r.Left {
			if r.Workload.Done() {
				on = r.Workload
			}
			after = fmt.Sprintf("%d without %s %s", r.After.Most, r.On.Ref().Kind, r.On.Ref().Name)
		}
		workload := r.Workload.Ref()
		found = append(found, rule.Found{
			On: on, Message: fmt.Sprintf("%s %s goes from %s to %s", workload.Kind, workload.Name, before, after),
			Paths: rule.Edits(on.Change, "replicas", "minReplicas", "maxReplicas", "minReplicaCount", "maxReplicaCount", "idleReplicaCount", "scaleTargetRef", "annotations"),
			Evidence: []change.Evidence{
				{What: "pods stopped at least", Objects: []manifest.Ref{r.On.Ref(), workload}, Count: r.Stops()},
				{What: "pods before at least", Count: r.Before.Least}, {What: "pods after at most", Count: r.After.Most},
			},
		})
	}
	return found
}

// unmeasured tells autoscalers that cannot measure what they measured before, or, where they
// are new, what they are to measure.
func unmeasured(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || diff.IsHook(o.New) || o.Change != nil && !o.Done() {
			continue
		}
		target, is := upgrade.ScaleTarget(o.New)
		w := u.Object(target)
		if !is || w == nil || w.New == nil || o.Change == nil && w.Change == nil || limitsDefault(u, target.Namespace) {
			continue
		}
		lacks := missingRequests(o.New, w.Standing(upgrade.After))
		if before := missedBefore(u, o); before != nil {
			lacks = slices.DeleteFunc(lacks, func(l lack) bool { return slices.Contains(before, l) })
		}
		on := w
		if w.Change == nil || o.Change != nil && o.Change.Op == change.Create {
			on = o
		}
		for _, l := range lacks {
			message := fmt.Sprintf("%s %s measures %s, for which container %s of %s %s has no request", o.New.Ref.Kind, o.New.Ref.Name, l.resource, l.container, target.Kind, target.Name)
			if l.absent {
				message = fmt.Sprintf("%s %s measures %s of container %s, which %s %s does not run", o.New.Ref.Kind, o.New.Ref.Name, l.resource, l.container, target.Kind, target.Name)
			}
			found = append(found, rule.Found{
				On: on, Message: message,
				Paths:    rule.Edits(on.Change, "resources", "metrics", "containers"),
				Evidence: []change.Evidence{{What: "measured without a request", Objects: []manifest.Ref{o.New.Ref, w.Ref()}, Names: []string{l.resource, l.container}}},
			})
		}
	}
	return found
}

// missedBefore lists what an autoscaler of the installed release could not measure of the
// workload that it scaled then.
func missedBefore(u *upgrade.Upgrade, o *upgrade.Object) []lack {
	if o.Old == nil {
		return nil
	}
	target, _ := upgrade.ScaleTarget(o.Old)
	if w := u.Object(target); w != nil {
		return missingRequests(o.Old, w.Old)
	}
	return nil
}

// lack is a container without a request that an autoscaler needs, or one that is not there.
type lack struct {
	resource, container string
	absent              bool
}

// missingRequests lists the containers of a workload without a request that an autoscaler
// needs. A limit is a request, too, where there is none.
func missingRequests(autoscaler, workload *manifest.Object) []lack {
	if workload == nil {
		return nil
	}
	var template corev1.PodTemplateSpec
	if runtime.DefaultUnstructuredConverter.FromUnstructured(untyped.Map(upgrade.Spec(workload), "template"), &template) != nil {
		return nil
	}
	containers := slices.Clone(template.Spec.Containers)
	for i := range template.Spec.InitContainers {
		if policy := template.Spec.InitContainers[i].RestartPolicy; policy != nil && *policy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, template.Spec.InitContainers[i])
		}
	}
	list := absent(autoscaler, containers)
	if template.Spec.Resources != nil { // those of the pod count
		return list
	}
	for _, m := range measures(autoscaler) {
		for k := range containers {
			c := &containers[k]
			_, requested := c.Resources.Requests[corev1.ResourceName(m.resource)]
			_, limited := c.Resources.Limits[corev1.ResourceName(m.resource)]
			if l := (lack{resource: m.resource, container: c.Name}); (m.container == "" || m.container == c.Name) && !requested && !limited && !slices.Contains(list, l) {
				list = append(list, l)
			}
		}
	}
	return list
}

// absent lists the containers that an autoscaler measures and that do not run all the time, so that
// there are no metrics of them.
func absent(autoscaler *manifest.Object, containers []corev1.Container) []lack {
	var list []lack
	add := func(resource, container string) {
		l := lack{resource, container, true}
		if container != "" && !slices.Contains(list, l) && !slices.ContainsFunc(containers, func(c corev1.Container) bool { return c.Name == container }) {
			list = append(list, l)
		}
	}
	spec := upgrade.Spec(autoscaler)
	if upgrade.IsScaledObject(autoscaler.Ref) {
		for _, t := range untyped.Maps(spec, "triggers") {
			if kind := untyped.Text(t, "type"); kind == "cpu" || kind == "memory" {
				add(kind, untyped.Text(t, "metadata", "containerName"))
			}
		}
		return list
	}
	for _, m := range untyped.Maps(spec, "metrics") {
		source := untyped.Map(m, "containerResource")
		add(untyped.Text(source, "name"), untyped.Text(source, "container"))
	}
	return list
}

// measures lists the resources of which an autoscaler measures how much is used of what is
// requested, each with the container that it measures, "" for all.
func measures(autoscaler *manifest.Object) []lack {
	spec := upgrade.Spec(autoscaler)
	var list []lack
	if upgrade.IsScaledObject(autoscaler.Ref) {
		for _, t := range untyped.Maps(spec, "triggers") {
			how := untyped.Text(t, "metricType")
			if how == "" {
				how = untyped.Text(t, "metadata", "type")
			}
			if kind := untyped.Text(t, "type"); (kind == "cpu" || kind == "memory") && how != "AverageValue" {
				list = append(list, lack{resource: kind, container: untyped.Text(t, "metadata", "containerName")})
			}
		}
		return list
	}
	if autoscaler.Ref.Version == "v1" {
		return []lack{{resource: "cpu"}}
	}
	metrics := untyped.Maps(spec, "metrics")
	for _, m := range metrics {
		for _, field := range []string{"resource", "containerResource"} {
			if source := untyped.Map(m, field); untyped.At(source, "target", "averageUtilization") != nil {
				list = append(list, lack{resource: untyped.Text(source, "name"), container: untyped.Text(source, "container")})
			}
		}
	}
	if len(metrics) == 0 { // the default is cpu
		list = append(list, lack{resource: "cpu"})
	}
	return list
}

// limitsDefault reports whether a LimitRange of a namespace may give containers requests.
func limitsDefault(u *upgrade.Upgrade, namespace string) bool {
	is := func(o *manifest.Object) bool {
		return o != nil && o.Ref.Kind == "LimitRange" && o.Ref.Group == "" && o.Ref.Namespace == namespace
	}
	return slices.ContainsFunc(u.Cluster, is) || u.Any(func(o *upgrade.Object) bool { return is(o.New) })
}

// competing tells autoscalers that come to a workload which another one scales.
func competing(u *upgrade.Upgrade) []rule.Found {
	scales := map[manifest.Identity][]*upgrade.Object{}
	for i := range u.Objects {
		o := &u.Objects[i]
		if side := o.Standing(upgrade.After); side != nil && !diff.IsHook(side) {
			if target, is := upgrade.ScaleTarget(side); is {
				scales[target] = append(scales[target], o)
			}
		}
	}
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Create, change.Update) || o.New == nil {
			continue
		}
		target, is := upgrade.ScaleTarget(o.New)
		if !is || len(scales[target]) < 2 {
			continue
		}
		if o.Old != nil {
			if was, scaled := upgrade.ScaleTarget(o.Old); scaled && was == target {
				continue
			}
		}
		refs := make([]manifest.Ref, 0, len(scales[target]))
		for _, other := range scales[target] {
			if other != o {
				refs = append(refs, other.Ref())
			}
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("%s scales %s %s, too", rule.Names(refs), target.Kind, target.Name), Paths: rule.Edits(o.Change, "scaleTargetRef"),
			Evidence: []change.Evidence{{What: "scale the same pods", Objects: append([]manifest.Ref{o.Ref()}, refs...)}},
		})
	}
	return found
}
