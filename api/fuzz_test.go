package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
	"github.com/posthaste/posthaste/models"
)

// accepting is a store that keeps nothing and refuses nothing.
type accepting struct{ api.Store }

func (accepting) CreateEvents(_ context.Context, events []*models.Event) ([]models.Created, error) {
	created := make([]models.Created, len(events))
	for i, event := range events {
		if err := event.Validate(); err != nil {
			return nil, gotThrough(err)
		}
		created[i].Event = event
	}
	return created, nil
}

func (accepting) RememberedTenant(_ context.Context, name string) (*models.Tenant, error) {
	return &models.Tenant{Name: name}, nil
}

func (accepting) CreateSubscription(_ context.Context, sub *models.Subscription, _ ...models.AuditEntry) error {
	return gotThrough(sub.Validate())
}

func (accepting) CreateSource(_ context.Context, source *models.Source, _ ...models.AuditEntry) error {
	return gotThrough(source.Validate())
}

func (accepting) Subscription(_ context.Context, id string) (*models.Subscription, error) {
	return nil, models.NotFound("subscription", id)
}

// gotThrough makes an internal failure of what the API must have refused before.
func gotThrough(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("got through: %s", err.Error())
}

// Whatever is sent, it is either taken or refused in good order: never a panic, never an internal error.
func FuzzBodies(f *testing.F) {
	f.Add(eventBody)
	f.Add(fullSubscription)
	f.Add(fullSource)
	f.Add(`{"settings":{"auth":[{"alg":"equal","sig":"header.A|json.*.b","key":"org"}],"challenges":[{"method":"GET"}]},` + goodSource + `}`)
	f.Add(`{"events":[` + eventBody + `,{"type":1},null,"a",{"data":[{}],"type":"b","metadata":{"a":null}}]}`)
	for _, bad := range badEvents {
		f.Add(bad.body)
	}
	for _, bad := range badSubscriptions {
		f.Add(bad.body)
	}
	for _, bad := range badRecoveries {
		f.Add(bad.body)
	}
	handler, err := api.New(api.Deps{
		Store: accepting{}, Dispatcher: &dispatcher{}, Control: &control{}, Destinations: destinations{}, Engine: &engine{},
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		h := &harness{t: t, handler: handler}
		for _, path := range []string{"/v1/events", batchPath, subscriptionsPath, recoveriesPath, sourcesPath} {
			a := h.do(http.MethodPost, path, body)
			require.Less(t, a.status, http.StatusInternalServerError, a.body)
			require.True(t, json.Valid([]byte(a.body)), a.body)
			if a.status < http.StatusBadRequest {
				require.True(t, json.Valid([]byte(body)))
			}
		}
	})
}
