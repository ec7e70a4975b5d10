package interop

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

// Deliveries of the whole program, by each profile and to servers of several languages, are accepted by the code of
// others before, during and after the rotation of a secret.
func TestOthersVerifyDeliveries(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	for language, start := range recorders {
		t.Run(language, func(t *testing.T) {
			rec := start(t)
			for _, profile := range webhook.Profiles() {
				t.Run(string(profile), func(t *testing.T) {
					newLive(t, p, rec, language, profile).rotate(t)
				})
			}
		})
	}
}

// live is a subscription of the running program.
type live struct {
	program *program
	profile webhook.Profile
	tenant  string
	path    string // of the subscription in the API
	secret  string // the first, or the first public key
	came    chan seen
}

func newLive(t *testing.T, p *program, rec *recorder, language string, profile webhook.Profile) *live {
	t.Helper()
	l := &live{program: p, profile: profile, tenant: language + "-" + string(profile), came: rec.at("/" + string(profile))}
	var sub struct {
		ID string
		receiverKey
	}
	p.call(t, http.MethodPost, "/v1/subscriptions", map[string]any{
		"tenant": l.tenant, "url": rec.url + "/" + string(profile), "event_types": []string{"*"},
		"signature": profile, "payload": "data", "retry_schedule": []string{"1h"},
	}, &sub)
	l.path, l.secret = "/v1/subscriptions/"+sub.ID, sub.key()
	return l
}

// receiverKey is what the API gives for the receiver.
type receiverKey struct {
	Secret    string
	PublicKey string `json:"public_key"`
}

func (k receiverKey) key() string { return cmp.Or(k.Secret, k.PublicKey) }

// rotation is the API's answer.
type rotation struct {
	receiverKey
	SignWith string      `json:"sign_with"`
	Previous []time.Time `json:"previous_expires_at"`
}

func (l *live) rotate(t *testing.T) {
	t.Helper()
	before := l.deliver(t)
	before.spelled(t, "webhook-id", "webhook-timestamp", l.profile.Header(), "X-Webhook-Event", "Content-Type")
	l.accepted(t, before, l.secret)

	var first, last rotation
	l.program.call(t, http.MethodPost, l.path+"/rotate-secret", map[string]any{"grace": "1h"}, &first)
	during := l.deliver(t)
	l.accepted(t, during, l.secret)
	if l.profile.HoldsSeveral() {
		require.Equal(t, "all", first.SignWith)
		l.accepted(t, during, first.key())
	} else {
		require.Equal(t, "previous", first.SignWith)
		l.refused(t, during, first.key())
		l.program.call(t, http.MethodPatch, l.path, map[string]any{"sign_with": "new"}, &last)
		during = l.deliver(t)
		l.accepted(t, during, first.key())
		l.refused(t, during, l.secret)
	}

	l.program.call(t, http.MethodPost, l.path+"/rotate-secret", map[string]any{"grace": "500ms"}, &last)
	<-time.After(time.Until(last.Previous[0]) + time.Millisecond)
	after := l.deliver(t)
	l.accepted(t, after, last.key())
	l.refused(t, after, first.key())
	l.refused(t, after, l.secret)
}

// deliver publishes an event and gives what came of it to the receiver.
func (l *live) deliver(t *testing.T) seen {
	t.Helper()
	var published struct{ ID string }
	l.program.call(t, http.MethodPost, "/v1/events", map[string]any{
		"tenant": l.tenant, "type": "order.paid", "data": json.RawMessage(fmt.Sprintf(event, 42)),
	}, &published)
	select {
	case s := <-l.came:
		return s
	case <-time.After(programLimit):
		require.FailNow(t, "nothing arrived")
		return seen{}
	}
}

func (l *live) accepted(t *testing.T, s seen, secret string) {
	t.Helper()
	require.NoError(t, judges[l.profile](secret)(s.request(t)))
	if l.profile == webhook.Standard {
		require.NoError(t, byJavaScript(t, secret, s))
	}
}

func (l *live) refused(t *testing.T, s seen, secret string) {
	t.Helper()
	require.Error(t, judges[l.profile](secret)(s.request(t)))
	if l.profile == webhook.Standard {
		require.Error(t, byJavaScript(t, secret, s))
	}
}

// byJavaScript asks the official library for JavaScript, which "make interop"
// installs.
func byJavaScript(t *testing.T, secret string, s seen) error {
	t.Helper()
	if _, err := os.Stat("node_modules/standardwebhooks"); err != nil {
		t.Skip(`the library is not installed; run "npm ci" in internal/interop`)
	}
	question, err := json.Marshal(map[string]any{"secret": secret, "headers": s.Headers, "body": s.Body})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", script("verify.mjs"))
	cmd.Stdin = bytes.NewReader(question)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
