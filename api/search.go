package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
)

// SearchStore finds things by what people know of them; see [Store].
type SearchStore interface {
	Search(ctx context.Context, search models.Search) ([]models.Hit, error)
}

// hitsOfKind is how many hits of each kind a search has at most.
const hitsOfKind = 10

var searchQuery = []string{"q", "tenant"}

// search handles GET /v1/search.
func (s *server) search(c *gin.Context) error {
	q := readQuery(c)
	search := models.Search{
		Text: strings.TrimSpace(q.get("q", models.ValidateSearch)), Tenant: q.tenant(), Kinds: kindsFor(who(c)), Limit: hitsOfKind,
	}
	switch {
	case q.err != nil:
		return q.err
	case search.Text == "":
		return models.Invalid("q", "is required")
	}
	hits, err := s.Store.Search(c.Request.Context(), search)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	page := client.Page[client.SearchHit]{Data: make([]client.SearchHit, len(hits))}
	for i, hit := range hits {
		page.Data[i] = showHit(hit)
	}
	return reply(c, http.StatusOK, page)
}

// hitScopes are needed to find things, by their kind, in the order of the answer. They are those that reading them needs.
var hitScopes = []struct {
	kind  models.HitKind
	scope models.Scope
}{
	{models.HitEvent, models.ScopeReadEvents},
	{models.HitDelivery, models.ScopeReadEvents},
	{models.HitSubscription, models.ScopeReadSubscriptions},
	{models.HitSource, models.ScopeReadSubscriptions},
	{models.HitRecovery, models.ScopeReadEvents},
	{models.HitKey, models.ScopeAdmin},
	{models.HitErasure, models.ScopeAdmin},
	{models.HitEventType, models.ScopeReadEvents},
}

func kindsFor(caller *principal) (kinds []models.HitKind) {
	for _, hit := range hitScopes {
		if caller.holds(hit.scope) {
			kinds = append(kinds, hit.kind)
		}
	}
	return kinds
}

func showHit(hit models.Hit) client.SearchHit {
	return client.SearchHit{
		Kind: string(hit.Kind), ID: hit.ID, Tenant: hit.Tenant, By: string(hit.By), Value: hit.Value, Exact: hit.Exact,
		Links: client.Links{Self: hitPath(hit)},
	}
}

// hitPath leads to what was found: a list for an event type.
func hitPath(hit models.Hit) string {
	if hit.Kind == models.HitEventType {
		query := url.Values{"type": {hit.Value}}
		if hit.Tenant != "" {
			query.Set("tenant", hit.Tenant)
		}
		return "/v1/events?" + query.Encode()
	}
	return map[models.HitKind]func(id string) string{
		models.HitEvent: eventPath, models.HitDelivery: deliveryPath, models.HitSubscription: subscriptionPath, models.HitSource: sourcePath,
		models.HitRecovery: recoveryPath, models.HitKey: keyPath, models.HitErasure: erasurePath,
	}[hit.Kind](hit.ID)
}
