package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/pgtest"
	"github.com/posthaste/posthaste/internal/terminal"
)

const deliveryLimit = time.Minute

func TestDevDemoShowsAVerifiedDelivery(t *testing.T) {
	p := startDev(t, filepath.Join(t.TempDir(), "data"), "--demo")
	p.find(`(signature is verified)`)
	require.NotEmpty(t, p.find(`webhook-id: (evt_\w+)`))
	for _, page := range []string{p.find(`event +(http://\S+)`), p.find(`delivery +(http://\S+)`)} {
		response, err := http.Get(page) //nolint:noctx // a loopback page of a program that the test owns
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	require.Zero(t, p.interrupt())
	require.NotContains(t, p.output.String(), "level=WARN")
	require.NotContains(t, p.output.String(), "level=ERROR")
}

func TestDemoRunsAgainInTheSameFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for range 2 {
		p := startDev(t, folder, "--demo")
		p.find(`(signature is verified)`)
		require.Zero(t, p.interrupt())
	}
}

func TestFailsTwiceThenDelivers(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	receiver := newSink(t, 500, 503, 204)
	id, secret := p.subscribe(receiver.url, object{"retry_schedule": []string{"1s", "2s"}})
	receiver.trust(secret)
	publisher, err := client.New(p.apiURL(), "")
	require.NoError(t, err)
	published, err := publisher.Publish(t.Context(), client.Event{Type: "order.paid", Data: object{"order": 42}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return len(p.deliveries("status=delivered&event_id="+published.ID)) == 1
	}, deliveryLimit, 50*time.Millisecond)

	deliveries := p.deliveries("subscription_id=" + id)
	require.Len(t, deliveries, 1)
	require.Equal(t, 3, deliveries[0].Attempts)
	attempts := p.attempts(deliveries[0].ID)
	require.Len(t, attempts, 3)
	for i, status := range []int{500, 503, 204} {
		require.Equal(t, i+1, attempts[i].Number)
		require.Equal(t, status, attempts[i].Response.Status)
	}
	requireGap(t, attempts[0], attempts[1], time.Second)
	requireGap(t, attempts[1], attempts[2], 2*time.Second)
	require.Equal(t, 3, receiver.times(published.ID))
	receiver.requireValid(t)
}

// requireGap allows for the jitter below and a busy machine above.
func requireGap(t *testing.T, a, b attemptView, want time.Duration) {
	t.Helper()
	gap := b.StartedAt.Sub(a.StartedAt)
	require.GreaterOrEqual(t, gap, want*9/10)
	require.Less(t, gap, want+10*time.Second)
}

func TestKilledRightAfterAccepting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	receiver := newSink(t, 204)
	p := startDev(t, folder)
	p.subscribe(receiver.url, nil)
	events := make([]string, 0, 20)
	for i := range cap(events) {
		events = append(events, p.publish(i))
	}
	p.kill()

	p = startDev(t, folder)
	for _, id := range events {
		require.Eventually(t, func() bool { return receiver.times(id) > 0 }, 2*deliveryLimit, 50*time.Millisecond)
	}
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered&limit=200")) == len(events) },
		2*deliveryLimit, 100*time.Millisecond)
}

func TestKilledWhileWaitingToRetry(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	receiver := newSink(t, 500, 204)
	p := startDev(t, folder)
	p.subscribe(receiver.url, object{"retry_schedule": []string{"4s"}})
	p.publish("x")
	var waiting []deliveryView
	require.Eventually(t, func() bool {
		waiting = p.deliveries("status=pending")
		return len(waiting) == 1 && waiting[0].Attempts == 1
	}, deliveryLimit, 10*time.Millisecond)
	p.kill()

	p = startDev(t, folder)
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 1 },
		2*deliveryLimit, 100*time.Millisecond)
	attempts := p.attempts(waiting[0].ID)
	require.Len(t, attempts, 2, "the attempt that was recorded is not made again")
	require.GreaterOrEqual(t, attempts[1].StartedAt.Sub(attempts[0].StartedAt), 3600*time.Millisecond)
}

func TestGoneCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	receiver := newSink(t, 500, 500, 410)
	id, _ := p.subscribe(receiver.url, object{"retry_schedule": []string{"1h"}})
	p.publish("waits")
	p.publish("waits too")
	require.Eventually(t, func() bool { return receiver.events() == 2 }, deliveryLimit, 20*time.Millisecond)
	p.publish("is answered 410")
	require.Eventually(t, func() bool { return len(p.deliveries("status=cancelled")) == 3 },
		deliveryLimit, 50*time.Millisecond)
	var sub struct {
		Status         string
		DisabledReason string `json:"disabled_reason"`
	}
	p.call(http.StatusOK, http.MethodGet, "/v1/subscriptions/"+id, nil, &sub)
	require.Equal(t, "disabled", sub.Status)
	require.Contains(t, sub.DisabledReason, "410")
	require.Equal(t, 3, receiver.events(), "nobody asks again")
}

func TestRotatedSecretSignsWhatWaits(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	receiver := newSink(t, 500, 204)
	id, _ := p.subscribe(receiver.url, object{"retry_schedule": []string{"1h"}})
	p.publish("x")
	var waiting []deliveryView
	require.Eventually(t, func() bool {
		waiting = p.deliveries("status=pending")
		return len(waiting) == 1 && waiting[0].Attempts == 1
	}, deliveryLimit, 20*time.Millisecond)
	var rotated struct{ Secret string }
	p.call(http.StatusOK, http.MethodPost, "/v1/subscriptions/"+id+"/rotate-secret", object{"grace": "0s"}, &rotated)
	receiver.trust(rotated.Secret)
	p.call(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+waiting[0].ID+"/redeliver", nil, nil)
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 1 }, deliveryLimit, 50*time.Millisecond)
	receiver.requireValid(t)
}

func TestKilledWhileTheReceiverIsAnswering(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	receiver := newSink(t, 204)
	hold := receiver.hold(t)
	p := startDev(t, folder)
	p.subscribe(receiver.url, nil)
	id := p.publish("x")
	<-hold.arrived
	p.kill()
	hold.release()

	p = startDev(t, folder)
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 1 },
		3*deliveryLimit, 100*time.Millisecond)
	require.Equal(t, 2, receiver.times(id), "at least once: nobody knew of the first answer")
	require.Len(t, p.attempts(p.deliveries("")[0].ID), 1)
}

func TestStopsAfterTheAttemptUnderWay(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	receiver := newSink(t, 204)
	hold := receiver.hold(t)
	p := startDev(t, folder)
	p.subscribe(receiver.url, nil)
	id := p.publish("x")
	<-hold.arrived
	require.NoError(t, p.command.Process.Signal(os.Interrupt))
	p.find(`(Stopping)`)
	hold.release()
	require.Zero(t, p.exitCode())

	p = startDev(t, folder)
	deliveries := p.deliveries("status=delivered")
	require.Len(t, deliveries, 1, "the attempt was recorded before the program ended")
	require.Equal(t, 1, deliveries[0].Attempts)
	require.Equal(t, 1, receiver.times(id))
}

func TestSignalsWaitForTheAttemptUnderWay(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	receiver := newSink(t, 500, 204)
	hold := receiver.hold(t)
	p.subscribe(receiver.url, object{"retry_schedule": []string{"1h"}})
	id := p.publish("x")
	<-hold.arrived
	delivery := p.deliveries("event_id=" + id)[0].ID
	p.call(http.StatusAccepted, http.MethodPost, "/v1/deliveries/"+delivery+"/redeliver", nil, nil)
	require.Never(t, func() bool { return len(hold.arrived) > 0 }, time.Second, 50*time.Millisecond)
	hold.release()
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 1 },
		deliveryLimit, 50*time.Millisecond)
	require.Equal(t, 1, receiver.most, "never two attempts at a time")
	require.Equal(t, 2, receiver.times(id))
}

func TestServerWithEmbeddedEngineOnPostgres(t *testing.T) {
	t.Parallel()
	env := serverEnv(pgtest.OwnURL(t)) // the embedded engine's databases have fixed names
	args := []string{
		"server", "--engine", "embedded", "--listen", "127.0.0.1:0", "--ui-listen", "127.0.0.1:0",
		"--temporal-listen", "127.0.0.1:0", "--allow-networks", "127.0.0.0/8", "--data", t.TempDir(),
	}

	p := start(t, env, args...)
	require.Equal(t, 1, p.exitCode(), "a server behind its migrations refuses to start")
	require.Contains(t, p.output.String(), "posthaste migrate up")
	p = start(t, env, "migrate", "up")
	require.Zero(t, p.exitCode())

	receiver := newSink(t, 500, 204)
	p = start(t, env, args...)
	p.key = testKey
	_, secret := p.subscribe(receiver.url, object{"retry_schedule": []string{"5s"}})
	receiver.trust(secret)
	id := p.publish("on Postgres")
	require.Eventually(t, func() bool { return receiver.times(id) == 1 }, deliveryLimit, 10*time.Millisecond)
	p.kill()

	p = start(t, env, args...)
	p.key = testKey
	require.Eventually(t, func() bool { return len(p.deliveries("status=delivered")) == 1 },
		2*deliveryLimit, 100*time.Millisecond)
	receiver.requireValid(t)
	require.Zero(t, p.interrupt())
}

// serverEnv is the environment of a server on the database.
func serverEnv(databaseURL string) []string {
	return []string{
		"POSTHASTE_DATABASE_URL=" + databaseURL,
		"POSTHASTE_API_KEY=" + testKey,
		"POSTHASTE_MASTER_KEY=" + keyring.New(),
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	notFolder := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(notFolder, nil, 0o600))
	taken := newSink(t, 204)
	address := strings.TrimSuffix(strings.TrimPrefix(taken.url, "http://"), "/hook")
	key := keyring.New()

	usage := []string{"a bad flag", "an unknown command", "a settings file with a slip"}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a taken port":             {[]string{"dev", "--data", folder, "--listen", address}, "address already in use"},
		"a folder that is a file":  {[]string{"dev", "--data", notFolder, "--listen", "127.0.0.1:0"}, "--data"},
		"a bad flag":               {[]string{"dev", "--nonsense"}, "--nonsense"},
		"an unknown command":       {[]string{"deliver"}, "deliver"},
		"dev for other machines":   {[]string{"dev", "--data", folder, "--listen", "0.0.0.0:0"}, "other machines"},
		"a server without a key":   {[]string{"server", "--data", folder, "--master-key", key}, "POSTHASTE_API_KEY"},
		"a server with a weak key": {[]string{"server", "--data", folder, "--master-key", key, "--api-key", "short"}, "16 characters"},
		"a server without master key": {
			[]string{"server", "--data", folder, "--api-key", testKey, "--listen", "127.0.0.1:0"}, "POSTHASTE_MASTER_KEY",
		},
		"a database we do not speak to": {
			[]string{"migrate", "up", "--database-url", "mysql://user:hidden@host/db"}, "postgres://",
		},
		"a Postgres that is away": {
			[]string{"migrate", "up", "--database-url", "postgres://user:hidden@" + freeAddress(t) + "/db"}, "connect",
		},
		"a settings file with a slip": {
			[]string{"--config", writeFile(t, "lisen: 127.0.0.1:0\n"), "dev", "--data", folder, "--listen", "127.0.0.1:0"}, "lisen",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, code := runHere(t, tt.args...)
			want := terminal.CodeFailure
			if slices.Contains(usage, name) {
				want = terminal.CodeUsage
			}
			require.Equal(t, want, code)
			require.Len(t, lines(output), 1, output)
			require.Contains(t, output, tt.want)
			require.NotContains(t, output, "hidden")
			require.NotContains(t, output, key)
		})
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
