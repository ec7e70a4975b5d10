package engine

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("refuses options that say too little", func(t *testing.T) {
		t.Parallel()
		full := options(SQLite(t.TempDir()), &logBook{})
		for want, spoil := range map[string]func(*Options){
			"Options.Listen is empty":             func(o *Options) { o.Listen = "" },
			"Options.Store is nil":                func(o *Options) { o.Store = nil },
			"Options.Namespace is empty":          func(o *Options) { o.Namespace = "" },
			"Options.Retention is below one hour": func(o *Options) { o.Retention = time.Minute },
		} {
			o := full
			spoil(&o)
			_, err := Start(t.Context(), o)
			require.ErrorContains(t, err, want)
		}
	})

	t.Run("names the address that is taken, and which it is", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", anyPort)
		require.NoError(t, err)
		t.Cleanup(func() { _ = taken.Close() })
		addr := taken.Addr().String()

		for option, o := range map[string]Options{
			"Listen":   {Listen: addr},
			"UIListen": {Listen: anyPort, UIListen: addr},
		} {
			o.Store, o.Namespace = SQLite(t.TempDir()), namespace
			_, err := Start(t.Context(), o)
			var listenError *ListenError
			require.ErrorAs(t, err, &listenError)
			require.Equal(t, option, listenError.Option)
			require.ErrorIs(t, err, syscall.EADDRINUSE)
			require.EqualError(t, err, "start temporal: listen "+addr+": address already in use")
		}
	})

	t.Run("says what is wrong with an address that is none", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.Listen = "7233"
		_, err := Start(t.Context(), o)
		require.ErrorContains(t, err, "listen 7233: address 7233: missing port in address")
	})

	t.Run("gives up when its context has ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := Start(ctx, options(SQLite(t.TempDir()), &logBook{}))
		require.ErrorIs(t, err, context.Canceled)
	})

	t.Run("listens on all interfaces and is reached by loopback", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.Listen = "0.0.0.0:0"
		e := start(t, o)
		require.Contains(t, e.Address(), "127.0.0.1:")
		require.Empty(t, e.UIURL())
		_, err := dial(t, e).CheckHealth(t.Context(), nil)
		require.NoError(t, err)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()

	t.Run("can be called twice, and frees the port", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.UIListen = anyPort
		e := start(t, o)
		stop(t, e)
		stop(t, e)
		o.Listen, o.UIListen = e.Address(), e.UIURL()[len("http://"):]
		start(t, o)
	})

	t.Run("is bounded by its context", func(t *testing.T) {
		t.Parallel()
		e, err := Start(t.Context(), options(SQLite(t.TempDir()), &logBook{}))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err = e.Stop(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "stop server: not finished in time")
	})
}

func TestNamespace(t *testing.T) {
	t.Parallel()

	t.Run("finds a workflow by its search attributes", func(t *testing.T) {
		t.Parallel()
		c := dial(t, start(t, options(SQLite(t.TempDir()), &logBook{})))
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "wanted", TaskQueue: taskQueue, TypedSearchAttributes: attribute("Tenant", "acme"),
		}, greet, "you")
		require.NoError(t, err)
		requireFound(t, c, `Tenant = "acme" AND EventType IS NULL`, "wanted")
	})

	t.Run("gets the attributes and the retention that a later start asks for", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.SearchAttributes = []string{"Tenant"}
		first := start(t, o)
		require.Equal(t, DefaultRetention, retention(t, dial(t, first)))
		stop(t, first)

		o.SearchAttributes, o.Retention = []string{"Tenant", "EventType"}, 48*time.Hour
		second := start(t, o)
		c := dial(t, second)
		require.Equal(t, 48*time.Hour, retention(t, c))
		have, err := c.OperatorService().ListSearchAttributes(t.Context(),
			&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		require.NoError(t, err)
		require.Len(t, have.GetCustomAttributes(), 2)
		_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "wanted", TaskQueue: taskQueue, TypedSearchAttributes: attribute("EventType", "order.paid"),
		}, greet, "you")
		require.NoError(t, err, "the new attribute can be used at once")
		requireFound(t, c, `EventType = "order.paid"`, "wanted")
		stop(t, second)

		o.Retention = 0
		require.Equal(t, 48*time.Hour, retention(t, dial(t, start(t, o))), "zero leaves it as it is")
	})

	t.Run("refuses more attributes than there are columns", func(t *testing.T) {
		t.Parallel()
		o := options(SQLite(t.TempDir()), &logBook{})
		o.SearchAttributes = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}
		_, err := Start(t.Context(), o)
		require.ErrorContains(t, err, "cannot have more than 10 search attributes")
	})
}

func attribute(name, value string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value))
}

func requireFound(t *testing.T, c client.Client, query, id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		found, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		require.NoError(t, err)
		return len(found.GetExecutions()) == 1 && found.GetExecutions()[0].GetExecution().GetWorkflowId() == id
	}, patience, 50*time.Millisecond)
}

func retention(t *testing.T, c client.Client) time.Duration {
	t.Helper()
	ns, err := c.WorkflowService().DescribeNamespace(t.Context(),
		&workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	require.NoError(t, err)
	return ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
}
