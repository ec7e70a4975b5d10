package store

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

// switchover stands before a Postgres whose machine can lose its power: what was connected then hears nothing any more, not
// even that it is over, and what connects later reaches the next one.
type switchover struct {
	host  string // of the database
	epoch atomic.Int64
}

// behindSwitchover puts one before the database of the options.
func behindSwitchover(t *testing.T, o Options) (*switchover, Options) {
	t.Helper()
	u, err := url.Parse(o.DatabaseURL)
	require.NoError(t, err)
	s := &switchover{host: u.Host}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			go s.serve(c)
		}
	}()
	u.Host = l.Addr().String()
	o.DatabaseURL = u.String()
	return s, o
}

func (s *switchover) serve(client net.Conn) {
	defer client.Close()
	born := s.epoch.Load()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", s.host)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(&wire{Conn: server, switchover: s, born: born}, client) //nolint:errcheck // ends with the connection
	_, _ = io.Copy(&wire{Conn: client, switchover: s, born: born}, server)
}

// wire is a direction of a connection. It swallows what is written after the power was lost.
type wire struct {
	net.Conn
	*switchover
	born int64
}

func (w *wire) Write(p []byte) (int, error) {
	if w.epoch.Load() != w.born {
		return len(p), nil
	}
	return w.Conn.Write(p)
}

func tryPublish(ctx context.Context, s *Store) error {
	_, err := s.CreateEvents(ctx, []*models.Event{models.NewEvent(models.Event{Type: "a", Data: []byte("{}")}, time.Now())})
	return err
}

// beforePowerIsLost opens a store with all connections that its pool may have. They count as idle for more than a second.
func beforePowerIsLost(t *testing.T) (*switchover, *Store) {
	t.Helper()
	power, o := behindSwitchover(t, postgresAt(t))
	s, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Migrate(t.Context())
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, postgresConns)
	for i := range errs {
		all.Go(func() { errs[i] = s.write.WithContext(t.Context()).Exec("SELECT pg_sleep(1.1)").Error })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return power, s
}

func TestADeadConnectionHoldsUpNobodyForEver(t *testing.T) {
	t.Parallel()
	power, s := beforePowerIsLost(t)
	s.creations.timeout = 200 * time.Millisecond
	power.epoch.Add(1)

	var all sync.WaitGroup
	errs := make([]error, 2*postgresLanes)
	for i := range errs {
		all.Go(func() { errs[i] = tryPublish(context.Background(), s) }) // for ever, if need be
	}
	all.Wait()
	for _, err := range errs {
		require.Equal(t, models.CodeUnavailable, models.ErrorCode(err))
	}
	var err error
	for range 10 * postgresConns {
		if err = tryPublish(t.Context(), s); err == nil {
			break
		}
	}
	require.NoError(t, err)
}

func TestADeadConnectionThatWasIdleCostsNoDeadline(t *testing.T) {
	t.Parallel()
	power, s := beforePowerIsLost(t)
	power.epoch.Add(1)
	require.NoError(t, tryPublish(t.Context(), s))
	// A read has no deadline but its caller's, and here that has none.
	require.NoError(t, s.Ping(context.Background()))
}
