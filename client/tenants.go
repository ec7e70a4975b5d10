package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// CancelTenant stops all that was accepted of the tenant before and is not
// delivered. What is accepted after the answer goes out.
func (c *Client) CancelTenant(ctx context.Context, tenant, reason string) (*Bulk, error) {
	odd := func(r rune) bool { return foreign(r) && !strings.ContainsRune(".:@-", r) }
	if tenant == "" || foreign(rune(tenant[0])) || strings.ContainsFunc(tenant, odd) {
		return nil, fmt.Errorf("%w: %q is no tenant's name", ErrInvalid, tenant)
	}
	return send[Bulk](ctx, c, call{method: http.MethodPost, path: "v1/tenants/" + tenant + "/cancel"}, reasoned{reason})
}
