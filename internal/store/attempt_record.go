package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/posthaste/posthaste/models"
)

// record is an attempt to be recorded.
type record struct {
	attempt *attemptRow
	outcome *outcomeRow
	refused error // why it was not recorded; nil: it was. It counts once the transaction is committed
}

// outcomeRow is how an attempt leaves its delivery.
type outcomeRow struct {
	DeliveryID    string                 `gorm:"column:delivery_id"`
	Number        int                    `gorm:"column:number"`
	StartedAt     time.Time              `gorm:"column:started_at"`
	Error         string                 `gorm:"column:error"`
	Class         models.ErrorClass      `gorm:"column:class"`
	Code          int                    `gorm:"column:code"`
	Status        *models.DeliveryStatus `gorm:"column:status"` // nil: it stays open, as it is
	Reason        string                 `gorm:"column:reason"`
	NextAttemptAt *time.Time             `gorm:"column:next_attempt_at"`
	UpdatedAt     time.Time              `gorm:"column:updated_at"`
}

func newRecord(a *models.Attempt, outcome models.DeliveryOutcome) *record {
	row := &outcomeRow{
		DeliveryID: a.DeliveryID, Number: a.Number, StartedAt: a.StartedAt, Error: cleanText(a.Error),
		Class: a.ErrorClass, Code: a.Status, Reason: cleanText(outcome.Reason),
	}
	if outcome.Status.Closed() {
		row.Status = &outcome.Status
	} else {
		row.NextAttemptAt = nullTime(outcome.NextAttemptAt)
	}
	return &record{attempt: newAttemptRow(a), outcome: row}
}

// size is about how many bytes it takes.
func (r *record) size() int { return len(r.attempt.ResponseBody) }

// RecordAttempt stores the attempt, how it leaves its delivery (models.Delivery.Record, here as one statement), and its mark for
// the figures, all or nothing. The attempt's number must be one above the attempts made so far, otherwise (also when another process was faster)
// it is a CodeConflict error; an unknown delivery is CodeNotFound. The delivery's LastError becomes the attempt's Error. A
// delivery that is held stays held while the outcome is pending. One that was closed meanwhile keeps its status and reason,
// unless the attempt delivered: what the receiver got counts. Where the outcome disables the subscription, that is part of the
// same commit.
//
// Attempts that are recorded at the same time share their statements.
func (s *Store) RecordAttempt(ctx context.Context, a *models.Attempt, outcome models.DeliveryOutcome) error {
	const op = "record attempt"
	r := newRecord(a, outcome)
	if outcome.DisableSubscription != "" { // it locks the subscription, which nobody may do who holds another delivery
		return s.inTransaction(ctx, op, func(tx *gorm.DB) error { return recordAndDisable(tx, r, outcome) })
	}
	if err := s.records.write(ctx, task{record: r}); err != nil {
		return translate(op, err)
	}
	return r.refused
}

// recordAndDisable locks the subscription before its delivery, as a pause does.
func recordAndDisable(tx *gorm.DB, r *record, outcome models.DeliveryOutcome) error {
	if err := disableIfThere(tx, outcome.DisableSubscription, outcome.Reason); err != nil {
		return err
	}
	if err := recordAttempts(tx, []*record{r}); err != nil {
		return err
	}
	return r.refused
}

// disableIfThere takes a subscription that was deleted meanwhile for disabled.
func disableIfThere(tx *gorm.DB, id, reason string) error {
	if err := disable(tx, id, models.Why{By: "posthaste", Reason: reason}); models.ErrorCode(err) != models.CodeNotFound {
		return err
	}
	return nil
}

// recordAttempts records the attempts, and notes in each record whether it was refused. Several of one delivery are recorded
// one after the other, by their numbers.
func recordAttempts(tx *gorm.DB, records []*record) error {
	slices.SortStableFunc(records, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.outcome.DeliveryID, b.outcome.DeliveryID), cmp.Compare(a.outcome.Number, b.outcome.Number))
	})
	for len(records) > 0 {
		first, others := firstOfEach(records)
		if err := recordEach(tx, first); err != nil {
			return err
		}
		records = others
	}
	return nil
}

// firstOfEach separates the first record of each delivery from the others.
func firstOfEach(sorted []*record) (first, others []*record) {
	for i, r := range sorted {
		if i > 0 && r.outcome.DeliveryID == sorted[i-1].outcome.DeliveryID {
			others = append(others, r)
		} else {
			first = append(first, r)
		}
	}
	return first, others
}

// recordEach records attempts of different deliveries, which must be sorted by them.
func recordEach(tx *gorm.DB, records []*record) error {
	record := recordByTwo
	if isPostgres(tx) {
		record = recordByOne
	}
	recorded, err := record(tx, records)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.refused = nil; recorded[r.attempt.DeliveryID] {
			continue
		}
		if r.refused, err = whyNotRecorded(tx, r.attempt); err != nil {
			return err
		}
	}
	return nil
}

// recordByOne records attempts by one statement, and returns the ids of the deliveries whose next attempt it was. It fails if
// one of the attempts is there although the count of its delivery says that it is not. A group then records each by itself.
func recordByOne(tx *gorm.DB, records []*record) (map[string]bool, error) {
	outcomes, err := outcomesOf(tx, records)
	if err != nil {
		return nil, err
	}
	attempts, err := parametersOf(tx, attemptsOf(records, nil), outcomes.args...)
	if err != nil {
		return nil, err
	}
	return attempts.query(tx, leaving(tx, outcomes)+`, settled AS (`+leave+`, d.tenant, d.subscription_id, d.event_type, d.status),
		attempt (`+attempts.columns+`) AS (`+attempts.rows+`),
		marked AS (`+markAttempts(tx, "FROM attempt AS a JOIN settled AS d ON d.id = a.delivery_id")+`),
		made AS (`+insertSettled("attempts", attempts.except(largeOfAttempt...))+` RETURNING delivery_id),
		kept AS (`+insertSettled("attempt_payloads", "delivery_id, number, "+strings.Join(largeOfAttempt, ", "))+`)
		SELECT delivery_id FROM made`)
}

// insertSettled inserts these columns of the attempts that were the next of their deliveries.
func insertSettled(table, columns string) string {
	return `INSERT INTO ` + table + ` (` + columns + `) SELECT ` + columns + ` FROM attempt JOIN settled ON settled.id = attempt.delivery_id`
}

// recordByTwo is recordByOne for SQLite, where no UPDATE can be a part of another statement.
func recordByTwo(tx *gorm.DB, records []*record) (map[string]bool, error) {
	outcomes, err := outcomesOf(tx, records)
	if err != nil {
		return nil, err
	}
	recorded, err := outcomes.query(tx, leaving(tx, outcomes)+leave)
	if err != nil || len(recorded) == 0 {
		return nil, err
	}
	attempts, err := parametersOf(tx, attemptsOf(records, recorded))
	if err != nil {
		return nil, err
	}
	if _, err = attempts.query(tx, `INSERT INTO attempts (`+attempts.columns+`) `+attempts.rows+` RETURNING delivery_id`); err != nil {
		return nil, err
	}
	return recorded, markRecorded(tx, attemptsOf(records, recorded))
}

func markRecorded(tx *gorm.DB, attempts []*attemptRow) error {
	var keys []any
	for _, a := range attempts {
		keys = append(keys, a.DeliveryID, a.Number)
	}
	from := "FROM attempts AS a JOIN deliveries AS d ON d.id = a.delivery_id WHERE (a.delivery_id, a.number) IN (VALUES (?, ?)" +
		strings.Repeat(", (?, ?)", len(attempts)-1) + ")"
	return tx.Exec(markAttempts(tx, from), keys...).Error
}

func outcomesOf(tx *gorm.DB, records []*record) (parameters, error) {
	outcomes, at := make([]*outcomeRow, len(records)), now()
	for i, r := range records {
		outcomes[i] = r.outcome
		r.outcome.UpdatedAt = at
	}
	return parametersOf(tx, outcomes)
}

// attemptsOf returns the attempts of these deliveries; nil: of all.
func attemptsOf(records []*record, of map[string]bool) []*attemptRow {
	var attempts []*attemptRow
	for _, r := range records {
		if of == nil || of[r.attempt.DeliveryID] {
			attempts = append(attempts, r.attempt)
		}
	}
	return attempts
}

// leaving is the beginning of a statement that selects the outcomes of those attempts, as o, that are the next of their
// deliveries. Of two recorders of one number, the second waits here for the first one's commit.
func leaving(tx *gorm.DB, given parameters) string {
	lock := ""
	if isPostgres(tx) { // where an UPDATE of several rows would lock them in any order
		lock = " FOR NO KEY UPDATE OF d"
	}
	return `WITH given (` + given.columns + `) AS (` + given.rows + `), o AS (
			SELECT given.* FROM given JOIN deliveries AS d ON d.id = given.delivery_id AND d.attempts = given.number - 1
			ORDER BY d.id` + lock + `
		)`
}

// taken says that the delivery takes on the outcome: only an open one takes on any.
const taken = "o.status = 'delivered' OR d.status IN ('pending', 'held')"

// leave does what models.Delivery.Record does, and returns the ids.
const leave = `
		UPDATE deliveries AS d SET
			attempts = o.number,
			claimed_until = NULL,
			last_error = o.error,
			last_class = o.class,
			last_code = o.code,
			halted = '', -- whoever halted it has let it go
			failing_since = CASE WHEN o.status = 'delivered' THEN NULL ELSE COALESCE(d.failing_since, o.started_at) END,
			status = CASE WHEN ` + taken + ` THEN COALESCE(o.status, d.status) ELSE d.status END,
			reason = CASE WHEN ` + taken + ` THEN o.reason ELSE d.reason END,
			next_attempt_at = CASE WHEN ` + taken + ` THEN o.next_attempt_at ELSE d.next_attempt_at END,
			updated_at = o.updated_at
		FROM o WHERE d.id = o.delivery_id
		RETURNING id`

// whyNotRecorded returns why the attempt is refused.
func whyNotRecorded(tx *gorm.DB, a *attemptRow) (refused, err error) {
	row, err := take[deliveryRow](tx.Select("id", "attempts"), "delivery", a.DeliveryID)
	if models.ErrorCode(err) == models.CodeNotFound {
		return err, nil
	}
	if err != nil {
		return nil, err
	}
	return models.Errorf(models.CodeConflict, "delivery %s has %d attempts, so number %d is not its next",
		a.DeliveryID, row.Attempts, a.Number), nil
}
