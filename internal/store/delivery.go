package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

type deliveryRow struct {
	ID             string                `gorm:"column:id;primaryKey"`
	EventID        string                `gorm:"column:event_id"`
	SubscriptionID string                `gorm:"column:subscription_id"`
	Tenant         string                `gorm:"column:tenant"`
	EventType      string                `gorm:"column:event_type"`
	Position       int                   `gorm:"column:position"`
	Status         models.DeliveryStatus `gorm:"column:status"`
	Attempts       int                   `gorm:"column:attempts"`
	Forwarded      int                   `gorm:"column:forwarded"`
	NextAttemptAt  *time.Time            `gorm:"column:next_attempt_at"`
	ClaimedUntil   *time.Time            `gorm:"column:claimed_until"`
	Epoch          int64                 `gorm:"column:epoch"`
	FailingSince   *time.Time            `gorm:"column:failing_since"`
	Halted         string                `gorm:"column:halted"`
	LastError      string                `gorm:"column:last_error"`
	LastClass      models.ErrorClass     `gorm:"column:last_class"`
	LastCode       int                   `gorm:"column:last_code"`
	Reason         string                `gorm:"column:reason"`
	Payload        models.Payload        `gorm:"column:payload"`
	Properties     []byte                `gorm:"column:properties"`
	CreatedAt      time.Time             `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time             `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName is for GORM.
func (deliveryRow) TableName() string { return "deliveries" }

func (r *deliveryRow) model() *models.Delivery {
	return &models.Delivery{
		ID: r.ID, EventID: r.EventID, SubscriptionID: r.SubscriptionID, Tenant: r.Tenant, EventType: r.EventType,
		Position: r.Position, Status: r.Status, Attempts: r.Attempts, Forwarded: r.Forwarded, NextAttemptAt: fromNullTime(r.NextAttemptAt),
		ClaimedUntil: fromNullTime(r.ClaimedUntil), Epoch: r.Epoch, FailingSince: fromNullTime(r.FailingSince), Halted: r.Halted,
		LastError: r.LastError, LastClass: r.LastClass, LastCode: r.LastCode, Reason: r.Reason, Payload: r.Payload, Properties: r.Properties,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// Delivery returns the delivery with the id, or a CodeNotFound error.
func (s *Store) Delivery(ctx context.Context, id string) (*models.Delivery, error) {
	row, err := take[deliveryRow](s.read.WithContext(ctx), "delivery", id)
	if err != nil {
		return nil, translate("read delivery", err)
	}
	return row.model(), nil
}

// Deliveries returns a page of the deliveries that the filter selects, newest first by id. Page.Limit is honoured up to
// models.MaxPageLimit+1.
func (s *Store) Deliveries(ctx context.Context, f models.DeliveryFilter) ([]*models.Delivery, error) {
	sel := models.Selection{EventID: f.EventID, SubscriptionID: f.SubscriptionID, Since: f.Since, Until: f.Until}
	q := equal(equal(s.read.WithContext(ctx), "tenant", f.Tenant), "event_type", f.EventType)
	switch f.Status {
	case "":
	case models.DeliveryHeld: // which is how one shows that Temporal keeps from going
		q = q.Where("(status = ? OR halted <> '') AND status <> 'delivered'", f.Status)
	case models.DeliveryPending:
		q = q.Where("halted = ''")
		fallthrough
	default:
		sel.Statuses = []models.DeliveryStatus{f.Status}
	}
	if q = selected(q, sel); f.Class != "" { // with the condition of the partial index, which SQLite wants to see
		q = q.Where("last_class = ? AND last_class <> '' AND status <> 'delivered'", f.Class)
	}
	if f.Code != 0 {
		q = q.Where("last_code = ?", f.Code)
	}
	return list(page(q, f.Page), "list deliveries", (*deliveryRow).model)
}

// OverdueDeliveries returns up to limit pending deliveries whose next attempt was due before the given time, with ids
// above after, oldest first.
func (s *Store) OverdueDeliveries(
	ctx context.Context, before time.Time, after string, limit int,
) ([]*models.Delivery, error) {
	// On its own the order by id would make SQLite walk all deliveries there ever were.
	overdue := s.read.Model(&deliveryRow{}).Select("id").Where("status = 'pending' AND next_attempt_at < ?", before)
	q := s.read.WithContext(ctx).Where("id IN (?)", overdue)
	return list(sweep(q, after, limit), "list overdue deliveries", (*deliveryRow).model)
}

// Outstanding counts, for each of the tenants that has any, its pending deliveries whose first attempt has not been made.
// They are always due. A subscription counts for its share of the room at most: a tenth, or an equal part where the tenant
// has fewer than ten active subscriptions. So a subscription in trouble leaves room for the others.
func (s *Store) Outstanding(ctx context.Context, tenants []string, room int) (map[string]models.Outstanding, error) {
	// The conditions are literals so that both databases see that the partial index applies.
	const query = `SELECT d.tenant, count(*) AS deliveries, count(DISTINCT d.event_id) AS events
		FROM (
			SELECT tenant, event_id, row_number() OVER (PARTITION BY tenant, subscription_id ORDER BY event_id) AS place
			FROM deliveries WHERE status = 'pending' AND attempts = 0 AND tenant IN ?
		) AS d
		LEFT JOIN (
			SELECT tenant, count(*) AS active FROM subscriptions WHERE status = 'active' AND tenant IN ? GROUP BY tenant
		) AS s ON s.tenant = d.tenant
		WHERE d.place = 1 OR d.place * CASE WHEN s.active > 10 THEN 10 ELSE coalesce(s.active, 1) END <= ?
		GROUP BY d.tenant`
	var rows []struct {
		Tenant string
		models.Outstanding
	}
	if err := s.read.WithContext(ctx).Raw(query, tenants, tenants, room).Scan(&rows).Error; err != nil {
		return nil, translate("count outstanding deliveries", err)
	}
	counts := make(map[string]models.Outstanding, len(rows))
	for _, row := range rows {
		counts[row.Tenant] = row.Outstanding
	}
	return counts, nil
}

type targetRow struct {
	ID             string `gorm:"column:id"`
	SubscriptionID string `gorm:"column:subscription_id"`
	URL            string `gorm:"column:url"` // empty: the subscription is gone
	Claimed        bool   `gorm:"column:claimed"`
	Attempts       int    `gorm:"column:attempts"`
}

func (r *targetRow) model() models.Target {
	return models.Target{
		DeliveryID: r.ID, SubscriptionID: r.SubscriptionID, Host: models.ReceiverOf(r.URL),
		Claimed: r.Claimed, Attempted: r.Attempts > 0,
	}
}

// Targets returns, by position, the deliveries of the event whose workflow is still to be started: pending, held or
// exhausted, at positions from (included) to to (excluded). The host, with its port if the URL has one, is empty when the
// subscription has been deleted. An unknown event has no targets.
func (s *Store) Targets(ctx context.Context, eventID string, from, to int) ([]models.Target, error) {
	q := targets(s.read.WithContext(ctx)).Select(targetColumns).
		Where("d.event_id = ? AND d.position >= ? AND d.position < ?", eventID, from, to).Order("d.position")
	return list(q, "list targets", (*targetRow).model)
}

const targetColumns = "d.id, d.subscription_id, COALESCE(s.url, '') AS url, d.attempts, d.claimed_until IS NOT NULL AS claimed"

// targets selects the deliveries whose workflow is still to be started, if nobody has.
func targets(q *gorm.DB) *gorm.DB {
	return q.Table("deliveries AS d").Joins("LEFT JOIN subscriptions AS s ON s.id = d.subscription_id").
		Where("d.status IN ('pending', 'held', 'exhausted')")
}
