package store

import (
	"context"
	"net/http"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/posthaste/posthaste/models"
)

// attemptRow holds no request body: models.Body makes it anew from the event and the delivery, the same bytes.
type attemptRow struct {
	DeliveryID      string            `gorm:"column:delivery_id;primaryKey"`
	Number          int               `gorm:"column:number;primaryKey;autoIncrement:false"`
	StartedAt       time.Time         `gorm:"column:started_at"`
	URL             string            `gorm:"column:url"`
	RequestHeaders  http.Header       `gorm:"column:request_headers;serializer:json"`
	ResponseStatus  int               `gorm:"column:response_status"`
	ResponseHeaders http.Header       `gorm:"column:response_headers;serializer:json"`
	ResponseBody    []byte            `gorm:"column:response_body"`
	ResponseCut     bool              `gorm:"column:response_cut"`
	DNSUS           int64             `gorm:"column:dns_us"`
	ConnectUS       int64             `gorm:"column:connect_us"`
	TLSUS           int64             `gorm:"column:tls_us"`
	FirstByteUS     int64             `gorm:"column:first_byte_us"`
	TotalUS         int64             `gorm:"column:total_us"`
	ErrorClass      models.ErrorClass `gorm:"column:error_class"`
	Error           string            `gorm:"column:error"`
}

// TableName is for GORM.
func (attemptRow) TableName() string { return "attempts" }

func newAttemptRow(a *models.Attempt) *attemptRow {
	return &attemptRow{
		DeliveryID: a.DeliveryID, Number: a.Number, StartedAt: a.StartedAt, URL: cleanText(a.URL),
		RequestHeaders: a.RequestHeaders, ResponseStatus: a.Status, ResponseHeaders: a.Header,
		ResponseBody: a.Body, ResponseCut: a.Cut,
		DNSUS: a.Timing.DNS.Microseconds(), ConnectUS: a.Timing.Connect.Microseconds(),
		TLSUS: a.Timing.TLS.Microseconds(), FirstByteUS: a.Timing.FirstByte.Microseconds(),
		TotalUS: a.Timing.Total.Microseconds(), ErrorClass: a.ErrorClass, Error: cleanText(a.Error),
	}
}

func (r *attemptRow) model() *models.Attempt {
	return &models.Attempt{
		DeliveryID: r.DeliveryID, Number: r.Number, StartedAt: r.StartedAt.UTC(), URL: r.URL,
		RequestHeaders: r.RequestHeaders,
		Exchange: models.Exchange{
			Status: r.ResponseStatus, Header: r.ResponseHeaders, Body: r.ResponseBody, Cut: r.ResponseCut,
			Timing: r.timing(), ErrorClass: r.ErrorClass, Error: r.Error,
		},
	}
}

func (r *attemptRow) timing() models.Timing {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	return models.Timing{
		DNS: us(r.DNSUS), Connect: us(r.ConnectUS), TLS: us(r.TLSUS), FirstByte: us(r.FirstByteUS), Total: us(r.TotalUS),
	}
}

// Attempts returns all attempts of the delivery by their number. An unknown delivery has none.
func (s *Store) Attempts(ctx context.Context, deliveryID string) ([]*models.Attempt, error) {
	q := s.read.WithContext(ctx).Where("delivery_id = ?", deliveryID).Order("number")
	return list(q, "list attempts", (*attemptRow).model)
}

// RecordAttempt stores the attempt and how it leaves its delivery (models.Delivery.Record, here as one statement), both or
// neither. The attempt's number must be one
// above the attempts made so far, otherwise (also when another process was faster) it is a CodeConflict error; an
// unknown delivery is CodeNotFound. The delivery's LastError becomes the attempt's Error. A delivery that is held stays
// held while the outcome is pending. One that was closed meanwhile keeps its status and reason, unless the attempt
// delivered: what the receiver got counts. Where the outcome disables the subscription, that is part of the same commit.
func (s *Store) RecordAttempt(ctx context.Context, a *models.Attempt, outcome models.DeliveryOutcome) error {
	in := s.inGroup(placeDelivery + a.DeliveryID)
	if outcome.DisableSubscription != "" { // it locks the subscription, which nobody may do who holds another delivery
		in = s.inTransaction
	}
	return in(ctx, "record attempt", func(tx *gorm.DB) error {
		// The subscription before its delivery, as a pause locks them.
		if err := disableIfThere(tx, outcome.DisableSubscription, outcome.Reason); err != nil {
			return err
		}
		// The delivery before its attempt: its row lock is what two recorders of one number meet at.
		updated := tx.Model(&deliveryRow{}).
			Where("id = ? AND attempts = ?", a.DeliveryID, a.Number-1).
			Updates(outcomeColumns(a, outcome))
		if updated.Error != nil {
			return updated.Error
		}
		if updated.RowsAffected == 0 {
			return whyNotRecorded(tx, a)
		}
		inserted := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(newAttemptRow(a))
		if inserted.Error == nil && inserted.RowsAffected == 0 {
			return models.Errorf(models.CodeConflict, "attempt %d of %s is recorded already", a.Number, a.DeliveryID)
		}
		return inserted.Error
	})
}

// disableIfThere takes a subscription that was deleted meanwhile for disabled. No id names none.
func disableIfThere(tx *gorm.DB, id, reason string) error {
	if id == "" {
		return nil
	}
	if err := disable(tx, id, models.Why{By: "posthaste", Reason: reason}); models.ErrorCode(err) != models.CodeNotFound {
		return err
	}
	return nil
}

func outcomeColumns(a *models.Attempt, outcome models.DeliveryOutcome) map[string]any {
	// Only an open delivery takes on any status.
	unlessClosed := func(column string, value any) any {
		if outcome.Status == models.DeliveryDelivered {
			return value
		}
		return gorm.Expr("CASE WHEN status IN ('pending', 'held') THEN ? ELSE "+column+" END", value)
	}
	columns := map[string]any{
		"attempts":      a.Number,
		"claimed_until": nil,
		"last_error":    cleanText(a.Error),
		"reason":        unlessClosed("reason", cleanText(outcome.Reason)),
		"failing_since": gorm.Expr("COALESCE(failing_since, ?)", a.StartedAt),
		"halted":        "", // whoever halted it has let it go
		"updated_at":    now(),
	}
	if outcome.Status == models.DeliveryDelivered {
		columns["failing_since"] = nil
	}
	next := outcome.NextAttemptAt
	if outcome.Status.Closed() {
		next, columns["status"] = time.Time{}, unlessClosed("status", outcome.Status)
	}
	columns["next_attempt_at"] = unlessClosed("next_attempt_at", nullTime(next))
	return columns
}

func whyNotRecorded(tx *gorm.DB, a *models.Attempt) error {
	row, err := take[deliveryRow](tx.Select("id", "attempts"), "delivery", a.DeliveryID)
	if err != nil {
		return err
	}
	return models.Errorf(models.CodeConflict, "delivery %s has %d attempts, so number %d is not its next",
		a.DeliveryID, row.Attempts, a.Number)
}
