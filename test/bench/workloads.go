package main

import (
	"fmt"
	"strings"
)

// workload makes the two manifests of an upgrade.
type workload func() (old, updated string)

// changes tells what differs in the i-th document.
type changes func(i int) (label, image, content bool)

func changesNothing(int) (label, image, content bool)      { return false, false, false }
func changesLabels(int) (label, image, content bool)       { return true, false, false }
func changesSomeLabels(i int) (label, image, content bool) { return i%100 == 0, false, false }
func changesImages(int) (label, image, content bool)       { return false, true, false }
func changesSomeImages(i int) (label, image, content bool) { return false, i%300 == 0, false }
func changesAll(int) (label, image, content bool)          { return true, true, true }

// documents are Deployments, Services and ConfigMaps in turn, of about 1.6 KB each.
func documents(n int, differs changes) workload {
	return func() (string, string) {
		var old, updated strings.Builder
		for i := range n {
			label, image, content := differs(i)
			writeDocument(&old, i, false, false, false)
			writeDocument(&updated, i, label, image, content)
		}
		return old.String(), updated.String()
	}
}

func version(changed bool) string {
	if changed {
		return "1.1.0"
	}
	return "1.0.0"
}

func writeDocument(b *strings.Builder, i int, label, image, content bool) {
	kind := [...]string{"Deployment", "Service", "ConfigMap"}[i%3]
	apiVersion := "v1"
	if kind == "Deployment" {
		apiVersion = "apps/v1"
	}
	fmt.Fprintf(b, `---
# Source: bench/templates/%[1]s-%[2]d.yaml
apiVersion: %[3]s
kind: %[4]s
metadata:
  name: app-%[2]d
  labels:
    helm.sh/chart: bench-%[5]s
    app.kubernetes.io/name: app-%[2]d
    app.kubernetes.io/instance: bench
    app.kubernetes.io/managed-by: Helm
`, strings.ToLower(kind), i, apiVersion, kind, version(label))
	switch kind {
	case "Deployment":
		writeDeployment(b, i, version(image), content)
	case "Service":
		writeService(b, i, content)
	default:
		b.WriteString("data:\n")
		for line := range 28 {
			fmt.Fprintf(b, "  setting-%02d: \"the value of setting %d %s\"\n", line, line, version(content && line == 7))
		}
	}
}

func writeDeployment(b *strings.Builder, i int, tag string, content bool) {
	replicas := 2
	if content {
		replicas = 3
	}
	fmt.Fprintf(b, `spec:
  replicas: %[3]d
  selector:
    matchLabels:
      app.kubernetes.io/name: app-%[1]d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-%[1]d
    spec:
      serviceAccountName: app-%[1]d
      containers:
      - name: app
        image: "registry.example.com/app:%[2]s"
        imagePullPolicy: IfNotPresent
        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
        readinessProbe:
          httpGet:
            path: /ready
            port: http
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
          limits:
            memory: 256Mi
        env:
`, i, tag, replicas)
	for line := range 6 {
		fmt.Fprintf(b, "        - name: SETTING_%d\n          value: \"the value of setting %d\"\n", line, line)
	}
	b.WriteString("        volumeMounts:\n        - name: config\n          mountPath: /etc/app\n" +
		"      volumes:\n      - name: config\n        configMap:\n          name: config\n")
}

func writeService(b *strings.Builder, i int, content bool) {
	fmt.Fprintf(b, "spec:\n  type: ClusterIP\n  selector:\n    app.kubernetes.io/name: app-%d\n  ports:\n", i)
	for port := range 14 {
		target := 8000 + port
		if content && port == 7 {
			target += 1000
		}
		fmt.Fprintf(b, "  - name: port-%d\n    port: %d\n    targetPort: %d\n    protocol: TCP\n", port, 8000+port, target)
	}
}

// jobs is a chart that spreads its work over Jobs: another number of Jobs changes
// every one of them.
func jobs(before, after int) workload {
	return func() (string, string) { return writeJobs(before, 10), writeJobs(after, 12) }
}

func writeJobs(n, batch int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
# Source: migrate/templates/jobs.yaml
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate-%[1]d
  labels:
    app.kubernetes.io/name: migrate
    app.kubernetes.io/instance: bench
spec:
  backoffLimit: 3
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels:
        app.kubernetes.io/name: migrate
    spec:
      restartPolicy: Never
      containers:
      - name: migrate
        image: registry.example.com/migrate:1.0.0
        args: ["--from", "%[3]d", "--rows", "%[2]d"]
        env:
        - name: JOB_NUMBER
          value: "%[1]d"
        - name: BATCH_SIZE
          value: "%[2]d"
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
`, i, batch, i*batch)
	}
	return b.String()
}

// crds are CustomResourceDefinitions of 512 KiB with some lines changed in each.
func crds(n, changed int) workload {
	return definitions(n, func(b *strings.Builder, i int) { writeCRD(b, i, changed) })
}

// grownCRDs are the same with a field more in each.
func grownCRDs(n int) workload {
	return definitions(n, func(b *strings.Builder, i int) {
		writeCRD(b, i, 0)
		b.WriteString("                  added:\n                    type: string\n")
	})
}

// definitions are of the form of writeCRD, and then what update writes.
func definitions(n int, update func(b *strings.Builder, i int)) workload {
	return func() (string, string) {
		var old, updated strings.Builder
		for i := range n {
			writeCRD(&old, i, 0)
			update(&updated, i)
		}
		return old.String(), updated.String()
	}
}

func writeCRD(b *strings.Builder, i, changed int) {
	const groups, fields = 50, 55
	fmt.Fprintf(b, `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things%[1]d.example.com
spec:
  group: example.com
  names:
    kind: Thing%[1]d
    plural: things%[1]d
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
`, i)
	every, line := groups*fields, 0
	if changed > 0 {
		every = groups * fields / changed
	}
	for group := range groups {
		fmt.Fprintf(b, "              group%d:\n                type: object\n                properties:\n", group)
		for field := range fields {
			word := "sets"
			if line++; changed > 0 && line%every == 0 {
				word = "chooses"
			}
			fmt.Fprintf(b, "                  field%d:\n                    description: |-\n"+
				"                      Field %d of group %d %s what the controller makes of the thing,\n"+
				"                      and is optional.\n                    type: string\n", field, field, group, word)
		}
	}
}

// configMap is one value of many lines; changed 0 changes them all.
func configMap(lines, changed int) workload {
	return func() (string, string) {
		var sides [2]strings.Builder
		for side := range sides {
			b := &sides[side]
			b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: big\ndata:\n  file: |\n")
			for line := range lines {
				value := line * 7 % 10_000
				if side == 1 && (changed == 0 || line%(lines/changed) == lines/changed/2) {
					value += 10_000
				}
				fmt.Fprintf(b, "    key%06d: %05d\n", line, value)
			}
		}
		return sides[0].String(), sides[1].String()
	}
}
