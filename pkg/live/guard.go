package live

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// ErrWrites is what a request ends with that could write to the cluster. It was
// not sent.
var ErrWrites = errors.New("this program only reads from the cluster")

// Guarded returns a copy of config whose clients send nothing but GET requests:
// every other request ends with ErrWrites. With dryRun, requests that ask the API
// server to try a change and not to store it are sent, too.
//
// The guard is the innermost of the transport's layers, so that it also sees what
// the layers around it send, such as repetitions.
func Guarded(config *rest.Config, dryRun bool) *rest.Config {
	guarded := rest.CopyConfig(config)
	guarded.WrapTransport = transport.Wrappers(func(next http.RoundTripper) http.RoundTripper {
		return guard{next: next, dryRun: dryRun}
	}, config.WrapTransport)
	return guarded
}

// guard is a transport that passes on only what stores nothing.
type guard struct {
	next   http.RoundTripper
	dryRun bool
}

// RoundTrip sends the request, or refuses it before anything is sent.
func (g guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := refusal(request, g.dryRun); err != nil {
		if request.Body != nil {
			_ = request.Body.Close() // a RoundTripper closes the body, also on errors
		}
		return nil, err
	}
	return g.next.RoundTrip(request)
}

// refusal returns why a request is not sent, nil for one that stores nothing. A
// GET that asks for another protocol is none: it is how `kubectl exec` opens its
// connection.
func refusal(request *http.Request, dryRun bool) error {
	method := request.Method
	if method == "" {
		method = http.MethodGet // as http.Request has it
	}
	switch method {
	case http.MethodGet:
		if request.Header.Get("Upgrade") == "" {
			return nil
		}
	case http.MethodPatch, http.MethodPost, http.MethodPut, http.MethodDelete:
		if dryRun && asksDryRun(request.URL) {
			return nil
		}
	}
	return fmt.Errorf("send %s %q: %w", method, request.URL.Path, ErrWrites)
}

// asksDryRun reports whether the query has dryRun=All, once and nothing beside it.
// That is the only value by which the API server stores nothing (DryRunAll in
// k8s.io/apimachinery/pkg/apis/meta/v1).
func asksDryRun(address *url.URL) bool {
	query, err := url.ParseQuery(address.RawQuery)
	return err == nil && slices.Equal(query["dryRun"], []string{"All"})
}
