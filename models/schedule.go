package models

import "time"

// Bounds of a retry schedule.
const (
	MaxScheduleSteps = 50
	MaxScheduleDelay = 7 * 24 * time.Hour
	MaxRetryAfter    = 24 * time.Hour // a longer Retry-After counts as this
	Jitter           = 0.1            // each delay varies by this fraction, both ways
)

// Schedule lists the delays after the first, second … attempt. A delivery has one attempt more than its schedule has
// delays.
type Schedule []time.Duration

// DefaultSchedule is a first attempt at once and nine retries over about three days.
func DefaultSchedule() Schedule {
	return Schedule{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// Delay is how long to wait after attempt number n failed, and whether there is a further attempt at all. The random
// number r in [0,1) spreads it by the jitter.
func (s Schedule) Delay(n int, r float64) (time.Duration, bool) {
	if n < 1 || n > len(s) {
		return 0, false
	}
	spread := 1 + Jitter*(2*r-1)
	return time.Duration(float64(s[n-1]) * spread), true
}

func (s Schedule) validate() error {
	if s != nil && (len(s) < 1 || len(s) > MaxScheduleSteps) {
		return Invalid("retry_schedule", "has %d delays; 1 to %d are allowed", len(s), MaxScheduleSteps)
	}
	for i, delay := range s {
		if delay <= 0 || delay > MaxScheduleDelay {
			return Invalid(index("retry_schedule", i), "%s is not above 0s and at most %s", delay, MaxScheduleDelay)
		}
	}
	return nil
}
