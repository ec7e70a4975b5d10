package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// lastLetter sorts behind all letters, so that a text followed by it sorts behind all that begins with the text.
const lastLetter = "\U0010FFFF"

// lookup is a way to find things of a kind: by a value that begins with a text. An index has all values in order, those of a
// tenant as well, so that it reads no more rows than it finds.
type lookup struct {
	kind  models.HitKind
	by    models.HitField
	table string
	id    string // column
	value string // column, or what the index has of one
	text  string // with which it begins
	whole bool   // it must be the text: what only begins with it is not found
	exact bool   // all that begins with the text is what is looked for
}

// ids are where the things are whose ids have a prefix.
var ids = map[string]struct {
	kind  models.HitKind
	table string
}{
	models.EventPrefix:        {models.HitEvent, "events"},
	models.DeliveryPrefix:     {models.HitDelivery, "deliveries"},
	models.SubscriptionPrefix: {models.HitSubscription, "subscriptions"},
	models.SourcePrefix:       {models.HitSource, "sources"},
	models.RecoveryPrefix:     {models.HitRecovery, "recoveries"},
	models.APIKeyPrefix:       {models.HitKey, "api_keys"},
	models.ErasurePrefix:      {models.HitErasure, "erasures"},
}

// Search finds things of the wanted kinds, up to the limit of each: first those that are what is looked for, then those that begin
// with it. Each of its queries reads as many rows of an index as it finds.
func (s *Store) Search(ctx context.Context, search models.Search) ([]models.Hit, error) {
	q := s.read.WithContext(ctx)
	var hits []models.Hit
	for _, look := range lookups(q, search.Text) {
		if !slices.Contains(search.Kinds, look.kind) {
			continue
		}
		found, err := look.find(q, search)
		if err != nil {
			return nil, translate("search "+look.table, err)
		}
		hits = append(hits, found...)
	}
	types, err := eventTypes(q, search)
	if err != nil {
		return nil, translate("search event types", err)
	}
	return best(append(hits, types...), search), nil
}

// lookups are the ways in which a text may be meant.
func lookups(q *gorm.DB, text string) []lookup {
	small := lowerASCII(text)
	name, receiver := "lower(name)", hostOf(q, "url")
	if isPostgres(q) {
		name, receiver = `lower(name COLLATE "C")`, "("+receiver+` COLLATE "C")`
	}
	all := []lookup{
		{kind: models.HitEvent, by: models.HitByIdempotencyKey, table: "events", id: "id", value: "idempotency_key", text: text},
		{kind: models.HitEvent, by: models.HitByMetadata, table: "event_metadata", id: "event_id", value: "value", text: text, whole: true},
		{kind: models.HitSubscription, by: models.HitByName, table: "subscriptions", id: "id", value: name, text: small},
		{kind: models.HitSubscription, by: models.HitByReceiver, table: "subscriptions", id: "id", value: receiver, text: small + ":", exact: true}, // with any port
		{kind: models.HitSubscription, by: models.HitByReceiver, table: "subscriptions", id: "id", value: receiver, text: small},
	}
	prefix, _, _ := strings.Cut(text, "_")
	if of, known := ids[prefix+"_"]; known { // first: many events may have the id of another in their metadata
		byID := lookup{kind: of.kind, by: models.HitByID, table: of.table, id: "id", value: "id", text: text}
		all = append([]lookup{byID}, all...)
	}
	return all
}

// lowerASCII does what lower does in the indexes.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func (l lookup) find(q *gorm.DB, search models.Search) ([]models.Hit, error) {
	found := equal(q.Table(l.table), "tenant", search.Tenant).Select(l.id + " AS id, tenant, " + l.value + " AS value").Limit(search.Limit)
	if l.whole {
		found = found.Where(l.value+" = ?", l.text).Order("tenant DESC, " + l.id + " DESC")
	} else {
		found = found.Where(l.value+" >= ? AND "+l.value+" < ?", l.text, l.text+lastLetter).Order(l.value)
	}
	hits := []models.Hit{}
	if err := found.Scan(&hits).Error; err != nil {
		return nil, err
	}
	for i := range hits {
		hits[i].Kind, hits[i].By = l.kind, l.by
		hits[i].Exact = l.exact || hits[i].Value == l.text
	}
	return hits, nil
}

// eventTypes walks the index by a step for each type that begins with the text.
func eventTypes(q *gorm.DB, search models.Search) ([]models.Hit, error) {
	if !slices.Contains(search.Kinds, models.HitEventType) {
		return nil, nil
	}
	of, tenant := "", []any{}
	if search.Tenant != "" {
		of, tenant = "tenant = ? AND ", []any{search.Tenant}
	}
	query := `WITH RECURSIVE found (type) AS (
			SELECT min(type) FROM events WHERE ` + of + `type >= ? AND type < ?
			UNION ALL
			SELECT (SELECT min(type) FROM events WHERE ` + of + `type > found.type AND type < ?)
			FROM found WHERE type IS NOT NULL
		)
		SELECT type FROM found WHERE type IS NOT NULL LIMIT ?`
	end := search.Text + lastLetter
	var types []string
	if err := q.Raw(query, slices.Concat(tenant, []any{search.Text, end}, tenant, []any{end, search.Limit})...).Scan(&types).Error; err != nil {
		return nil, err
	}
	hits := make([]models.Hit, len(types))
	for i, name := range types {
		hits[i] = models.Hit{Kind: models.HitEventType, Tenant: search.Tenant, By: models.HitByType, Value: name, Exact: name == search.Text}
	}
	return hits, nil
}

// best are the hits of each kind that are to be shown, each thing once.
func best(hits []models.Hit, search models.Search) (shown []models.Hit) {
	slices.SortStableFunc(hits, func(a, b models.Hit) int {
		return cmp.Or(cmp.Compare(slices.Index(search.Kinds, a.Kind), slices.Index(search.Kinds, b.Kind)), exactFirst(a, b))
	})
	count, seen := map[models.HitKind]int{}, map[string]bool{}
	for _, hit := range hits {
		key := string(hit.Kind) + "/" + cmp.Or(hit.ID, hit.Value)
		if !seen[key] && count[hit.Kind] < search.Limit {
			seen[key] = true
			count[hit.Kind]++
			shown = append(shown, hit)
		}
	}
	return shown
}

func exactFirst(a, b models.Hit) int {
	switch {
	case a.Exact == b.Exact:
		return 0
	case a.Exact:
		return -1
	}
	return 1
}
