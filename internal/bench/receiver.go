package bench

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxDelivery = 16 << 20  // bytes of a body that are read
	maxArrivals = 5_000_000 // that are remembered between two resets; more are refused
	besidePath  = "beside"
)

// Arrival is an event that has reached a subscriber.
type Arrival struct {
	Subscriber int       `json:"subscriber"`
	Event      string    `json:"event"`
	Count      int       `json:"count"` // times it was taken: more than 1 is too often
	First      time.Time `json:"first"`
}

// Counts is how much has come since the last reset, each event once for each subscriber.
type Counts struct {
	Arrived int `json:"arrived"` // and was taken
	Refused int `json:"refused"` // at least once, before the receiver was mended
}

func (c Counts) reach(want Counts) bool {
	return c.Arrived >= want.Arrived && c.Refused >= want.Refused
}

// destination is an event at a subscriber.
type destination struct {
	subscriber int
	event      string
}

// Receiver is every subscriber of a measurement at once: the path /7 is subscriber 7. It answers 204 and counts; before
// it is mended it answers 503 and when to come again. What the path /beside gets is not counted, and is not answered either
// while it is to hang. It looks at nothing else, and so costs little. Safe for concurrent use.
type Receiver struct {
	mu      sync.Mutex
	mended  time.Time // zero: it was never broken
	arrived map[destination]*Arrival
	refused map[destination]struct{}
	waiters []waiter
	hanging bool          // what comes to /beside
	letGo   chan struct{} // closed when what hangs is to end
}

// NewReceiver makes a Receiver that works and has seen nothing.
func NewReceiver() *Receiver {
	r := &Receiver{letGo: make(chan struct{})}
	r.reset(time.Time{}, false)
	return r
}

// reset forgets what came, lets go what hangs, and breaks the receiver until it is mended; the zero time means not at all.
// From now on what comes to /beside hangs or does not.
func (r *Receiver) reset(mended time.Time, hanging bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.letGo)
	r.letGo = make(chan struct{})
	r.mended, r.hanging = mended, hanging
	r.arrived, r.refused = map[destination]*Arrival{}, map[destination]struct{}{}
}

// ServeHTTP takes a delivery.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, request.Body, maxDelivery)); err != nil {
		return // it has not arrived, and nobody listens any more
	}
	path := strings.TrimPrefix(request.URL.Path, "/")
	if path == besidePath {
		w.WriteHeader(r.beside(request))
		return
	}
	subscriber, err := strconv.Atoi(path)
	event := request.Header.Get("webhook-id")
	if err != nil || event == "" {
		http.NotFound(w, request)
		return
	}
	if wait := r.take(destination{subscriber, event}, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// beside is how /beside answers: where it hangs, not before the sender has given up.
func (r *Receiver) beside(request *http.Request) int {
	r.mu.Lock()
	hanging, letGo := r.hanging, r.letGo
	r.mu.Unlock()
	if !hanging {
		return http.StatusNoContent
	}
	select {
	case <-request.Context().Done():
	case <-letGo:
	}
	return http.StatusServiceUnavailable
}

// take counts a delivery. It returns how long the receiver cannot take it yet.
func (r *Receiver) take(d destination, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch seen := r.arrived[d]; {
	case now.Before(r.mended):
		r.refused[d] = struct{}{}
		wait = r.mended.Sub(now)
	case seen != nil:
		seen.Count++
	case len(r.arrived) >= maxArrivals:
		return time.Minute
	default:
		r.arrived[d] = &Arrival{Subscriber: d.subscriber, Event: d.event, Count: 1, First: now}
	}
	r.wake()
	return wait
}

// arrivals lists what was taken since the last reset.
func (r *Receiver) arrivals() []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Arrival, 0, len(r.arrived))
	for _, a := range r.arrived {
		all = append(all, *a)
	}
	return all
}

// counts is for a caller that has the lock.
func (r *Receiver) counts() Counts { return Counts{Arrived: len(r.arrived), Refused: len(r.refused)} }
