package worker

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// world is a store of accepted events that nobody plans, by tenant, and a Temporal.
type world struct {
	Store
	client.Client
	accepted map[string][]*models.Event
	fails    map[string]error // by tenant, or by event
	away     error

	mu     sync.Mutex
	begun  []string // every start, in order
	groups [][]string
	runs   []*execution // of the workflows that were started for tenants whose events may share one
}

// execution is a workflow that runs until it is ended.
type execution struct {
	client.WorkflowRun
	ended chan struct{}
}

func (r *execution) Get(ctx context.Context, _ any) error {
	select {
	case <-r.ended:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (w *world) AcceptedEvents(_ context.Context, tenant string, _ time.Time, after string, limit int) ([]*models.Event, error) {
	events := slices.DeleteFunc(slices.Clone(w.accepted[tenant]), func(e *models.Event) bool { return e.ID <= after })
	return events[:min(limit, len(events))], nil
}

// CheckHealth answers: it is for single starts that they fail.
func (w *world) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return nil, w.away
}

func (w *world) Outstanding(context.Context, []string, int) (map[string]models.Outstanding, error) {
	return nil, nil
}

func (w *world) ExecuteWorkflow(
	_ context.Context, _ client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	started := &execution{ended: make(chan struct{})}
	w.runs = append(w.runs, started)
	if in, ok := args[0].(workflows.DeliverEventsInput); ok {
		w.groups = append(w.groups, in.EventIDs)
		return started, cmp.Or(w.away, w.fails[in.Tenant])
	}
	in, ok := args[0].(workflows.DeliverEventInput)
	if !ok {
		return nil, fmt.Errorf("an unexpected workflow: %v", args)
	}
	w.begun = append(w.begun, in.EventID)
	return started, cmp.Or(w.away, w.fails[in.Tenant], w.fails[in.EventID])
}

// accept has so many events wait and the tenant be behind.
func (w *world) accept(d *Dispatcher, tenant string, count int) {
	for i := range count {
		w.accepted[tenant] = append(w.accepted[tenant], &models.Event{ID: fmt.Sprintf("%s_%04d", tenant, i), Tenant: tenant})
	}
	d.backlog.MarkBehind(tenant)
}

func newWorld(o DispatcherOptions) (*world, *Dispatcher) {
	w := &world{accepted: map[string][]*models.Event{}, fails: map[string]error{}}
	o.Store, o.Client, o.Control = w, w, NewControl(w, nil)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return w, NewDispatcher(o)
}

func TestWhatIsNeverPlannedKeepsItsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w, d := newWorld(DispatcherOptions{Ahead: 200, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		w.accept(d, "a", 500)
		for range 50 {
			_, err := d.round(t.Context(), d.backlog.Behind())
			require.NoError(t, err)
			<-time.After(6 * time.Second) // so that some are overdue, and some not yet
		}
		require.Greater(t, len(w.begun), 400, "they are started again and again")
		slices.Sort(w.begun)
		require.Len(t, slices.Compact(w.begun), 200)
		require.Equal(t, 200, sum(t, log.String(), `events.overdue tenant=a events=(\d+)`), "each is told once")
	})
}

// sum adds the numbers that the pattern finds.
func sum(t *testing.T, text, pattern string) (total int) {
	t.Helper()
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		total += n
	}
	return total
}

func TestEventsThatWaitGoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(DispatcherOptions{Mode: func(string) models.DeliveryMode { return models.ModeAuto }})
		ctx, stop := context.WithCancel(t.Context())
		defer d.watching.Wait()
		defer stop()
		round := func() {
			for more := true; more; {
				var err error
				more, err = d.round(ctx, d.backlog.Behind())
				require.NoError(t, err)
			}
		}
		w.accept(d, "a", 250)
		round()
		require.Equal(t, []int{100, 100}, sizes(w.groups))
		require.Equal(t, "a_0000", w.groups[0][0], "the oldest first")
		require.Equal(t, "a_0100", w.groups[1][0])

		w.accepted["a"] = w.accepted["a"][100:] // planned
		close(w.runs[0].ended)
		synctest.Wait()
		round()
		require.Equal(t, []int{100, 100, 50}, sizes(w.groups), "a group that has ended leaves its slot")
		round()
		require.Len(t, w.groups, 3)

		w.accepted["a"] = nil
		close(w.runs[1].ended)
		close(w.runs[2].ended)
		synctest.Wait()
		round()
		require.Empty(t, d.backlog.Behind())
		event := &models.Event{ID: "b_1", Tenant: "a"}
		require.True(t, d.backlog.Admit(event))
		require.NoError(t, d.start(ctx, []*models.Event{event}))
		require.Equal(t, []string{"b_1"}, w.begun, "a single one has a workflow of its own")
	})
}

func TestEventsBesideABacklogTakeFewerSteps(t *testing.T) {
	t.Parallel()
	_, d := newWorld(DispatcherOptions{Mode: func(string) models.DeliveryMode { return models.ModeAuto }})
	event := &models.Event{ID: "b_1", Tenant: "b"}
	require.False(t, d.input(event).Inline)
	require.Equal(t, childrenAtOnce, d.input(event).InlineAbove)
	require.True(t, d.backlog.MarkBehind("a"))
	require.True(t, d.input(event).Inline)
}

func TestAWorkflowThatHangsKeepsItsSlotForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(DispatcherOptions{Mode: func(string) models.DeliveryMode { return models.ModeGrouped }})
		ctx, stop := context.WithCancel(t.Context())
		defer d.watching.Wait()
		defer stop()
		for _, id := range []string{"a_1", "a_2"} {
			event := &models.Event{ID: id, Tenant: "a"}
			require.True(t, d.backlog.Admit(event))
			require.NoError(t, d.start(ctx, []*models.Event{event}))
		}
		require.Equal(t, [][]string{{"a_1"}, {"a_2"}}, w.groups)
		require.False(t, d.backlog.Admit(&models.Event{ID: "a_3", Tenant: "a"}))
		require.Nil(t, d.backlog.Turn("a"))
		<-time.After(watchFor)
		synctest.Wait()
		require.NotNil(t, d.backlog.Turn("a"))
	})
}

func sizes(groups [][]string) (sizes []int) {
	for _, group := range groups {
		sizes = append(sizes, len(group))
	}
	return sizes
}

func TestNoEventIsBlamedForANamespaceThatIsNotReady(t *testing.T) {
	t.Parallel()
	for _, why := range []error{
		serviceerror.NewNamespaceNotFound("posthaste"),
		serviceerror.NewInvalidArgument("Namespace posthaste has no mapping defined for search attribute EventID"),
	} {
		w, d := newWorld(DispatcherOptions{})
		w.fails["a"] = why
		w.accept(d, "a", 3)
		for range 5 {
			_, err := d.round(t.Context(), d.backlog.Behind())
			require.Error(t, err)
		}
		delete(w.fails, "a")
		w.begun = nil
		_, err := d.round(t.Context(), d.backlog.Behind())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"a_0000", "a_0001", "a_0002"}, w.begun, "they start at once")
	}
}

func TestStartThatFailsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	w, d := newWorld(DispatcherOptions{})
	w.fails["bad"] = errors.New("no")
	w.accept(d, "bad", 40)
	for i := range 20 {
		w.accept(d, fmt.Sprintf("good%02d", i), 5)
	}
	_, err := d.round(t.Context(), d.backlog.Behind())
	require.NoError(t, err)
	started := slices.DeleteFunc(slices.Clone(w.begun), func(id string) bool { return strings.HasPrefix(id, "bad") })
	require.Len(t, started, 20*5)
	require.Less(t, len(w.begun)-len(started), 2*Starters, "its turn ends with the failure")
	require.Equal(t, "bad", d.backlog.Behind()[0], "the others have caught up")

	w.accept(d, "late", 1)
	busy, err := d.round(t.Context(), d.backlog.Behind())
	require.NoError(t, err)
	require.True(t, busy)
	require.Equal(t, "bad", d.backlog.Behind()[0])
	busy, err = d.round(t.Context(), d.backlog.Behind())
	require.EqualError(t, err, "no")
	require.False(t, busy)
}

func TestTenantWhoseStartFailsComesLast(t *testing.T) {
	t.Parallel()
	w, d := newWorld(DispatcherOptions{})
	w.fails["bad"] = errors.New("no")
	w.accept(d, "bad", 40)
	w.accept(d, "good", 100)
	_, err := d.round(t.Context(), d.backlog.Behind())
	require.NoError(t, err)
	require.Equal(t, "good", d.backlog.Behind()[0])
	require.Equal(t, "bad", d.backlog.Behind()[1])
}

func TestRoundEndsWhenNoStartSucceeds(t *testing.T) {
	t.Parallel()
	w, d := newWorld(DispatcherOptions{})
	for i := range 100 {
		tenant := strconv.Itoa(i)
		w.fails[tenant] = errors.New("away")
		w.accept(d, tenant, 20)
	}
	_, err := d.round(t.Context(), d.backlog.Behind())
	require.EqualError(t, err, "away")
	require.Less(t, len(w.begun), hopeless+2*Starters)
}

func TestEventThatCannotBeStartedHoldsUpNoneOfItsTenant(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"refused": errors.New("no"), "never answered": serviceerror.NewUnavailable("shard")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := newWorld(DispatcherOptions{})
			w.accept(d, "a", 60)
			for i := range 20 { // many, and the oldest
				w.fails[w.accepted["a"][i].ID] = err
			}
			for range 50 {
				_, _ = d.round(t.Context(), d.backlog.Behind()) // fails while none but those are tried
			}
			for _, event := range w.accepted["a"][20:] {
				require.Contains(t, w.begun, event.ID)
			}
		})
	}
}

func TestEventsAreNotBlamedForATemporalThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(DispatcherOptions{})
		w.accept(d, "a", 60)
		w.away = errors.New("away")
		for range 50 {
			_, err := d.round(t.Context(), d.backlog.Behind())
			require.Error(t, err)
			<-time.After(askEvery)
		}
		w.away, w.begun = nil, nil
		_, err := d.round(t.Context(), d.backlog.Behind())
		require.NoError(t, err)
		require.Contains(t, w.begun, "a_0000", "the oldest still has its turn")
	})
}
