package bench

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
)

// Archive is the database of the server under test, and what removes old data from it.
type Archive struct {
	Database *sql.DB                         // nil: there is none to be filled
	Postgres bool                            // else it is SQLite
	Expire   func(ctx context.Context) error // removes what is older than 30 days
}

const (
	archiveDays  = 5       // that are filled with old events
	archiveAge   = 40      // days; of the oldest
	archiveChunk = 10_000  // events that one statement stores
	archiveRows  = 500_000 // old events, unless --events says otherwise
	archiveShare = 10      // on Postgres, of so many events that go with their day, one has rows to be removed
)

// retention measures a steady load while nothing is removed, while old events are removed in batches, and, on Postgres, while
// days of what is large are dropped. On Postgres the batches have a tenth of the events.
func retention(ctx context.Context, b *bench) ([]Result, error) {
	if b.Archive.Database == nil {
		return nil, errors.New("there is no database to be filled")
	}
	l := load{scenario: Retention, variant: "nothing is removed", batch: 1, bytes: smallBody, subscribers: 1, rate: b.Rate}
	l.events = max(1, int(b.Rate*b.Calm.Seconds()))
	f, err := b.subscribeWarm(ctx, l) // leaves the events that are copied
	defer f.clear(ctx)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.Settle); err != nil {
		return nil, err
	}
	events, phases := b.events(archiveRows), []phase{{"rows are removed", rowTables}}
	if b.Archive.Postgres {
		phases = append(phases, phase{"days are dropped", dayTables})
		phases[0].tables = slices.Concat(rowTables, dayTables)
	}
	var all []Result
	for i, phase := range phases {
		count := events
		if b.Archive.Postgres && i == 0 {
			count = max(1, events/archiveShare)
		}
		if err := b.Archive.fill(ctx, phase.tables, count, func(done int) { b.Progress("retention: stored events", done, count) }); err != nil {
			return nil, fmt.Errorf("fill the database: %w", err)
		}
		calm := l
		calm.variant = "before " + phase.name
		before, err := b.run(ctx, f, calm)
		if err != nil {
			return nil, err
		}
		r, err := b.removing(ctx, f, l, phase.name)
		if err != nil {
			return nil, err
		}
		compare(before, r, "accept_p99_ms")
		compare(before, r, "delivery_p99_ms")
		all = append(all, before, r)
	}
	return all, nil
}

type phase struct {
	name   string
	tables []archiveTable
}

// removing runs the load from a while before the removal until a while after it.
func (b *bench) removing(ctx context.Context, f *field, l load, variant string) (Result, error) {
	before, err := b.Archive.size(ctx)
	if err != nil {
		return Result{}, err
	}
	var over atomic.Bool
	l.variant, l.over, l.events = variant, over.Load, max(l.events, int(b.Rate*b.Duration.Seconds()))
	var took time.Duration
	removed := make(chan error, 1)
	go func() {
		defer over.Store(true)
		_ = pause(ctx, b.Calm/2)
		began := time.Now()
		err := b.Archive.Expire(ctx)
		took = time.Since(began)
		_ = pause(ctx, b.Calm/2)
		removed <- err
	}()
	r, err := b.run(ctx, f, l)
	if err := errors.Join(err, <-removed); err != nil {
		return Result{}, err
	}
	after, err := b.Archive.size(ctx)
	r.Metrics["removal_seconds"] = took.Seconds()
	r.Metrics["freed_mib"] = float64(before-after) / (1 << 20)
	r.Metrics["kept_mib"] = float64(after) / (1 << 20)
	return r, err
}

func (a Archive) size(ctx context.Context) (bytes int64, err error) {
	query := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if a.Postgres {
		query = "SELECT pg_database_size(current_database())"
	}
	err = a.Database.QueryRowContext(ctx, query).Scan(&bytes)
	return bytes, err
}

// archiveTable says how a row of a table is copied: which one, by which column, and what differs in the copy.
type archiveTable struct {
	name, key string
	ofEvent   bool // the key is the event's id; else the delivery's
	differs   map[string]string
	day       bool // it has partitions by day
}

const (
	archivedEvent    = "'evt_' || n.id"
	archivedDelivery = "'dlv_' || n.id"
)

// What is removed row by row, and what goes with its day. SQLite has no partitions.
var (
	rowTables = []archiveTable{
		{name: "events", key: "id", ofEvent: true, differs: map[string]string{
			"id": archivedEvent, "tenant": "'archive'", "idempotency_key": "NULL", "created_at": "n.at",
		}},
		{name: "deliveries", key: "id", differs: map[string]string{
			"id": archivedDelivery, "event_id": archivedEvent, "tenant": "'archive'", "created_at": "n.at", "updated_at": "n.at",
		}},
		{name: "attempts", key: "delivery_id", differs: map[string]string{"delivery_id": archivedDelivery, "started_at": "n.at"}},
	}
	dayTables = []archiveTable{
		{name: "event_payloads", key: "id", ofEvent: true, day: true, differs: map[string]string{"id": archivedEvent}},
		{name: "attempt_payloads", key: "delivery_id", day: true, differs: map[string]string{"delivery_id": archivedDelivery}},
	}
)

// fill stores so many copies of the newest delivered event in the tables, spread over some days of the past.
func (a Archive) fill(ctx context.Context, tables []archiveTable, events int, progress func(done int)) error {
	var event, delivery string
	newest := "SELECT event_id, id FROM deliveries WHERE status = 'delivered' ORDER BY id DESC LIMIT 1"
	if err := a.Database.QueryRowContext(ctx, newest).Scan(&event, &delivery); err != nil {
		return err
	}
	oldest := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -archiveAge)
	if err := a.makeDays(ctx, tables, oldest); err != nil {
		return err
	}
	chunk := min(archiveChunk, max(1, events/archiveDays))
	for stored := 0; stored < events; progress(stored) {
		n := min(chunk, events-stored)
		at := oldest.Add(time.Duration(float64(stored) / float64(events) * archiveDays * float64(24*time.Hour)))
		for _, table := range tables {
			if err := a.copy(ctx, table, cmp.Or(map[bool]string{true: event}[table.ofEvent], delivery), at, stored, n); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		stored += n
	}
	return a.tidy(ctx)
}

// tidy does what the database would have done by itself if the events had come in time.
func (a Archive) tidy(ctx context.Context) error {
	statements := []string{"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"}
	if a.Postgres {
		statements = []string{"VACUUM (ANALYZE)", "CHECKPOINT"}
	}
	for _, statement := range statements {
		if _, err := a.Database.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (a Archive) makeDays(ctx context.Context, tables []archiveTable, oldest time.Time) error {
	for _, table := range tables {
		if !table.day {
			continue
		}
		prefix := map[bool]string{true: "evt_", false: "dlv_"}[table.ofEvent]
		for i := range archiveDays + 1 { // the last chunk may be of the day after
			day := oldest.AddDate(0, 0, i)
			_, err := a.Database.ExecContext(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s_%s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')",
				table.name, day.Format("20060102"), table.name, prefix+idTime(day), prefix+idTime(day.AddDate(0, 0, 1))))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// idTime is the part of an id that says when it was made.
func idTime(at time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(at)) // fails far in the future
	return strings.ToLower(id.String()[:10])
}

// copy stores copies of the row of a table. The digits of the ids are decimal, which are digits of an id, too.
func (a Archive) copy(ctx context.Context, table archiveTable, sample string, at time.Time, first, count int) error {
	rows, err := a.Database.QueryContext(ctx, "SELECT * FROM "+table.name+" LIMIT 0") //nolint:gosec // the names are ours
	if err != nil {
		return err
	}
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = cmp.Or(table.differs[column], "s."+column)
	}
	numbers := fmt.Sprintf("SELECT '%s' || printf('%%016d', n) AS id, %d AS at FROM (WITH RECURSIVE count (n) AS (SELECT %d UNION ALL SELECT n + 1 FROM count WHERE n < %d) SELECT n FROM count)",
		idTime(at), at.UnixMicro(), first, first+count-1)
	if a.Postgres {
		numbers = fmt.Sprintf("SELECT '%s' || lpad(n::text, 16, '0') AS id, to_timestamp(%d) AS at FROM generate_series(%d, %d) AS n",
			idTime(at), at.Unix(), first, first+count-1)
	}
	_, err = a.Database.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (%s) AS n, (SELECT * FROM %s WHERE %s = '%s' LIMIT 1) AS s",
		table.name, strings.Join(columns, ", "), strings.Join(values, ", "), numbers, table.name, table.key, sample))
	return err
}
