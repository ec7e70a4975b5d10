package api

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

const (
	idempotencyHeader = "Idempotency-Key"

	// resultBytes is about the number of bytes that the result of an item takes until it is sent.
	resultBytes = 512
	// maxExplained is the number of refused items of a batch whose fault is explained in words, of maxDetail bytes each.
	maxExplained = 100
	maxDetail    = 500
)

// eventInput is the JSON by which a publisher describes an event.
type eventInput struct {
	Tenant         string            `json:"tenant"`
	Type           string            `json:"type"`
	Data           json.RawMessage   `json:"data"`
	Metadata       map[string]string `json:"metadata"`
	IdempotencyKey string            `json:"idempotency_key"`
}

// newEvent makes the event that the input describes, or returns a CodeInvalid error.
func (s *server) newEvent(caller *principal, in eventInput) (*models.Event, error) {
	tenant, err := caller.tenantOf(in.Tenant)
	if err != nil {
		return nil, err
	}
	event := models.NewEvent(models.Event{
		Tenant: tenant, Type: in.Type, Data: in.Data, Metadata: in.Metadata, IdempotencyKey: in.IdempotencyKey,
	}, s.Now())
	return event, event.Validate()
}

// publishEvent handles POST /v1/events.
func (s *server) publishEvent(c *gin.Context) error {
	event, err := s.readEvent(c)
	if err != nil {
		return err
	}
	if err := s.mayPublish(c.Request.Context(), event); err != nil {
		return err
	}
	created, err := s.accept(c.Request.Context(), event)
	if err != nil {
		return err
	}
	if created[0].Err != nil {
		return created[0].Err
	}
	answer := s.showPublished(created[0])
	c.Header("Location", answer.Links.Self)
	return reply(c, http.StatusAccepted, answer)
}

func (s *server) readEvent(c *gin.Context) (*models.Event, error) {
	var in eventInput
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	key, err := idempotencyKey(c.Request.Header, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	in.IdempotencyKey = key
	event, err := s.newEvent(who(c), in)
	if err != nil {
		leaseOf(c).refuse()
	}
	return event, err
}

// idempotencyKey is the key of header or body. Two different keys are refused: either choice could publish an
// event twice that was meant to be published once.
func idempotencyKey(header http.Header, inBody string) (string, error) {
	key := inBody
	for _, inHeader := range header.Values(idempotencyHeader) {
		if key != "" && inHeader != "" && key != inHeader {
			return "", models.Invalid("idempotency_key", "is given twice, with different values: send it in the header %s "+
				"or in the body", idempotencyHeader)
		}
		key = cmp.Or(key, inHeader)
	}
	return key, nil
}

// accept stores the events, in the trace of their request, and once they are durable, wakes the dispatcher for the new ones.
func (s *server) accept(ctx context.Context, events ...*models.Event) ([]models.Created, error) {
	if len(events) == 0 {
		return nil, nil
	}
	ctx, span := s.Tracer.Publish(ctx)
	created, err := s.create(ctx, events)
	span.Published(created, err)
	if err != nil {
		return nil, err
	}
	s.wake(ctx, created)
	return created, nil
}

func (s *server) create(ctx context.Context, events []*models.Event) ([]models.Created, error) {
	traceparent := tracing.Traceparent(ctx)
	for _, event := range events {
		event.Traceparent = traceparent
	}
	created, err := s.Store.CreateEvents(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("create events: %w", err)
	}
	if len(created) != len(events) {
		return nil, fmt.Errorf("create events: %d results for %d events", len(created), len(events))
	}
	return created, nil
}

func (s *server) wake(ctx context.Context, created []models.Created) {
	fresh := make([]*models.Event, 0, len(created))
	for _, result := range created {
		if result.Err == nil && !result.Duplicate {
			fresh = append(fresh, result.Event)
			s.logAccepted(ctx, result.Event)
			if s.CountAccepted != nil {
				s.CountAccepted(result.Event.Tenant)
			}
		}
	}
	s.metrics.accepted.Add(float64(len(fresh)))
	if len(fresh) > 0 {
		s.Dispatcher.Wake(fresh...)
	}
}

func (s *server) logAccepted(ctx context.Context, event *models.Event) {
	if s.Logger.Enabled(ctx, slog.LevelDebug) {
		s.Logger.LogAttrs(ctx, slog.LevelDebug, "event.accepted", slog.String("tenant", event.Tenant),
			slog.String("event_type", event.Type), slog.String("event_id", event.ID))
	}
}

// showPublished answers a publication.
func (s *server) showPublished(created models.Created) client.Published {
	e := created.Event
	return client.Published{
		ID: e.ID, Tenant: e.Tenant, Type: e.Type, CreatedAt: stamp(e.CreatedAt),
		Duplicate: created.Duplicate, Links: s.eventLinks(e),
	}
}

// batchInput keeps its events raw, so that an error in one event does not refuse the others.
type batchInput struct {
	Events []json.RawMessage `json:"events"`
}

// publishBatch handles POST /v1/events/batch.
func (s *server) publishBatch(c *gin.Context) error {
	items, err := readBatch(c)
	if err != nil {
		return err
	}
	if err := leaseOf(c).take(int64(len(items)) * resultBytes); err != nil {
		return err
	}
	pack, err := s.bodies.unpack(c.Request.Context(), len(items), leaseOf(c).size)
	if err != nil {
		return err
	}
	defer pack()
	batch, err := s.newBatch(c, items)
	if err != nil {
		return err
	}
	if len(batch.events) == 0 {
		leaseOf(c).refuse()
	}
	created, err := s.accept(c.Request.Context(), batch.events...)
	if err != nil {
		return err
	}
	for i, result := range created {
		batch.results[batch.places[i]] = s.batchResult(c, result)
	}
	replyBatch(c, batch.results)
	return nil
}

// replyBatch answers with one result after the other: together they may be far larger than the batch was.
func replyBatch(c *gin.Context, results []client.BatchItem) {
	c.Header("Content-Type", "application/json")
	c.Status(http.StatusAccepted)
	out := bufio.NewWriter(c.Writer)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	separator := `{"results":[`
	for i := range results {
		_, _ = out.WriteString(separator) // a failure here happens at the end, too
		_ = encoder.Encode(&results[i])   // strings and numbers always encode
		separator = ","
	}
	_, _ = out.WriteString("]}\n")
	_ = out.Flush() // it fails when the caller hung up
}

func readBatch(c *gin.Context) ([]json.RawMessage, error) {
	var in batchInput
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	if c.GetHeader(idempotencyHeader) != "" { // ignoring it could publish twice
		return nil, models.Invalid(idempotencyHeader, "is not for batches; give each event its own idempotency_key")
	}
	if len(in.Events) == 0 {
		return nil, models.Invalid("events", "is required and must not be empty")
	}
	return in.Events, nil
}

// batch is a batch on its way: results holds the refused ones already, places where the results of events belong.
type batch struct {
	results []client.BatchItem
	events  []*models.Event
	places  []int
}

// newBatch makes the events. It fails if nobody knows how fast a tenant may publish, since then nothing can be stored either.
func (s *server) newBatch(c *gin.Context, items []json.RawMessage) (batch, error) {
	b := batch{results: make([]client.BatchItem, len(items))}
	refused := 0
	for i, item := range items {
		event, err := s.batchEvent(c, item)
		if err == nil {
			if err = s.mayPublish(c.Request.Context(), event); err != nil && models.ErrorCode(err) != models.CodeBusy {
				return batch{}, err
			}
		}
		if err != nil {
			b.results[i] = s.batchResult(c, models.Created{Err: err})
			refused++
			shorten(b.results[i].Error, refused <= maxExplained)
			continue
		}
		b.events, b.places = append(b.events, event), append(b.places, i)
	}
	return b, nil
}

// shorten bounds the part of a refused item in the answer. The code and the field are always told.
func shorten(p *client.Problem, explained bool) {
	if !explained {
		p.Detail = "is refused; of a batch, the first " + strconv.Itoa(maxExplained) + " refused items are explained"
	}
	p.Detail = clipTo(p.Detail, maxDetail)
}

func (s *server) batchEvent(c *gin.Context, item json.RawMessage) (*models.Event, error) {
	var in eventInput
	if err := decode(item, &in); err != nil {
		return nil, err
	}
	return s.newEvent(who(c), in)
}

func (s *server) batchResult(c *gin.Context, created models.Created) client.BatchItem {
	if created.Err != nil {
		p := s.problemOf(c, created.Err)
		return client.BatchItem{Error: &p.Problem}
	}
	return client.BatchItem{ID: created.Event.ID, Duplicate: &created.Duplicate}
}
