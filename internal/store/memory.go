package store

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/posthaste/posthaste/models"
)

// What memory holds at most: 16 MiB of events, and 64 MiB each of subscriptions and of matches if all of them were as
// large as may be, which hardly any is; and less than as much again for what their maps and lists take besides, as each
// has some hundred entries at most. What is larger is read each time.
const (
	rememberedEvents        = 256
	rememberedEvent         = 64 * 1024 // bytes of data and metadata
	rememberedSubscriptions = 4096
	rememberedSubscription  = 16 * 1024 // bytes of all that has no fixed size, without the properties
	rememberedMatches       = 4096      // types of events, each tenant's on its own
	rememberedMatch         = 16 * 1024 // bytes of subscribers, some hundred
)

// memory spares the database to be asked again and again for what hardly ever changes. What it gives is never old: an
// event does not change at all, and subscriptions go by their tenant's version, which every transaction that changes one
// of them replaces by a new, random one (migration 11), and which is read with the row that needs them. So there is
// nothing to be told to other processes, and nothing that could be missed.
//
// What is in memory is shared: whoever gets it must not change it.
type memory struct {
	events        *lru.Cache[string, *models.Event]
	subscriptions recall[*models.Subscription] // by id
	matches       recall[[]subscriber]         // by type of event
}

func newMemory() *memory {
	events, _ := lru.New[string, *models.Event](rememberedEvents) // fails for sizes below 1 only, as below
	return &memory{
		events:        events,
		subscriptions: newRecall[*models.Subscription](rememberedSubscriptions),
		matches:       newRecall[[]subscriber](rememberedMatches),
	}
}

// unversioned is what a tenant has as long as it has no subscriptions. It is not known as that: unlike a version, it comes
// back when the database is set back in time.
const unversioned = 0

// recall remembers values of tenants by name, each with the version that was read no later than it: then one that is
// too new for its version is read again before it is needed, and none that is too old is ever taken.
type recall[V any] struct {
	cache *lru.Cache[recallKey, recalled[V]]
}

type recallKey struct{ tenant, name string }

type recalled[V any] struct {
	version int64
	value   V
}

func newRecall[V any](size int) recall[V] {
	cache, _ := lru.New[recallKey, recalled[V]](size)
	return recall[V]{cache}
}

// at returns the value if it is known as it is at the version.
func (r recall[V]) at(tenant, name string, version int64) (value V, ok bool) {
	known, ok := r.cache.Get(recallKey{tenant, name})
	if !ok || known.version != version {
		return value, false
	}
	return known.value, true
}

func (r recall[V]) put(tenant, name string, version int64, value V) {
	if version != unversioned {
		r.cache.Add(recallKey{tenant, name}, recalled[V]{version, value})
	}
}

// versioned is a row of a tenant with the version that the tenant's subscriptions have in the very same snapshot.
type versioned[R schema.Tabler] struct {
	Row     R     `gorm:"embedded"`
	Version int64 `gorm:"column:version"`
}

// TableName is for GORM.
func (v versioned[R]) TableName() string { return v.Row.TableName() }

// takeVersioned is take for a row with its version. Without columns it reads all of them.
func takeVersioned[R schema.Tabler](q *gorm.DB, what, id string, columns ...string) (*versioned[R], error) {
	table := versioned[R]{}.TableName()
	if columns == nil {
		columns = []string{table + ".*"}
	}
	columns = append(columns,
		"COALESCE((SELECT v.version FROM subscription_versions AS v WHERE v.tenant = "+table+".tenant), 0) AS version")
	return take[versioned[R]](q.Select(columns), what, id)
}
