package report_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
)

// deployment is a workload with additions to its spec and its container.
func deployment(name, image, spec, container string) string {
	return fmt.Sprintf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec:\n  selector: {matchLabels: {app: %[1]s}}\n  %[3]s\n  template:\n"+
		"    metadata: {labels: {app: %[1]s}}\n    spec:\n      containers:\n      - {name: c, image: %[2]s%[4]s}\n", name, image, spec, container)
}

func service(name string) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec:\n  selector: {app: %[1]s}\n  ports: [{port: 80}]\n", name)
}

func hook(name, event string) string {
	return fmt.Sprintf("---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: %s, annotations: {helm.sh/hook: %s}}\nspec:\n  activeDeadlineSeconds: 90\n  template:\n    spec:\n"+
		"      restartPolicy: Never\n      containers: [{name: c, image: m:1}]\n", name, event)
}

func picture(t *testing.T, old, updated string, release change.Release) string {
	t.Helper()
	set, err := safediff.Compare(context.Background(), safediff.Manifest{Name: "old.yaml", Text: old}, safediff.Manifest{Name: "new.yaml", Text: updated},
		safediff.Options{Namespace: "prod", Picture: true, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	return string(render(t, set, view{format: "html"}))
}

var (
	bars  = regexp.MustCompile(`class="(?:bar|step) ([a-z]+)"><title>([^<]*)</title>`)
	cells = regexp.MustCompile(`<tr>((?:<td>[^<]*</td>)+)</tr>`)
	ties  = regexp.MustCompile(`class="tie[^"]*"><title>([^<]*)</title>`)
)

func matches(of *regexp.Regexp, page string) []string {
	var list []string
	for _, m := range of.FindAllStringSubmatch(page, -1) {
		list = append(list, strings.Trim(strings.NewReplacer("</td><td>", " | ", "<td>", "", "</td>", "").Replace(strings.Join(m[1:], " ")), " "))
	}
	return list
}

// TestTimelineWithoutNodes checks that no new pods are drawn if no node can hold them, and
// that they are drawn if a node can.
func TestTimelineWithoutNodes(t *testing.T) {
	const node = "apiVersion: v1\nkind: Node\nmetadata: {name: one}\nstatus: {allocatable: {cpu: 4, memory: 8Gi, pods: 100}}\n"
	for cpu, want := range map[string][]string{
		"2": {"old Deployment web: 1 old pod", "moving Deployment web: old and new pods, 1 or more ready", "new Deployment web: 1 new pod"},
		"8": {"old Deployment web: 1 old pod", "moving Deployment web: no new pod starts"},
	} {
		set, err := safediff.Compare(context.Background(), safediff.Manifest{Name: "old.yaml", Text: deployment("web", "w:1", "", "")},
			safediff.Manifest{Name: "new.yaml", Text: deployment("web", "w:1", "", ", resources: {requests: {cpu: "+cpu+"}}")},
			safediff.Options{Namespace: "prod", Picture: true, Cluster: []safediff.Manifest{{Name: "cluster.yaml", Text: node}}})
		if err != nil {
			t.Fatal(err)
		}
		page := string(render(t, set, view{format: "html"}))
		if diff := cmp.Diff(append([]string{"done update Deployment: prod/web"}, want...), matches(bars, page)); diff != "" {
			t.Errorf("%s CPUs: want (-), got (+):\n%s", cpu, diff)
		}
	}
}

// TestTimeline checks the steps, pods, endpoints and bounds of the drawing.
func TestTimeline(t *testing.T) {
	slow := ", readinessProbe: {initialDelaySeconds: 20, periodSeconds: 5, successThreshold: 3, tcpSocket: {port: 80}}"
	for name, tc := range map[string]struct {
		old, new string
		release  change.Release
		want     []string
		rows     []string
	}{
		"one by one": {
			old: deployment("web", "w:1", "replicas: 3\n  minReadySeconds: 10", slow) + service("web"), new: deployment("web", "w:2", "replicas: 3\n  minReadySeconds: 10", slow) + service("web"),
			want: []string{
				"done update Deployment: prod/web",
				"old Deployment web: 3 old pods", "moving Deployment web: old and new pods, 3 or more ready", "new Deployment web: 3 new pods",
				"new Service web: web",
			},
			rows: []string{"Deployment prod/web | 3 → 3 | 3 or more ready | at least 30 s | 30 s | 600 s", "Service prod/web | Deployment prod/web | Deployment prod/web | Deployment prod/web"},
		},
		"a gap": {
			old: deployment("web", "w:1", "strategy: {type: Recreate}", "") + service("web"), new: deployment("web", "w:2", "strategy: {type: Recreate}", "") + service("web"),
			want: []string{
				"done update Deployment: prod/web",
				"old Deployment web: 1 old pod", "down Deployment web: no pod is ready", "new Deployment web: 1 new pod",
				"new Service web: web", "down Service web: no endpoint", "new Service web: web",
			},
			rows: []string{"Deployment prod/web | 1 → 1 | none ready | unknown | 30 s | 600 s", "Service prod/web | Deployment prod/web | at some moment none is ready | Deployment prod/web"},
		},
		"fails at a creation, and reaches neither what is behind it nor the hook": {
			old: deployment("web", "w:1", "", ""), new: "apiVersion: v1\nkind: Service\nmetadata: {name: Bad_Name}\nspec: {ports: [{port: 80}]}\n" + deployment("web", "w:2", "", "") + hook("after", "post-upgrade"),
			want: []string{
				"failed create Service: prod/Bad_Name", "missed update Deployment: prod/web", "missed run Job after: prod/after",
				"old Deployment web: 1 old pod, as before",
			},
			rows: []string{"Deployment prod/web | 1 → 1 | 1 or more ready | unknown | 30 s | 600 s", "Job prod/after | hook |  | unknown |  | 90 s"},
		},
		"hooks around it, and Helm waits": {
			old: deployment("web", "w:1", "", "") + hook("before", "pre-upgrade") + hook("after", "post-upgrade"), new: deployment("web", "w:2", "", "") + hook("before", "pre-upgrade") + hook("after", "post-upgrade"),
			release: change.Release{Wait: change.Wait{Waits: true}},
			want: []string{
				"done run Job before: prod/before", "done update Deployment: prod/web", "done run Job after: prod/after",
				"old Deployment web: 1 old pod", "moving Deployment web: old and new pods, 1 or more ready", "new Deployment web: 1 new pod",
			},
			rows: []string{
				"Deployment prod/web | 1 → 1 | 1 or more ready | unknown | 30 s | 600 s",
				"Job prod/before | hook |  | unknown |  | 90 s", "Job prod/after | hook |  | unknown |  | 90 s",
			},
		},
		"a Service that comes with its pods": {
			old: service("other"), new: service("other") + service("web") + deployment("web", "w:1", "", ""),
			want: []string{
				"done create Service: prod/web", "done create Deployment: prod/web", "moving Deployment web: new pods start", "new Deployment web: 1 new pod",
				"down Service web: no endpoint", "new Service web: web",
			},
			rows: []string{"Deployment prod/web | 0 → 1 | 0 or more ready | unknown |  | 600 s", "Service prod/web | none | none | Deployment prod/web"},
		},
		"nothing": {old: service("web"), new: service("web")},
	} {
		page := picture(t, tc.old, tc.new, tc.release)
		if d := cmp.Diff(tc.want, matches(bars, page)); d != "" {
			t.Errorf("%s: drawn (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(tc.rows, matches(cells, page)); d != "" {
			t.Errorf("%s: in words (-want +got):\n%s", name, d)
		}
		if fails := strings.Contains(page, "<title>the upgrade fails here</title>"); fails != strings.HasPrefix(name, "fails") {
			t.Errorf("%s: the point of failure is drawn: %t", name, fails)
		}
	}
}

// TestGraph checks that the drawing has the objects that change and those one step around
// them, and equal objects once.
func TestGraph(t *testing.T) {
	config := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: %q}\n"
	around := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: in}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n" +
		"---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n" +
		"---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}\n" +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: unread}\ndata: {a: b}\n" +
		deployment("idle", "i:1", "", "") + service("web")
	var old, updated strings.Builder
	for _, name := range []string{"one", "two", "three"} { // each with a reader that does not change
		from := ", envFrom: [{configMapRef: {name: " + name + "}}]"
		fmt.Fprintf(&old, config, name, "old")
		fmt.Fprintf(&updated, config, name, "new")
		old.WriteString(deployment("reads-"+name, "r:1", "", from))
		updated.WriteString(deployment("reads-"+name, "r:1", "", from))
	}
	page := picture(t, old.String()+around+deployment("web", "w:1", "", ""), updated.String()+around+deployment("web", "w:2", "", ""), change.Release{Namespace: "prod"})
	got := matches(ties, page)
	slices.Sort(got)
	want := []string{
		"Deployment reads-one (and 2 like it) reads ConfigMap one (and 2 like it)",
		"HorizontalPodAutoscaler web scales Deployment web",
		"PodDisruptionBudget web protects Deployment web",
		"Service web selects Deployment web",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("ties (-want +got):\n%s", d)
	}
	for _, name := range []string{"unread", "idle"} {
		if strings.Contains(page, name) {
			t.Errorf("%s is on the page, which has nothing to do with it", name)
		}
	}
}

// TestPictureSaysWhatIsJudged compares the drawings of all cases with the judgement: pods
// of which none is ready are drawn if, and only if, a workload goes down.
func TestPictureSaysWhatIsJudged(t *testing.T) {
	var files []string
	err := filepath.WalkDir(cases, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	down, failing := 0, 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set, err := safediff.Compare(context.Background(), safediff.Manifest{Name: "old.yaml", Text: section(archive, "old.yaml")},
			safediff.Manifest{Name: "new.yaml", Text: section(archive, "new.yaml")}, safediff.Options{Namespace: "demo", Picture: true})
		if err != nil {
			continue // the case needs input that this call cannot take
		}
		page := string(render(t, set, view{format: "html"}))
		want := slices.ContainsFunc(set.Changes, func(c change.Change) bool {
			p := c.Outcome.Pods
			return p != nil && p.AllDown && c.Op != change.Delete && c.Hook == nil && !c.Hidden() && !c.Outcome.Unreached && len(c.Outcome.Refused) == 0
		})
		if got := strings.Contains(page, ": no pod is ready</title>"); got != want {
			t.Errorf("%s: no pod is ready: %t, drawn: %t", file, want, got)
		}
		if got := strings.Contains(page, "<title>the upgrade fails here</title>"); got != (set.Fails() && len(set.Picture.Steps) > 0) {
			t.Errorf("%s: the upgrade fails: %t, drawn: %t", file, set.Fails(), got)
		}
		if want {
			down++
		}
		if set.Fails() {
			failing++
		}
	}
	if down < 40 || failing < 100 {
		t.Errorf("the cases have only %d workloads that go down and %d upgrades that fail", down, failing)
	}
}
