package activities

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSpeed(t *testing.T) {
	t.Parallel()
	const id, other = "sub_1", "sub_2"
	known := func() *speed {
		p := newSpeed()
		p.note(id, true, 0)
		p.note(other, true, 0)
		return p
	}

	t.Run("is not known before the first answer", func(t *testing.T) {
		t.Parallel()
		require.False(t, newSpeed().fast(id))
	})

	t.Run("is what the last answer was", func(t *testing.T) {
		t.Parallel()
		p := known()
		require.True(t, p.fast(id))
		p.note(id, true, fastAnswer)
		require.False(t, p.fast(id))
		p.note(id, true, 0)
		p.note(id, false, 0)
		require.False(t, p.fast(id))
	})

	t.Run("is not fast while a request is late, whatever others were meanwhile", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := known()
			first, second := p.watch(id), p.watch(id)
			<-time.After(fastAnswer - time.Millisecond)
			require.True(t, p.fast(id))
			<-time.After(time.Millisecond)
			synctest.Wait()
			p.note(id, true, 0)
			require.False(t, p.fast(id))
			require.True(t, p.hangs(id))
			require.True(t, p.fast(other))

			first()
			require.False(t, p.fast(id), "the second is late still")
			second()
			require.True(t, p.fast(id))
			require.Empty(t, p.late)
		})
	})

	t.Run("does not count what was over in time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := known()
			p.watch(id)()
			<-time.After(2 * fastAnswer)
			synctest.Wait()
			require.True(t, p.fast(id))
		})
	})
}
