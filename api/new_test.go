package api_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/api"
)

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("lists everything that is missing", func(t *testing.T) {
		t.Parallel()
		handler, err := api.New(api.Deps{})
		require.Nil(t, handler)
		require.EqualError(t, err, "api: missing dependencies: Control, Destinations, Dispatcher, Engine, Logger, Store")
	})

	t.Run("lists only what is missing", func(t *testing.T) {
		t.Parallel()
		_, err := api.New(api.Deps{Dispatcher: &dispatcher{}, Engine: &engine{}, Logger: slog.New(slog.DiscardHandler)})
		require.EqualError(t, err, "api: missing dependencies: Control, Destinations, Store")
	})

	t.Run("refuses a negative limit", func(t *testing.T) {
		t.Parallel()
		_, err := api.New(api.Deps{
			Store: broken{}, Dispatcher: &dispatcher{}, Control: &control{}, Destinations: destinations{}, Engine: &engine{},
			Logger: slog.New(slog.DiscardHandler), MaxBody: -1,
		})
		require.EqualError(t, err, "api: MaxBody is negative")
	})
}
