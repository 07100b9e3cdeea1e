package rollout

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// template stands under spec of any workload; its comments mark places to edit.
const template = `
  template:
    metadata:
      labels: {app: web}
      annotations: {note: a}
      # metadata
    spec:
      # pod
      tolerations:
      - {key: pool, operator: Equal, value: edge}
      containers:
      - name: web
        image: nginx:1
        # container
        ports:
        - containerPort: 80
          # port
        - containerPort: 81
        env:
        - {name: A, value: "1"}
        - {name: B, value: "2"}
        - name: C
          # variable
          valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
        resources: {limits: {cpu: "1", memory: 1Gi}}
        readinessProbe:
          httpGet: {path: /, port: 80}
          # probe
        volumeMounts:
        - {name: config, mountPath: /config}
        - {name: scratch, mountPath: /scratch}
      - {name: side, image: side}
      volumes:
      - name: config
        configMap: {name: web}
      - {name: scratch, emptyDir: {}}
`

const (
	deploymentText = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}` + template

	statefulSetText = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  serviceName: web
  selector: {matchLabels: {app: web}}` + template

	daemonSetText = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}` + template
)

// newImage is the edit that replaces pods wherever anything does.
const newImage = "image: nginx:1 => image: nginx:2"

// with returns text with edits made, each "old => new" or "+ line under spec".
func with(t *testing.T, text string, edits ...string) string {
	t.Helper()
	for _, edit := range edits {
		if line, found := strings.CutPrefix(edit, "+ "); found {
			text = strings.Replace(text, "\nspec:\n", "\nspec:\n  "+line+"\n", 1)
			continue
		}
		was, is, _ := strings.Cut(edit, " => ")
		if !strings.Contains(text, was) {
			t.Fatalf("%q is not in the text to edit", was)
		}
		text = strings.Replace(text, was, is, 1)
	}
	return text
}

// stored decodes an object and defaults it, as the API server does.
func stored(t *testing.T, text string) runtime.Object {
	t.Helper()
	o, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode([]byte(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	legacyscheme.Scheme.Default(o)
	return o
}

// step is one upgrade of a workload and what is said about it.
type step struct {
	name     string
	old, new []string
	want     change.Pods
	// unclear is a part of the only thing that could not be told; "" if all could.
	unclear string
}

func runSteps(t *testing.T, text string, facts Facts, steps []step) {
	t.Helper()
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			got, unclear := Predict(stored(t, with(t, text, s.old...)), stored(t, with(t, text, s.new...)), facts)
			if got == nil {
				t.Fatal("no prediction")
			}
			if diff := cmp.Diff(s.want, *got); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
			if text := strings.Join(reasons(t, unclear), "\n"); (text == "") != (s.unclear == "") || !strings.Contains(text, s.unclear) || len(unclear) > 1 {
				t.Errorf("unclear is %v, want one with %q", unclear, s.unclear)
			}
		})
	}
}

// kept is the prediction that nothing happens to n pods.
func kept(n int, how string) change.Pods {
	return change.Pods{Before: n, Desired: n, Fewest: n, How: how}
}

// heldBack is kept where the template is a new one.
func heldBack(n int, how string) change.Pods {
	pods := kept(n, how)
	pods.Held = true
	return pods
}

func TestWhichTemplateChangesReplacePods(t *testing.T) {
	const all, none = "Deployment StatefulSet DaemonSet", ""
	for _, test := range []struct{ name, edit, replaced string }{
		{"image", newImage, all},

		{"pull policy of the tag", "# container => imagePullPolicy: IfNotPresent", none},
		{"termination message", "# container => terminationMessagePath: /dev/termination-log", none},
		{"port protocol", "# port => protocol: TCP", none},
		{"host port 0", "# port => hostPort: 0", none},
		{"grace period", "# pod => terminationGracePeriodSeconds: 30", none},
		{"DNS policy", "# pod => dnsPolicy: ClusterFirst", none},
		{"restart policy", "# pod => restartPolicy: Always", none},
		{"scheduler", "# pod => schedulerName: default-scheduler", none},
		{"empty pod security context", "# pod => securityContext: {}", none},
		{"host network off", "# pod => hostNetwork: false", none},
		{"probe scheme", "path: / => scheme: HTTP, path: /", none},
		{"probe timing", "# probe => timeoutSeconds: 1\n          periodSeconds: 10\n          failureThreshold: 3", none},
		{"default mode", "configMap: {name: web => configMap: {defaultMode: 420, name: web", none},
		{"default mode in octal", "configMap: {name: web => configMap: {defaultMode: 0644, name: web", none},
		{"version of a field reference", "fieldRef: { => fieldRef: {apiVersion: v1, ", none},
		{"writable mount", "mountPath: /config => mountPath: /config, readOnly: false", none},
		{"empty lists", "# pod => initContainers: []\n      imagePullSecrets: []\n      nodeSelector: {}", none},
		{"empty command", "# container => command: []", none},
		{"null for an empty volume", "emptyDir: {} => emptyDir: null", none},

		{"CPU as a number", `cpu: "1" => cpu: 1.0`, none},
		{"CPU in thousandths", `cpu: "1" => cpu: 1000m`, none},
		{"memory in Mi", "memory: 1Gi => memory: 1024Mi", none},
		{"memory in bytes", `memory: 1Gi => memory: "1073741824"`, "StatefulSet"},
		{"memory in thousandths", `memory: 1Gi => memory: "1073741824000m"`, "StatefulSet"},
		{"less memory", "memory: 1Gi => memory: 1G", all},

		{"empty affinity", "# pod => affinity: {}", all},
		{"empty container security context", "# container => securityContext: {}", all},
		{"privileged off", "# container => securityContext: {privileged: false}", all},
		{"service account token", "# pod => automountServiceAccountToken: true", all},
		{"service links", "# pod => enableServiceLinks: true", all},
		{"process namespace", "# pod => shareProcessNamespace: false", all},
		{"service account default", "# pod => serviceAccountName: default", all},
		{"reference not optional", "configMap: {name: web => configMap: {optional: false, name: web", all},
		{"operator of a toleration", "operator: Equal,  => ", all},
		{"requests that equal the limits", "resources: { => resources: {requests: {cpu: 1, memory: 1Gi}, ", all},
		{"name in the template", "# metadata => name: web", all},
		{"namespace in the template", "# metadata => namespace: default", all},
		{"latest, spelled out", "image: side => image: \"side:latest\"", all},
		{"empty annotation", `note: a => note: ""`, all},
		{"annotation away", "note: a => ", all},

		{"variables in another order", "name: A, value: \"1\"}\n        - {name: B, value: \"2\" => name: B, value: \"2\"}\n        - {name: A, value: \"1\"", all},
		{"ports in another order", "containerPort: 80\n          # port\n        - containerPort: 81 => containerPort: 81\n        - containerPort: 80", all},
		{"volumes in another order", "- name: config\n        configMap: {name: web}\n      - {name: scratch, emptyDir: {}} => - {name: scratch, emptyDir: {}}\n      - name: config\n        configMap: {name: web}", all},
		{"mounts in another order", "{name: config, mountPath: /config}\n        - {name: scratch, mountPath: /scratch} => {name: scratch, mountPath: /scratch}\n        - {name: config, mountPath: /config}", all},
	} {
		for _, text := range []string{deploymentText, statefulSetText, daemonSetText} {
			old := stored(t, text)
			kind := old.GetObjectKind().GroupVersionKind().Kind
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				want := strings.Contains(test.replaced, kind)
				updated := stored(t, with(t, text, test.edit))
				if got, _ := Predict(old, updated, Facts{}); got.Replaced != want {
					t.Errorf("replaced is %t, want %t", got.Replaced, want)
				}
			})
		}
	}
}

func TestCreationAndDeletion(t *testing.T) {
	for _, test := range []struct {
		name, text string
		wanted     int
		lost       bool
		how        string
		unclear    int
	}{
		{"Deployment", deploymentText, 3, true, "", 0},
		{"Deployment without pods", with(t, deploymentText, "replicas: 3 => replicas: 0"), 0, false, "", 0},
		{"paused Deployment", with(t, deploymentText, "+ paused: true"), 3, true, "paused: no pods until it is unpaused", 0},
		{"StatefulSet", statefulSetText, 3, true, "", 0},
		{"DaemonSet", daemonSetText, unknown, true, "", 0},
		{"ReplicaSet", replicaSetText, 2, true, "", 0},
		{"ReplicationController", replicationControllerText, 2, true, "", 0},
		{"Job", jobText, 2, false, "", 1},
		{"suspended Job", with(t, jobText, "+ suspend: true"), 0, false, "", 0},
		{"CronJob", cronJobText, unknown, false, "", 1},
		{"Pod", podText, 1, true, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := stored(t, test.text)
			got, unclear := Predict(nil, o, Facts{})
			if diff := cmp.Diff(&change.Pods{Desired: test.wanted, How: test.how}, got); diff != "" || len(unclear) > 0 {
				t.Errorf("created (-want +got):\n%s%v", diff, unclear)
			}
			got, unclear = Predict(o, nil, Facts{})
			if diff := cmp.Diff(&change.Pods{Before: test.wanted, AllDown: test.lost}, got); diff != "" || len(unclear) != test.unclear {
				t.Errorf("deleted (-want +got):\n%s%v", diff, unclear)
			}
		})
	}
	t.Run("what the cluster tells of jobs", func(t *testing.T) {
		for text, unclear := range map[string]int{
			jobText + "status: {}":                          0,
			jobText + "status: {active: 1}":                 1,
			cronJobText + "status: {}":                      0,
			cronJobText + "status: {active: [{name: one}]}": 1,
		} {
			if _, said := Predict(stored(t, text), nil, Facts{Live: true}); len(said) != unclear {
				t.Errorf("left open is %v of\n%s", said, text)
			}
		}
	})
	t.Run("what owns no pods", func(t *testing.T) {
		o := stored(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}")
		for _, pair := range [][2]runtime.Object{{nil, o}, {o, nil}, {o, o}, {nil, nil}} {
			if got, unclear := Predict(pair[0], pair[1], Facts{}); got != nil || unclear != nil {
				t.Errorf("got %v, %v", got, unclear)
			}
		}
	})
}

func TestPredictModifiesNothing(t *testing.T) {
	for _, text := range []string{deploymentText, statefulSetText, daemonSetText} {
		old, updated := stored(t, text), stored(t, with(t, text, newImage))
		wasOld, wasUpdated := old.DeepCopyObject(), updated.DeepCopyObject()
		Predict(old, updated, Facts{})
		if diff := cmp.Diff(wasOld, old) + cmp.Diff(wasUpdated, updated); diff != "" {
			t.Errorf("modified:\n%s", diff)
		}
	}
}

// reasons returns what could not be told. Each must say what it may hide.
func reasons(t *testing.T, doubts []change.Doubt) []string {
	t.Helper()
	var list []string
	for _, d := range doubts {
		if d.Hides == "" {
			t.Errorf("%q hides nothing", d.Reason)
		}
		list = append(list, d.Reason)
	}
	return list
}
