package main

import (
	"crypto/rand"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/pgtest"
)

// marked is a run of the whole program in which everything that must not get about is a text nobody else would write.
type marked struct {
	*program
	receiver string

	payload, metadata, property, response, url, header string // content: the store's, and nobody else's
	credential, token, secret, rotated, cookie, shared string // and what the API does not even show
	secretBytes                                        []byte
	masterKey                                          string
	reason                                             string // Temporal may know it

	events, subscriptions, deliveries []string
	sources                           []string // their paths below /in
	answers, problems                 haystack
}

func newMarked(t *testing.T) *marked {
	t.Helper()
	m := &marked{
		payload: rand.Text(), metadata: rand.Text(), property: rand.Text(), response: rand.Text(), url: rand.Text(),
		header: rand.Text(), credential: rand.Text(), token: rand.Text(), cookie: rand.Text(), reason: rand.Text(), shared: rand.Text(),
		secretBytes: make([]byte, 32),
		answers:     haystack{name: "the answers"}, problems: haystack{name: "the error answers"},
	}
	_, _ = rand.Read(m.secretBytes) // never fails
	m.secret = base64.StdEncoding.EncodeToString(m.secretBytes)
	var orders atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Receiver", m.response)
		w.Header().Set("Set-Cookie", m.cookie)
		if r.URL.Path == "/orders" && orders.Add(1) > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(many(m.response))) // a test that fails for it says so
	}))
	t.Cleanup(receiver.Close)
	m.receiver = receiver.URL
	return m
}

// many repeats a marker, so that whole ones remain where SQLite breaks values into pages.
func many(marker string) string { return strings.Repeat(marker+" ", 20) }

// content may be in the store and in answers, but not in Temporal, the log or errors.
func (m *marked) content() []needle {
	return []needle{
		newNeedle("the payload", m.payload), newNeedle("the metadata", m.metadata), newNeedle("a property", m.property),
		newNeedle("the receiver's answer", m.response), newNeedle("the URL's query", m.url), newNeedle("a header", m.header),
	}
}

// secrets may be nowhere in clear.
func (m *marked) secrets() []needle {
	_, key, _ := strings.Cut(m.masterKey, ":")
	keyBytes, err := base64.StdEncoding.DecodeString(key)
	require.NoError(m.t, err)
	return []needle{
		newNeedle("the signing secret", m.secret), newNeedle("the bytes of the signing secret", m.secretBytes),
		newNeedle("the credential header", m.credential), newNeedle("the API key", m.key),
		newNeedle("the bearer token", m.token), newNeedle("the rotated secret", m.rotated),
		newNeedle("the credential of a source", m.shared),
		newNeedle("the master key", key), newNeedle("the bytes of the master key", keyBytes),
	}
}

// everything is all that has no business in Temporal, the log or errors.
func (m *marked) everything() []needle {
	return append(append(m.content(), m.secrets()...), newNeedle("the receiver's cookie", m.cookie))
}

func needles(name string, values []string) (all []needle) {
	for _, value := range values {
		all = append(all, newNeedle(name, value))
	}
	return all
}

// play takes deliveries along every road that touches what is marked.
func (m *marked) play() {
	m.t.Helper()
	m.register("order.paid", m.receiver+"/orders", "1s")
	m.register("order.late", m.receiver+"/late", "1h")
	m.authenticate(m.subscriptions[1])
	m.register("order.lost", "http://"+freeAddress(m.t)+"/lost", "1h")
	m.await(m.send("order.paid"), "delivered", 2)
	m.await(m.send("order.lost"), "pending", 1)
	late := m.await(m.send("order.late"), "pending", 1)
	m.call(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+late+"/redeliver", nil, nil)
	m.await(m.events[2], "pending", 2)
	m.call(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+late+"/cancel", object{"reason": m.reason}, nil)
	m.await(m.events[2], "cancelled", 2)
	m.receive()
}

// receive takes webhooks that carry the credential itself, and some that fail with it.
func (m *marked) receive() {
	m.t.Helper()
	body, credential := `{"text":"`+many(m.payload)+`"}`, "Bearer "+m.shared
	github, bearer, mailchimp := m.newSource("github", m.shared), m.newSource("bearer", m.shared), m.newSource("mailchimp", m.shared)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for range 2 {
		require.Equal(m.t, http.StatusOK, m.push(github, m.shared, "1", body))
		require.Equal(m.t, http.StatusOK, m.post(bearer, body, "Authorization", credential))
		require.Equal(m.t, http.StatusOK, m.post(mailchimp+"?code="+m.shared, "type=subscribe", form...))
	}
	require.Equal(m.t, http.StatusOK, m.push(github, m.shared, "1", `{"another":"`+m.payload+`"}`))
	require.Equal(m.t, http.StatusUnauthorized, m.push(github, m.shared+"x", "2", body))
	require.Equal(m.t, http.StatusUnauthorized, m.post(bearer, body, "Authorization", credential+"x"))
	require.Equal(m.t, http.StatusUnauthorized, m.post(mailchimp+"?code=x"+m.shared, "type=subscribe", form...))
	require.Equal(m.t, http.StatusNotFound, m.post("/in/"+m.shared+"?code="+m.shared, body, "Authorization", credential))
	m.sources = []string{github, bearer, mailchimp}
}

// authenticate makes the subscription's requests carry a token, signed by a new secret besides the old one.
func (m *marked) authenticate(subscription string) {
	m.t.Helper()
	path := "/v1/subscriptions/" + subscription
	m.call(http.StatusOK, http.MethodPatch, path, object{"auth": object{"type": "bearer", "token": m.token}}, nil)
	var out struct{ Secret string }
	m.call(http.StatusOK, http.MethodPost, path+"/rotate-secret", nil, &out)
	m.rotated = strings.TrimPrefix(out.Secret, "whsec_")
}

func (m *marked) register(eventType, url, delay string) {
	m.t.Helper()
	id, _ := m.subscribe(url+"?token="+m.url, object{
		"event_types": []string{eventType}, "secret": "whsec_" + m.secret, "retry_schedule": []string{delay},
		"headers":    object{"Authorization": "Bearer " + m.credential, "X-Shop": m.header},
		"properties": object{"shop": many(m.property)},
	})
	m.subscriptions = append(m.subscriptions, id)
}

// send publishes an event and returns its id.
func (m *marked) send(eventType string) string {
	m.t.Helper()
	var out struct{ ID string }
	m.call(http.StatusAccepted, http.MethodPost, "/v1/events", object{
		"type": eventType, "data": many(m.payload), "metadata": object{"trace": m.metadata}, "idempotency_key": eventType,
	}, &out)
	m.events = append(m.events, out.ID)
	return out.ID
}

// await waits for the event's only delivery to come so far, and returns its id.
func (m *marked) await(eventID, status string, attempts int) (id string) {
	m.t.Helper()
	require.Eventually(m.t, func() bool {
		found := m.program.deliveries("event_id=" + eventID)
		if len(found) != 1 || found[0].Status != status || found[0].Attempts != attempts {
			return false
		}
		id = found[0].ID
		return true
	}, deliveryLimit, 50*time.Millisecond, "%s after %d attempts", status, attempts)
	return id
}

// readAll asks for everything that can be read but for the secret, which has a call of its own.
func (m *marked) readAll() {
	m.t.Helper()
	paths := []string{
		"/v1/events", "/v1/subscriptions", "/v1/deliveries", "/v1/sources", "/v1/providers", "/v1/audit", "/healthz", "/readyz",
	}
	for _, path := range m.sources {
		paths = append(paths, sourcePath(path))
	}
	for _, eventType := range []string{"github.push", "bearer.webhook", "mailchimp.subscribe"} {
		paths = append(paths, "/v1/events/"+m.newest(eventType))
	}
	for _, id := range m.events {
		paths = append(paths, "/v1/events/"+id)
	}
	for _, id := range m.subscriptions {
		paths = append(paths, "/v1/subscriptions/"+id)
	}
	for _, d := range m.program.deliveries("") {
		m.deliveries = append(m.deliveries, d.ID)
		paths = append(paths, "/v1/deliveries/"+d.ID, "/v1/deliveries/"+d.ID+"/attempts")
	}
	for _, path := range paths {
		status, text := m.ask(http.MethodGet, path, nil)
		require.Equal(m.t, http.StatusOK, status, path)
		m.answers.text = append(m.answers.text, text...)
	}
	_, text := m.ask(http.MethodGet, "/v1/subscriptions/"+m.subscriptions[0]+"/secret", nil)
	haystack{"the answer with the secret", text}.requireIn(m.t, newNeedle("the secret", m.secret))
}

func sourcePath(path string) string { return "/v1/sources/" + strings.TrimPrefix(path, "/in/") }

// newest is the id of the newest event of the type.
func (m *marked) newest(eventType string) string {
	m.t.Helper()
	var page struct{ Data []struct{ ID string } }
	m.call(http.StatusOK, http.MethodGet, "/v1/events?type="+eventType, nil, &page)
	require.NotEmpty(m.t, page.Data, eventType)
	return page.Data[0].ID
}

// failAll makes calls that are refused although, or because, they carry what is marked.
func (m *marked) failAll() {
	m.t.Helper()
	event := object{"type": "order.paid", "data": m.payload, "metadata": object{"trace": m.metadata}, "idempotency_key": "order.paid"}
	for _, call := range []struct {
		method, path string
		in           any
	}{
		{http.MethodPost, "/v1/events", event}, // another content under the same key
		{http.MethodPost, "/v1/events", object{"type": "a b", "data": m.payload}},
		{http.MethodPost, "/v1/events", object{"type": "order.paid", "data": m.payload, "metadata": m.metadata}},
		{http.MethodPost, "/v1/events", m.payload},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"secret": "whsec_!" + m.secret})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"secret": "v1," + m.secret})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"secret": []string{m.secret}})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"headers": object{"Host": m.credential}})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"headers": object{"Authorization": m.credential + "\n"}})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"headers": "Bearer " + m.credential})},
		{http.MethodPost, "/v1/subscriptions", m.refused(object{"url": "ftp://x/?token=" + m.url})},
		{http.MethodPatch, "/v1/subscriptions/" + m.subscriptions[0], object{"secret": "whsec_" + m.secret}},
		// With the !, it is never base64, as one random text in sixteen is.
		{http.MethodPost, "/v1/sources", object{"provider": "standard", "credentials": []object{{"secret": m.shared + "!"}}}},
		{http.MethodPost, "/v1/sources", object{"provider": "github", "credentials": m.shared}},
		{http.MethodPost, "/v1/sources", object{"provider": "twilio", "credentials": []object{{"id": m.shared, "secret": m.shared}}}},
		{http.MethodPatch, sourcePath(m.sources[0]), object{"credentials": []object{{"secret": m.shared, "id": 5}}}},
		{http.MethodPost, "/v1/deliveries/" + m.deliveries[0] + "/cancel", m.payload},
		{http.MethodGet, "/v1/subscriptions/" + m.events[0], nil},
	} {
		status, text := m.ask(call.method, call.path, call.in)
		require.GreaterOrEqual(m.t, status, 400, "%s %s %v: %s", call.method, call.path, call.in, text)
		require.Less(m.t, status, 500, "%s %s: %s", call.method, call.path, text)
		m.problems.text = append(m.problems.text, text...)
	}
}

// refused is a subscription with a slip.
func (m *marked) refused(slip object) object {
	in := object{"url": m.receiver, "event_types": []string{"*"}}
	maps.Copy(in, slip)
	return in
}

// checkTemporal takes what is in Temporal's tables.
func (m *marked) checkTemporal(state haystack) {
	m.t.Helper()
	state.requireIn(m.t, needles("the event", m.events)...)
	state.requireIn(m.t, newNeedle("the reason, part of a workflow's history,", m.reason))
	state.requireNotIn(m.t, m.everything()...)
}

// checkStore takes what is in the tables of the store.
func (m *marked) checkStore(state haystack) {
	m.t.Helper()
	state.requireIn(m.t, needles("the event", m.events)...)
	state.requireIn(m.t, m.content()...)
	state.requireNotIn(m.t, m.secrets()...)
}

// checkOutput looks through all that was printed, logged and answered.
func (m *marked) checkOutput() {
	m.t.Helper()
	log := haystack{"the log", []byte(m.output.String())}
	log.requireIn(m.t, newNeedle("a debug line", `"level":"DEBUG"`))
	log.requireIn(m.t, append(needles("the event", m.events), needles("the subscription", m.subscriptions)...)...)
	log.requireNotIn(m.t, m.everything()...)

	m.answers.requireIn(m.t, m.content()...)
	m.answers.requireIn(m.t, newNeedle("what stands for a credential", "[redacted]"))
	m.answers.requireNotIn(m.t, append(m.secrets(), newNeedle("the receiver's cookie", m.cookie))...)
	m.problems.requireIn(m.t, newNeedle("a field at fault", "headers.Host"))
	m.problems.requireNotIn(m.t, m.everything()...)
}

func TestLeakNothingOnSQLite(t *testing.T) {
	t.Parallel()
	m, folder := newMarked(t), t.TempDir()
	m.program = startDev(t, folder, "--log-level", "debug", "--log-format", "json", "--api-key", testKey)
	m.key = testKey
	key, err := os.ReadFile(filepath.Join(folder, "master.key"))
	require.NoError(t, err)
	m.masterKey = string(key)
	m.play()
	m.readAll()
	m.failAll()
	for _, stop := range []func(){func() {}, func() { require.Zero(t, m.interrupt()) }} { // with the write-ahead logs, and without
		stop()
		temporal, store := readState(t, folder)
		m.checkTemporal(temporal)
		m.checkStore(store)
	}
	m.checkOutput()
}

func TestLeakNothingOnPostgres(t *testing.T) {
	t.Parallel()
	databaseURL := pgtest.OwnURL(t) // the embedded engine's databases have fixed names
	m, env := newMarked(t), serverEnv(databaseURL)
	_, m.masterKey, _ = strings.Cut(env[2], "=")
	migrate := start(t, env, "migrate", "up")
	require.Zero(t, migrate.exitCode())
	m.program = start(t, env, "server", "--engine", "embedded", "--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--allow-networks", "127.0.0.0/8", "--data", t.TempDir(),
		"--log-level", "debug", "--log-format", "json")
	m.key = testKey
	m.play()
	m.readAll()
	m.failAll()
	require.Zero(t, m.interrupt())
	m.checkTemporal(dumpDatabases(t, databaseURL, anyTable, "temporal", "temporal_visibility"))
	m.checkStore(dumpDatabases(t, databaseURL, anyTable, path.Base(strings.TrimSuffix(strings.Split(databaseURL, "?")[0], "/"))))
	m.checkOutput()
}
