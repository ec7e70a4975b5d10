package backlog

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func event(tenant, id string) *models.Event {
	return &models.Event{Tenant: tenant, ID: id, CreatedAt: time.Now()}
}

// catchUp gives a tenant a turn that finds nothing.
func catchUp(t *testing.T, b *Backlog, tenant string) {
	t.Helper()
	turn := b.Turn(tenant)
	turn.Add(nil, true)
	turn.End()
	require.NotContains(t, b.Behind(), tenant)
}

func TestBacklogIsBounded(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	for i := range maxBehind {
		require.True(t, b.MarkBehind(strconv.Itoa(i)))
	}
	require.True(t, b.MarkBehind("0"), "it has its place")
	require.False(t, b.MarkBehind("one more"))
	for i := range 2 * maxTenants {
		id := strconv.Itoa(i)
		b.Admit(event("tenant "+id, "evt_"+id))
		b.Admit(event("tenant "+id, "evt_"+id+"b")) // no room any more
	}
	require.Len(t, b.Behind(), maxBehind)
	require.Equal(t, maxTenants, b.known.Len())

	catchUp(t, b, b.Behind()[0])
	require.True(t, b.MarkBehind("one more"))
}

func TestMarksAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(10, nil)
		for i := range 2 * maxMarks {
			b.Refuse(strconv.Itoa(i))
		}
		require.Equal(t, maxMarks, b.marks.lru.Len())
		<-time.After(remembered)
		b.Refuse("last")
		require.Equal(t, []string{"last"}, b.marks.lru.Keys())
	})
}

func TestTenantWithoutRoomIsEvicted(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	for i := range maxBehind {
		require.True(t, b.MarkBehind(strconv.Itoa(i)))
	}
	turn := b.Turn("7")
	turn.Add([]*models.Event{event("7", "evt_1")}, true)
	require.NotEmpty(t, turn.Take())
	require.True(t, b.Admit(event("one more", "evt_2")))
	require.False(t, b.Admit(event("one more", "evt_3")))
	require.Len(t, b.Behind(), maxBehind)
	require.NotContains(t, b.Behind(), "7")
	require.Equal(t, "one more", b.Behind()[maxBehind-1])

	turn.End() // of the turn that it was having meanwhile
	require.False(t, b.Admit(event("7", "evt_4")), "it has no room still")
	require.True(t, b.MarkBehind("7"))
	require.Len(t, b.Behind(), maxBehind)
}

func TestTenantThatIsBehindIsNeverForgotten(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	require.True(t, b.Admit(event("a", "evt_1")))
	require.False(t, b.Admit(event("a", "evt_2")))
	for i := range 2 * maxTenants {
		require.True(t, b.Admit(event(strconv.Itoa(i), strconv.Itoa(i))))
	}
	require.False(t, b.Admit(event("a", "evt_3")))
	require.Equal(t, []string{"a"}, b.Behind())
	catchUp(t, b, "a")
	require.False(t, b.Admit(event("a", "evt_4")), "the estimate is still known")
}

func TestTenantStaysBehindWhenAnotherEventIsLeftMeanwhile(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	require.True(t, b.Admit(event("a", "evt_1")))
	require.False(t, b.Admit(event("a", "evt_2")))
	turn := b.Turn("a")
	turn.Add(nil, true)
	require.False(t, b.Admit(event("a", "evt_3")))
	turn.End()
	require.True(t, turn.More())
	require.Equal(t, []string{"a"}, b.Behind())
	catchUp(t, b, "a")
}

func TestTenantCatchesUpOnlyAfterAllEventsWereReadAndTaken(t *testing.T) {
	t.Parallel()
	for name, have := range map[string]func(*Turn){
		"not all read": func(turn *Turn) { turn.Add(nil, false) },
		"not all taken": func(turn *Turn) {
			turn.Add([]*models.Event{event("a", "evt_1")}, true)
		},
		"too many starting at the moment": func(turn *Turn) {
			for i := range few + 1 {
				turn.Add([]*models.Event{event("a", strconv.Itoa(i))}, true)
			}
			for len(turn.Take()) > 0 {
				continue
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New(100, nil)
			b.MarkBehind("a")
			turn := b.Turn("a")
			have(turn)
			turn.End()
			require.Equal(t, []string{"a"}, b.Behind())
		})
	}
}

func TestEventIsLeftWithItsOwnTimeWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	require.True(t, b.Admit(event("a", "evt_1")))
	ahead := event("a", "evt_2")
	ahead.CreatedAt = time.Now().Add(time.Hour)
	require.False(t, b.Admit(ahead))
	turn := b.Turn("a")
	require.True(t, turn.Before(time.Now()).After(ahead.CreatedAt), "or the turn would not read it")
	require.False(t, b.Admit(event("a", "evt_3")))
	require.True(t, b.Turn("a").Before(time.Now()).After(turn.Before(time.Now())))
	turn.Add(nil, true)
	turn.End()
	require.Equal(t, []string{"a"}, b.Behind(), "evt_3 was left meanwhile")
}

func TestTurnReadsNoNewEventsOfOtherProcesses(t *testing.T) {
	t.Parallel()
	b := New(1, nil)
	b.MarkBehind("a")
	settled := time.Now().Add(-3 * time.Second)
	require.Equal(t, settled, b.Turn("a").Before(settled))
}

func TestQueuedEventIsStartedOnce(t *testing.T) {
	t.Parallel()
	b := New(100, nil)
	for _, id := range []string{"evt_1", "evt_2", "evt_3"} {
		require.True(t, b.Admit(event("a", id)))
	}
	require.True(t, b.Dequeue(event("a", "evt_1")))

	require.True(t, b.MarkBehind("a"))
	turn := b.Turn("a")
	turn.Add([]*models.Event{event("a", "evt_1"), event("a", "evt_2")}, true)
	require.Equal(t, "evt_2", turn.Take()[0].ID)
	require.False(t, b.Dequeue(event("a", "evt_2")), "it had its turn")
	require.False(t, b.Dequeue(event("a", "evt_3")), "it will have its turn")
	turn = b.Turn("a")
	turn.Add([]*models.Event{event("a", "evt_3")}, true)
	require.Equal(t, "evt_3", turn.Take()[0].ID)
}

func TestFailedStartEndsTheTurnAndPutsTheTenantLast(t *testing.T) {
	t.Parallel()
	b := New(100, nil)
	b.MarkBehind("a")
	b.MarkBehind("b")
	turn := b.Turn("a")
	turn.Add([]*models.Event{event("a", "evt_1"), event("a", "evt_2")}, true)
	b.PutBack(turn.Take()[0])
	turn.Fail()
	require.Empty(t, turn.Take())
	turn.End()
	require.False(t, turn.More())
	require.Equal(t, []string{"b", "a"}, b.Behind())
	turn = b.Turn("a")
	turn.Add([]*models.Event{event("a", "evt_1")}, true)
	require.Equal(t, "evt_1", turn.Take()[0].ID, "it waits again")
}

func TestBlame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(100, nil)
		require.True(t, b.Blame("evt_1", true), "the engine answered")
		require.False(t, b.Blame("evt_2", false))
		require.False(t, b.Blame("evt_2", false))
		require.True(t, b.Blame("evt_2", false))
		b.MarkBehind("a")
		turn := b.Turn("a")
		turn.Add([]*models.Event{event("a", "evt_1"), event("a", "evt_2")}, true)
		require.Empty(t, turn.Take())
		<-time.After(startedFor)
		turn = b.Turn("a")
		turn.Add([]*models.Event{event("a", "evt_1"), event("a", "evt_2")}, true)
		require.Equal(t, "evt_1", turn.Take()[0].ID, "it is tried again")
	})
}

func TestWidthIsForgotten(t *testing.T) {
	t.Parallel()
	b := New(1000, nil)
	b.MarkBehind("a")
	turn := b.Turn("a")
	turn.Count(models.Outstanding{Deliveries: 500, Events: 1}, time.Now())
	for range 9 {
		turn.Count(models.Outstanding{}, time.Now())
	}
	require.Equal(t, 1, turn.tenant.width)
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	b := New(1000, nil)
	for i := range unasked {
		require.True(t, b.Admit(event("a", strconv.Itoa(i))))
	}
	require.False(t, b.Admit(event("a", "x")), "the store is asked first")
	turn := b.Turn("a")
	require.True(t, turn.Due())
	require.True(t, turn.Wants())
	require.Empty(t, turn.Take())

	turn.started = 4
	soon := time.Now().Add(time.Hour)
	turn.Count(models.Outstanding{Deliveries: 29, Events: 10}, soon)
	require.Equal(t, 3, turn.tenant.width, "rounded up")
	require.Equal(t, 29+4*3, turn.tenant.estimate)
	turn.Add([]*models.Event{event("a", "x")}, true)
	require.NotEmpty(t, turn.Take())
	require.Equal(t, 44, turn.tenant.estimate)
	require.False(t, b.Turn("a").Due())

	turn.started, turn.overdue = 2, 5
	turn.Count(models.Outstanding{}, soon)
	require.Equal(t, 2*3+5, turn.tenant.estimate, "the width is remembered")
	turn.Count(models.Outstanding{Deliveries: 100_000, Events: 1}, soon)
	require.Nil(t, b.Turn("a"), "no room, and not due")
}

func TestStartedEventsKeepTheirRoomBetweenTwoCounts(t *testing.T) {
	t.Parallel()
	b := New(20, nil)
	b.MarkBehind("a")
	events := make([]*models.Event, 30)
	for i := range events {
		events[i] = event("a", strconv.Itoa(i))
		if i < 15 {
			b.marks.start(events[i].ID)
		}
	}
	turn := b.Turn("a") // reads none of them, as when older events wait
	turn.Count(models.Outstanding{Deliveries: 5, Events: 5}, time.Now().Add(time.Hour))
	turn = b.Turn("a")
	turn.Add(events, true)
	require.Empty(t, turn.Take())
}

func TestFewEventsThatAreNeverPlannedLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(20, nil)
		b.MarkBehind("a")
		wide := models.Outstanding{Deliveries: 10, Events: 1}
		events := []*models.Event{event("a", "evt_1"), event("a", "evt_2")}
		for i, want := range []struct{ estimate, late int }{{10, 0}, {10, 2}, {10 + 2, 0}} {
			turn := b.Turn("a")
			turn.Add(events, true)
			turn.Count(wide, time.Time{})
			require.Equal(t, want.estimate, turn.tenant.estimate, i)
			for range events {
				turn.tenant.estimate = 0 // there is room
				turn.Take()
			}
			require.Equal(t, want.late, turn.Late(), i)
			if i == 0 {
				<-time.After(startedFor)
			}
		}
	})
}
