package live

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// Options says how a cluster is read. The zero Options are good for all but tests.
type Options struct {
	// DryRun lets requests through that ask the API server to try a change without
	// storing it.
	DryRun bool
	// Timeout is how long one request may take; 30 s if 0.
	Timeout time.Duration
	// Parallel is how many requests are under way at most; 16 if 0.
	Parallel int
	// Pause is how long to wait before a request is repeated, unless the server
	// says how long; it doubles with each repetition. 200 ms if 0.
	Pause time.Duration
	// Progress, if not nil, is called when something more was read. The total may
	// grow, since what is found may lead to more. It is called once at a time.
	Progress func(done, total int)
}

// Reader reads objects from one cluster. Its methods may run at the same time.
type Reader struct {
	options Options
	client  *http.Client
	base    *url.URL
	slots   chan struct{}           // holds one element for each request under way
	limiter flowcontrol.RateLimiter // nil unless the user asked for a limit
	health  health
	kinds   discovered
}

// New returns a Reader for the cluster that config names. It sends nothing yet.
//
// Requests are limited by how many are under way at a time, which lets a fast
// cluster be read fast and a slow one be left in peace. A number of requests for
// each second holds only if config has one, from Helm's --qps and --burst-limit:
// the five that client-go would make of none are for controllers.
func New(config *rest.Config, options Options) (*Reader, error) {
	options.Timeout = cmp.Or(options.Timeout, 30*time.Second)
	options.Parallel = cmp.Or(options.Parallel, 16)
	options.Pause = cmp.Or(options.Pause, 200*time.Millisecond)
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("read the address of the cluster: %w", err)
	}
	client, err := rest.HTTPClientFor(Guarded(config, options.DryRun))
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the cluster: %w", err)
	}
	limiter := config.RateLimiter
	if limiter == nil && config.QPS > 0 {
		limiter = flowcontrol.NewTokenBucketRateLimiter(config.QPS, max(config.Burst, 1))
	}
	return &Reader{
		options: options,
		client:  client,
		base:    base,
		slots:   make(chan struct{}, options.Parallel),
		limiter: limiter,
	}, nil
}
