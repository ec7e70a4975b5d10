package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/posthaste/posthaste/models"
)

type subscriptionRow struct {
	ID             string                    `gorm:"column:id;primaryKey"`
	Tenant         string                    `gorm:"column:tenant"`
	Name           string                    `gorm:"column:name"`
	URL            string                    `gorm:"column:url"`
	EventTypes     []string                  `gorm:"column:event_types;serializer:json"`
	Headers        []byte                    `gorm:"column:headers"` // sealed JSON
	ForwardHeaders []string                  `gorm:"column:forward_headers;serializer:json"`
	Access         []byte                    `gorm:"column:access"` // sealed JSON of access; NULL: none
	Properties     []byte                    `gorm:"column:properties"`
	Secrets        []byte                    `gorm:"column:secrets"` // sealed JSON
	Signature      models.Signature          `gorm:"column:signature"`
	Payload        models.Payload            `gorm:"column:payload"`
	TimeoutUS      int64                     `gorm:"column:timeout_us"`
	RetrySchedule  models.Schedule           `gorm:"column:retry_schedule;serializer:json"`
	Status         models.SubscriptionStatus `gorm:"column:status"`
	DisabledReason string                    `gorm:"column:disabled_reason"`
	ResumeRate     int                       `gorm:"column:resume_rate"`
	PausedAt       *time.Time                `gorm:"column:paused_at"`
	PausedBy       string                    `gorm:"column:paused_by"`
	PausedReason   string                    `gorm:"column:paused_reason"`
	CreatedAt      time.Time                 `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time                 `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName is for GORM.
func (subscriptionRow) TableName() string { return "subscriptions" }

type patternRow struct {
	Tenant         string `gorm:"column:tenant;primaryKey"`
	Pattern        string `gorm:"column:pattern;primaryKey"`
	SubscriptionID string `gorm:"column:subscription_id;primaryKey"`
}

// TableName is for GORM.
func (patternRow) TableName() string { return "subscription_patterns" }

func newPatternRows(s *models.Subscription) []patternRow {
	patterns := slices.Clone(s.EventTypes)
	slices.Sort(patterns)
	var rows []patternRow
	for _, pattern := range slices.Compact(patterns) {
		rows = append(rows, patternRow{Tenant: s.Tenant, Pattern: pattern, SubscriptionID: s.ID})
	}
	return rows
}

func (s *Store) newSubscriptionRow(sub *models.Subscription) (*subscriptionRow, error) {
	row := &subscriptionRow{
		ID: sub.ID, Tenant: sub.Tenant, Name: sub.Name, URL: sub.URL, EventTypes: sub.EventTypes,
		ForwardHeaders: sub.ForwardHeaders, Signature: sub.Signature, Payload: sub.Payload, TimeoutUS: sub.Timeout.Microseconds(),
		RetrySchedule: sub.RetrySchedule, Status: sub.Status, DisabledReason: sub.DisabledReason,
		ResumeRate: sub.ResumeRate, CreatedAt: sub.CreatedAt, UpdatedAt: sub.UpdatedAt,
		PausedAt: nullTime(sub.PausedAt), PausedBy: cleanText(sub.Paused.By), PausedReason: cleanText(sub.Paused.Reason),
	}
	var err error
	if row.Properties, err = encodeProperties(sub.Properties); err != nil {
		return nil, err
	}
	if row.Headers, err = s.seal(sub.Headers, headersOf(sub.ID)); err != nil {
		return nil, err
	}
	if row.Access, err = s.sealAccess(sub); err != nil {
		return nil, err
	}
	row.Secrets, err = s.seal(sub.Secrets, secretsOf(sub.ID))
	return row, err
}

// access is what one sealed column keeps together: what lets requests in at the receiver.
type access struct {
	Auth models.Auth `json:"auth,omitzero"`
	TLS  models.TLS  `json:"tls,omitzero"`
}

func (s *Store) sealAccess(sub *models.Subscription) ([]byte, error) {
	if !sub.Auth.Enabled() && !sub.TLS.Enabled() {
		return nil, nil
	}
	return s.seal(access{Auth: sub.Auth, TLS: sub.TLS}, accessOf(sub.ID))
}

// model converts what needs no key; the caller opens the rest if it is wanted.
func (r *subscriptionRow) model() (*models.Subscription, error) {
	sub := &models.Subscription{
		ID: r.ID, Tenant: r.Tenant, Name: r.Name, URL: r.URL, EventTypes: r.EventTypes,
		ForwardHeaders: r.ForwardHeaders, Signature: r.Signature, Payload: r.Payload, Timeout: time.Duration(r.TimeoutUS) * time.Microsecond,
		RetrySchedule: r.RetrySchedule, Status: r.Status, DisabledReason: r.DisabledReason,
		ResumeRate: r.ResumeRate, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		PausedAt: fromNullTime(r.PausedAt), Paused: models.Why{By: r.PausedBy, Reason: r.PausedReason},
	}
	if r.Properties == nil {
		return sub, nil
	}
	if err := json.Unmarshal(r.Properties, &sub.Properties); err != nil {
		return nil, fmt.Errorf("properties of %s: %w", r.ID, err)
	}
	return sub, nil
}

// size estimates the bytes that the subscription takes without its properties and beyond the fixed size of the struct.
func (r *subscriptionRow) size() int {
	size := len(r.Headers) + len(r.Access) + len(r.Secrets) + len(r.Name) + len(r.URL)
	for _, pattern := range slices.Concat(r.EventTypes, r.ForwardHeaders) {
		size += len(pattern)
	}
	return size
}

// encodeProperties makes the bytes that deliveries copy and send: sorted, compact, and without the HTML escapes that
// json.Marshal would put into URLs.
func encodeProperties(properties map[string]json.RawMessage) ([]byte, error) {
	if len(properties) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(properties); err != nil {
		return nil, fmt.Errorf("encode properties: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
