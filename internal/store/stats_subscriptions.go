package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// SubscriptionStats returns a page of the subscriptions that the filter selects, in its order, with their figures. It reads the
// counts of attempts, not attempts, of all of them, and deliveries of those on the page only, up to a bound. The order changes
// with the figures; a subscription whose place changes between two pages may be on both or on none. If the last subscription of
// the page before is not among them any more, it is a CodeInvalid error.
func (s *Store) SubscriptionStats(ctx context.Context, f models.SubscriptionStatsFilter) ([]*models.SubscriptionStats, error) {
	q := s.read.WithContext(ctx)
	found, err := rankSubscriptions(q, f)
	switch {
	case err != nil:
		return nil, translate("rank subscriptions", err)
	case len(found) == 0:
		return nil, checkPlace(q, f)
	}
	byID := make(map[string]*models.SubscriptionStats, len(found))
	for _, one := range found {
		byID[one.ID] = one
	}
	if err := addPoints(q, f, byID); err != nil {
		return nil, translate("read figures of subscriptions", err)
	}
	return found, translate("count deliveries of subscriptions", addStanding(q, byID))
}

// orders are by what subscriptions s are sorted, with the sums of their counts, and by what among equals.
var orders = map[models.StatsSort]struct{ place, among string }{
	models.SortWorst:    {"CASE WHEN sums.attempts > 0 THEN sums.succeeded * 1.0 / sums.attempts ELSE 2 END", "-coalesce(sums.attempts, 0)"},
	models.SortAttempts: {"-coalesce(sums.attempts, 0)", "0"},
	models.SortP95:      {"-(" + bucketOfPercentile(95) + ")", "-coalesce(sums.attempts, 0)"},
	models.SortName:     {"lower(s.name)", "0"},
}

// bucketOfPercentile is the number of the bucket that the percentile is in, from 1; 0 without attempts.
func bucketOfPercentile(percent int) string {
	var cases, seen strings.Builder
	for bucket := range models.DurationBuckets {
		fmt.Fprintf(&seen, " + sums.h%d", bucket)
		fmt.Fprintf(&cases, " WHEN (%s) * 100 >= sums.attempts * %d THEN %d", strings.TrimPrefix(seen.String(), " + "), percent, bucket+1)
	}
	return "CASE WHEN coalesce(sums.attempts, 0) = 0 THEN 0" + cases.String() + " ELSE 0 END"
}

// rankSubscriptions returns a page of subscriptions with their counts.
func rankSubscriptions(q *gorm.DB, f models.SubscriptionStatsFilter) ([]*models.SubscriptionStats, error) {
	sums := equal(q.Table("attempt_stats"), "tenant", f.Tenant).
		Select("subscription_id, "+each(func(c counter) string { return "CAST(sum(" + c.column + ") AS bigint) AS " + c.column })+`,
			max(CASE WHEN succeeded > 0 THEN at END) AS succeeded_at, max(CASE WHEN attempts > succeeded THEN at END) AS failed_at`).
		Where("at >= ? AND at < ?", f.Since.Unix(), f.Until.Unix()).Group("subscription_id")
	order := orders[f.Sort]
	ranked := ofStats(q.Table("subscriptions AS s"), f).Joins("LEFT JOIN (?) AS sums ON sums.subscription_id = s.id", sums).
		Select("s.id, s.tenant, s.name, s.url, s.status, " + order.place + " AS place, " + order.among + " AS among_equals, sums.*")
	const columns = "SELECT id, tenant, name, url, status, coalesce(succeeded_at, 0), coalesce(failed_at, 0), "
	counts := each(func(c counter) string { return "coalesce(" + c.column + ", 0)" })
	const inOrder = " ORDER BY place, among_equals, id LIMIT ?"
	if f.Page.After == "" {
		return scanSubscriptions(q.Raw(columns+counts+" FROM (?) AS ranked"+inOrder, ranked, f.Page.Limit))
	}
	return scanSubscriptions(q.Raw("WITH ranked AS (?) "+columns+counts+` FROM ranked
		WHERE (place, among_equals, id) > (SELECT place, among_equals, id FROM ranked WHERE id = ?)`+inOrder,
		ranked, f.Page.After, f.Page.Limit))
}

// ofStats adds the conditions of the filter to a query of subscriptions s.
func ofStats(q *gorm.DB, f models.SubscriptionStatsFilter) *gorm.DB {
	q = equal(equal(q, "s.tenant", f.Tenant), "s.status", f.Status)
	if f.Text == "" {
		return q
	}
	part := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Text) + "%"
	return q.Where(`(lower(s.name) LIKE lower(?) ESCAPE '\' OR `+hostOf(q, "s.url")+` LIKE lower(?) ESCAPE '\')`, part, part)
}

// hostOf is the host of a URL, with its port if that does not go without saying. The rest of a URL may be a credential, and is
// not searched. The question mark is written as a number, because GORM takes one for a parameter.
func hostOf(q *gorm.DB, url string) string {
	if isPostgres(q) {
		return "split_part(split_part(" + url + ", '/', 3), chr(63), 1)"
	}
	rest := "substr(" + url + ", instr(" + url + ", '://') + 3)"
	return "substr(" + rest + ", 1, instr(replace(" + rest + ", char(63), '/') || '/', '/') - 1)"
}

func scanSubscriptions(q *gorm.DB) (found []*models.SubscriptionStats, err error) {
	rows, err := q.Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what fails, fails in Err
	for rows.Next() {
		one := &models.SubscriptionStats{AttemptCounts: models.AttemptCounts{Failed: map[models.ErrorClass]int64{}}}
		var succeeded, failed int64
		counts := make([]int64, len(counters))
		into := []any{&one.ID, &one.Tenant, &one.Name, &one.URL, &one.Status, &succeeded, &failed}
		for i := range counts {
			into = append(into, &counts[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		one.LastSuccess, one.LastFailure = fromSeconds(succeeded), fromSeconds(failed)
		takeCounts(&one.AttemptCounts, counts)
		found = append(found, one)
	}
	return found, rows.Err()
}

// fromSeconds is the time so many seconds after 1970; zero for 0.
func fromSeconds(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// checkPlace returns an error if the place is gone at which the page begins.
func checkPlace(q *gorm.DB, f models.SubscriptionStatsFilter) error {
	if f.Page.After == "" {
		return nil
	}
	var count int64
	err := ofStats(q.Table("subscriptions AS s"), f).Where("s.id = ?", f.Page.After).Count(&count).Error
	if err != nil || count > 0 {
		return translate("find the place in a list", err)
	}
	return models.Invalid("cursor", "is at a subscription that is not in the list any more; begin with the first page")
}

// addPoints adds the points of the subscriptions.
func addPoints(q *gorm.DB, f models.SubscriptionStatsFilter, byID map[string]*models.SubscriptionStats) error {
	var points []struct {
		SubscriptionID              string
		Number, Attempts, Succeeded int64
	}
	step, since := int64(f.Step/time.Second), f.Since.Unix()
	err := q.Table("attempt_stats").
		Select(`subscription_id, (at - ?) / ? AS number, CAST(sum(attempts) AS bigint) AS attempts, CAST(sum(succeeded) AS bigint) AS succeeded`, since, step).
		Where("subscription_id IN ? AND step IN ?", slices.Sorted(maps.Keys(byID)), []int{1, hour, day}). // all steps, so that the whole key is used
		Where("at >= ? AND at < ?", since, f.Until.Unix()).
		Group("1, 2").Having("sum(attempts) > 0").Order("1, 2").Scan(&points).Error
	for _, p := range points {
		one := byID[p.SubscriptionID]
		one.Points = append(one.Points, models.StatsPoint{
			At: time.Unix(since+p.Number*step, 0).UTC(), AttemptCounts: models.AttemptCounts{Attempts: p.Attempts, Succeeded: p.Succeeded},
		})
	}
	return err
}

// standingStatuses are those whose deliveries wait, or need somebody. Partial indexes have them.
var standingStatuses = []models.DeliveryStatus{models.DeliveryPending, models.DeliveryHeld, models.DeliveryExhausted}

// standingRow is how many deliveries of a subscription there are in each of standingStatuses, and those whose error may be the last.
type standingRow struct {
	ID                       string
	Pending, Held, Exhausted int
	Failing, Failed          *string // ids of deliveries
}

// addStanding adds how many deliveries of the subscriptions are on their way or failed for good, and the last error.
func addStanding(q *gorm.DB, byID map[string]*models.SubscriptionStats) error {
	rows, err := standings(q, slices.Sorted(maps.Keys(byID)))
	if err != nil {
		return err
	}
	var deliveries []string
	for _, row := range rows {
		byID[row.ID].Standing = map[models.DeliveryStatus]int{
			models.DeliveryPending: row.Pending, models.DeliveryHeld: row.Held, models.DeliveryExhausted: row.Exhausted,
		}
		for _, id := range []*string{row.Failing, row.Failed} {
			if id != nil {
				deliveries = append(deliveries, *id)
			}
		}
	}
	return addLastErrors(q, byID, deliveries)
}

func standings(q *gorm.DB, subscriptions []string) (rows []standingRow, err error) {
	var columns strings.Builder
	for _, status := range standingStatuses { // between, so that Postgres does not take the index of what rests for all subscriptions
		fmt.Fprintf(&columns, `, (SELECT count(*) FROM (SELECT 1 FROM deliveries AS d
			WHERE d.subscription_id = s.id AND d.status BETWEEN '%[1]s' AND '%[1]s' AND d.status <> 'delivered' LIMIT %[2]d) AS counted) AS %[1]s`, status, models.StandingLimit)
	}
	err = q.Table("subscriptions AS s").Where("s.id IN ?", subscriptions).Select("s.id" + columns.String() + `,
		(SELECT d.id FROM deliveries AS d WHERE d.subscription_id = s.id AND d.status = 'pending' AND d.failing_since IS NOT NULL
			ORDER BY d.failing_since DESC LIMIT 1) AS failing,
		(SELECT d.id FROM deliveries AS d WHERE d.subscription_id = s.id AND d.status = 'exhausted' AND d.status <> 'delivered'
			ORDER BY d.id DESC LIMIT 1) AS failed`).Scan(&rows).Error
	return rows, err
}

// addLastErrors adds the error of those deliveries that changed last.
func addLastErrors(q *gorm.DB, byID map[string]*models.SubscriptionStats, deliveries []string) error {
	var rows []deliveryRow
	if err := q.Select("subscription_id", "last_error").Where("id IN ?", deliveries).Order("updated_at").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		byID[row.SubscriptionID].LastError = row.LastError
	}
	return nil
}
