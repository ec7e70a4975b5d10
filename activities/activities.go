package activities

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/posthaste/posthaste/models"
)

// Store is what the activities ask of the store. Its errors are *models.Error where the row is at fault; any other
// error is ours.
type Store interface {
	PlanDeliveries(ctx context.Context, eventID string) (models.Plan, error)
	Targets(ctx context.Context, eventID string, from, to int) ([]models.Target, error)
	Event(ctx context.Context, id string) (*models.Event, error)
	Subscription(ctx context.Context, id string) (*models.Subscription, error)
	Delivery(ctx context.Context, id string) (*models.Delivery, error)
	Deliveries(ctx context.Context, filter models.DeliveryFilter) ([]*models.Delivery, error)
	RecordAttempt(ctx context.Context, attempt *models.Attempt, outcome models.DeliveryOutcome) error
	CloseDelivery(ctx context.Context, id string, status models.DeliveryStatus, reason string) (models.DeliveryStatus, error)
	BringForward(ctx context.Context, id string, at time.Time) error
}

// Sender makes one HTTP request. What the receiver does is in the Exchange; an error means that we could not try.
type Sender interface {
	Send(ctx context.Context, request models.Request) (models.Exchange, error)
}

// Canceller asks the workflow of a delivery to stop. One that does not run is a CodeConflict *models.Error.
type Canceller interface {
	Cancel(ctx context.Context, deliveryID, reason, by string) error
}

// Deps are what New needs. Store, Sender, Canceller and Logger are required.
type Deps struct {
	Store     Store
	Sender    Sender
	Canceller Canceller
	Logger    *slog.Logger
	Version   string           // for the User-Agent; empty: "dev"
	Now       func() time.Time // nil: time.Now
	Random    func() float64   // in [0,1), for the jitter; nil: math/rand/v2
}

// Activities are registered with the worker as a struct; each exported method is an activity. Safe for concurrent use.
type Activities struct {
	store     Store
	sender    Sender
	canceller Canceller
	log       *slog.Logger
	userAgent string
	now       func() time.Time
	random    func() float64
	pace      *pace
}

// New makes the activities, or names the dependency that is missing.
func New(d Deps) (*Activities, error) {
	if d.Store == nil || d.Sender == nil || d.Canceller == nil || d.Logger == nil {
		return nil, errors.New("activities need a store, a sender, a canceller and a logger")
	}
	if d.Version == "" {
		d.Version = "dev"
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Random == nil {
		d.Random = rand.Float64
	}
	return &Activities{
		store: d.Store, sender: d.Sender, canceller: d.Canceller, log: d.Logger, userAgent: "Posthaste/" + d.Version,
		now: d.Now, random: d.Random, pace: newPace(),
	}, nil
}
