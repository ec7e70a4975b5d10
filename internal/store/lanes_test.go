package store

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gatedLanes have batches that end when they are told to.
func gatedLanes(slots, full int) (l *lanes[int], began chan []int, end chan struct{}) {
	began, end = make(chan []int, 100), make(chan struct{})
	l = &lanes[int]{slots: slots, enough: full, fit: func(waiting []int) int { return min(len(waiting), full) }}
	l.handle = func(batch []int) {
		began <- append([]int{}, batch...)
		<-end
	}
	return l, began, end
}

func TestLanes(t *testing.T) {
	t.Parallel()

	t.Run("what comes during a batch goes together in the next", func(t *testing.T) {
		t.Parallel()
		l, began, end := gatedLanes(2, 3)
		l.add(1)
		require.Equal(t, []int{1}, <-began)
		l.add(2)
		l.add(3)
		end <- struct{}{}
		require.Equal(t, []int{2, 3}, <-began)
		end <- struct{}{}
	})

	t.Run("another lane opens for a full batch, and closes when one is enough", func(t *testing.T) {
		t.Parallel()
		l, began, end := gatedLanes(2, 3)
		for i := range 4 {
			l.add(i)
			if i == 0 {
				require.Equal(t, []int{0}, <-began)
			}
		}
		require.Equal(t, []int{1, 2, 3}, <-began)
		l.add(4)
		end <- struct{}{}
		end <- struct{}{}
		require.Equal(t, []int{4}, <-began)
		require.Empty(t, began)
		end <- struct{}{}
	})

	t.Run("another lane opens while a batch is late, and goes on", func(t *testing.T) {
		t.Parallel()
		l, began, end := gatedLanes(2, 3)
		l.add(1)
		<-began
		for i := range 3 {
			l.add(2 + i)
			require.Equal(t, []int{2 + i}, <-began)
			end <- struct{}{} // either of the two
			require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.busy == 1 }, time.Minute, time.Millisecond)
		}
		end <- struct{}{}
	})

	t.Run("nothing is left", func(t *testing.T) {
		t.Parallel()
		const items = 2000
		var mu sync.Mutex
		seen := map[int]int{}
		l := &lanes[int]{slots: 3, enough: 8, fit: func(waiting []int) int { return min(len(waiting), 8) }}
		l.handle = func(batch []int) {
			if rand.IntN(200) == 0 {
				<-time.After(laneTime + laneTime/10)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, item := range batch {
				seen[item]++
			}
		}
		var all sync.WaitGroup
		for from := range 10 {
			all.Go(func() {
				for i := range items / 10 {
					l.add(from*items/10 + i)
					if rand.IntN(5) == 0 {
						<-time.After(time.Millisecond)
					}
				}
			})
		}
		all.Wait()
		require.Eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(seen) == items
		}, time.Minute, time.Millisecond)
		require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.busy == 0 && l.late == 0 }, time.Minute, time.Millisecond)
		for item, times := range seen {
			require.Equal(t, 1, times, item)
		}
	})
}
