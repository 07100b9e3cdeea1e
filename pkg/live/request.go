package live

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// request is a GET of something, or a dry run of a change.
type request struct {
	endpoint endpoint
	path     string // below the address of the cluster, such as /api/v1
	query    url.Values
	accept   string // "" for whole objects as JSON
	// method is "" for GET; only a dry run has another, and a body.
	method, media string
	body          []byte
}

// outcome is what became of a request.
type outcome struct {
	status int           // HTTP status; 0 if there was no answer
	body   []byte        // what came, of an answer that is not an error also what came before the connection was cut
	after  time.Duration // what the server asked to wait; less than 0 if it did not
	err    error         // why there is no answer, or only a part of one
	late   bool          // the time was up
	// skipped is why the request was not sent: the server was silent too often.
	skipped string
}

// ok reports whether the outcome is what was asked for.
func (o outcome) ok() bool { return o.err == nil && o.status == http.StatusOK }

const (
	// repetitions is how often a request is repeated that met an error of the
	// server or a broken connection.
	repetitions = 2
	// busyRepetitions is how often a request is repeated that the server put off,
	// as in k8s.io/client-go/rest.
	busyRepetitions = 10
	// largestGuess is how much memory is set aside for an answer at most, only
	// because the server says that it will be that long.
	largestGuess = 1 << 20
)

// get sends a request, and sends it again if that may help. It ends early when ctx
// does.
func (r *Reader) get(ctx context.Context, q request) outcome {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
	if why := r.health.gaveUp(q.endpoint); why != "" {
		return outcome{skipped: why}
	}
	started := time.Now()
	o := r.persist(ctx, q)
	switch {
	case ctx.Err() != nil: // says nothing about the server
		return outcome{err: ctx.Err()}
	case o.status == 0 || o.late:
		r.health.silence(q.endpoint, started, reason(o, ""))
	default:
		r.health.answer(q.endpoint)
	}
	return o
}

// persist sends a request until there is nothing to gain by sending it again.
func (r *Reader) persist(ctx context.Context, q request) outcome {
	var waited time.Duration
	for try := 0; ; try++ {
		if err := r.awaitTurn(ctx); err != nil {
			return outcome{err: err}
		}
		o := r.send(ctx, q)
		pause, again := repeat(o, try, r.options.Pause)
		if waited += pause; !again || waited > r.options.Timeout {
			return o
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return o
		}
	}
}

// awaitTurn waits until the user's limit allows for one more request.
func (r *Reader) awaitTurn(ctx context.Context) error {
	if r.limiter == nil {
		return nil
	}
	err := r.limiter.Wait(ctx)
	if _, ends := ctx.Deadline(); err != nil && ends {
		<-ctx.Done() // the limiter tells in advance that the time will not do
	}
	return err
}

// repeat returns whether a request is worth sending again after its try-th try (0
// is the first), and how long to wait before that. A server that is busy says how
// long (429, and 5xx with Retry-After: API Priority and Fairness); pause is for
// one that does not.
func repeat(o outcome, try int, pause time.Duration) (time.Duration, bool) {
	if o.late || unreachable(o.err) {
		return 0, false
	}
	limit := repetitions
	switch {
	case o.status == http.StatusTooManyRequests:
		limit = busyRepetitions
	case o.ok(), o.status == http.StatusGatewayTimeout, o.status != 0 && o.status < 500 && o.err == nil:
		return 0, false
	}
	if o.after >= 0 && o.status != 0 && o.err == nil {
		return o.after, try < limit
	}
	return pause << min(try, 6), try < limit
}

// send sends a request once.
func (r *Reader) send(ctx context.Context, q request) outcome {
	limited, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	address := *r.base
	address.Path = strings.TrimRight(address.Path, "/") + q.path
	address.RawQuery = q.query.Encode()
	req, err := http.NewRequestWithContext(limited, cmp.Or(q.method, http.MethodGet), address.String(), bytes.NewReader(q.body))
	if err != nil {
		return outcome{err: err}
	}
	req.Header.Set("Accept", "application/json")
	if q.media != "" {
		req.Header.Set("Content-Type", q.media)
	}
	if q.accept != "" {
		req.Header.Set("Accept", q.accept)
	}
	o := r.receive(req)
	o.late = o.err != nil && timedOut(o.err)
	return o
}

// receive sends a request and reads what comes back.
func (r *Reader) receive(req *http.Request) outcome {
	response, err := r.client.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	o := outcome{status: response.StatusCode, after: -1}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		o.after = time.Duration(seconds) * time.Second
	}
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(min(response.ContentLength, largestGuess)) + bytes.MinRead)
	}
	_, o.err = body.ReadFrom(response.Body)
	o.body = body.Bytes()
	return o
}
