package observed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// server answers as the API server of the laboratory did: what it serves, and the
// objects that were there. It is a transport; nothing goes over a network.
type server struct {
	groups  map[string]json.RawMessage
	kinds   map[string]map[string]metav1.APIResource // by group and version, and name in paths
	objects []map[string]any

	mu         sync.Mutex
	unanswered []string
}

// newServer returns what answers of a cluster; furnished says that the furniture of the
// laboratory is there.
func (l *Laboratory) newServer(c *Cluster, furnished bool) (*server, error) {
	s := &server{groups: map[string]json.RawMessage{}, kinds: map[string]map[string]metav1.APIResource{}}
	for path, answer := range l.Groups {
		if err := s.serve(path, answer); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, o := range c.Objects {
		seen[identity(o)] = true
		if o["kind"] == "CustomResourceDefinition" {
			if err := s.define(o); err != nil {
				return nil, err
			}
		}
	}
	s.objects = append(s.objects, c.Objects...)
	for _, o := range l.Objects {
		if !seen[identity(o)] && (furnished || !isFurniture(o)) {
			s.objects = append(s.objects, o)
		}
	}
	return s, nil
}

func (s *server) serve(path string, answer json.RawMessage) error {
	s.groups[path] = answer
	var list metav1.APIResourceList
	if err := json.Unmarshal(answer, &list); err != nil || list.GroupVersion == "" {
		return err // a group, which has versions and no resources
	}
	s.kinds[list.GroupVersion] = map[string]metav1.APIResource{}
	for _, r := range list.APIResources {
		s.kinds[list.GroupVersion][r.Name] = r
	}
	return nil
}

// define serves the kind of a CustomResourceDefinition.
func (s *server) define(definition map[string]any) error {
	var crd struct {
		Spec struct {
			Group, Scope string
			Names        struct{ Plural, Singular, Kind string }
			Versions     []struct {
				Name   string
				Served bool
			}
		}
	}
	text, err := json.Marshal(definition)
	if err == nil {
		err = json.Unmarshal(text, &crd)
	}
	if err != nil {
		return err
	}
	group := metav1.APIGroup{Name: crd.Spec.Group}
	if known, found := s.groups["/apis/"+crd.Spec.Group]; found {
		if err := json.Unmarshal(known, &group); err != nil {
			return err
		}
	}
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		in := crd.Spec.Group + "/" + v.Name
		list := metav1.APIResourceList{GroupVersion: in}
		if known, found := s.groups["/apis/"+in]; found {
			if err := json.Unmarshal(known, &list); err != nil {
				return err
			}
		} else {
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: in, Version: v.Name})
		}
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name: crd.Spec.Names.Plural, Kind: crd.Spec.Names.Kind, Namespaced: crd.Spec.Scope == "Namespaced",
		})
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if err := s.serve("/apis/"+in, text); err != nil {
			return err
		}
	}
	s.groups["/apis/"+crd.Spec.Group], err = json.Marshal(group)
	return err
}

// config returns how to reach the server.
func (s *server) config() *rest.Config { return &rest.Config{Host: "http://observed", Transport: s} }

// RoundTrip answers a request.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	code, answer := s.answer(r.URL.Path)
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func notFound() map[string]any {
	return map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": http.StatusNotFound}
}

func (s *server) answer(path string) (code int, answer any) {
	if known, found := s.groups[path]; found {
		return http.StatusOK, known
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	version, rest := "", parts
	switch {
	case len(parts) > 2 && parts[0] == "api":
		version, rest = parts[1], parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		version, rest = parts[1]+"/"+parts[2], parts[3:]
	}
	namespace := ""
	if len(rest) > 2 && rest[0] == "namespaces" {
		namespace, rest = rest[1], rest[2:]
	}
	kind, served := s.kinds[version][rest[0]]
	switch {
	case !served || len(rest) > 2:
		return http.StatusNotFound, notFound()
	case !recorded(kind.Name):
		return s.unknown(path)
	}
	found, elsewhere := s.find(version, kind.Kind, func(o map[string]any) bool {
		return (namespace == "" || field(o, "namespace") == namespace) && (len(rest) == 1 || field(o, "name") == rest[1])
	})
	switch {
	case elsewhere, len(rest) == 1 && (kind.Kind == "Endpoints" || kind.Kind == "EndpointSlice"):
		return s.unknown(path)
	case len(rest) == 2 && len(found) == 0 && s.derives(kind.Kind, namespace, rest[1]):
		return s.unknown(path)
	case len(rest) == 1:
		return http.StatusOK, map[string]any{"kind": kind.Kind + "List", "apiVersion": version, "metadata": map[string]any{}, "items": found}
	case len(found) == 0:
		return http.StatusNotFound, notFound()
	default:
		return http.StatusOK, found[0]
	}
}

// find returns the objects of a kind, each once, and whether there are some that were
// recorded in other versions only.
func (s *server) find(version, kind string, is func(map[string]any) bool) (found []map[string]any, elsewhere bool) {
	group, _, _ := strings.Cut(version, "/")
	others := map[string]bool{}
	for _, o := range s.objects {
		in, _ := o["apiVersion"].(string)
		name := field(o, "namespace") + "/" + field(o, "name")
		switch its, _, _ := strings.Cut(in, "/"); {
		case o["kind"] != kind || !is(o):
		case in == version:
			found = append(found, o)
			others[name] = false
		case its == group && strings.Contains(in, "/") == strings.Contains(version, "/"):
			if _, known := others[name]; !known {
				others[name] = true
			}
		}
	}
	for _, only := range others {
		elsewhere = elsewhere || only
	}
	if found == nil {
		found = []map[string]any{}
	}
	return found, elsewhere
}

// unknown notes what the record has no answer to.
func (s *server) unknown(path string) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unanswered = append(s.unanswered, path)
	return http.StatusNotImplemented, notFound()
}

// err tells what was asked and could not be answered.
func (s *server) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unanswered) == 0 {
		return nil
	}
	return fmt.Errorf("the record of the cluster has no answer to %s: measure the case again", strings.Join(s.unanswered, " "))
}

// Unrecorded are the resources that are left out of a record: what changes by itself,
// and what controllers derive from the rest.
func Unrecorded() []string {
	return []string{"events", "leases", "bindings", "podmetrics", "ipaddresses", "servicecidrs", "componentstatuses"}
}

// Derived reports whether an object is what a controller has made of a Service and its
// pods, which is left out of a record too.
func Derived(o map[string]any) bool {
	if kind := o["kind"]; kind != "Endpoints" && kind != "EndpointSlice" {
		return false
	}
	metadata, _ := o["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	return labels["endpoints.kubernetes.io/managed-by"] != nil || labels["endpointslice.kubernetes.io/managed-by"] != nil ||
		field(o, "namespace") == "default" && field(o, "name") == "kubernetes"
}

// generatedEnd is how long the end of a generated name is (k8s.io/apiserver/pkg/storage/names).
const generatedEnd = 5

// derives reports whether a controller may make objects of a kind and name.
func (s *server) derives(kind, namespace, name string) bool {
	for _, o := range s.objects {
		spec, _ := o["spec"].(map[string]any)
		selector, _ := spec["selector"].(map[string]any)
		if o["kind"] == "Service" && field(o, "namespace") == namespace && len(selector) > 0 {
			end, generated := strings.CutPrefix(name, field(o, "name")+"-")
			if kind == "Endpoints" && field(o, "name") == name || kind == "EndpointSlice" && generated && len(end) == generatedEnd {
				return true
			}
		}
	}
	return false
}

func recorded(resource string) bool {
	for _, name := range Unrecorded() {
		if name == resource {
			return false
		}
	}
	return true
}

// isFurniture reports whether an object is taken away for cases that bring their own.
func isFurniture(o map[string]any) bool {
	switch o["kind"] {
	case "Node", "StorageClass":
		return true
	case "PriorityClass":
		return !strings.HasPrefix(field(o, "name"), "system-")
	default:
		return false
	}
}

func field(o map[string]any, name string) string {
	metadata, _ := o["metadata"].(map[string]any)
	text, _ := metadata[name].(string)
	return text
}

func identity(o map[string]any) string {
	return fmt.Sprint(o["apiVersion"], "/", o["kind"], "/", field(o, "namespace"), "/", field(o, "name"))
}
