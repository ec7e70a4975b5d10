package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/posthaste/posthaste/internal/bench"
)

// readReport reads a report of posthaste bench; without a file it is empty.
func readReport(file string) (report bench.Report, err error) {
	if file == "" {
		return report, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the caller names the file
	if err != nil {
		return report, err
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return report, fmt.Errorf("--compare: not a report of posthaste bench -o json: %w", err)
	}
	return report, nil
}

// print prints a row for each result, with the ratio of posthaste's throughput to it where the report has one.
func (l *lab) print(out io.Writer, results []result, report bench.Report) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SHAPE\tFANOUT\tEVENTS\tLOST\tTWICE\tDELIVERED/S\tCPU MS\tTRANSITIONS\tPOSTHASTE/S\tRATIO")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.2f\t%s\t", l.Shape, r.fanout, r.events, r.lost, r.twice,
			r.rate, float64(r.cpu)/float64(time.Millisecond), number(r.transitions))
		ours, ratio := throughput(report, r.fanout), 0.0
		if r.rate > 0 {
			ratio = ours / r.rate
		}
		fmt.Fprintf(table, "%s\t%s\n", number(ours), number(ratio))
	}
	return table.Flush()
}

// throughput returns posthaste's deliveries a second at a fan-out; 0 where the report has none.
func throughput(report bench.Report, fanout int) float64 {
	at := slices.IndexFunc(report.Results, func(r bench.Result) bool {
		return r.Fanout == fanout && (r.Scenario == bench.Throughput || r.Scenario == bench.Fanout)
	})
	if at < 0 {
		return 0
	}
	return report.Results[at].Metrics["deliveries_per_second"]
}

// number prints a number; 0, which was not measured, is "".
func number(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", n)
}

// check returns an error if a delivery was lost or made twice. The naive shape may lose some: its timeouts are longer than
// the measurement waits.
func (l *lab) check(results []result) error {
	for _, r := range results {
		if r.lost+r.twice > 0 && l.Shape != naive {
			return fmt.Errorf("fan-out %d: %d deliveries lost, %d made twice", r.fanout, r.lost, r.twice)
		}
	}
	return nil
}
