package store

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"gorm.io/gorm"

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
	q := withExchanges(s.read.WithContext(ctx)).Where("attempts.delivery_id = ?", deliveryID).Order("attempts.number")
	return list(q, "list attempts", (*attemptRow).model)
}

// largeOfAttempt are the columns of an attempt that have a table of their own on Postgres.
var largeOfAttempt = []string{"request_headers", "response_headers", "response_body"}

// withExchanges selects whole attempts. On Postgres, what was sent and answered is in a table of its own, except for attempts
// that were made before it, or are needed longer than most of their day. What has been removed may still be there for a day.
func withExchanges(q *gorm.DB) *gorm.DB {
	if !isPostgres(q) {
		return q
	}
	var columns strings.Builder
	for _, name := range largeOfAttempt {
		fmt.Fprintf(&columns, ", COALESCE(attempts.%[1]s, p.%[1]s) AS %[1]s", name)
	}
	return q.Select(`attempts.delivery_id, attempts.number, started_at, url, response_status, response_cut, dns_us, connect_us, tls_us,
			first_byte_us, total_us, error_class, error`+columns.String()).
		Joins(`LEFT JOIN attempt_payloads AS p ON p.delivery_id = attempts.delivery_id AND p.number = attempts.number
			AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.id = p.delivery_id AND d.payload = ?)`, models.RemovedPayload)
}
