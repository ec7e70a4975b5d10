package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func testUpdateSubscription(t *testing.T, open Open) {
	run := cases(t, open)

	run("a change is stored and returned, zero values too", func(t *testing.T, b *bundle) {
		sub := b.newSubscription("a")
		sub.Headers, sub.RetrySchedule = map[string]string{"X-A": "1"}, models.Schedule{time.Hour}
		sub.Properties = map[string]json.RawMessage{"a": raw("1")}
		require.NoError(t, b.CreateSubscription(t.Context(), sub))
		changed, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			require.Equal(t, sub, s)
			s.Name, s.Headers, s.RetrySchedule, s.Properties = "", nil, nil, nil
			s.URL, s.Timeout = "http://other.example/", 3*time.Second
			s.Secrets = []models.Secret{{Value: "whsec_bmV3"}}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, changed, b.loadSubscription(t, sub.ID))
		require.True(t, changed.UpdatedAt.After(sub.UpdatedAt))
		require.Empty(t, changed.Name)
		require.Nil(t, changed.Headers)
		require.Nil(t, changed.RetrySchedule)
		require.Nil(t, changed.Properties)
		require.Equal(t, "whsec_bmV3", changed.Secrets[0].Value)
	})

	run("id, tenant and creation time cannot be changed", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		changed, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			s.ID, s.Tenant, s.CreatedAt = "sub_other", "other", time.Now()
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, sub.ID, changed.ID)
		require.Equal(t, sub.Tenant, changed.Tenant)
		require.Equal(t, sub.CreatedAt, changed.CreatedAt)
		require.Equal(t, changed, b.loadSubscription(t, sub.ID))
	})

	run("an invalid change is refused and stores nothing", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		_, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			s.URL = "ftp://x"
			return nil
		})
		requireCode(t, models.CodeInvalid, err)
		require.Equal(t, sub, b.loadSubscription(t, sub.ID))
	})

	run("an error of the change is returned and stores nothing", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		refused := errors.New("no")
		_, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			s.Name = "changed"
			return refused
		})
		require.ErrorIs(t, err, refused)
		require.Equal(t, sub, b.loadSubscription(t, sub.ID))
	})

	run("patterns keep in step", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "order.*", "user.made")
		_, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			s.EventTypes = []string{"user.*", "order.paid", "order.paid"}
			return nil
		})
		require.NoError(t, err)
		for eventType, want := range map[string]int{"order.paid": 1, "order.late": 0, "user.made": 1, "user.gone": 1} {
			require.Len(t, b.plan(t, b.event(t, eventType).ID), want, eventType)
		}
	})

	run("activating again clears the reason and lets events through", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		b.disable(t, sub, "answered 410")
		changed, err := b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
			require.Equal(t, "answered 410", s.DisabledReason)
			s.Status = models.SubscriptionActive
			return nil
		})
		require.NoError(t, err)
		require.Empty(t, changed.DisabledReason)
		require.Len(t, b.plan(t, b.event(t, "a").ID), 1)
	})

	run("changes at once lose nothing", func(t *testing.T, b *bundle) {
		sub := b.subscription(t, "a")
		errs := make([]error, 16)
		atOnce(len(errs), func(i int) {
			_, errs[i] = b.UpdateSubscription(t.Context(), sub.ID, func(s *models.Subscription) error {
				s.EventTypes = append(s.EventTypes, fmt.Sprint("type", i))
				return nil
			})
		})
		require.NoError(t, errors.Join(errs...))
		require.Len(t, b.loadSubscription(t, sub.ID).EventTypes, 1+len(errs))
	})
}
