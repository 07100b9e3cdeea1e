package live

import (
	"sync"
	"time"
)

// patience is how many requests in a row may get no answer before the rest is
// given up. Without it a cluster that hangs would cost one timeout per object.
const patience = 3

// endpoint is what may be up or down on its own: a group and version, or the list of
// a group's versions. Some are
// served by the API server itself, some by extensions of it.
type endpoint struct{ group, version string }

// health remembers who has stopped to answer. The zero health trusts everybody.
type health struct {
	mu       sync.Mutex
	silent   map[endpoint]int    // requests without an answer in a row
	reasons  map[endpoint]string // of the last of them
	quiet    map[endpoint]bool   // who let requests down while nobody else answered
	answered time.Time           // when somebody answered last
	down     string              // why the whole cluster was given up; "" if it was not
}

// gaveUp returns why an endpoint is not to be asked any more; "" if it is.
func (h *health) gaveUp(e endpoint) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down != "" {
		return h.down
	}
	if h.silent[e] >= patience {
		return h.reasons[e]
	}
	return ""
}

// answer notes that an endpoint answered, be it only to say no.
func (h *health) answer(e endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = time.Now()
	delete(h.silent, e)
	clear(h.quiet)
}

// silence notes that an endpoint gave no answer to a request that was sent at
// some time, for a reason.
//
// One extension that hangs takes only itself down: the cluster as a whole counts
// as down when several endpoints were silent, and nobody else said anything while
// they were waited for.
func (h *health) silence(e endpoint, sent time.Time, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.silent == nil {
		h.silent, h.reasons, h.quiet = map[endpoint]int{}, map[endpoint]string{}, map[endpoint]bool{}
	}
	h.silent[e]++
	h.reasons[e] = reason
	if h.answered.Before(sent) {
		h.quiet[e] = true
		if len(h.quiet) >= patience {
			h.down = reason
		}
	}
}
