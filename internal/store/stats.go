package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// counter is a column of attempt_stats, and what marks m add to it.
type counter struct{ column, of string }

var counters = allCounters()

func allCounters() []counter {
	all := []counter{
		{"attempts", "count(*) FILTER (WHERE m.bucket >= 0)"},
		{"succeeded", "count(*) FILTER (WHERE m.bucket >= 0 AND m.class = '')"},
		{"exhausted", "sum(m.exhausted)"},
		{"cancelled", "sum(m.cancelled)"},
	}
	for _, class := range models.ErrorClasses() {
		all = append(all, counter{"failed_" + string(class), "count(*) FILTER (WHERE m.class = '" + string(class) + "')"})
	}
	for bucket := range models.DurationBuckets {
		all = append(all, counter{"h" + strconv.Itoa(bucket), "count(*) FILTER (WHERE m.bucket = " + strconv.Itoa(bucket) + ")"})
	}
	return all
}

// each writes something for each counter, with commas in between.
func each(write func(c counter) string) string {
	parts := make([]string, len(counters))
	for i, c := range counters {
		parts[i] = write(c)
	}
	return strings.Join(parts, ", ")
}

var (
	statsColumns = "at, step, tenant, subscription_id, event_type, " + each(func(c counter) string { return c.column })
	// onCounted adds to the row that is there.
	onCounted = ` ON CONFLICT (subscription_id, step, at, event_type) DO UPDATE SET ` + each(func(c counter) string {
		return c.column + " = attempt_stats." + c.column + " + excluded." + c.column
	})
)

// Stats returns the counts that the filter selects, by time and group, at most Limit of them. A point begins at a multiple of the
// step since 1970; one without attempts is absent. Marks that AddUpStats has not added up are
// left out. What is kept by the hour or the day counts where its bucket begins.
func (s *Store) Stats(ctx context.Context, f models.StatsFilter) ([]*models.StatsPoint, error) {
	step := int64(f.Step / time.Second)
	group := map[models.StatsGroup]string{
		models.StatsOfAll: "''", models.StatsOfSubscription: "subscription_id", models.StatsOfType: "event_type",
	}[f.GroupBy]
	q := s.read.WithContext(ctx).Table("attempt_stats").
		Select(group+" AS name, at / ? * ? AS begins, "+sums, step, step).
		Where("at >= ? AND at < ?", f.Since.Unix(), f.Until.Unix())
	q = equal(equal(equal(q, "tenant", f.Tenant), "subscription_id", f.SubscriptionID), "event_type", f.EventType)
	points, err := scanPoints(q.Group("1, 2").Order("1, 2").Limit(f.Limit))
	return points, translate("read figures", err)
}

// sums are the sums of all counters.
var sums = each(func(c counter) string { return "CAST(sum(" + c.column + ") AS bigint)" })

func scanPoints(q *gorm.DB) (points []*models.StatsPoint, err error) {
	rows, err := q.Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // what fails, fails in Err
	for rows.Next() {
		p := &models.StatsPoint{AttemptCounts: models.AttemptCounts{Failed: map[models.ErrorClass]int64{}}}
		var at int64
		counts := make([]int64, len(counters))
		into := []any{&p.Group, &at}
		for i := range counts {
			into = append(into, &counts[i])
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		p.At = time.Unix(at, 0).UTC()
		takeCounts(&p.AttemptCounts, counts)
		points = append(points, p)
	}
	return points, rows.Err()
}

// takeCounts reads counts in the order of counters.
func takeCounts(into *models.AttemptCounts, counts []int64) {
	into.Attempts, into.Succeeded, into.Exhausted, into.Cancelled = counts[0], counts[1], counts[2], counts[3]
	counts = counts[4:]
	for i, class := range models.ErrorClasses() {
		if counts[i] > 0 {
			into.Failed[class] = counts[i]
		}
	}
	copy(into.Durations[:], counts[len(models.ErrorClasses()):])
}

// These are how long the counts of minutes are kept, those of hours, and those of days.
const (
	minutesKept = 48 * time.Hour
	hoursKept   = 90 * 24 * time.Hour
	daysKept    = 2 * 365 * 24 * time.Hour
)

const (
	hour = 60 // minutes
	day  = 24 * hour
	// addedUp is how much time one commit adds up: of a row to come all, so that it is written once.
	addedUp = 24 * time.Hour
	// marksAtOnce is how many marks one commit adds up.
	marksAtOnce = 10_000
)

// AddUpMarks adds the marks that there are to the counts of their minutes, each in the commit that removes it. It may be called
// in several processes at once.
func (s *Store) AddUpMarks(ctx context.Context) error {
	for left := true; left; {
		err := s.transact(ctx, func(tx *gorm.DB) (err error) {
			left, err = addUpMarks(tx)
			return err
		})
		if err != nil {
			return translate("add up figures", err)
		}
	}
	return nil
}

func addUpMarks(tx *gorm.DB) (left bool, err error) {
	const grouped = " AS m WHERE true GROUP BY 1, 3, 4, 5 ORDER BY 4, 1, 5" // every commit takes the rows in this order
	add := "INSERT INTO attempt_stats (" + statsColumns + ") SELECT m.at, 1, m.tenant, m.subscription_id, m.event_type, " +
		each(func(c counter) string { return c.of })
	if isPostgres(tx) {
		query := "WITH gone AS (DELETE FROM attempt_marks WHERE ctid = ANY (ARRAY(SELECT ctid FROM attempt_marks LIMIT ? FOR UPDATE SKIP LOCKED)) RETURNING *), added AS (" +
			add + " FROM gone" + grouped + onCounted + ") SELECT count(*) FROM gone"
		var gone int
		err := tx.Raw(query, marksAtOnce).Scan(&gone).Error
		return gone == marksAtOnce, err
	}
	if err := tx.Exec(add + " FROM attempt_marks" + grouped + onCounted).Error; err != nil {
		return false, err
	}
	return false, tx.Exec("DELETE FROM attempt_marks").Error
}

// AddUpStats adds up the counts of old minutes to hours, and of old hours to days, and removes old days. Each commit adds up the
// oldest day that there is, until none is left. It may be called in several processes at once.
func (s *Store) AddUpStats(ctx context.Context) error {
	present := now()
	for _, kept := range []struct {
		step, to int
		before   time.Time
	}{{1, hour, present.Add(-minutesKept)}, {hour, day, present.Add(-hoursKept)}} {
		for {
			left, err := s.addUp(ctx, kept.step, kept.to, kept.before.Truncate(addedUp))
			if err != nil || !left {
				return translate("add up figures", err)
			}
		}
	}
	old := s.write.WithContext(ctx).Exec("DELETE FROM attempt_stats WHERE step = ? AND at < ?", day, present.Add(-daysKept).Unix())
	return translate("remove old figures", old.Error)
}

// addUp reports whether there may be more.
func (s *Store) addUp(ctx context.Context, step, to int, before time.Time) (left bool, err error) {
	err = s.transact(ctx, func(tx *gorm.DB) error {
		left = false
		var oldest *int64
		if err := tx.Raw("SELECT min(at) FROM attempt_stats WHERE step = ? AND at < ?", step, before.Unix()).Scan(&oldest).Error; err != nil || oldest == nil {
			return err
		}
		left = true
		from := *oldest / int64(addedUp/time.Second) * int64(addedUp/time.Second)
		return addUpSpan(tx, step, to, from, from+int64(addedUp/time.Second))
	})
	return left, err
}

// addUpSpan removes and adds in one statement where that is possible, so that each count is added by the process that removed it.
func addUpSpan(tx *gorm.DB, step, to int, from, until int64) error {
	seconds := to * 60
	added := `SELECT at / ? * ?, ?, tenant, subscription_id, event_type, ` + sums
	const span = " WHERE step = ? AND at >= ? AND at < ?"
	const grouped = " GROUP BY 1, 3, 4, 5 ORDER BY 4, 1, 5"
	if isPostgres(tx) {
		query := "WITH gone AS (DELETE FROM attempt_stats" + span + " RETURNING *) INSERT INTO attempt_stats (" + statsColumns + ") " +
			added + " FROM gone" + grouped + onCounted
		return tx.Exec(query, step, from, until, seconds, seconds, to).Error
	}
	add := "INSERT INTO attempt_stats (" + statsColumns + ") " + added + " FROM attempt_stats" + span + grouped + onCounted
	if err := tx.Exec(add, seconds, seconds, to, step, from, until).Error; err != nil {
		return err
	}
	return tx.Exec("DELETE FROM attempt_stats"+span, step, from, until).Error
}
