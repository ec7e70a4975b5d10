package api_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// A PATCH with null resets a field that has a default, and is refused for any other: ignored, it would look like a reset.
func TestNullIsNeverIgnored(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for path, fields := range map[string]struct {
		of         reflect.Type
		resettable []string
	}{
		subscriptionsPath + "/" + h.subscribe(): {
			reflect.TypeFor[client.SubscriptionFields](), []string{"headers", "forward_headers", "properties", "auth", "tls", "retry_schedule"},
		},
		sourcesPath + "/" + h.source(`{`+goodSource+`}`): {reflect.TypeFor[client.SourceFields](), []string{"public_url", "settings"}},
	} {
		for field := range fields.of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			t.Run(fields.of.Name()+" "+name, func(t *testing.T) {
				t.Parallel()
				a := h.on(t).do(http.MethodPatch, path, `{"`+name+`":null}`)
				if slices.Contains(fields.resettable, name) {
					a.is(http.StatusOK)
					return
				}
				a.isProblem(http.StatusBadRequest, models.CodeInvalid, name)
			})
		}
	}
}
