package controlplane

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/safe-diff/helm-safe-diff/test/controlplane/lab"
)

// fault is what a proxy does to a request, instead of or around passing it on.
type fault func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc)

// proxy stands between a client and the API server of a lab, speaks TLS with both,
// and has a fault.
type proxy struct {
	// kubeconfig is a file that leads through the proxy, for the account that may
	// only read.
	kubeconfig string

	mu     sync.Mutex
	reads  int
	writes []string // requests that are no GET, such as "POST /api/v1/namespaces"
}

// newProxy starts a proxy that stops with the test. http2 is what API servers speak
// where nothing older is in between.
func newProxy(t *testing.T, l *lab.Lab, http2 bool, f fault) *proxy {
	t.Helper()
	target, err := url.Parse(l.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the lab signs its own certificates
	t.Cleanup(transport.CloseIdleConnections)
	onward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	p := &proxy{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.note(r)
		f(w, r, onward.ServeHTTP)
	}))
	server.EnableHTTP2, server.Config.ErrorLog = http2, onward.ErrorLog
	server.StartTLS()
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.reads == 0 || len(p.writes) > 0 {
			t.Errorf("%d reading requests came to the proxy, and these that write: %q", p.reads, p.writes)
		}
	})
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // first, or what hangs holds up Close

	p.kubeconfig = kubeconfigFor(t, l, server.URL, lab.ReaderToken)
	return p
}

// kubeconfigFor writes a file that leads to the lab at an address, with a token.
func kubeconfigFor(t *testing.T, l *lab.Lab, address, token string) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(l.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Clusters["lab"].Server, config.AuthInfos["admin"].Token = address, token
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *proxy) note(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodGet {
		p.reads++
		return
	}
	p.writes = append(p.writes, fmt.Sprint(r.Method, " ", r.URL))
}

// cut passes a request on and cuts the connection in the middle of the answer's body.
func cut(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
	recorded := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding") // half of a compressed body would be no half
	pass(recorded, r)
	for key, values := range recorded.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(recorded.Body.Bytes()[:recorded.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hang answers nothing until the client has gone, and nothing then: a handler that returns
// answers 200, which a client that is just giving up may still read.
func hang(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// answer returns a fault that answers what an API server would: a Status with a
// code. Unless after is "", it asks to come again after that many seconds.
func answer(code int, after string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "application/json")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"out of order","code":%d}`, code)
	}
}

// firstTimes lets a fault happen to each path the first n times that it is asked for.
func firstTimes(n int, f fault) fault {
	var mu sync.Mutex
	seen := map[string]int{}
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		mu.Lock()
		seen[r.URL.Path]++
		meets := seen[r.URL.Path] <= n
		mu.Unlock()
		if !meets {
			pass(w, r)
			return
		}
		f(w, r, pass)
	}
}

// signalling sends to a channel when a fault happens, unless nobody takes it.
func signalling(met chan<- struct{}, f fault) fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		select {
		case met <- struct{}{}:
		default:
		}
		f(w, r, pass)
	}
}

// where lets a fault happen to some requests.
func where(meets func(*http.Request) bool, f fault) fault {
	return func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc) {
		if !meets(r) {
			pass(w, r)
			return
		}
		f(w, r, pass)
	}
}

// at is met by requests for a path.
func at(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Path == path }
}
