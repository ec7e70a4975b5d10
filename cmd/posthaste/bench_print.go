package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/schollz/progressbar/v3"

	"github.com/posthaste/posthaste/internal/bench"
)

// print prints the report.
func (c *benchCmd) print(s streams, r bench.Report) error {
	if c.Output == "json" {
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "%s, %d cores, %d MiB, %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryMiB, r.Machine.Kernel)
	fmt.Fprintf(s.out, "%s\n%s, %s\n\n", words(r.Versions), words(r.Settings), plural(r.Runs, "run", "runs"))
	if err := benchLayout.table(s.out, r.Results); err != nil {
		return err
	}
	fmt.Fprintln(s.out)
	for _, result := range r.Results {
		printRest(s.out, result)
	}
	return nil
}

// words writes a map in order.
func words[V any](m map[string]V) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, fmt.Sprintf("%s %v", name, m[name]))
	}
	return strings.Join(all, ", ")
}

// benchMetrics are the columns that show metrics, by their headings.
var benchMetrics = []struct{ heading, metric string }{
	{"accepted/s", "accepted_per_second"},
	{"delivered/s", "deliveries_per_second"},
	{"accept p50 ms", "accept_p50_ms"},
	{"p99 ms", "accept_p99_ms"},
	{"arrive p50 ms", "delivery_p50_ms"},
	{"p90 ms", "delivery_p90_ms"},
	{"p99 ms ", "delivery_p99_ms"},
	{"max ms", "delivery_max_ms"},
	{"cpu ms", "server_cpu_ms_per_delivery"},
	{"pg cpu ms", "postgres_cpu_ms_per_delivery"},
	{"KiB", "server_written_kib_per_delivery"},
	{"pg KiB", "postgres_written_kib_per_delivery"},
	{"transitions", "transitions_per_delivery"},
	{"of floor", "ratio_to_floor"},
	{"x naive", "ratio_to_naive"},
}

var benchLayout = layout[bench.Result]{columns: benchColumns(), fields: benchFields}

func benchColumns() []string {
	all := []string{"scenario", "variant", "fanout", "sent", "accepted", "lost", "twice"}
	for _, m := range benchMetrics {
		all = append(all, m.heading)
	}
	return all
}

func benchFields(r bench.Result) []field {
	all := []field{
		{"scenario", r.Scenario},
		{"variant", r.Variant},
		{"fanout", strconv.Itoa(r.Fanout)},
		{"sent", strconv.Itoa(r.Sent)},
		{"accepted", strconv.Itoa(r.Accepted)},
		{"lost", strconv.Itoa(r.Lost)},
		{"twice", strconv.Itoa(r.Duplicates)},
	}
	for _, m := range benchMetrics {
		value := ""
		if v, measured := r.Metrics[m.metric]; measured {
			value = threeDigits(v)
		}
		all = append(all, field{m.heading, value})
	}
	return all
}

// threeDigits writes a number as exactly as it was measured.
func threeDigits(v float64) string {
	decimals := 0
	for limit := 100.0; math.Abs(v) < limit && decimals < 2; limit /= 10 {
		decimals++
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// printRest writes the metrics that have no column in the table. Further percentiles of the calls are in the JSON only.
func printRest(w io.Writer, r bench.Result) {
	rest := map[string]string{}
	for name, value := range r.Metrics {
		inTable := slices.ContainsFunc(benchMetrics, func(m struct{ heading, metric string }) bool { return m.metric == name })
		if !inTable && !strings.HasPrefix(name, "accept_") {
			rest[name] = threeDigits(value)
		}
	}
	if r.Refusal != "" {
		rest["refusal"] = printable(r.Refusal)
	}
	if len(rest) > 0 {
		fmt.Fprintf(w, "%s, %s: %s\n", strings.TrimSpace(r.Scenario+" "+r.Variant),
			plural(r.Fanout, "subscriber", "subscribers"), words(rest))
	}
}

// benchProgress shows how far each step is.
type benchProgress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar
}

func (p *benchProgress) show(what string, done, total int) {
	if what != p.what {
		p.clear()
		p.what, p.bar = what, newBar(p.w, total, what)
	}
	_ = p.bar.Set(done)
}

func (p *benchProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
