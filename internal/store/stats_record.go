package store

import (
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const markColumns = "at, tenant, subscription_id, event_type, class, bucket, exhausted, cancelled"

// bucketOf is the number of an attempt's duration on the scale.
var bucketOf = allBuckets()

func allBuckets() string {
	var cases strings.Builder
	for bucket := range models.DurationBuckets - 1 {
		fmt.Fprintf(&cases, " WHEN a.total_us < %d THEN %d", models.BucketBound(bucket).Microseconds(), bucket)
	}
	return "CASE" + cases.String() + " ELSE " + strconv.Itoa(models.DurationBuckets-1) + " END"
}

// markAttempts is a statement that marks attempts a of deliveries d, as they leave them, which from joins.
func markAttempts(tx *gorm.DB, from string) string {
	minute := "CAST(extract(epoch FROM date_trunc('minute', a.started_at)) AS bigint)"
	if !isPostgres(tx) {
		minute = "a.started_at / 60000000 * 60"
	}
	return `INSERT INTO attempt_marks (` + markColumns + `)
		SELECT ` + minute + `, d.tenant, d.subscription_id, d.event_type, a.error_class, ` + bucketOf + `,
			CASE WHEN d.status = 'exhausted' THEN 1 ELSE 0 END,
			CASE WHEN d.status = 'cancelled' AND a.response_status = 410 THEN 1 ELSE 0 END -- others are cancelled by no attempt
		` + from
}

// markCancelled marks a delivery that was cancelled while it was open.
func markCancelled(tx *gorm.DB, d *deliveryRow) error {
	return tx.Exec("INSERT INTO attempt_marks ("+markColumns+") VALUES (?, ?, ?, ?, '', -1, 0, 1)",
		now().Unix()/60*60, d.Tenant, d.SubscriptionID, d.EventType).Error
}
