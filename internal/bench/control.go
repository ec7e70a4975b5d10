package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	pollFor       = 500 * time.Millisecond // the longest that one question for the counts waits
	controlWithin = time.Minute            // one call of the control port
	maxReport     = 1 << 30                // bytes of the list of arrivals: more than maxArrivals of them
)

// Control serves the generator, on a port of its own: it resets the receiver and answers with the counts and with all
// arrivals.
func (r *Receiver) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, request *http.Request) {
		r.reset(conduct{
			mended: moment(request.FormValue("mended")), hanging: request.FormValue("hanging") == "true",
			least: int64(number(request.FormValue("least"))),
		})
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(request.Context(), pollFor)
		defer cancel()
		answer(w, r.wait(ctx, Counts{
			Arrived: number(request.FormValue("arrived")), Aside: number(request.FormValue("aside")), Refused: number(request.FormValue("refused")),
		}))
	})
	mux.HandleFunc("GET /seen", func(w http.ResponseWriter, _ *http.Request) { answer(w, r.all()) })
	return mux
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // fails only if the generator is gone
}

// number reads a count; any other text is 0.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// moment reads nanoseconds since 1970; 0 and any other text is the zero time.
func moment(text string) time.Time {
	if n := number(text); n > 0 {
		return time.Unix(0, int64(n))
	}
	return time.Time{}
}

// remote is the receiver as the generator sees it.
type remote struct{ control string }

// reset makes the receiver count anew, and tells it how to behave.
func (r remote) reset(ctx context.Context, c conduct) error {
	query := url.Values{"hanging": {strconv.FormatBool(c.hanging)}, "least": {strconv.FormatInt(c.least, 10)}}
	if !c.mended.IsZero() {
		query.Set("mended", strconv.FormatInt(c.mended.UnixNano(), 10))
	}
	return r.call(ctx, http.MethodPost, "/reset", query, nil)
}

// seen asks for all that came.
func (r remote) seen(ctx context.Context) (all Seen, err error) {
	return all, r.call(ctx, http.MethodGet, "/seen", nil, &all)
}

// await waits until the wanted counts are reached, or until nothing that is wanted has arrived for as long as patience. It
// calls seen with the counts now and then.
func (r remote) await(ctx context.Context, want Counts, patience time.Duration, seen func(Counts)) (Counts, error) {
	query := url.Values{
		"arrived": {strconv.Itoa(want.Arrived)}, "aside": {strconv.Itoa(want.Aside)}, "refused": {strconv.Itoa(want.Refused)},
	}
	var last Counts
	for quietSince := time.Now(); ; {
		var now Counts
		err := r.call(ctx, http.MethodGet, "/counts", query, &now) // which waits a while for them
		seen(now)
		if err != nil {
			return now, err
		}
		if now.wanted(want) != last {
			last, quietSince = now.wanted(want), time.Now()
		}
		if now.reach(want) || time.Since(quietSince) > patience {
			return now, nil
		}
	}
}

func (r remote) call(ctx context.Context, method, path string, query url.Values, out any) error {
	ctx, cancel := context.WithTimeout(ctx, controlWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, r.control+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("ask the receiver: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", response.Status)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.LimitReader(response.Body, maxReport)).Decode(out)
}

// direct asks past any proxy that the environment names.
var direct = &http.Client{Transport: &http.Transport{}}
