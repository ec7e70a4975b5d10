package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

const (
	// partitionsAhead is for how many days after today there are partitions. What has none goes to the partition for others.
	partitionsAhead = 7

	// maxOther is how large the partition for others may be if partitions are to be made: Postgres reads all of it each time,
	// and meanwhile nobody else can.
	maxOther = 64 << 20

	// partitionWait is how long a change of the partitions waits for those who use the table, because everybody who comes after
	// it waits for it. It is tried some times.
	partitionWait  = 200 * time.Millisecond
	partitionTries = 10
)

// partitionedTable is a table with a partition for each day of its ids.
type partitionedTable struct{ name, prefix string }

var partitionedTables = []partitionedTable{
	{"attempt_payloads", models.DeliveryPrefix},
	{"event_payloads", models.EventPrefix},
}

// partition is the name of a day's partition.
func (t partitionedTable) partition(day time.Time) string { return t.name + day.Format("_20060102") }

// bounds are the first id of the day, and of the day after it.
func (t partitionedTable) bounds(day time.Time) (from, to string) {
	return firstID(t.prefix, day), firstID(t.prefix, day.AddDate(0, 0, 1))
}

// MakePartitions makes the partitions of today and of the next days, as far as they are missing. It does nothing on SQLite. Calling
// it in several processes is harmless.
func (s *Store) MakePartitions(ctx context.Context) error {
	if s.dialect != goose.DialectPostgres {
		return nil
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for _, table := range partitionedTables {
		there, err := s.partitions(ctx, table)
		if err != nil {
			return translate("list partitions", err)
		}
		for i := range partitionsAhead + 1 {
			day := today.AddDate(0, 0, i)
			if slices.Contains(there, day) {
				continue
			}
			if err := s.makePartition(ctx, table, day); err != nil {
				return translate("make a partition", err)
			}
		}
	}
	return nil
}

// partitions lists the days that have a partition, the oldest first.
func (s *Store) partitions(ctx context.Context, table partitionedTable) ([]time.Time, error) {
	var names []string
	err := s.read.WithContext(ctx).Raw(`SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
		WHERE i.inhparent = ?::text::regclass ORDER BY 1`, table.name).Scan(&names).Error
	var days []time.Time
	for _, name := range names {
		if day, err := time.Parse(table.name+"_20060102", name); err == nil { // else it is the one for others
			days = append(days, day)
		}
	}
	return days, err
}

// makePartition attaches a table that was made before, because that locks only those out who use the partition for others. It
// leaves a day alone of which rows have gone there already.
func (s *Store) makePartition(ctx context.Context, table partitionedTable, day time.Time) error {
	name := table.partition(day)
	from, to := table.bounds(day)
	err := s.changePartitions(ctx, models.ExpireEvents, func(tx *gorm.DB) error {
		var other int64
		if err := tx.Raw("SELECT pg_relation_size(?::text::regclass)", table.name+"_other").Scan(&other).Error; err != nil || other > maxOther {
			return err
		}
		return execAll(tx,
			fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (LIKE %s INCLUDING ALL)", name, table.name),
			fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM ('%s') TO ('%s')", table.name, name, from, to))
	})
	const checkViolation, invalidObject = "23514", "42809" // of a row that is there already; of a table that is attached already
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && (refused.Code == checkViolation || refused.Code == invalidObject) {
		return nil
	}
	return err
}

// changePartitions changes partitions in a transaction that soon gives up waiting for those who use them, and tries that again.
// It does nothing while another process removes something of the kind.
func (s *Store) changePartitions(ctx context.Context, what models.Expiry, do func(tx *gorm.DB) error) (err error) {
	for range partitionTries {
		err = s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { // that it is busy says nothing about the health of the database
			row, err := lockRetention(tx, what, "")
			if err != nil || row == nil {
				return err
			}
			if err := execAll(tx, fmt.Sprintf("SET LOCAL lock_timeout = %d", partitionWait.Milliseconds())); err != nil {
				return err
			}
			return do(tx)
		})
		const lockNotAvailable = "55P03"
		if busy, ok := errors.AsType[*pgconn.PgError](err); !ok || busy.Code != lockNotAvailable {
			return err
		}
		select { // those who have waited meanwhile come first
		case <-time.After(partitionWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func execAll(tx *gorm.DB, statements ...string) error {
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}

// ended lists the partitions of the table with nothing but rows from before the time, which a pass has gone through.
func (s *Store) ended(ctx context.Context, table partitionedTable, before time.Time) ([]time.Time, error) {
	days, err := s.partitions(ctx, table)
	return slices.DeleteFunc(days, func(day time.Time) bool { return day.AddDate(0, 0, 1).After(before) }), err
}

// dropsPartitions reports whether the end of a pass of this kind is the end of partitions.
func dropsPartitions(e models.Ending) bool {
	return e.Tenant == "" && (e.Expiry == models.ExpireEvents || e.Expiry == models.ExpirePayloads)
}

// measurePartitions returns how many bytes dropPartitions would free.
func (s *Store) measurePartitions(ctx context.Context, e models.Ending, before time.Time) (bytes int64, err error) {
	if s.dialect != goose.DialectPostgres || !dropsPartitions(e) {
		return 0, nil
	}
	for _, table := range partitionedTables {
		days, err := s.ended(ctx, table, before)
		if err != nil {
			return 0, err
		}
		for _, day := range days {
			size, err := partitionSize(s.read.WithContext(ctx), table.partition(day))
			if err != nil {
				return 0, err
			}
			bytes += size
		}
	}
	return bytes, nil
}

func partitionSize(q *gorm.DB, name string) (bytes int64, err error) {
	err = q.Raw("SELECT pg_total_relation_size(?::text::regclass)", name).Scan(&bytes).Error
	return bytes, err
}

// dropPartitions drops the partitions of the days before the time, after a pass of the installation that has looked at all their
// events: those that ended are gone, or have nothing to send any more, and those that are kept have what they need in their own
// rows. It returns how many bytes that frees. If the process dies before it, the next pass drops them.
func (s *Store) dropPartitions(ctx context.Context, e models.Ending, before time.Time) (bytes int64, err error) {
	if before.IsZero() || !dropsPartitions(e) {
		return 0, nil
	}
	for _, table := range partitionedTables {
		days, err := s.ended(ctx, table, before)
		if err != nil {
			return bytes, translate("list partitions", err)
		}
		for _, day := range days {
			freed, err := s.dropPartition(ctx, e.Expiry, table, day)
			if bytes += freed; err != nil {
				return bytes, translate("drop a partition", err)
			}
		}
	}
	return bytes, nil
}

// dropPartition leaves a day alone of which an event was not looked at.
func (s *Store) dropPartition(ctx context.Context, what models.Expiry, table partitionedTable, day time.Time) (bytes int64, err error) {
	from, to := partitionedTable{prefix: models.EventPrefix}.bounds(day)
	var missed int64
	unseen := s.read.WithContext(ctx).Model(&eventRow{}).Where("id >= ? AND id < ? AND data IS NULL", from, to).Limit(1)
	if err := unseen.Count(&missed).Error; err != nil || missed > 0 {
		return 0, err
	}
	if err = s.inlineLate(ctx, table, day); err != nil {
		return 0, err
	}
	name := table.partition(day)
	err = s.changePartitions(ctx, what, func(tx *gorm.DB) (err error) {
		if err = execAll(tx, "LOCK TABLE "+table.name+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
		if bytes, err = partitionSize(tx, name); err != nil {
			return err
		}
		if err = inlineLateAttempts(tx, table, day); err != nil {
			return err
		}
		if err = execAll(tx, "DROP TABLE "+name); err != nil {
			return err
		}
		return tx.Model(&retentionRow{}).Where("expiry = ? AND tenant = ''", what).UpdateColumn("bytes", gorm.Expr("bytes + ?", bytes)).Error
	})
	if err != nil {
		return 0, err
	}
	return bytes, nil
}

// inlineLate takes into their rows, in batches, what was sent and answered of late events in attempts of the day. The table is locked
// afterwards, so that nobody waits for more than what was recorded meanwhile.
func (s *Store) inlineLate(ctx context.Context, table partitionedTable, day time.Time) error {
	if table.prefix != models.DeliveryPrefix {
		return nil
	}
	for after := ""; ; {
		var ids []string
		err := s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			late := tx.Model(&eventRow{}).Clauses(forUpdate).Where("payload_late")
			if err := sweep(late, after, expirePage(tx)).Pluck("id", &ids).Error; err != nil {
				return err
			}
			return change(tx, inlineFrom+table.partition(day)+" AS p", inlinable+" AND attempts."+ofAttempts, ids)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// inlineLateAttempts is inlineLate for those that were recorded since.
func inlineLateAttempts(tx *gorm.DB, table partitionedTable, day time.Time) error {
	if table.prefix != models.DeliveryPrefix {
		return nil
	}
	from, to := table.bounds(day)
	late := fmt.Sprintf(ofAttempts, "(SELECT id FROM events WHERE payload_late)")
	return tx.Exec(inlineFrom+table.partition(day)+" AS p WHERE "+inlinable+
		" AND attempts.delivery_id >= ? AND attempts.delivery_id < ? AND attempts."+late, from, to).Error
}
