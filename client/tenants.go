package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// CancelTenant cancels all events of the tenant that were accepted before the
// call and are not delivered. Events accepted after the answer are delivered.
func (c *Client) CancelTenant(ctx context.Context, tenant, reason string) (*Bulk, error) {
	odd := func(r rune) bool { return foreign(r) && !strings.ContainsRune(".:@-", r) }
	if tenant == "" || foreign(rune(tenant[0])) || strings.ContainsFunc(tenant, odd) {
		return nil, fmt.Errorf("%w: %q is no tenant's name", ErrInvalid, tenant)
	}
	return send[Bulk](ctx, c, call{method: http.MethodPost, path: "v1/tenants/" + tenant + "/cancel"}, reasoned{reason})
}
