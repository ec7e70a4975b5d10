package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSleep(t *testing.T) {
	t.Parallel()

	t.Run("lasts as long as it is told", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			require.NoError(t, sleep(t.Context(), time.Hour))
			require.Equal(t, time.Hour, time.Since(begun))
		})
	})

	t.Run("ends with the context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, sleep(ctx, time.Hour), context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(begun))
		})
	})
}
