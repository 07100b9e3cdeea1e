package live_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// TestTry sends changes to a server that answers as an API server does.
func TestTry(t *testing.T) {
	const core = `{"kind":"APIResourceList","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true}]}`
	failure := func(code, reason, message string) string {
		return `{"kind":"Status","apiVersion":"v1","status":"Failure","code":` + code + `,"reason":"` + reason + `","message":"` + message + `"}`
	}
	for _, c := range []struct {
		name    string
		attempt live.Attempt
		status  int
		answer  string
		sent    string
		want    string
	}{
		{"a patch", live.Attempt{Type: "application/merge-patch+json"}, 200, `{"kind":"ConfigMap"}`,
			"PATCH /api/v1/namespaces/prod/configmaps/settings?dryRun=All&fieldManager=helm application/merge-patch+json", "value"},
		{"an apply that takes fields", live.Attempt{Type: "application/apply-patch+yaml", Force: true}, 201, `{"kind":"ConfigMap"}`,
			"PATCH /api/v1/namespaces/prod/configmaps/settings?dryRun=All&fieldManager=helm&force=true application/apply-patch+yaml", "value"},
		{"a creation", live.Attempt{Create: true}, 201, `{"kind":"ConfigMap"}`,
			"POST /api/v1/namespaces/prod/configmaps?dryRun=All&fieldManager=helm application/json", "value"},
		{"a replacement", live.Attempt{}, 200, `{"kind":"ConfigMap"}`,
			"PUT /api/v1/namespaces/prod/configmaps/settings?dryRun=All&fieldManager=helm application/json", "value"},
		{"a refusal by a webhook", live.Attempt{Create: true}, 403, failure("403", "Forbidden", "admission webhook no.example denied the request: no"),
			"POST /api/v1/namespaces/prod/configmaps?dryRun=All&fieldManager=helm application/json", "refused: admission webhook no.example denied the request: no"},
		{"a missing permission", live.Attempt{Create: true}, 403, failure("403", "Forbidden", `configmaps is forbidden: User cannot create resource`),
			"POST /api/v1/namespaces/prod/configmaps?dryRun=All&fieldManager=helm application/json", `unknown: no permission to create configmaps in namespace "prod"`},
		{"an answer that is none", live.Attempt{Create: true}, 200, `[]`,
			"POST /api/v1/namespaces/prod/configmaps?dryRun=All&fieldManager=helm application/json", "unknown: the answer of the cluster is no object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, core)
					return
				}
				body, _ := io.ReadAll(r.Body)
				if string(body) != "{}" {
					t.Errorf("body %q", body)
				}
				sent = r.Method + " " + r.URL.String() + " " + r.Header.Get("Content-Type")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			defer server.Close()
			reader, err := live.New(&rest.Config{Host: server.URL}, live.Options{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			c.attempt.Ref, c.attempt.Body = manifest.Ref{Version: "v1", Kind: "ConfigMap", Namespace: "prod", Name: "settings"}, []byte("{}")
			answer := reader.Try(t.Context(), c.attempt)
			got := "unknown: " + answer.Unknown
			switch {
			case answer.Value != nil:
				got = "value"
			case answer.Refused != nil:
				got = "refused: " + answer.Refused.Error()
			}
			if got != c.want || sent != c.sent {
				t.Errorf("%s\nsent %s\nwant %s\n     %s", got, sent, c.want, c.sent)
			}
		})
	}
	reader, err := live.New(&rest.Config{Host: "http://127.0.0.1:1"}, live.Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if answer := reader.Try(t.Context(), live.Attempt{Ref: manifest.Ref{Version: "v1", Kind: "ConfigMap", Name: "a/b"}}); !strings.Contains(answer.Unknown, "cannot be the name") {
		t.Errorf("%+v", answer)
	}
}
