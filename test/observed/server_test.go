package observed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// serves returns an APIResourceList: RESOURCE=KIND, with ! behind a kind outside of namespaces.
func serves(version, kinds string) json.RawMessage {
	var resources []string
	for _, words := range strings.Fields(kinds) {
		name, kind, _ := strings.Cut(words, "=")
		kind, outside := strings.CutSuffix(kind, "!")
		resources = append(resources, fmt.Sprintf(`{"name":%q,"kind":%q,"namespaced":%t}`, name, kind, !outside))
	}
	return json.RawMessage(fmt.Sprintf(`{"groupVersion":%q,"resources":[%s]}`, version, strings.Join(resources, ",")))
}

// The program's own reader gets from a record what was in the cluster, of built-in kinds
// and of those that the case defines, and what the record does not hold is an error.
func TestServer(t *testing.T) {
	laboratory := &Laboratory{
		Groups: map[string]json.RawMessage{
			"/api/v1": serves("v1", "services=Service events=Event nodes=Node!"),
			"/apis/autoscaling": json.RawMessage(`{"name":"autoscaling","versions":[
				{"groupVersion":"autoscaling/v2","version":"v2"},{"groupVersion":"autoscaling/v1","version":"v1"}]}`),
			"/apis/autoscaling/v1":    serves("autoscaling/v1", "horizontalpodautoscalers=HorizontalPodAutoscaler"),
			"/apis/autoscaling/v2":    serves("autoscaling/v2", "horizontalpodautoscalers=HorizontalPodAutoscaler"),
			"/apis/storage.k8s.io/v1": serves("storage.k8s.io/v1", ""),
		},
		Objects: []map[string]any{object(t, `{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-0"}}`)},
	}
	cluster := &Cluster{Objects: []map[string]any{
		object(t, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"demo"}}`),
		object(t, `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"web","namespace":"demo"}}`),
		object(t, `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},
			"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},
			"versions":[{"name":"v1","served":true},{"name":"v0","served":false}]}}`),
		object(t, `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"one","namespace":"demo"}}`),
	}}
	for _, c := range []struct {
		ref        manifest.Ref
		there      bool
		unread     string
		unanswered string
	}{
		{ref: manifest.Ref{Version: "v1", Kind: "Service", Namespace: "demo", Name: "web"}, there: true},
		{ref: manifest.Ref{Version: "v1", Kind: "Service", Namespace: "other", Name: "web"}},
		{ref: manifest.Ref{Version: "v1", Kind: "Node", Name: "node-0"}, there: true},
		{ref: manifest.Ref{Version: "v1", Kind: "Node", Name: "node-1"}},
		{ref: manifest.Ref{Group: "example.com", Version: "v0", Kind: "Widget", Namespace: "demo", Name: "one"}, there: true},
		{ref: manifest.Ref{Group: "example.org", Version: "v1", Kind: "Widget", Namespace: "demo", Name: "one"},
			unread: "the cluster does not serve Widget of example.org/v1"},
		{ref: manifest.Ref{Group: "autoscaling", Version: "v1", Kind: "HorizontalPodAutoscaler", Namespace: "demo", Name: "web"},
			unanswered: "/apis/autoscaling/v1/namespaces/demo/horizontalpodautoscalers/web"},
		{ref: manifest.Ref{Version: "v1", Kind: "Event", Namespace: "demo", Name: "web"}, unanswered: "/api/v1/namespaces/demo/events/web"},
	} {
		t.Run(c.ref.String(), func(t *testing.T) {
			s, err := laboratory.newServer(cluster, true)
			if err != nil {
				t.Fatal(err)
			}
			reader, err := live.New(s.config(), live.Options{Pause: 1})
			if err != nil {
				t.Fatal(err)
			}
			state, err := reader.Read(t.Context(), []live.Wanted{{Ref: c.ref}})
			if err != nil {
				t.Fatal(err)
			}
			o := state.Objects[c.ref.Identity()]
			if c.unanswered == "" && ((o.Value != nil) != c.there || o.Unread != c.unread) {
				t.Errorf("there: %t, unread: %q", o.Value != nil, o.Unread)
			}
			if err := s.err(); (err != nil) != (c.unanswered != "") || err != nil && !strings.Contains(err.Error(), c.unanswered) {
				t.Errorf("the record has no answer: %v", err)
			}
		})
	}
	s, err := laboratory.newServer(cluster, false)
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := s.find("v1", "Node", func(map[string]any) bool { return true }); len(found) > 0 {
		t.Errorf("a case that brings its own nodes has %v", found)
	}
}

// Two measurements of one case are equal, and what the case has written itself stays.
func TestNormal(t *testing.T) {
	c := &cases.Case{Old: "clusterIP: 10.96.7.7 nodePort: 30007"}
	const uid1, uid2 = "7d3f0a52-0c1e-4a86-9f0e-3f6a6c1f9b11", "aaaaaaaa-0c1e-4a86-9f0e-3f6a6c1f9b11"
	measured := func(namespace, uid, end, address, port, at string) (string, string) {
		u := &agreement.Upgrade{Resources: []agreement.Resource{{
			APIVersion: namespace + ".example.com/v1", Namespace: namespace, Name: "x",
			Hangs: &agreement.Hang{Why: []string{"Failed: pod web-5d4f8c7b9d-" + end, "Failed: pod web-5d4f8c7b9d-" + end}},
		}}}
		u.Upgrade.Error = "Service " + namespace + "/web: " + address + " and 10.96.7.7, " + port + " and 30007, uid " + uid
		normal := NewNormal(c, namespace)
		normal.Upgrade(u)
		objects, err := normal.Objects([]map[string]any{
			object(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-5d4f8c7b9d-`+end+`","generateName":"web-5d4f8c7b9d-",
				"namespace":"`+namespace+`","uid":"`+uid+`","resourceVersion":"`+port+`","creationTimestamp":"`+at+`"}}`),
			object(t, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"`+namespace+`"},
				"spec":{"clusterIP":"`+address+`","ports":[{"nodePort":`+port+`},{"nodePort":30007}]}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err1 := json.Marshal(u)
		all, err2 := json.Marshal(objects)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return string(text), string(all)
	}
	u1, o1 := measured("case-1-0", uid1, "abcde", "10.99.1.2", "31234", "2026-11-29T20:00:00Z")
	u2, o2 := measured("case-1-0-again-2", uid2, "zzzzz", "10.100.3.4", "32000", "2026-11-30T01:02:03Z")
	if diff := cmp.Diff(u1, u2) + cmp.Diff(o1, o2); diff != "" {
		t.Error(diff)
	}
	const upgrade = `{"case":"","helm":"","upgrade":{"ok":false,"error":"Service demo/web: ADDRESS and 10.96.7.7, NODEPORT and 30007, uid UID"},` +
		`"resources":[{"apiVersion":"example.com/v1","kind":"","namespace":"demo","name":"x","verdict":"",` +
		`"hangs":{"old":0,"new":0,"ready":0,"why":["Failed: pod web-5d4f8c7b9d-POD"]}}]}`
	const objects = `[{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","generateName":"web-5d4f8c7b9d-",` +
		`"name":"web-5d4f8c7b9d-g0000","namespace":"demo","resourceVersion":"1","uid":"00000000-0000-4000-8000-000000000001"}},` +
		`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"demo"},` +
		`"spec":{"clusterIP":"10.96.0.2","ports":[{"nodePort":32001},{"nodePort":30007}]}}]`
	if diff := cmp.Diff(upgrade, u1) + cmp.Diff(objects, o1); diff != "" {
		t.Error(diff)
	}
}

// A store that is saved and loaded is the same, whatever was measured first, and keeps
// nothing that no case has any more.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Laboratory = &Laboratory{Groups: map[string]json.RawMessage{"/api/v1": json.RawMessage(`{}`)}}
	list := []cases.Case{{Name: "a/one", Old: "1"}, {Name: "b/two", Old: "2"}, {Name: "b/three", Old: "3", Unmeasured: "no"}}
	for i := range list {
		for _, way := range Ways() {
			o := &Observation{Key: Key(&list[i], way), Upgrade: agreement.Upgrade{Case: list[i].Name, Helm: way.Name}}
			o.Upgrade.Upgrade.Error = "<it failed>"
			s.Observations[o.Key] = o
			s.Clusters[ClusterKey(&list[i], way)] = &Cluster{Key: ClusterKey(&list[i], way), Objects: []map[string]any{{"kind": list[i].Name}}}
		}
	}
	if err := s.Keep(list); err != nil {
		t.Fatal(err)
	}
	other, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(other.Observations) != 6 || len(other.Clusters) != 4 {
		t.Errorf("%d observations and %d clusters are kept", len(other.Observations), len(other.Clusters))
	}
	for key, o := range other.Observations {
		if diff := cmp.Diff(s.Observations[key], o); diff != "" {
			t.Error(diff)
		}
	}
	if err := other.Keep(list[:1]); err != nil {
		t.Fatal(err)
	}
	if other, err = Load(dir); err != nil || len(other.Observations) != 3 || len(other.Clusters) != 2 {
		t.Errorf("%d observations and %d clusters are kept of one case: %v", len(other.Observations), len(other.Clusters), err)
	}
}
