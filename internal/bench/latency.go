package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencies counts durations from a microsecond to an hour with three significant digits; a duration outside counts as the
// nearest bound.
type latencies struct{ histogram *hdrhistogram.Histogram }

func newLatencies() *latencies {
	const digits = 3
	return &latencies{hdrhistogram.New(1, time.Hour.Microseconds(), digits)}
}

func (l *latencies) add(d time.Duration) {
	inside := min(max(d, 0), time.Hour)
	_ = l.histogram.RecordValue(inside.Microseconds()) // fails for values outside the range only
}

// into writes p50, p90, p99 and the longest in milliseconds, if there are any.
func (l *latencies) into(m Metrics, name string) {
	if l.histogram.TotalCount() == 0 {
		return
	}
	for suffix, percentile := range map[string]float64{"p50_ms": 50, "p90_ms": 90, "p99_ms": 99, "max_ms": 100} {
		m[name+"_"+suffix] = float64(l.histogram.ValueAtPercentile(percentile)) / 1000
	}
}
