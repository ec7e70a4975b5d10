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
	Subscriber int       `json:"subscriber"` // below 0: of a tenant beside the measured one
	Event      string    `json:"event"`
	Count      int       `json:"count"` // times it was taken: more than 1 is too often
	First      time.Time `json:"first"`
}

// Counts is how much has come since the last reset, each event once for each subscriber.
type Counts struct {
	Arrived int `json:"arrived"` // and was taken
	Aside   int `json:"aside"`   // the same for the subscribers of the tenant beside the measured one
	Refused int `json:"refused"` // at least once, before the receiver was mended
}

// Seen holds the arrivals since the last reset, and the repeated arrivals since they were last asked for.
type Seen struct {
	Arrivals []Arrival `json:"arrivals"`
	Again    int       `json:"again"` // times that something came which had arrived before the reset
	Early    int       `json:"early"` // times that something came although it had been told to wait until later
	Hung     int       `json:"hung"`  // requests to /beside that got no answer
}

// conduct is how the receiver behaves until the next reset. The zero value takes everything at once.
type conduct struct {
	mended  time.Time // requests before this time are refused
	hanging bool      // requests to /beside get no answer
	least   int64     // bytes of a body; a shorter one is refused
}

func (c Counts) reach(want Counts) bool {
	return c.Arrived >= want.Arrived && c.Aside >= want.Aside && c.Refused >= want.Refused
}

// wanted returns the counts without those of which none is wanted.
func (c Counts) wanted(want Counts) Counts {
	only := func(count, wanted int) int {
		if wanted == 0 {
			return 0
		}
		return count
	}
	return Counts{Arrived: only(c.Arrived, want.Arrived), Aside: only(c.Aside, want.Aside), Refused: only(c.Refused, want.Refused)}
}

// destination is an event at a subscriber.
type destination struct {
	subscriber int
	event      string
}

// Receiver is every subscriber of a measurement at once: the path /7 is subscriber 7, and /-1 a subscriber of
// another tenant, which is counted aside. It answers 204 and counts; before
// it is mended it answers 503 with Retry-After. A request to the path /beside is no arrival, and gets no answer while the
// receiver is told to hang. Of a body it looks at the length alone, and so costs little. Safe for concurrent use.
type Receiver struct {
	mu      sync.Mutex
	conduct conduct
	arrived map[destination]*Arrival
	aside   int // of them
	refused map[destination]struct{}
	earlier map[destination]struct{} // arrivals before the last reset
	seen    Seen                     // without the arrivals
	waiters []waiter
	letGo   chan struct{} // closed when hanging requests are to end
}

// NewReceiver makes a Receiver that works and has seen nothing.
func NewReceiver() *Receiver {
	r := &Receiver{letGo: make(chan struct{}), earlier: map[destination]struct{}{}}
	r.reset(conduct{})
	return r
}

// reset begins to count anew, ends hanging requests, and changes the receiver's behaviour. Earlier arrivals are remembered:
// a second arrival counts as a repetition, however late it is.
func (r *Receiver) reset(c conduct) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.letGo)
	r.letGo = make(chan struct{})
	if len(r.earlier)+len(r.arrived) > maxArrivals {
		clear(r.earlier)
	}
	again := r.seen.Again // nobody has asked since
	for d, a := range r.arrived {
		r.earlier[d] = struct{}{}
		again += a.Count - 1
	}
	r.conduct, r.seen, r.aside = c, Seen{Again: again}, 0
	r.arrived, r.refused = map[destination]*Arrival{}, map[destination]struct{}{}
}

// ServeHTTP takes a delivery.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	length, err := io.Copy(io.Discard, http.MaxBytesReader(w, request.Body, maxDelivery))
	if err != nil {
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
	if r.short(destination{subscriber, event}, length) {
		http.Error(w, "that is not all of it", http.StatusBadRequest)
		return
	}
	if wait := r.take(destination{subscriber, event}, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// short reports whether something new is not all there.
func (r *Receiver) short(d destination, length int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, before := r.earlier[d]
	return length < r.conduct.least && !before
}

// beside returns the status of an answer to /beside. While it hangs, it returns only after the sender has given up.
func (r *Receiver) beside(request *http.Request) int {
	r.mu.Lock()
	hanging, letGo := r.conduct.hanging, r.letGo
	if hanging {
		r.seen.Hung++
	}
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
	_, before := r.earlier[d]
	switch seen := r.arrived[d]; {
	case before:
		r.seen.Again++
	case now.Before(r.conduct.mended):
		if _, told := r.refused[d]; told {
			r.seen.Early++
		}
		r.refused[d] = struct{}{}
		wait = r.conduct.mended.Sub(now)
	case seen != nil:
		seen.Count++
	case len(r.arrived) >= maxArrivals:
		return time.Minute
	default:
		r.arrived[d] = &Arrival{Subscriber: d.subscriber, Event: d.event, Count: 1, First: now}
		if d.subscriber < 0 {
			r.aside++
		}
	}
	r.wake()
	return wait
}

// all returns the arrivals since the last reset, and the repeated arrivals since the last call.
func (r *Receiver) all() Seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.seen
	all.Arrivals = make([]Arrival, 0, len(r.arrived))
	for _, a := range r.arrived {
		all.Arrivals = append(all.Arrivals, *a)
		a.Count = 1
	}
	r.seen.Again = 0
	return all
}

// counts returns the counts. Its caller holds the lock.
func (r *Receiver) counts() Counts {
	return Counts{Arrived: len(r.arrived) - r.aside, Aside: r.aside, Refused: len(r.refused)}
}
