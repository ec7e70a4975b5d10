package store

import (
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/posthaste/posthaste/models"
)

// These limits bound the cache: 16 MiB of events, 64 MiB of subscriptions and 64 MiB of matches if every entry were as
// large as allowed, which hardly any is; and less than as much again for maps and lists. Larger values are not cached.
const (
	rememberedEvents        = 256
	rememberedEvent         = 64 * 1024 // bytes of data and metadata
	rememberedSubscriptions = 4096
	rememberedSubscription  = 16 * 1024 // bytes of all that has no fixed size, without the properties
	rememberedMatches       = 4096      // types of events, each tenant's on its own
	rememberedMatch         = 16 * 1024 // bytes of subscribers, some hundred
	rememberedTenants       = 4096
	rememberTenants         = 5 * time.Second
)

// memory is a cache of rows that hardly ever change. It is never stale: an event does not change at all, and subscriptions
// are cached under their tenant's version, which every transaction that changes one of them replaces by a new random
// number (migration 11), and which is read with the row that needs them. So processes have nothing to tell one another.
//
// Cached values are shared: nobody may change them.
type memory struct {
	events        *lru.Cache[string, *models.Event]
	subscriptions recall[*models.Subscription] // by id
	matches       recall[[]subscriber]         // by type of event

	tenants *expirable.LRU[string, *models.Tenant] // their settings, by name: these alone may be stale
}

func newMemory() *memory {
	events, _ := lru.New[string, *models.Event](rememberedEvents) // fails for sizes below 1 only, as below
	return &memory{
		events:        events,
		subscriptions: newRecall[*models.Subscription](rememberedSubscriptions),
		matches:       newRecall[[]subscriber](rememberedMatches),
		tenants:       expirable.NewLRU[string, *models.Tenant](rememberedTenants, nil, rememberTenants),
	}
}

// unversioned is the version of a tenant without subscriptions. Nothing is cached under it: unlike a random version, it
// comes back when the database is restored from a backup.
const unversioned = 0

// recall caches values of tenants by name, each with a version that was read no later than the value. So a hit is never
// stale; a miss may be needless.
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

// versioned is a row of a tenant with the version that the tenant's subscriptions have in the very same snapshot, and the
// epoch of the tenant.
type versioned[R schema.Tabler] struct {
	Row     R     `gorm:"embedded"`
	Version int64 `gorm:"column:version"`
	Present int64 `gorm:"column:present"`
}

// TableName is for GORM.
func (v versioned[R]) TableName() string { return v.Row.TableName() }

// takeVersioned is take for a row with its version. Without columns it reads all of them.
func takeVersioned[R schema.Tabler](q *gorm.DB, what, id string, columns ...string) (*versioned[R], error) {
	return take[versioned[R]](selectVersioned[R](q, columns...), what, id)
}

// selectVersioned selects the columns of rows, all of them if none is named, with their version.
func selectVersioned[R schema.Tabler](q *gorm.DB, columns ...string) *gorm.DB {
	table := versioned[R]{}.TableName()
	if columns == nil {
		columns = []string{table + ".*"}
	}
	return q.Select(append(slices.Clone(columns),
		"COALESCE((SELECT v.version FROM subscription_versions AS v WHERE v.tenant = "+table+".tenant), 0) AS version",
		presentEpoch(table+".tenant")+" AS present"))
}
