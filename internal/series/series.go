package series

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric names a metric of a library.
type Metric struct {
	Name   string   // as the library calls it
	Help   string   // a sentence
	Labels []string // the tags that are shown; a tag that a measurement does not have is shown as empty
	First  []string // values of the first label, if there is only one: their series are shown before they are measured
}

// List names the metrics that are shown, by kind.
type List struct {
	Counters, Gauges []Metric
	Timers           []Metric // shown as histograms of seconds
}

// mostLabels is the number of different labels that a list can have.
const mostLabels = 8

// seconds are the buckets of timers.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}

// Set holds the metrics of a list, by the names that the library has for them: nil for those that are not in the list. It is safe
// for concurrent use.
type Set struct {
	labels   []string
	counters map[string]*Vec[prometheus.Counter]
	gauges   map[string]*Vec[prometheus.Gauge]
	timers   map[string]*Vec[prometheus.Observer]
}

// Vec is a metric with labels.
type Vec[M any] struct {
	with   func(values ...string) M
	places []int // of the values in Tags
}

// Tags hold the values of the labels of a Set. The zero value has none.
type Tags [mostLabels]string

// New makes the metrics of the list and registers them. Each has the library's name after the prefix, with the usual suffix: _total,
// or _seconds. It panics if the list has too many labels, or a name that is registered.
func New(registry prometheus.Registerer, prefix string, list List) *Set {
	s := &Set{
		counters: map[string]*Vec[prometheus.Counter]{},
		gauges:   map[string]*Vec[prometheus.Gauge]{},
		timers:   map[string]*Vec[prometheus.Observer]{},
	}
	for _, m := range list.Counters {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + m.Name + "_total", Help: m.Help}, m.Labels)
		registry.MustRegister(vec)
		s.counters[m.Name] = newVec(vec.WithLabelValues, s.places(m.Labels), m)
	}
	for _, m := range list.Gauges {
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + m.Name, Help: m.Help}, m.Labels)
		registry.MustRegister(vec)
		s.gauges[m.Name] = newVec(vec.WithLabelValues, s.places(m.Labels), m)
	}
	for _, m := range list.Timers {
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + m.Name + "_seconds", Help: m.Help, Buckets: seconds}, m.Labels)
		registry.MustRegister(vec)
		s.timers[m.Name] = newVec(vec.WithLabelValues, s.places(m.Labels), m)
	}
	return s
}

// newVec shows the first series: Prometheus sees no increase in a series that appears with 1.
func newVec[M any](with func(values ...string) M, places []int, m Metric) *Vec[M] {
	if len(m.Labels) == 0 {
		with()
	}
	for _, value := range m.First {
		with(value)
	}
	return &Vec[M]{with, places}
}

// places are where the values of labels are in Tags.
func (s *Set) places(labels []string) []int {
	places := make([]int, len(labels))
	for i, label := range labels {
		if !s.Keeps(label) {
			s.labels = append(s.labels, label)
		}
		places[i] = slices.Index(s.labels, label)
	}
	if len(s.labels) > mostLabels {
		panic("series: the list has too many labels")
	}
	return places
}

// Counter returns the counter with the name.
func (s *Set) Counter(name string) *Vec[prometheus.Counter] { return s.counters[name] }

// Gauge returns the gauge with the name.
func (s *Set) Gauge(name string) *Vec[prometheus.Gauge] { return s.gauges[name] }

// Timer returns the histogram of seconds with the name.
func (s *Set) Timer(name string) *Vec[prometheus.Observer] { return s.timers[name] }

// Keeps reports whether a tag is a label of the Set.
func (s *Set) Keeps(key string) bool { return slices.Contains(s.labels, key) }

// Put sets a tag, if it is a label of the Set.
func (s *Set) Put(tags *Tags, key, value string) {
	if at := slices.Index(s.labels, key); at >= 0 {
		tags[at] = value
	}
}

// With returns the metric with the tags.
func (v *Vec[M]) With(tags *Tags) M {
	values := make([]string, len(v.places))
	for i, at := range v.places {
		values[i] = tags[at]
	}
	return v.with(values...)
}
