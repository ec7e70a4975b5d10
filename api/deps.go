package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/posthaste/posthaste/internal/tracing"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// DefaultMaxBody is the largest request body accepted unless Deps says otherwise, DefaultBodyBudget how much of them there
// is at a time.
const (
	DefaultMaxBody    = 1 << 20
	DefaultBodyBudget = 64 << 20
)

// Store keeps and finds events, subscriptions, deliveries and the rest. An unknown id is a CodeNotFound *models.Error;
// attempts are the exception: an unknown delivery has none. Lists are newest first, attempts by number. A Page.Limit of
// models.MaxPageLimit+1 must be honoured: one row too many is how the API learns that there is a next page. Audit
// entries handed to a method are stored in the same commit as the action that they record; an entry about a subscription, a
// recovery or a source need not name it, nor its tenant.
type Store interface {
	EventStore
	SubscriptionStore
	DeliveryStore
	StopStore
	RecoveryStore
	SourceStore
	AuditStore
	KeyStore
	TenantStore
	ProbeStore
	StatsStore
	SearchStore
	ErasureStore
}

// Dispatcher starts the workflows of events that are stored already. Wake must not block; a lost call costs time only.
type Dispatcher interface {
	Wake(events ...*models.Event)
}

// Control acts on deliveries by way of their workflows. It returns before that has happened, and with a CodeUnavailable
// *models.Error when Temporal is away.
type Control interface {
	// Cancel stops a delivery that is pending, held or exhausted. CodeConflict: its state does not allow it.
	// A delivery that was redelivered in the epoch before, or later, is passed over; 0: no delivery is.
	Cancel(ctx context.Context, delivery *models.Delivery, why models.Why, before int64) error
	// Redeliver makes a further attempt of a delivery of any status, at once.
	// A second call with the same origin is the same wish; without an origin, each call is a wish of its own.
	// A cancellation of everything that is later than the epoch stops it.
	Redeliver(ctx context.Context, delivery *models.Delivery, why models.Why, origin string, epoch int64) error
	// Start starts a job. If the same job is running already, it does nothing.
	Start(ctx context.Context, job models.Job) error
	// Runs lists the runs of a delivery's workflow, newest first.
	Runs(ctx context.Context, deliveryID string) ([]models.Run, error)
	// History is one run's history as JSON, the newest's for an empty run id. CodeNotFound: Temporal does not have it,
	// or no longer.
	History(ctx context.Context, deliveryID, runID string) ([]byte, error)
	// Workflows lists the runs of all workflows of ours, and the place where the next page begins, nil after the last.
	Workflows(ctx context.Context, filter models.WorkflowFilter) (runs []models.WorkflowRun, next []byte, err error)
	// WorkflowHistory is the history of one such run as JSON. CodeNotFound: Temporal does not have it, or it is not of ours.
	WorkflowHistory(ctx context.Context, workflowID, runID string) ([]byte, error)
}

// Destinations judges URLs by the rules of delivery, for the moment when somebody saves one. Its error is meant for the
// caller.
type Destinations interface {
	Check(ctx context.Context, url string) error
}

// Engine is Temporal as far as health is concerned.
type Engine interface {
	Ping(ctx context.Context) error
}

// Deps holds the dependencies of New. The interfaces and Logger are required; the zero value of the rest has a meaning.
type Deps struct {
	Store        Store
	Dispatcher   Dispatcher
	Control      Control
	Destinations Destinations
	Engine       Engine
	Logger       *slog.Logger

	Certificates *receivers.Certificates // fetches the certificates that PayPal's webhooks name; nil: a plain client does

	APIKey  string // callers send it as Bearer token, and it opens everything; empty: anybody at this machine may call
	MaxBody int64  // bytes of a request body; 0: DefaultMaxBody
	// BodyBudget is the number of bytes of request bodies that may be in memory at a time; a request beyond it is
	// answered 429. Half of the budget is for requests that show no key, so it is at least twice MaxBody. 0:
	// DefaultBodyBudget, or twice MaxBody if that is more.
	BodyBudget int64
	UIURL      string           // of the Temporal Web UI, for links; empty: no such links
	Namespace  string           // of Temporal, for links; empty: no such links
	Now        func() time.Time // nil: time.Now
	Version    string           // shown by /healthz; may be empty

	Tracer *tracing.Tracer // makes the spans of publishing; nil: there are none

	CountAccepted func(tenant string) // is told of each event that was stored anew; must not block; nil: nobody asks

	Registry *prometheus.Registry // shown by /metrics, and gets the metrics of the API; nil: a new one, see Register
}

// complete returns d with its defaults, or an error that lists what is missing.
func (d Deps) complete() (Deps, error) {
	var missing []string
	for name, absent := range map[string]bool{
		"Store": d.Store == nil, "Dispatcher": d.Dispatcher == nil, "Control": d.Control == nil,
		"Destinations": d.Destinations == nil, "Engine": d.Engine == nil, "Logger": d.Logger == nil,
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return d, fmt.Errorf("api: missing dependencies: %s", strings.Join(missing, ", "))
	}
	if d.MaxBody < 0 {
		return d, errors.New("api: MaxBody is negative")
	}
	d = d.withDefaults()
	if d.BodyBudget < strangersShare*d.MaxBody {
		return d, errors.New("api: BodyBudget is less than twice MaxBody")
	}
	return d, nil
}

func (d Deps) withDefaults() Deps {
	d.MaxBody = cmp.Or(d.MaxBody, DefaultMaxBody)
	if d.BodyBudget == 0 {
		d.BodyBudget = max(DefaultBodyBudget, strangersShare*d.MaxBody)
	}
	d.UIURL = strings.TrimRight(d.UIURL, "/")
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}
