package activities

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
)

// Store keeps events, deliveries and jobs. Its errors are *models.Error where the row is at fault; any other error is
// ours.
type Store interface {
	PlanDeliveries(ctx context.Context, eventID string, claim models.Claim) (models.Plan, error)
	PlanGroup(ctx context.Context, workflowID string, eventIDs []string, claim models.Claim) (models.GroupPlan, error)
	Targets(ctx context.Context, eventID string, from, to int) ([]models.Target, error)
	// GiveBack ends the claims on deliveries that have no attempt.
	GiveBack(ctx context.Context, deliveryIDs []string) error
	// Work returns a delivery with its event and its subscription, which are shared and must not be changed.
	Work(ctx context.Context, deliveryID string) (*models.Work, error)
	Subscription(ctx context.Context, id string) (*models.Subscription, error)
	// Writable returns an error while the store cannot record an attempt. It costs nothing while all is well.
	Writable(ctx context.Context) error
	RecordAttempt(ctx context.Context, attempt *models.Attempt, outcome models.DeliveryOutcome) error
	// ChangeDelivery returns the delivery as it is afterwards, whether the change took effect or not.
	ChangeDelivery(ctx context.Context, id string, change models.Change) (*models.Delivery, error)

	SelectDeliveries(ctx context.Context, selection models.Selection, after string, limit int) ([]*models.Delivery, error)
	MissingEvents(ctx context.Context, subscriptionID string, since, until time.Time, after string, limit int) ([]*models.Event, error)
	AddDelivery(ctx context.Context, eventID, subscriptionID string, epoch int64) (*models.Delivery, error)
	Stopped(ctx context.Context, tenant string, epoch int64, subjects ...string) (*models.Why, error)
	LastStop(ctx context.Context, tenant, subscriptionID string) (*models.Stop, error)
	FinishStop(ctx context.Context, job models.Job) (finished bool, err error)
	FinishResume(ctx context.Context, subscriptionID string) (finished bool, err error)
	Recovery(ctx context.Context, id string) (*models.Recovery, error)
	SaveProgress(ctx context.Context, recoveryID string, progress models.Progress) (models.RecoveryStatus, error)
	FinishRecovery(ctx context.Context, id string, status models.RecoveryStatus, audit ...models.AuditEntry) (*models.Recovery, error)
}

// Courier makes one attempt. The receiver's behaviour is in the Attempt; an error means that we could not try.
type Courier interface {
	Carry(ctx context.Context, work *models.Work) (*models.Attempt, error)
}

// Control signals the workflows of deliveries, and starts jobs. A state that does not allow it is a CodeConflict *models.Error.
type Control interface {
	// Cancel asks a delivery to stop, unless it was redelivered in the epoch before or a later one; 0: in any case.
	Cancel(ctx context.Context, delivery *models.Delivery, why models.Why, before int64) error
	// Redeliver asks for a further attempt, in the epoch, 0 for the present one. A second call with the same origin has no
	// effect.
	Redeliver(ctx context.Context, delivery *models.Delivery, why models.Why, origin string, epoch int64) error
	// Resume tells a delivery to check whether it is still to be held.
	Resume(ctx context.Context, delivery *models.Delivery) error
	// Begin starts the workflow of a delivery that has none yet.
	Begin(ctx context.Context, delivery *models.Delivery) error
	// Start starts a job, unless it runs already.
	Start(ctx context.Context, job models.Job) error
}

// Deps holds the dependencies of New. Store, Courier, Control and Logger are required.
type Deps struct {
	Store   Store
	Courier Courier
	Control Control
	Logger  *slog.Logger
	// DeadLetterHold is the time for which an exhausted delivery's workflow stays open, awaiting redeliver or cancel. 0: it
	// closes at once.
	DeadLetterHold time.Duration
	// Registry gets the metrics of attempts; nil: nobody reads them.
	Registry prometheus.Registerer
	// CountAttempt is told of each recorded attempt and the status that it gave the delivery. It must not block. Nil: nobody asks.
	CountAttempt func(tenant string, outcome models.DeliveryStatus)
	// Tracer makes the spans of plans and attempts; nil: there are none.
	Tracer *tracing.Tracer

	Now    func() time.Time // nil: time.Now
	Random func() float64   // in [0,1), for the jitter; nil: math/rand/v2
}

// Activities are registered with the worker as a struct; each exported method is an activity. Safe for concurrent use.
type Activities struct {
	store   Store
	courier Courier
	control Control
	hold    time.Duration
	log     *slog.Logger
	now     func() time.Time
	random  func() float64
	speed   *speed
	metrics *metrics
	tracer  *tracing.Tracer
	// attempting has the ids of the deliveries with an attempt under way in this process.
	attempting sync.Map
	apart      sync.WaitGroup      // the attempts of groups
	requests   *semaphore.Weighted // for these attempts
	late       *semaphore.Weighted // for the attempts that go on after their groups have ended
}

// New makes the activities, or names the dependency that is missing.
func New(d Deps) (*Activities, error) {
	if d.Store == nil || d.Courier == nil || d.Control == nil || d.Logger == nil {
		return nil, errors.New("activities need a store, a courier, a control and a logger")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Random == nil {
		d.Random = rand.Float64
	}
	m := newMetrics()
	m.told = d.CountAttempt
	if d.Registry != nil {
		m.register(d.Registry)
	}
	return &Activities{
		store: d.Store, courier: d.Courier, control: d.Control, hold: d.DeadLetterHold, log: d.Logger,
		now: d.Now, random: d.Random, speed: newSpeed(), metrics: m, tracer: d.Tracer,
		requests: semaphore.NewWeighted(maxRequests), late: semaphore.NewWeighted(maxLate),
	}, nil
}
