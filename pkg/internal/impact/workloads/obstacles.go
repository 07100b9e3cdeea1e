package workloads

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/rollout"
)

// ObstacleRules are about pods that cannot start, or never get ready. What they find was
// decided by the functions with which the kubelet, a controller or the API server decides.
func ObstacleRules() []rule.Rule {
	return slices.Concat([]rule.Rule{
		{
			ID: "image-name-invalid", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why:  "the kubelet parses the image name before it pulls the image (ParseImageName in k8s.io/kubernetes/pkg/util/parsers); if it cannot, the container never starts (InvalidImageName)",
			Fix:  "write the image as REPOSITORY:TAG or REPOSITORY@DIGEST, in lower case; an empty tag is often a value that is not set",
			Find: obstacles(rollout.BadImage),
		},
		{
			ID: "probe-port-missing", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why: "the kubelet looks for a named port among the ports of the same container (ResolveContainerPort in k8s.io/kubernetes/pkg/probe); " +
				"without one a readiness or startup probe never succeeds, and a postStart hook stops the container",
			Fix:  "let the probe or hook name a port that its container has, or use the number",
			Find: obstacles(rollout.NoPort),
		},
		{
			ID: "probe-never-sent", Risk: change.Exposure,
			Why: "the kubelet throws away a liveness probe that it cannot send (doProbe in k8s.io/kubernetes/pkg/kubelet/prober), so that a container that hangs is not restarted; " +
				"it stops a container whose preStop hook cannot run without it",
			Fix:  "let the probe or hook name a port that its container has, or use the number",
			Find: obstacles(rollout.NoGuardPort),
		},
		{
			ID: "root-contradicted", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why:  "with runAsNonRoot the kubelet does not start a container as user 0 (verifyRunAsNonRoot in k8s.io/kubernetes/pkg/kubelet/kuberuntime): CreateContainerConfigError",
			Fix:  "set runAsUser to a user other than 0, or runAsNonRoot: false for the container that must be root; a container's own setting overrides that of its pod",
			Find: obstacles(rollout.RootRefused),
		},
		{
			ID: "progress-deadline-too-short", Risk: change.Stuck, Kinds: []string{"Deployment"},
			Why: "no pod is ready before the initial delay of its probes is over; if the progress deadline ends first, the rollout counts as failed " +
				"(DeploymentTimedOut in k8s.io/kubernetes/pkg/controller/deployment/util), and whoever waits for it gives up",
			Fix:  "raise progressDeadlineSeconds above the initial delays, or lower these",
			Find: obstacles(rollout.TooLate),
		},
		{
			ID: "pods-rejected", Risk: change.Stuck, Hangs: rule.WantsPods,
			Why:  "the API server accepts the object and rejects the pods that its controller creates from it, because a name or label becomes too long, a field is not allowed there, or they use a Secret that their ServiceAccount does not list (kubernetes.io/enforce-mountable-secrets); no new pod appears",
			Fix:  "correct the field; give a StatefulSet a name of at most 52 characters; list the Secret in the ServiceAccount (secrets, imagePullSecrets)",
			Find: obstacles(rollout.PodsRejected),
		},
	}, placementRules(), sidecarRules(), kubeletRules(), readinessRules())
}

// placementRules are about pods that the scheduler cannot place.
func placementRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "pod-unschedulable", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why: "no node can hold the pod, even with nothing else on it: none matches its selector and tolerations, has the resources it requests, reaches the volumes to which its claims are bound, " +
				"and has the labels by which it must be spread or near others (as the scheduler decides: NodeUnschedulable, TaintToleration, NodeAffinity, NodeResourcesFit, VolumeBinding, PodTopologySpread, " +
				"InterPodAffinity); the pod stays Pending; if an autoscaler may add nodes, this is a notice",
			Fix: "change the selector, affinity, tolerations, requests or topologySpreadConstraints so that they fit a node that reaches the volumes, or change the nodes first (labels, taints, cordons); " +
				"kubectl describe nodes shows what they have, kubectl describe pv where a volume is",
			Find: obstacles(rollout.NoNode),
		},
		{
			ID: "pods-exclude-each-other", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why: "required podAntiAffinity, a hostPort, or a topologySpreadConstraint that counts a place in which there can be no pod keeps a new pod from every node, or place, that has a pod of the same workload " +
				"(as the scheduler decides: InterPodAffinity, NodePorts, PodTopologySpread); " +
				"while no old pod goes before a new one is ready, or if more pods are wanted than there are nodes, new pods stay Pending; " +
				"where old pods may leave a node free, or an autoscaler may add nodes, this is a notice",
			Fix: "let an old pod go first (maxUnavailable: 1 and maxSurge: 0), make the anti-affinity preferred instead of required, " +
				"or let it apply to pods of one template only (matchLabelKeys: [pod-template-hash]); spread pods over nodes that can hold them only (nodeTaintsPolicy: Honor); " +
				"else add nodes, or ask for fewer pods",
			Find: obstacles(rollout.NoNodeBeside),
		},
		{
			ID: "pods-excluded-by-others", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why: "required podAntiAffinity (of either pod) or a hostPort keeps a new pod off the nodes of another workload " +
				"(InterPodAffinity and NodePorts of the scheduler); if that is every node that could hold it, and the upgrade does not move the other pods, new pods stay Pending; " +
				"if those may go, or an autoscaler may add nodes, this is a notice",
			Fix: "let the anti-affinity select other labels or make it preferred, use another hostPort (or none, behind a Service), " +
				"or keep some nodes free of the other workload (nodeSelector, taints)",
			Find: obstacles(rollout.NoNodeBesideOthers),
		},
		{
			ID: "pod-gated", Risk: change.Stuck, Hangs: rule.AwaitsPods,
			Why: "the scheduler ignores a pod that has scheduling gates (SchedulingGates in k8s.io/kubernetes/pkg/scheduler/framework/plugins): " +
				"the pod stays Pending until all its gates are removed, usually by a controller; Kubernetes itself removes none",
			Fix:  "remove schedulingGates from the chart, or make sure that the controller that removes the gates runs and handles these pods",
			Find: obstacles(rollout.Gated),
		},
	}
}

// sidecarRules are about programs that are waited for and do not end.
func sidecarRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "sidecar-delays-start", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why: "an init container without restartPolicy: Always must end before the next container starts (computeInitContainerActions in k8s.io/kubernetes/pkg/kubelet/kuberuntime); " +
				"a program that ran as long as its pod does not end, and the pod stays in Init",
			Fix:  "keep restartPolicy: Always, or move the container to containers",
			Find: obstacles(rollout.WaitsForSidecar),
		},
		{
			ID: "job-waits-for-sidecar", Risk: change.Stuck, Kinds: []string{"Job", "CronJob"}, Hangs: rule.MakesPods,
			Why: "the kubelet stops sidecars (init containers with restartPolicy: Always) once all containers have ended, but no container because another one has: " +
				"a Job whose program does not end is never complete, and a CronJob with concurrencyPolicy Forbid starts no other",
			Fix:  "keep the program a sidecar: in initContainers, with restartPolicy: Always",
			Find: obstacles(rollout.JobOfSidecar),
		},
	}
}

// kubeletRules are about what the kubelet finds in a pod that it is to start.
func kubeletRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "resource-of-no-container", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why: "the kubelet looks for the container of a resourceFieldRef in the pod (ExtractResourceValueByContainerNameAndNodeAllocatable in k8s.io/kubernetes/pkg/api/v1/resource); " +
				"if there is none, it starts no container (CreateContainerConfigError) or sets up no volume",
			Fix:  "let containerName name a container of the pod, or leave it out in env, where it defaults to the container itself",
			Find: obstacles(rollout.ResourceOfNone),
		},
		{
			ID: "sub-path-undefined", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why:  "the kubelet expands subPathExpr with the environment of the container (ExpandContainerVolumeMounts in k8s.io/kubernetes/pkg/kubelet/container); without a value for each variable it does not start the container (CreateContainerConfigError)",
			Fix:  "define the variable in env of the same container; for the pod's name: fieldRef: {fieldPath: metadata.name}",
			Find: obstacles(rollout.SubPathUndefined),
		},
		{
			ID: "memory-limit-too-small", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why:  "the container runtime hands the limit to the kernel in bytes, and no process runs in less than one page: the container is killed before its program starts (RunContainerError)",
			Fix:  "write the limit with the suffix Mi or Gi; m is a thousandth",
			Find: obstacles(rollout.NoMemory),
		},
	}
}

// readinessRules are about pods that start and never get ready.
func readinessRules() []rule.Rule {
	return []rule.Rule{
		{
			ID: "probe-asks-node", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why: "the kubelet sends HTTP and TCP probes from its node, where localhost is the node (newProber in k8s.io/kubernetes/pkg/kubelet/prober): " +
				"a readiness or startup probe never succeeds there, and a liveness probe restarts the container again and again, unless something else on the node answers",
			Fix:  "leave host out: then the probe asks the pod; for a program that listens on localhost only, use exec",
			Find: obstacles(rollout.ProbesNode, rollout.RestartedByProbe),
		},
		{
			ID: "readiness-gate-unset", Risk: change.Stuck, Hangs: rule.MakesPods,
			Why: "a pod is not ready before each condition that its readinessGates name is True (GeneratePodReadyCondition in k8s.io/kubernetes/pkg/kubelet/status); " +
				"Kubernetes itself sets none of them; for gates of known load balancer controllers this is a notice",
			Fix:  "remove readinessGates from the chart, or make sure that the controller that sets the conditions runs and handles these pods",
			Find: obstacles(rollout.NeverReady),
		},
	}
}

// obstacles finds workloads whose pods have an obstacle of some kinds.
func obstacles(kinds ...rollout.ObstacleKind) func(*upgrade.Upgrade) []rule.Found {
	return func(u *upgrade.Upgrade) []rule.Found {
		var found []rule.Found
		for i := range u.Objects {
			o := &u.Objects[i]
			for _, b := range o.Obstacles {
				if !slices.Contains(kinds, b.Kind) || o.Change == nil {
					continue
				}
				f := rule.Found{On: o, Message: b.Message, Paths: b.Paths, Evidence: []change.Evidence{
					{What: "pods do not start: " + string(b.Kind), Objects: []manifest.Ref{o.Ref()}, Names: []string{b.Container, b.Message}},
				}}
				if !b.Kind.Starts() {
					f.Unstarted = []manifest.Ref{o.Ref()}
				}
				found = append(found, f)
			}
		}
		return found
	}
}
