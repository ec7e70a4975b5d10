package store

import (
	"context"
	"net/http"
	"time"

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
