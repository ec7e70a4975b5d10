package worker

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

func event(tenant, id string) start {
	return start{DeliverEventInput: workflows.DeliverEventInput{Tenant: tenant, EventID: id}, accepted: time.Now()}
}

func TestBacklogIsBounded(t *testing.T) {
	t.Parallel()
	b := newBacklog(1)
	for i := range maxBehind {
		require.True(t, b.found(strconv.Itoa(i)))
	}
	require.True(t, b.found("0"), "it has its place")
	require.False(t, b.found("one more"))
	for i := range 2 * maxLanes {
		id := strconv.Itoa(i)
		b.admit(event("tenant "+id, "evt_"+id))
		b.admit(event("tenant "+id, "evt_"+id+"b")) // no room any more
	}
	require.Len(t, b.round(), maxBehind)
	require.Equal(t, maxLanes, b.lanes.Len())

	first := b.round()[0]
	require.True(t, b.catchUp(first, b.look(first).left))
	require.True(t, b.found("one more"))
}

func TestTenantWithoutRoomGivesWay(t *testing.T) {
	t.Parallel()
	b := newBacklog(1)
	for i := range maxBehind {
		require.True(t, b.found(strconv.Itoa(i)))
	}
	full := b.round()[7]
	seen := b.look(full)
	require.True(t, b.take(full, "evt_1"))
	require.True(t, b.admit(event("one more", "evt_2")))
	require.False(t, b.admit(event("one more", "evt_3")))
	require.Len(t, b.round(), maxBehind)
	require.NotContains(t, b.round(), full)
	require.Equal(t, "one more", b.round()[maxBehind-1].tenant)

	require.True(t, b.catchUp(full, seen.left), "it was having its turn meanwhile")
	require.False(t, b.admit(event(full.tenant, "evt_4")), "it has no room still")
	require.True(t, b.found(full.tenant))
	require.Len(t, b.round(), maxBehind)
}

func TestTenantThatIsBehindIsNeverPushedOut(t *testing.T) {
	t.Parallel()
	b := newBacklog(1)
	require.True(t, b.admit(event("a", "evt_1")))
	require.False(t, b.admit(event("a", "evt_2")))
	for i := range 2 * maxLanes {
		require.True(t, b.admit(event(strconv.Itoa(i), strconv.Itoa(i))))
	}
	require.False(t, b.admit(event("a", "evt_3")))
	require.Len(t, b.round(), 1)
	l := b.round()[0]
	require.True(t, b.catchUp(l, b.look(l).left))
	require.False(t, b.admit(event("a", "evt_4")), "what is known of it stays known")
}

func TestTenantStaysBehindWhenAnotherEventIsLeftMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBacklog(1)
	require.True(t, b.admit(event("a", "evt_1")))
	require.False(t, b.admit(event("a", "evt_2")))
	l := b.round()[0]
	seen := b.look(l)
	require.False(t, b.admit(event("a", "evt_3")))
	require.False(t, b.catchUp(l, seen.left))
	require.True(t, b.catchUp(l, b.look(l).left))
	require.Empty(t, b.round())
}

func TestEventIsLeftWithItsOwnTimeWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	b := newBacklog(1)
	require.True(t, b.admit(event("a", "evt_1")))
	before := event("a", "evt_2")
	before.accepted = time.Now().Add(time.Hour)
	require.False(t, b.admit(before))
	l := b.round()[0]
	seen := b.look(l).left
	require.False(t, seen.Before(before.accepted), "or its turn would not find it")
	require.False(t, b.admit(event("a", "evt_3")))
	require.True(t, b.look(l).left.After(seen))
	require.False(t, b.catchUp(l, seen))
}

func TestQueuedEventIsStartedOnce(t *testing.T) {
	t.Parallel()
	b := newBacklog(100)
	require.True(t, b.admit(event("a", "evt_1")))
	require.True(t, b.admit(event("a", "evt_2")))
	require.True(t, b.admit(event("a", "evt_3")))
	require.True(t, b.claim(event("a", "evt_1")))

	require.True(t, b.found("a"))
	require.True(t, b.take(b.round()[0], "evt_2"))
	require.False(t, b.claim(event("a", "evt_2")), "it had its turn")
	require.False(t, b.claim(event("a", "evt_3")), "it will have its turn")
	require.Equal(t, waiting, b.stage("evt_3"))
}

func TestWidthIsForgotten(t *testing.T) {
	t.Parallel()
	b := newBacklog(1000)
	l := b.lane("a")
	b.correct(l, models.Outstanding{Deliveries: 500, Events: 1}, 0, 0, time.Now())
	for range 9 {
		b.correct(l, models.Outstanding{}, 0, 0, time.Now())
	}
	require.Equal(t, 1, l.width)
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	b := newBacklog(1000)
	for i := range unasked {
		require.True(t, b.admit(event("a", strconv.Itoa(i))))
	}
	require.False(t, b.admit(event("a", "x")), "the store is asked first")
	l := b.round()[0]
	require.Equal(t, look{due: true, left: l.left}, b.look(l))

	soon := time.Now().Add(time.Hour)
	b.correct(l, models.Outstanding{Deliveries: 29, Events: 10}, 4, 0, soon)
	require.Equal(t, 3, l.width, "rounded up")
	require.Equal(t, 29+4*3, l.estimate)
	require.Equal(t, look{room: true, left: l.left}, b.look(l))
	require.True(t, b.take(l, "x"))
	require.Equal(t, 44, l.estimate)

	b.correct(l, models.Outstanding{}, 2, 5, soon)
	require.Equal(t, 2*3+5, l.estimate, "the width is remembered")
	b.correct(l, models.Outstanding{Deliveries: 100_000, Events: 1}, 0, 0, soon)
	require.False(t, b.look(l).room)
}
