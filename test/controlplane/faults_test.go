package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// A faultCase is a cluster that is slow, overloaded or half down, and what the
// program must make of it.
type faultCase struct {
	name  string
	fault fault
	// unchecked is what the report must list, each "Kind: reason" once, and the Kind
	// left out of what is said of no single object. Nothing else may differ from the
	// exit code of a sound cluster; if unchecked is nil, not a byte of the report.
	unchecked []string
	// fails is what the only line of the error says, if the program must fail, and
	// hinted that there is a hint below.
	fails  string
	hinted bool
}

// What Helm reads, and what is read of the objects of the release and around them.
func ofRecords(r *http.Request) bool {
	return strings.Contains(r.URL.RawQuery, "labelSelector") || strings.Contains(r.URL.Path, "sh.helm.release")
}
func ofObjects(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/namespaces/prod/") && !ofRecords(r)
}

func faults() []faultCase {
	const pods = "/api/v1/namespaces/prod/pods"
	const nothing = "nothing of the release could be read from the cluster, and its objects were taken to be as Helm left them: "
	const noPods = "Pod objects in namespace prod were not read: "
	const noApps = "the object was not read from the cluster: what the cluster serves of apps/v1 could not be read: the cluster answers 503 Service Unavailable: out of order"
	late := func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		time.Sleep(150 * time.Millisecond)
		pass(w, r)
	}
	return []faultCase{
		{name: "each answer is late", fault: late},
		{name: "each path is busy at first", fault: firstTimes(1, answer(http.StatusTooManyRequests, "1"))},
		{name: "each answer about objects is cut at first", fault: where(ofObjects, firstTimes(1, cut))},
		{name: "each answer about objects is an error at first", fault: where(ofObjects, firstTimes(1, answer(http.StatusInternalServerError, "")))},
		{name: "the pods hang", fault: where(at(pods), hang), unchecked: []string{noPods + "the cluster does not answer in time"}},
		{name: "the pods are cut", fault: where(at(pods), cut), unchecked: []string{noPods + "the connection to the cluster was cut"}},
		{
			name: "the pods are an error", fault: where(at(pods), answer(http.StatusInternalServerError, "")),
			unchecked: []string{noPods + "the cluster answers 500 Internal Server Error: out of order"},
		},
		{name: "all objects are cut", fault: where(ofObjects, cut), unchecked: []string{nothing + "the connection to the cluster was cut"}},
		{
			name: "all objects are an error", fault: where(ofObjects, answer(http.StatusInternalServerError, "")),
			unchecked: []string{nothing + "the cluster answers 500 Internal Server Error: out of order"},
		},
		{
			name: "all objects are busy for ever", fault: where(ofObjects, answer(http.StatusTooManyRequests, "1")),
			unchecked: []string{nothing + "the cluster is too busy (429 Too Many Requests)"},
		},
		{
			name: "discovery of a group is broken", fault: where(at("/apis/apps/v1"), answer(http.StatusServiceUnavailable, "")),
			unchecked: []string{"Deployment: " + noApps, "StatefulSet: " + noApps},
		},
		{name: "the records hang", fault: where(ofRecords, hang), fails: `read release "shop": query: failed to query with labels: the cluster does not answer in time`},
		{name: "the records are cut", fault: where(ofRecords, cut), fails: `read release "shop": query: failed to query with labels: `},
		{name: "the records are an error", fault: where(ofRecords, answer(http.StatusInternalServerError, "")), fails: `read release "shop": query: failed to query with labels: out of order`},
		{
			name: "all is busy for ever", fault: answer(http.StatusTooManyRequests, "1"), hinted: true,
			fails: "reach the cluster: the server has received too many requests and has asked us to try again later",
		},
	}
}

// A command is one of the program's, on a cluster as withShop leaves it.
type command struct {
	name string
	args []string
	code int // on a sound cluster
	// looks says that it asks for the objects, and not only for Helm's records.
	looks bool
	// blind is what it must leave open besides if no object can be read.
	blind []string
}

// commands are an upgrade that is not safe, and others most of which are: there silence
// would be the worst.
func commands() []command {
	const cronJob = "CronJob: whether the CronJob is running just now: if so, what runs is stopped"
	return []command{
		{"upgrade to 2.0.0", []string{"upgrade", "shop", shop("2.0.0")}, change.ExitRisky, true, nil},
		{"upgrade to 1.4.3", []string{"upgrade", "shop", shop("1.4.3")}, change.ExitSafe, true, nil},
		{"rollback", []string{"rollback", "shop", "2"}, change.ExitSafe, true, nil},
		{"uninstall", []string{"uninstall", "shop"}, change.ExitRisky, true, []string{cronJob}},
		{"revision", []string{"revision", "shop", "1", "2"}, change.ExitSafe, false, nil},
		{"release", []string{"release", "shop", "test/shop"}, change.ExitSafe, false, nil},
	}
}

// TestFaults lets the built program judge through a proxy that behaves as clusters do
// that are slow, overloaded or half down.
func TestFaults(t *testing.T) {
	l := withShop(t)
	sound := newProxy(t, l, true, func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) { pass(w, r) })
	for _, cmd := range commands() {
		expected := sound.judge(t, cmd, nil)
		if expected.code != cmd.code || len(expected.unchecked) > 0 || expected.stderr != "" {
			t.Fatalf("without a fault, %s ends with %d, unchecked %q, and says %q", cmd.name, expected.code, expected.unchecked, expected.stderr)
		}
		for _, c := range faults() {
			for protocol, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
				if !http2 && cmd.args[0] != "upgrade" {
					continue // one command is enough to show that both are read alike
				}
				t.Run(c.name+" by "+protocol+", "+cmd.name, func(t *testing.T) {
					t.Parallel()
					c.hold(t, cmd, expected, newProxy(t, l, http2, fresh(c.name)).judge(t, cmd, nil))
				})
			}
		}
	}
}

// fresh returns the fault of a case that nothing has met yet.
func fresh(name string) fault {
	list := faults()
	return list[slices.IndexFunc(list, func(c faultCase) bool { return c.name == name })].fault
}

// hold compares what the program has made of the fault with what it must make of it. One
// that has to do with objects only is nothing to a command that does not ask for them.
func (c *faultCase) hold(t *testing.T, cmd command, sound, got judged) {
	t.Helper()
	unchecked := c.unchecked
	switch {
	case !cmd.looks:
		unchecked = nil
	case len(unchecked) > 0 && strings.HasPrefix(unchecked[0], "nothing of the release"):
		unchecked = slices.Sorted(slices.Values(append(slices.Clone(unchecked), cmd.blind...)))
	}
	if c.fails != "" {
		line, below, _ := strings.Cut(got.stderr, "\n")
		if got.code != change.ExitError || got.report != "" || !strings.HasPrefix(line, "Error: "+c.fails) || strings.HasPrefix(below, "hint: ") != c.hinted || !c.hinted && below != "" {
			t.Errorf("ends with %d, prints %q, and says\n%s", got.code, got.report, got.stderr)
		}
		return
	}
	if got.code != sound.code || got.stderr != "" {
		t.Errorf("ends with %d instead of %d, and says %q", got.code, sound.code, got.stderr)
	}
	if diff := cmp.Diff(unchecked, got.unchecked); diff != "" {
		t.Errorf("unchecked (-want +got):\n%s", diff)
	}
	if unchecked == nil && got.report != sound.report {
		t.Errorf("the report (-want +got):\n%s", cmp.Diff(sound.report, got.report))
	}
}

// TestInterrupt sends the program what Ctrl-C sends while it waits for an answer.
func TestInterrupt(t *testing.T) {
	l := withShop(t)
	for _, c := range []struct {
		name  string
		fault fault
		looks bool // only a command that asks for objects meets it
	}{
		{"the first answer hangs", hang, false},
		{"the records hang", where(ofRecords, hang), false},
		{"the objects hang", where(ofObjects, hang), true},
		{"the objects are to be read later", where(ofObjects, answer(http.StatusTooManyRequests, "20")), true},
	} {
		for _, cmd := range commands() {
			if c.looks && !cmd.looks {
				continue
			}
			t.Run(c.name+", "+cmd.name, func(t *testing.T) {
				t.Parallel()
				met := make(chan struct{})
				got := newProxy(t, l, true, signalling(met, c.fault)).judge(t, cmd, met)
				if got.code != change.ExitError || got.report != "" || got.stderr != "Error: interrupted\n" || got.took > 2*time.Second {
					t.Errorf("ends %s after the interrupt with %d, prints %q, and says %q", got.took, got.code, got.report, got.stderr)
				}
			})
		}
	}
}

// judged is what became of one run of the program.
type judged struct {
	code           int
	report, stderr string
	unchecked      []string // each "Kind: reason" once, sorted
	took           time.Duration
}

// withShop starts a lab in which the third revision of release shop, 1.4.2 as the first
// was, is installed in namespace prod, and all its pods run. In namespace test is another.
func withShop(t *testing.T) *lab.Lab {
	t.Helper()
	l := startLab(t, program)
	for _, step := range []struct{ namespace, version string }{{"test", "1.4.2"}, {"prod", "1.4.2"}, {"prod", "1.4.3"}, {"prod", "1.4.2"}} {
		install := exec.CommandContext(t.Context(), ways()[0].Install, "upgrade", "--install", "shop", shop(step.version),
			"--namespace", step.namespace, "--create-namespace", "--wait", "--kubeconfig", l.Kubeconfig)
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("install release shop: %v\n%s", err, out)
		}
	}
	return l
}

func shop(version string) string { return filepath.Join("../../testdata/charts/shop", version) }

// judge runs a command through the proxy.
func (p *proxy) judge(t *testing.T, c command, interrupt <-chan struct{}) judged {
	t.Helper()
	return c.run(t, p.kubeconfig, interrupt)
}

// run runs a command. Unless interrupt is nil, the program is interrupted when something
// comes from it, and the time taken from then.
func (c command) run(t *testing.T, kubeconfig string, interrupt <-chan struct{}) judged {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, *program, append(slices.Clone(c.args), "--namespace", "prod", "--output", "json")...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HOME="+t.TempDir())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if interrupt != nil {
		select {
		case <-interrupt:
			begun = time.Now()
			_ = cmd.Process.Signal(os.Interrupt)
		case <-ctx.Done():
		}
	}
	exit := new(exec.ExitError)
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := judged{code: cmd.ProcessState.ExitCode(), report: stdout.String(), stderr: stderr.String(), took: time.Since(begun)}
	if r.report == "" {
		return r
	}
	var said struct {
		Unchecked []struct{ Kind, Reason string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &said); err != nil {
		t.Errorf("read the report: %v\n%s", err, r.report)
	}
	for _, n := range said.Unchecked {
		if n.Kind != "" {
			n.Reason = n.Kind + ": " + n.Reason
		}
		r.unchecked = append(r.unchecked, n.Reason)
	}
	slices.Sort(r.unchecked)
	r.unchecked = slices.Compact(r.unchecked)
	return r
}
