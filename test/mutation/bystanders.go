package mutation

// bystanders is the namespace of objects that have nothing to do with the others: what is
// said of them must not depend on what these are.
const bystanders = "bystanders"

const oldBystanders = `apiVersion: apps/v1
kind: Deployment
metadata: {name: still, namespace: bystanders, labels: {who: bystander}}
spec:
  replicas: 3
  selector: {matchLabels: {who: bystander}}
  template:
    metadata: {labels: {who: bystander}}
    spec:
      tolerations: [{operator: Exists}]
      containers:
      - {name: main, image: "still:1", ports: [{name: http, containerPort: 8080}], envFrom: [{configMapRef: {name: settled}}]}
---
apiVersion: v1
kind: Service
metadata: {name: still, namespace: bystanders}
spec: {selector: {who: bystander}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settled, namespace: bystanders}
data: {mode: a}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, namespace: bystanders}
spec:
  serviceName: store
  selector: {matchLabels: {who: store}}
  template:
    metadata: {labels: {who: store}}
    spec:
      containers: [{name: main, image: "store:1"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: bystanders}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`

const newBystanders = `apiVersion: apps/v1
kind: Deployment
metadata: {name: still, namespace: bystanders, labels: {who: bystander}}
spec:
  replicas: 3
  selector: {matchLabels: {who: bystander}}
  template:
    metadata: {labels: {who: bystander}}
    spec:
      tolerations: [{operator: Exists}]
      containers:
      - {name: main, image: "still:2", ports: [{name: web, containerPort: 8080}], envFrom: [{configMapRef: {name: settled}}]}
---
apiVersion: v1
kind: Service
metadata: {name: still, namespace: bystanders}
spec: {selector: {who: bystander}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settled, namespace: bystanders}
data: {mode: b}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, namespace: bystanders}
spec:
  serviceName: elsewhere
  selector: {matchLabels: {who: store}}
  template:
    metadata: {labels: {who: store}}
    spec:
      containers: [{name: main, image: "store:1"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: bystanders}
rules: [{apiGroups: [""], resources: [pods, secrets], verbs: ["*"]}]
`

// stops are objects that are rejected. Where Helm stops there, it does not come to some of
// the bystanders, which is said of them and is no fault: one for each place in Helm's order.
func stops() []string {
	list := make([]string, 0, 9)
	list = append(list,
		"",
		"---\napiVersion: nowhere/v1beta1\nkind: Deployment\nmetadata: {name: none, labels: {a: 1}}\n",
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: NONE, annotations: {helm.sh/hook: pre-upgrade}}\n",
	)
	for _, kind := range []string{
		"v1, kind: ServiceAccount", "v1, kind: PersistentVolumeClaim", "rbac.authorization.k8s.io/v1, kind: RoleBinding", "v1, kind: Pod",
		"autoscaling/v2, kind: HorizontalPodAutoscaler", "batch/v1, kind: CronJob",
	} {
		list = append(list, "---\n{apiVersion: "+kind+", metadata: {name: NONE}}\n")
	}
	return list
}
