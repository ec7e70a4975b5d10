package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// namespaceRefresh is how old a service's idea of a namespace can be: the
	// server's default, with some room.
	namespaceRefresh = 2500 * time.Millisecond

	// readyTimeout bounds the wait for a started server to serve the namespace.
	readyTimeout = 30 * time.Second
)

// createNamespace writes a missing namespace into the store before the server
// starts, so that all services know it from their first moment; one registered
// with a running server becomes known in the seconds after. The function is named
// for SQLite, but writes through the store's own plugin and serves Postgres too.
func createNamespace(db *database, o Options) error {
	ns, err := sqliteschema.NewNamespaceConfig(clusterName, o.Namespace, false, keywords(o.SearchAttributes))
	if err != nil {
		return fmt.Errorf("search attributes: %w", err)
	}
	ns.Detail.Config.Retention = durationpb.New(cmp.Or(o.Retention, DefaultRetention))
	if err := sqliteschema.CreateNamespaces(db.main, ns); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	return nil
}

// readyNamespace brings a namespace that was there before up to date, and waits
// until workflows can be started in it.
func readyNamespace(ctx context.Context, address string, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{
		HostPort: address, Namespace: o.Namespace, Logger: sdklog.NewStructuredLogger(o.Logger),
	})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Close()
	if err := updateRetention(ctx, c, o); err != nil {
		return fmt.Errorf("set retention: %w", err)
	}
	if err := addSearchAttributes(ctx, c, o); err != nil {
		return fmt.Errorf("add search attributes: %w", err)
	}
	return awaitSearchable(ctx, c, o)
}

// updateRetention applies a retention that was asked for.
func updateRetention(ctx context.Context, c client.Client, o Options) error {
	if o.Retention == 0 {
		return nil
	}
	api := c.WorkflowService()
	ns, err := api.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	if err != nil || ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == o.Retention {
		return err
	}
	_, err = api.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: o.Namespace,
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(o.Retention)},
	})
	return err
}

// addSearchAttributes adds the search attributes that a namespace of an older version lacks.
func addSearchAttributes(ctx context.Context, c client.Client, o Options) error {
	api := c.OperatorService()
	have, err := api.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: o.Namespace})
	if err != nil {
		return err
	}
	missing := keywords(o.SearchAttributes)
	for name := range have.GetCustomAttributes() {
		delete(missing, name)
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := api.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: o.Namespace, SearchAttributes: missing,
	}); err != nil {
		return err
	}
	// The services learn of it one by one; there is no asking each of them.
	return pause(ctx, namespaceRefresh)
}

// awaitSearchable waits until the server answers a query over all the attributes,
// which is when it knows the namespace and the names.
func awaitSearchable(ctx context.Context, c client.Client, o Options) error {
	query := &workflowservice.CountWorkflowExecutionsRequest{Namespace: o.Namespace, Query: allNull(o.SearchAttributes)}
	for {
		_, err := c.CountWorkflow(ctx, query)
		if err == nil || !mayPass(err) {
			return err
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("not ready within %s: %w", readyTimeout, err)
		}
	}
}

// mayPass recognises the errors that a server gives for a moment after it has
// started, or after it has learnt of an attribute.
func mayPass(err error) bool {
	var (
		unavailable *serviceerror.Unavailable
		notFound    *serviceerror.NamespaceNotFound
		unknownName *serviceerror.InvalidArgument
	)
	return errors.As(err, &unavailable) || errors.As(err, &notFound) || errors.As(err, &unknownName)
}

func allNull(attributes []string) string {
	terms := make([]string, len(attributes))
	for i, name := range attributes {
		terms[i] = "`" + name + "` IS NULL"
	}
	return strings.Join(terms, " AND ")
}

func keywords(names []string) map[string]enums.IndexedValueType {
	types := make(map[string]enums.IndexedValueType, len(names))
	for _, name := range names {
		types[name] = enums.INDEXED_VALUE_TYPE_KEYWORD
	}
	return types
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
