package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"github.com/posthaste/posthaste/models"
)

const (
	// bindEvery is the interval of the checks that the store still belongs to this Temporal: it may have been released for
	// another Temporal while this process runs.
	bindEvery = 10 * time.Second

	bindTimeout = 5 * time.Second
)

// engineStore records which Temporal makes the deliveries of a store.
type engineStore interface {
	BindEngine(ctx context.Context, engine models.Engine) error
}

// binding ensures that only one Temporal works on the store. No workflow is started or signalled, and no worker runs,
// before the store is known to belong to the Temporal that this process uses. Events are accepted meanwhile.
type binding struct {
	interceptor.ClientInterceptorBase
	store     engineStore
	client    client.Client
	namespace string
	refused   func(error) // is called when the store belongs to another Temporal
	bound     atomic.Bool
}

// check returns nil once the store belongs to this Temporal.
func (b *binding) check(ctx context.Context) error {
	if b.bound.Load() {
		return nil
	}
	return b.bind(ctx)
}

// bind claims the store, or finds that it is claimed already.
func (b *binding) bind(ctx context.Context) error {
	request := &workflowservice.DescribeNamespaceRequest{Namespace: b.namespace}
	described, err := b.client.WorkflowService().DescribeNamespace(ctx, request)
	if err != nil {
		return err
	}
	info := described.GetNamespaceInfo()
	err = b.store.BindEngine(ctx, models.Engine{Namespace: info.GetName(), NamespaceID: info.GetId()})
	if _, another := errors.AsType[*models.EngineError](err); another {
		b.bound.Store(false)
		b.refused(err)
	}
	if err == nil {
		b.bound.Store(true)
	}
	return err
}

// watch binds again and again until ctx ends, and reports when Temporal goes away and comes back.
func (b *binding) watch(ctx context.Context, log *slog.Logger) {
	away := false
	ticker := time.NewTicker(bindEvery)
	defer ticker.Stop()
	for {
		err := b.bindInTime(ctx)
		if ctx.Err() != nil {
			return
		}
		if away != (err != nil) {
			away = err != nil
			b.report(log, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *binding) bindInTime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bindTimeout)
	defer cancel()
	return b.bind(ctx)
}

func (b *binding) report(log *slog.Logger, err error) {
	if err == nil {
		log.Info("temporal.usable", "namespace", b.namespace)
		return
	}
	log.Warn("temporal.unusable", "namespace", b.namespace, "error", err, "hint", "events are accepted and wait")
}

// InterceptClient implements interceptor.ClientInterceptor.
func (b *binding) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &boundCalls{ClientOutboundInterceptorBase: interceptor.ClientOutboundInterceptorBase{Next: next}, binding: b}
}

// boundCalls intercepts the calls that make Temporal work on the store.
type boundCalls struct {
	interceptor.ClientOutboundInterceptorBase
	binding *binding
}

// ExecuteWorkflow implements interceptor.ClientOutboundInterceptor.
func (c *boundCalls) ExecuteWorkflow(
	ctx context.Context, in *interceptor.ClientExecuteWorkflowInput,
) (client.WorkflowRun, error) {
	if err := c.binding.check(ctx); err != nil {
		return nil, err
	}
	return c.Next.ExecuteWorkflow(ctx, in)
}

// SignalWorkflow implements interceptor.ClientOutboundInterceptor.
func (c *boundCalls) SignalWorkflow(ctx context.Context, in *interceptor.ClientSignalWorkflowInput) error {
	if err := c.binding.check(ctx); err != nil {
		return err
	}
	return c.Next.SignalWorkflow(ctx, in)
}

// SignalWithStartWorkflow implements interceptor.ClientOutboundInterceptor.
func (c *boundCalls) SignalWithStartWorkflow(
	ctx context.Context, in *interceptor.ClientSignalWithStartWorkflowInput,
) (client.WorkflowRun, error) {
	if err := c.binding.check(ctx); err != nil {
		return nil, err
	}
	return c.Next.SignalWithStartWorkflow(ctx, in)
}
