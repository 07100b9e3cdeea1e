package live_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/live"
)

// answering is a transport that answers everything and remembers it.
type answering []string

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	*a = append(*a, r.Method+" "+r.URL.String())
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestGuard(t *testing.T) {
	const object = "http://cluster/api/v1/namespaces/prod/services/web"
	for _, test := range []struct {
		method, url  string
		upgrade      string
		read, dryRun bool
	}{
		{"GET", object, "", true, true},
		{"", object, "", true, true},
		{"GET", object, "websocket", false, false},
		{"HEAD", object, "", false, false},
		{"OPTIONS", object, "", false, false},
		{"get", object, "", false, false},
		{"POST", object, "", false, false},
		{"PUT", object, "", false, false},
		{"PATCH", object, "", false, false},
		{"DELETE", object, "", false, false},
		{"POST", object + "?dryRun=All", "", false, true},
		{"PUT", object + "?dryRun=All", "", false, true},
		{"PATCH", object + "?force=true&dryRun=All", "", false, true},
		{"DELETE", object + "?dryRun=All", "", false, true},
		{"CONNECT", object + "?dryRun=All", "", false, false},
		{"PATCH", object + "?dryRun=all", "", false, false},
		{"PATCH", object + "?dryRun=", "", false, false},
		{"PATCH", object + "?dryrun=All", "", false, false},
		{"PATCH", object + "?dryRun=All&dryRun=None", "", false, false},
		{"PATCH", object + "?dryRun=All&dryRun=All", "", false, false},
		{"PATCH", object + "?dryRun=All;x=y", "", false, false},
		{"PATCH", object + "?dryRun=All&x=%zz", "", false, false},
		{"PATCH", object + "#dryRun=All", "", false, false},
	} {
		for _, dryRun := range []bool{false, true} {
			var sent answering
			client, err := rest.HTTPClientFor(live.Guarded(&rest.Config{Host: "http://cluster", Transport: &sent}, dryRun))
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequest(http.MethodGet, object, http.NoBody)
			request.RequestURI, request.Method = "", test.method
			if request.URL, err = request.URL.Parse(test.url); err != nil {
				t.Fatal(err)
			}
			if test.upgrade != "" {
				request.Header.Set("Upgrade", test.upgrade)
			}
			response, err := client.Do(request)
			if err == nil {
				_ = response.Body.Close()
			}
			allowed := test.read || dryRun && test.dryRun
			if allowed != (len(sent) == 1) || allowed != (err == nil) || !allowed && !errors.Is(err, live.ErrWrites) {
				t.Errorf("%s %s, dryRun %v: sent %q, error %v", test.method, test.url, dryRun, sent, err)
			}
		}
	}
}

// What wraps the transport cannot get round the guard.
func TestGuardIsInnermost(t *testing.T) {
	var sent answering
	config := &rest.Config{Host: "http://cluster", Transport: &sent}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return changing{next}
	})
	client, err := rest.HTTPClientFor(live.Guarded(config, true))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Get("http://cluster/api")
	if err == nil {
		_ = response.Body.Close()
	}
	if len(sent) > 0 || !errors.Is(err, live.ErrWrites) {
		t.Errorf("sent %q, error %v", sent, err)
	}
	if config.WrapTransport == nil || len(sent) > 0 {
		t.Error("the config of the caller was changed")
	}
}

// changing is a transport that makes a POST of everything.
type changing struct{ next http.RoundTripper }

func (c changing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Method = http.MethodPost
	return c.next.RoundTrip(r)
}
