package store

import (
	"context"
	"strconv"
	"time"

	"github.com/posthaste/posthaste/models"
)

// maxCount is how far deliveries are counted at most, and maxFailing subscriptions that fail: a count is to be cheap, whatever it
// finds.
const (
	maxCount   = 100_000
	maxFailing = 10_000
)

// totals reads partial indexes alone, whose conditions are literals so that both databases see that they apply. It takes a step
// for each subscription that fails, however many of its deliveries do.
var totals = `WITH RECURSIVE failing (id) AS (
		SELECT min(subscription_id) FROM deliveries WHERE ` + retried + `
		UNION ALL
		SELECT (SELECT min(subscription_id) FROM deliveries WHERE ` + retried + ` AND subscription_id > failing.id)
		FROM failing WHERE id IS NOT NULL
	), counted (lasts) AS (
		SELECT EXISTS (SELECT 1 FROM deliveries WHERE ` + retried + ` AND subscription_id = failing.id AND failing_since < ?)
		FROM failing WHERE id IS NOT NULL LIMIT ` + strconv.Itoa(maxFailing) + `
	)
	SELECT ` + counted("status = 'pending' ORDER BY next_attempt_at") + ` AS pending, ` + counted(rests+" AND status = 'held'") + ` AS held,
		` + counted(rests+" AND status = 'exhausted'") + ` AS exhausted, ` + counted("status = 'pending' AND next_attempt_at < ?") + ` AS overdue,
		(SELECT count(*) FROM counted) AS failing, (SELECT count(*) FROM counted WHERE lasts) AS failing_long`

const (
	retried = "status = 'pending' AND failing_since IS NOT NULL"
	rests   = "status IN ('held', 'exhausted')"
)

func counted(where string) string {
	return "(SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE " + where + " LIMIT " + strconv.Itoa(maxCount) + ") AS d)"
}

// Totals counts what is not settled at the given time: each number of deliveries up to a hundred thousand, of subscriptions up to
// ten thousand.
func (s *Store) Totals(ctx context.Context, at time.Time) (models.Totals, error) {
	var found models.Totals
	q := s.read.WithContext(ctx).Raw(totals, at.Add(-models.FailingLongAfter), at.Add(-models.OverdueAfter))
	return found, translate("count what is not settled", q.Scan(&found).Error)
}
