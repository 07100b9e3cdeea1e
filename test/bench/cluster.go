package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// clusterRow measures what nodes and the pods on them cost, once they are read.
func clusterRow(name, subject string) row {
	const goal, room = 2.0, 600 * mib
	return row{name, "≤ 2 s CPU and 600 MiB beyond reading", func(b *bench) (string, bool, string, error) {
		cluster, old, updated := filepath.Join(b.dir, "cluster.yaml"), filepath.Join(b.dir, "old.yaml"), filepath.Join(b.dir, "new.yaml")
		if err := errors.Join(os.WriteFile(cluster, []byte(crowded(5_000, 50_000)), 0o600),
			os.WriteFile(old, []byte(guest("1.0.0")), 0o600), os.WriteFile(updated, []byte(guest("1.1.0")), 0o600)); err != nil {
			return "", false, "", err
		}
		whole, reading, err := b.paired(subject, "reading", old, updated, cluster)
		if err != nil {
			return "", false, "", err
		}
		seconds := medianOf(whole, cpuOf) - medianOf(reading, cpuOf)
		bytes := medianOf(whole, peakOf) - medianOf(reading, peakOf)
		return fmt.Sprintf("%.1f s and %.0f MiB", seconds, max(0, bytes)/mib), seconds <= goal && bytes <= room,
			describe("whole", whole) + "; " + describe("reading", reading), nil
	}}
}

// crowded is a cluster whose workloads have twenty pods each and a budget.
func crowded(nodes, pods int) string {
	var b strings.Builder
	for i := range nodes {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Node
metadata:
  name: node-%[1]d
  labels:
    kubernetes.io/hostname: node-%[1]d
    topology.kubernetes.io/zone: %[2]c
status:
  allocatable: {cpu: "16", memory: 64Gi, pods: "110"}
`, i, 'a'+rune(i%3))
	}
	for w := range pods / 20 {
		writeCrowd(&b, w, nodes)
	}
	return b.String()
}

// writeCrowd writes one of these workloads, its budget and its pods, on one node after the other.
func writeCrowd(b *strings.Builder, w, nodes int) {
	fmt.Fprintf(b, `---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: app-%[1]d
  namespace: crowd
  uid: app-%[1]d
spec:
  replicas: 20
  selector:
    matchLabels: {app: app-%[1]d}
  template:
    metadata:
      labels: {app: app-%[1]d}
    spec:
      containers:
      - {name: app, image: "app:1.0.0", resources: {requests: {cpu: 100m, memory: 128Mi}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: app-%[1]d
  namespace: crowd
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app: app-%[1]d}
`, w)
	for k := range 20 {
		fmt.Fprintf(b, `---
apiVersion: v1
kind: Pod
metadata:
  name: app-%[1]d-%[2]d
  namespace: crowd
  labels: {app: app-%[1]d}
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: app-%[1]d, uid: app-%[1]d, controller: true}
spec:
  nodeName: node-%[3]d
  containers:
  - {name: app, image: "app:1.0.0", resources: {requests: {cpu: 100m, memory: 128Mi}}}
status:
  phase: Running
  conditions:
  - {type: Ready, status: "True"}
`, w, k, (w*20+k)%nodes)
	}
}

// guest is a workload that comes to such a cluster.
func guest(tag string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: guest
  namespace: crowd
spec:
  replicas: 3
  selector:
    matchLabels: {app: guest}
  template:
    metadata:
      labels: {app: guest}
    spec:
      containers:
      - {name: app, image: "app:%s", resources: {requests: {cpu: 100m, memory: 128Mi}}}
`, tag)
}
