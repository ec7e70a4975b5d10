package bench

import (
	"fmt"
	"slices"
)

// Metrics are numbers by name; the name ends with the unit. A metric that could not be measured is missing.
type Metrics map[string]float64

// Result holds the outcome of one load, or in a [Report] of the same load in all runs.
type Result struct {
	Scenario   string  `json:"scenario"`
	Variant    string  `json:"variant,omitempty"`
	Fanout     int     `json:"fanout"`     // subscribers of each event
	Sent       int     `json:"sent"`       // events handed to the API
	Accepted   int     `json:"accepted"`   // events answered with 202
	Deliveries int     `json:"deliveries"` // that the accepted events owe; the counts are sums over the runs
	Lost       int     `json:"lost"`
	Duplicates int     `json:"duplicates"`
	Refusal    string  `json:"refusal,omitempty"` // why an event was not accepted, for the first such
	Metrics    Metrics `json:"metrics"`           // medians over the runs
}

// Report is a whole benchmark.
type Report struct {
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Settings map[string]any    `json:"settings"`
	Runs     int               `json:"runs"`
	Results  []Result          `json:"results"`
}

// Check returns an error if anything was lost, came twice, or was not accepted, or if nothing was accepted at all.
func (r Report) Check() error {
	var lost, duplicates, refused int
	for _, result := range r.Results {
		if result.Accepted == 0 {
			return fmt.Errorf("%s: no event was accepted, so nothing was measured", result.Scenario)
		}
		lost += result.Lost
		duplicates += result.Duplicates
		refused += result.Sent - result.Accepted
	}
	if lost+duplicates+refused == 0 {
		return nil
	}
	return fmt.Errorf("%d deliveries lost, %d duplicates, %d events not accepted", lost, duplicates, refused)
}

// Combine makes one list of the results of several runs.
func Combine(runs [][]Result) []Result {
	var all []Result
	for _, run := range runs {
		for _, r := range run {
			at := slices.IndexFunc(all, r.sameLoad)
			if at < 0 {
				at, all = len(all), append(all, Result{Scenario: r.Scenario, Variant: r.Variant, Fanout: r.Fanout})
			}
			all[at].add(r)
		}
	}
	for i := range all {
		all[i].Metrics = medians(runs, all[i])
	}
	return all
}

func (r Result) sameLoad(other Result) bool {
	return r.Scenario == other.Scenario && r.Variant == other.Variant && r.Fanout == other.Fanout
}

// add counts the other's events and deliveries in.
func (r *Result) add(other Result) {
	r.Sent += other.Sent
	r.Accepted += other.Accepted
	r.Deliveries += other.Deliveries
	r.Lost += other.Lost
	r.Duplicates += other.Duplicates
	if r.Refusal == "" {
		r.Refusal = other.Refusal
	}
}

func medians(runs [][]Result, of Result) Metrics {
	values := map[string][]float64{}
	for _, r := range slices.Concat(runs...) {
		if r.sameLoad(of) {
			for name, value := range r.Metrics {
				values[name] = append(values[name], value)
			}
		}
	}
	m := Metrics{}
	for name, all := range values {
		m[name] = median(all)
	}
	return m
}

// median returns the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
