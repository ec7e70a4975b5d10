package api

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

// inputs are the types that bodies are decoded into, by the types that callers write.
var inputs = map[reflect.Type]any{
	reflect.TypeFor[client.Event]():              eventInput{},
	reflect.TypeFor[client.BatchRequest]():       batchInput{},
	reflect.TypeFor[client.ActionRequest]():      client.ActionRequest{},
	reflect.TypeFor[client.JobRequest]():         rateInput{},
	reflect.TypeFor[client.SubscriptionFields](): subscriptionInput{},
	reflect.TypeFor[client.Rotation]():           rotateInput{},
	reflect.TypeFor[client.RecoveryRequest]():    recoveryInput{},
	reflect.TypeFor[client.SourceFields]():       sourceInput{},
	reflect.TypeFor[client.APIKeyFields]():       keyInput{},
	reflect.TypeFor[client.TenantFields]():       tenantInput{},
}

func TestRoutesTakeTheFieldsThatCallersWrite(t *testing.T) {
	t.Parallel()
	for _, r := range new(server).routes() {
		if r.in == nil {
			continue
		}
		written := reflect.TypeOf(r.in.of)
		require.Contains(t, inputs, written, r.path)
		require.ElementsMatch(t, fieldNames(written), fieldNames(reflect.TypeOf(inputs[written])), r.path)
	}
}

// fieldNames are the names in JSON of a struct's fields.
func fieldNames(of reflect.Type) []string {
	return slices.Collect(maps.Keys(fieldsOf(of)))
}
