package models

import (
	"math"
	"slices"
	"time"
)

// ErrorClasses lists all classes of failed attempts.
func ErrorClasses() []ErrorClass {
	return []ErrorClass{
		ErrorStatus, ErrorRedirect, ErrorTimeout, ErrorDNS, ErrorConnect, ErrorTLS, ErrorProtocol, ErrorBlocked, ErrorAuth,
	}
}

// Durations of attempts are counted in buckets on a fixed scale, whose bounds are 1 ms × 1.6ⁿ: so counts of different minutes and
// subscriptions add up, and a percentile that is read from them is at most 27 % off.
const (
	DurationBuckets = 24
	bucketBase      = time.Millisecond
	bucketFactor    = 1.6
)

// BucketBound is the duration from which attempts count into the next bucket. The last bucket has no bound.
func BucketBound(bucket int) time.Duration {
	return time.Duration(float64(bucketBase) * math.Pow(bucketFactor, float64(bucket)))
}

// AttemptCounts counts attempts, and what came of them.
type AttemptCounts struct {
	Attempts  int64
	Succeeded int64
	Exhausted int64 // deliveries whose last retry failed
	Cancelled int64 // deliveries that were cancelled while they were open
	Failed    map[ErrorClass]int64
	Durations [DurationBuckets]int64
}

// Percentile estimates the duration below which the part p, in (0, 1], of the attempts took; 0 without attempts.
func (c *AttemptCounts) Percentile(p float64) time.Duration {
	var all int64
	for _, n := range c.Durations {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank, seen := int64(math.Ceil(p*float64(all))), int64(0)
	bucket := slices.IndexFunc(c.Durations[:], func(n int64) bool { seen += n; return seen >= rank })
	return time.Duration(float64(BucketBound(bucket)) / math.Sqrt(bucketFactor)) // the geometric middle
}

// StatsPoint is what was counted from At on, of one group.
type StatsPoint struct {
	Group string
	At    time.Time
	AttemptCounts
}

// StatsGroup says by what counts are grouped.
type StatsGroup string

// The groups.
const (
	StatsOfAll          StatsGroup = ""
	StatsOfSubscription StatsGroup = "subscription"
	StatsOfType         StatsGroup = "type"
)

// StatsFilter selects what to count, by when the attempts began.
type StatsFilter struct {
	Tenant         string
	SubscriptionID string
	EventType      string
	Since, Until   time.Time
	Step           time.Duration // the length of a point; whole minutes
	GroupBy        StatsGroup
	Limit          int // of points
}

// SubscriptionStats tells how the attempts of a subscription went, and what waits for it now.
type SubscriptionStats struct {
	ID     string
	Tenant string
	Name   string
	URL    string
	Status SubscriptionStatus
	AttemptCounts
	LastSuccess time.Time // when the minute, hour or day began in which an attempt succeeded last; zero: none did
	LastFailure time.Time // the same of failures
	LastError   string    // of the delivery that is failing, or has failed for good, and changed last; empty: there is none
	// Standing is how many deliveries are pending, held and exhausted, each counted up to StandingLimit.
	Standing map[DeliveryStatus]int
	Points   []StatsPoint // by time; one without attempts is absent
}

// Owner is the tenant of the subscription.
func (s *SubscriptionStats) Owner() string { return s.Tenant }

// StandingLimit is how far the deliveries of each subscription in a list are counted.
const StandingLimit = 1000

// StatsSort is an order of subscriptions.
type StatsSort string

// The orders. Subscriptions without attempts come last, except by name.
const (
	SortWorst    StatsSort = "worst" // the smallest part of successful attempts first
	SortAttempts StatsSort = "attempts"
	SortP95      StatsSort = "p95"
	SortName     StatsSort = "name"
)

// SubscriptionStatsFilter selects subscriptions, and the time of their figures.
type SubscriptionStatsFilter struct {
	Tenant       string
	Status       SubscriptionStatus
	Text         string // part of the name or of the host, in capital or small letters; empty: any
	Since, Until time.Time
	Step         time.Duration // the length of a point, from Since on; whole minutes
	Sort         StatsSort
	Page         Page // its order is Sort
}
