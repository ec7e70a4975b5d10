package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"

	"github.com/posthaste/posthaste/internal/bench"
	"github.com/posthaste/posthaste/internal/terminal"
)

// print prints the report.
func (c *benchCmd) print(s terminal.Streams, r bench.Report) error {
	if c.Output == "json" {
		return terminal.PrintJSON(s.Out, r)
	}
	fmt.Fprintf(s.Out, "%s, %d cores, %d MiB, %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.MemoryMiB, r.Machine.Kernel)
	fmt.Fprintf(s.Out, "%s\n%s, %s\n\n", words(r.Versions), words(r.Settings), terminal.Plural(r.Runs, "run", "runs"))
	if err := printResults(s.Out, r.Results); err != nil {
		return err
	}
	fmt.Fprintln(s.Out)
	for _, result := range r.Results {
		printRest(s.Out, result)
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
	{"p99 ms", "delivery_p99_ms"},
	{"max ms", "delivery_max_ms"},
	{"cpu ms", "server_cpu_ms_per_delivery"},
	{"pg cpu ms", "postgres_cpu_ms_per_delivery"},
	{"both cpu ms", "cpu_ms_per_delivery"},
	{"KiB", "server_written_kib_per_delivery"},
	{"pg KiB", "postgres_written_kib_per_delivery"},
}

// printResults prints a table with a row for each result.
func printResults(w io.Writer, results []bench.Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, strings.Join(benchHeadings(), "\t"))
	for _, r := range results {
		fmt.Fprintln(table, strings.Join(benchCells(r), "\t"))
	}
	return table.Flush()
}

func benchHeadings() []string {
	all := []string{"SCENARIO", "VARIANT", "FANOUT", "SENT", "ACCEPTED", "LOST", "TWICE"}
	for _, m := range benchMetrics {
		all = append(all, strings.ToUpper(m.heading))
	}
	return all
}

func benchCells(r bench.Result) []string {
	all := []string{r.Scenario, r.Variant}
	for _, count := range []int{r.Fanout, r.Sent, r.Accepted, r.Lost, r.Duplicates} {
		all = append(all, strconv.Itoa(count))
	}
	for _, m := range benchMetrics {
		cell := ""
		if v, measured := r.Metrics[m.metric]; measured {
			cell = threeDigits(v)
		}
		all = append(all, cell)
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
		if !inTable && (!strings.HasPrefix(name, "accept_") || strings.HasSuffix(name, "_moved_percent")) {
			rest[name] = threeDigits(value)
		}
	}
	if r.Refusal != "" {
		rest["refusal"] = terminal.Printable(r.Refusal)
	}
	if len(rest) > 0 {
		fmt.Fprintf(w, "%s, %s: %s\n", strings.TrimSpace(r.Scenario+" "+r.Variant),
			terminal.Plural(r.Fanout, "subscriber", "subscribers"), words(rest))
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
		p.what, p.bar = what, terminal.NewBar(p.w, total, what)
	}
	_ = p.bar.Set(done)
}

func (p *benchProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
