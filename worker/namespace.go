package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/posthaste/posthaste/workflows"
)

// Retention is how long a closed workflow stays readable in a namespace that we register.
const Retention = 72 * time.Hour

// PrepareNamespace creates the namespace and its search attributes where they are missing. Doing it twice, or from two
// processes at once, is harmless. It needs no more rights than reading when nothing is missing, so that a cluster whose
// administrator made both beforehand serves as well.
func PrepareNamespace(ctx context.Context, c client.Client, namespace string) error {
	if err := ensureNamespace(ctx, c, namespace); err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	if err := ensureSearchAttributes(ctx, c, namespace); err != nil {
		return fmt.Errorf("search attributes of namespace %s: %w", namespace, err)
	}
	return nil
}

func ensureNamespace(ctx context.Context, c client.Client, namespace string) error {
	api := c.WorkflowService()
	_, err := api.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if _, missing := errors.AsType[*serviceerror.NamespaceNotFound](err); !missing {
		return err
	}
	_, err = api.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        namespace,
		Description:                      "Webhook deliveries of Posthaste",
		WorkflowExecutionRetentionPeriod: durationpb.New(Retention),
	})
	if _, raced := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); raced {
		return nil
	}
	return err
}

func ensureSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	api := c.OperatorService()
	have, err := api.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, name := range workflows.SearchAttributes() {
		if _, ok := have.GetCustomAttributes()[name]; !ok {
			missing[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = api.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if _, raced := errors.AsType[*serviceerror.AlreadyExists](err); raced {
		return nil
	}
	return err
}
