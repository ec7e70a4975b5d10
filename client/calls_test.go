package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/client/internal/require"
)

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 5e8, time.UTC)
	ask  = client.RecoveryRequest{SubscriptionID: "sub_1", Since: noon, Of: "missing", Rate: 7, Reason: "outage", Tenant: "acme"}
)

// thing has what all answers about one thing need.
const thing = `{"id":"x_1","tenant":"acme","event_id":"evt_1","secret":"whsec_1","public_keys":["whpk_1"],"data":[],"dry_run":true,"subscription_id":"sub_1","backlog":{}}`

// operations are all calls but those that publish.
var operations = map[string]struct {
	do    func(context.Context, *client.Client) error
	sends string
	body  string
	once  bool
}{
	"create subscription": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Subscription, error) {
			return c.CreateSubscription(ctx, client.SubscriptionFields{
				URL: "https://x.example", EventTypes: []string{"*"}, Timeout: client.Duration(10 * time.Second), Name: ptr("X"),
			})
		}),
		sends: "POST /v1/subscriptions",
		body:  `{"name":"X","url":"https://x.example","event_types":["*"],"timeout":"10s"}`,
		once:  true,
	},
	"subscription": {do: byID((*client.Client).Subscription), sends: "GET /v1/subscriptions/x_1"},
	"update subscription": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Subscription, error) {
			return c.UpdateSubscription(ctx, "sub_1", client.SubscriptionFields{
				Name: ptr(""), Headers: map[string]string{}, RetrySchedule: []client.Duration{client.Duration(time.Minute)},
			}, "auth", "properties")
		}),
		sends: "PATCH /v1/subscriptions/sub_1",
		body:  `{"auth":null,"headers":{},"name":"","properties":null,"retry_schedule":["1m"]}`,
	},
	"delete subscription": {
		do:    func(ctx context.Context, c *client.Client) error { return c.DeleteSubscription(ctx, "sub_1") },
		sends: "DELETE /v1/subscriptions/sub_1",
	},
	"pause subscription": {
		do: reasoned((*client.Client).PauseSubscription), sends: "POST /v1/subscriptions/x_1/pause", body: `{"reason":"why"}`,
	},
	"resume subscription": {
		do: paced((*client.Client).ResumeSubscription), sends: "POST /v1/subscriptions/x_1/resume", body: `{"rate":7,"reason":"why"}`,
	},
	"cancel waiting": {
		do: reasoned((*client.Client).CancelWaiting), sends: "POST /v1/subscriptions/x_1/cancel", body: `{"reason":"why"}`,
	},
	"public keys": {
		do: func(ctx context.Context, c *client.Client) error {
			_, err := c.PublicKeys(ctx, "sub_1")
			return err
		},
		sends: "GET /v1/subscriptions/sub_1/public-key",
	},
	"secret": {
		do: func(ctx context.Context, c *client.Client) error {
			_, err := c.Secret(ctx, "sub_1")
			return err
		},
		sends: "GET /v1/subscriptions/sub_1/secret",
	},
	"rotate secret": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Rotated, error) {
			return c.RotateSecret(ctx, "sub_1", client.Rotation{Grace: ptr(client.Duration(0))})
		}),
		sends: "POST /v1/subscriptions/sub_1/rotate-secret",
		body:  `{"grace":"0s"}`,
		once:  true,
	},
	"rotate secret and choose who signs": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Rotated, error) {
			return c.RotateSecret(ctx, "sub_1", client.Rotation{SignWith: "new"})
		}),
		sends: "POST /v1/subscriptions/sub_1/rotate-secret",
		body:  `{"sign_with":"new"}`,
		once:  true,
	},
	"choose who signs": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Subscription, error) {
			return c.UpdateSubscription(ctx, "sub_1", client.SubscriptionFields{SignWith: "new"})
		}),
		sends: "PATCH /v1/subscriptions/sub_1",
		body:  `{"sign_with":"new"}`,
	},
	"create source": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Source, error) {
			return c.CreateSource(ctx, client.SourceFields{
				Provider: "pusher", Credentials: []client.Credential{{ID: "k", Secret: "s"}}, PublicURL: "https://x.example",
			})
		}),
		sends: "POST /v1/sources",
		body:  `{"provider":"pusher","credentials":[{"id":"k","secret":"s"}],"public_url":"https://x.example"}`,
		once:  true,
	},
	"source": {do: byID((*client.Client).Source), sends: "GET /v1/sources/x_1"},
	"update source": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Source, error) {
			return c.UpdateSource(ctx, "src_1", client.SourceFields{Name: ptr(""), Status: "disabled"}, "public_url", "settings")
		}),
		sends: "PATCH /v1/sources/src_1",
		body:  `{"name":"","public_url":null,"settings":null,"status":"disabled"}`,
	},
	"delete source": {
		do:    func(ctx context.Context, c *client.Client) error { return c.DeleteSource(ctx, "src_1") },
		sends: "DELETE /v1/sources/src_1",
	},
	"providers": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.Providers(ctx)
		return err
	}, sends: "GET /v1/providers"},
	"event":           {do: byID((*client.Client).Event), sends: "GET /v1/events/x_1"},
	"cancel event":    {do: reasoned((*client.Client).CancelEvent), sends: "POST /v1/events/x_1/cancel", body: `{"reason":"why"}`},
	"redeliver event": {do: paced((*client.Client).RedeliverEvent), sends: "POST /v1/events/x_1/redeliver", body: `{"rate":7,"reason":"why"}`, once: true},
	"delivery":        {do: byID((*client.Client).Delivery), sends: "GET /v1/deliveries/x_1"},
	"attempts": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.Attempts(ctx, "dlv_1")
		return err
	}, sends: "GET /v1/deliveries/dlv_1/attempts"},
	"runs": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.Runs(ctx, "dlv_1")
		return err
	}, sends: "GET /v1/deliveries/dlv_1/runs"},
	"history": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.History(ctx, "dlv_1", "run-1")
		return err
	}, sends: "GET /v1/deliveries/dlv_1/history?run_id=run-1"},
	"history of a workflow": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.WorkflowHistory(ctx, "event/evt_1", "run-1")
		return err
	}, sends: "GET /v1/workflows/history?run_id=run-1&workflow_id=event%2Fevt_1"},
	"newest history": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.History(ctx, "dlv_1", "")
		return err
	}, sends: "GET /v1/deliveries/dlv_1/history"},
	"cancel delivery":    {do: reasoned((*client.Client).CancelDelivery), sends: "POST /v1/deliveries/x_1/cancel", body: `{"reason":"why"}`},
	"redeliver delivery": {do: reasoned((*client.Client).RedeliverDelivery), sends: "POST /v1/deliveries/x_1/redeliver", body: `{"reason":"why"}`, once: true},
	"start recovery": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.Recovery, error) {
			return c.StartRecovery(ctx, client.RecoveryRequest{SubscriptionID: "sub_1", Since: noon})
		}),
		sends: "POST /v1/recoveries", body: `{"subscription_id":"sub_1","since":"2026-11-22T12:00:00.5Z"}`, once: true,
	},
	"dry run recovery": {
		do: ask1(func(ctx context.Context, c *client.Client) (*client.RecoveryDryRun, error) {
			return c.DryRunRecovery(ctx, ask)
		}),
		sends: "POST /v1/recoveries",
		body: `{"subscription_id":"sub_1","since":"2026-11-22T12:00:00.5Z","status":"missing","rate":7,"reason":"outage",` +
			`"tenant":"acme","dry_run":true}`,
	},
	"set tenant": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.SetTenant(ctx, "acme", client.TenantFields{PublishRate: 5}, "retention")
		return err
	}, sends: "PUT /v1/tenants/acme", body: `{"publish_rate":5,"retention":null}`},
	"stats": {do: ask1(func(ctx context.Context, c *client.Client) (*client.Stats, error) { return c.Stats(ctx) }), sends: "GET /v1/stats"},
	"search": {do: func(ctx context.Context, c *client.Client) error {
		_, err := c.Search(ctx, "order 42", "acme")
		return err
	}, sends: "GET /v1/search?q=order+42&tenant=acme"},
	"recovery":        {do: byID((*client.Client).Recovery), sends: "GET /v1/recoveries/x_1"},
	"cancel recovery": {do: reasoned((*client.Client).CancelRecovery), sends: "POST /v1/recoveries/x_1/cancel", body: `{"reason":"why"}`},
}

// ptr is a pointer to value, as optional fields take it.
func ptr[T any](value T) *T { return &value }

func ask1[T any](do func(context.Context, *client.Client) (*T, error)) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		_, err := do(ctx, c)
		return err
	}
}

func byID[T any](do func(*client.Client, context.Context, string) (*T, error)) func(context.Context, *client.Client) error {
	return ask1(func(ctx context.Context, c *client.Client) (*T, error) { return do(c, ctx, "x_1") })
}

func reasoned[T any](
	do func(*client.Client, context.Context, string, string) (*T, error),
) func(context.Context, *client.Client) error {
	return ask1(func(ctx context.Context, c *client.Client) (*T, error) { return do(c, ctx, "x_1", "why") })
}

func paced[T any](
	do func(*client.Client, context.Context, string, int, string) (*T, error),
) func(context.Context, *client.Client) error {
	return ask1(func(ctx context.Context, c *client.Client) (*T, error) { return do(c, ctx, "x_1", 7, "why") })
}

func TestOperations(t *testing.T) {
	t.Parallel()

	for name, op := range operations {
		t.Run(name+" sends what the API takes", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, []client.Option{client.WithActor("zoë@desk")}, answer(http.StatusOK, thing))
			require.NoError(t, op.do(t.Context(), c))
			require.Equal(t, op.sends, bundle.seen()[0].path)
			require.Equal(t, op.body, bundle.seen()[0].body)
			require.Equal(t, "zoë@desk", bundle.seen()[0].header.Get("Posthaste-Actor"))
			require.Equal(t, "Bearer "+apiKey, bundle.seen()[0].header.Get("Authorization"))
			require.Equal(t, op.body != "", bundle.seen()[0].header.Get("Content-Type") == "application/json")
		})

		t.Run(name+" tells what is not there", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, problem(http.StatusNotFound, "not_found", "nothing has the id x_1", ""))
			requireOnly(t, op.do(t.Context(), c), client.ErrNotFound)
			require.Len(t, bundle.seen(), 1)
		})

		for cause, failure := range map[string]http.HandlerFunc{
			"a cut": hangUp, "a proxy's 503": answer(http.StatusServiceUnavailable, "<html>"), "a 500": answer(http.StatusInternalServerError, ""),
			"the server's 503": problem(503, "unavailable", "Temporal is away", ""),
		} {
			t.Run(name+" is tried again after "+cause+" only if it may arrive twice", func(t *testing.T) {
				t.Parallel()
				c, bundle := setup(t, nil, failure, answer(http.StatusOK, thing))
				err := op.do(t.Context(), c)
				if op.once {
					requireOnly(t, err, client.ErrUnavailable)
					require.Len(t, bundle.seen(), 1)
					return
				}
				require.NoError(t, err)
				require.Len(t, bundle.seen(), 2)
			})
		}

		t.Run(name+" is tried again when the server was too busy to begin", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, problem(429, "busy", "", ""), problem(429, "busy", "", ""), answer(http.StatusOK, thing))
			require.NoError(t, op.do(t.Context(), c))
			require.Len(t, bundle.seen(), 3)
		})

		t.Run(name+" is tried again when there was no connection", func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.NotFoundHandler())
			server.Close()
			bundle := &testBundle{}
			c, err := client.New(server.URL, apiKey, client.WithSleep(bundle.noteWait), client.WithRandom(0))
			require.NoError(t, err)
			requireOnly(t, op.do(t.Context(), c), client.ErrUnavailable)
			require.Len(t, bundle.waits, 3)
		})
	}
}

func TestAnswersWithoutId(t *testing.T) {
	t.Parallel()

	for name, op := range operations {
		if strings.HasPrefix(name, "delete ") || strings.Contains(name, "history") {
			continue // have nothing to look for
		}
		t.Run(name+" does not take any JSON for an answer", func(t *testing.T) {
			t.Parallel()
			c, _ := setup(t, nil, answer(http.StatusOK, `{"status":"ok"}`))
			requireOnly(t, op.do(t.Context(), c), client.ErrAnswer)
		})
	}
}

func TestIds(t *testing.T) {
	t.Parallel()

	for _, id := range []string{"", ".", "..", "../events/evt_1", "a/b", "a?b", "a b", "é", "a%2fb"} {
		t.Run("refuses "+id+" without asking", func(t *testing.T) {
			t.Parallel()
			c, bundle := setup(t, nil, answer(http.StatusOK, thing))
			for _, err := range []error{
				c.DeleteSubscription(t.Context(), id),
				second(c.UpdateSubscription(t.Context(), id, client.SubscriptionFields{})),
				second(c.Secret(t.Context(), id)),
				c.DeleteSource(t.Context(), id),
				second(c.UpdateSource(t.Context(), id, client.SourceFields{})),
				second(c.Source(t.Context(), id)),
				second(c.Delivery(t.Context(), id)),
				second(c.CancelDelivery(t.Context(), id, "")),
				second(c.Runs(t.Context(), id)),
				second(c.History(t.Context(), id, "")),
			} {
				requireOnly(t, err, client.ErrInvalid)
			}
			require.Empty(t, bundle.seen())
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestAnswersOfOperators(t *testing.T) {
	t.Parallel()

	t.Run("a subscription is read as it is shown", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"id":"sub_1","timeout":"10s","retry_schedule":["1m","1h30m"],"status":"paused",
			"auth":{"type":"basic","username":"u","password":"[redacted]"},"resume_rate":5,"properties":{"region":"eu"}}`))
		sub, err := c.Subscription(t.Context(), "sub_1")
		require.NoError(t, err)
		require.Equal(t, &client.Subscription{
			ID: "sub_1", Status: "paused", ResumeRate: 5, Timeout: client.Duration(10 * time.Second),
			RetrySchedule: []client.Duration{client.Duration(time.Minute), client.Duration(90 * time.Minute)},
			Auth:          &client.Auth{Type: "basic", Username: "u", Password: "[redacted]"},
			Properties:    map[string]json.RawMessage{"region": json.RawMessage(`"eu"`)},
		}, sub)
	})

	t.Run("a source and a provider are read as they are shown", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"id":"src_1","provider":"pusher","url":"/in/src_1","status":"active",
			"credentials":{"count":2,"ids":["k"]},"settings":{"a":1}}`), answer(http.StatusOK, `{"data":[{"name":"pusher",
			"credentials":["the secret's text"],"needs_credential_ids":true,"needs_public_url":true,"sends_delivery_id":true,"settings":{}}]}`))
		source, err := c.Source(t.Context(), "src_1")
		require.NoError(t, err)
		require.Equal(t, &client.Source{
			ID: "src_1", Provider: "pusher", URL: "/in/src_1", Status: "active",
			Credentials: client.Credentials{Count: 2, IDs: []string{"k"}}, Settings: json.RawMessage(`{"a":1}`),
		}, source)
		providers, err := c.Providers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []client.Provider{{
			Name: "pusher", Credentials: []string{"the secret's text"}, NeedsCredentialIDs: true, NeedsPublicURL: true,
			SendsDeliveryID: true, Settings: json.RawMessage(`{}`),
		}}, providers)
	})

	t.Run("a duration that is none makes the answer unreadable", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"id":"sub_1","timeout":"soon"}`))
		_, err := c.Subscription(t.Context(), "sub_1")
		requireOnly(t, err, client.ErrAnswer)
	})

	t.Run("a history comes as it is", func(t *testing.T) {
		t.Parallel()
		const history = `{"events": [ {"eventId":"1","x":"<&>"} ]}`
		c, _ := setup(t, nil, answer(http.StatusOK, history))
		got, err := c.History(t.Context(), "dlv_1", "")
		require.NoError(t, err)
		require.Equal(t, history, string(got))
	})

	t.Run("what is looked up may be larger than the answer to a publication", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"data":[{"number":1,"request":{"body":"`)
			for range client.MaxAnswer >> 10 {
				_, _ = w.Write(make1K)
			}
			_, _ = io.WriteString(w, `"}}]}`)
		})
		attempts, err := c.Attempts(t.Context(), "dlv_1")
		require.NoError(t, err)
		require.Len(t, attempts[0].Request.Body, client.MaxAnswer)
	})

	t.Run("only pending and held deliveries are open", func(t *testing.T) {
		t.Parallel()
		for status, open := range map[client.DeliveryStatus]bool{
			client.Pending: true, client.Held: true, client.Delivered: false, client.Exhausted: false, client.Cancelled: false,
		} {
			require.Equal(t, open, client.Delivery{Status: status}.Open(), status)
		}
		require.True(t, client.Recovery{Status: client.RecoveryRunning}.Running())
		require.False(t, client.Recovery{Status: "completed"}.Running())
	})
}

var make1K = func() []byte {
	block := make([]byte, 1024)
	for i := range block {
		block[i] = 'x'
	}
	return block
}()

func TestSigningKeys(t *testing.T) {
	t.Parallel()

	t.Run("of Ed25519 are a private key that is no secret, and public ones", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"private_key":"whsk_1","public_keys":["whpk_2","whpk_1"]}`))
		_, err := c.Secret(t.Context(), "sub_1")
		requireOnly(t, err, client.ErrConflict)
		require.NotContains(t, err.Error(), "whsk_1")
		private, err := c.PrivateKey(t.Context(), "sub_1")
		require.NoError(t, err)
		require.Equal(t, "whsk_1", private)
		public, err := c.PublicKeys(t.Context(), "sub_1")
		require.NoError(t, err)
		require.Equal(t, []string{"whpk_2", "whpk_1"}, public)
	})

	t.Run("of other signatures are a secret that is no private key", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"secret":"whsec_1"}`))
		secret, err := c.Secret(t.Context(), "sub_1")
		require.NoError(t, err)
		require.Equal(t, "whsec_1", secret)
		_, err = c.PrivateKey(t.Context(), "sub_1")
		requireOnly(t, err, client.ErrConflict)
		require.NotContains(t, err.Error(), "whsec_1")
	})

	t.Run("come with the creation and with a rotation", func(t *testing.T) {
		t.Parallel()
		c, _ := setup(t, nil, answer(http.StatusOK, `{"id":"sub_1","public_key":"whpk_1","previous_expires_at":[]}`))
		created, err := c.CreateSubscription(t.Context(), client.SubscriptionFields{Signature: client.SignatureEd25519})
		require.NoError(t, err)
		require.Equal(t, "whpk_1", created.PublicKey)
		rotated, err := c.RotateSecret(t.Context(), "sub_1", client.Rotation{})
		require.NoError(t, err)
		require.Equal(t, "whpk_1", rotated.PublicKey)
	})
}
