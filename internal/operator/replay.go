package operator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/schollz/progressbar/v3"
	historypb "go.temporal.io/api/history/v1"
	temporal "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/workflows"
)

// replayCmd checks before an upgrade whether it would break workflows that are running.
type replayCmd struct {
	Remote `group:"Server"`

	Files    []string `arg:"" optional:"" name:"file" help:"Files with histories in JSON, from posthaste deliveries history, the Temporal CLI or the Temporal Web UI. Needs no server."`
	Delivery string   `name:"delivery" placeholder:"ID" help:"Replay all runs of this delivery."`
	Since    when     `name:"since" placeholder:"WHEN" help:"Replay all runs of all event, delivery and job workflows that began at this time or later: a time, a date, or an age (2h, 3d, 2w)."`
}

// Help is the long help of the command.
func (replayCmd) Help() string {
	return "Replays workflow histories with the workflow code of this program, and prints for each ok, or BREAKS and the reason. Run it with the new version before an upgrade. It delivers nothing and changes nothing."
}

// Validate is called by kong.
func (c *replayCmd) Validate() error {
	given := 0
	for _, is := range []bool{len(c.Files) > 0, c.Delivery != "", !c.Since.IsZero()} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("give either files, or --delivery, or --since")
	}
	return nil
}

// Run implements the command.
func (c *replayCmd) Run(ctx context.Context, o *operator) error {
	r := replay{o: o, results: []replayed{}, bar: terminal.NewBar(io.Discard, 1, "")}
	var err error
	switch {
	case len(c.Files) > 0:
		err = r.files(c.Files)
	case c.Delivery != "":
		err = r.delivery(ctx, c.Delivery)
	default:
		err = r.since(ctx, c)
	}
	return r.finish(err)
}

// replay holds the results so far.
type replay struct {
	o        *operator
	bar      *progressbar.ProgressBar
	results  []replayed // with -o json only
	ok, gone int
	broken   int
}

// replayed is the result of one history.
type replayed struct {
	History string `json:"history"`
	Result  string `json:"result"` // ok or breaks
	Reason  string `json:"reason,omitempty"`
}

// files replays all files that can be read, and returns the last error about a file that cannot.
func (r *replay) files(names []string) (last error) {
	for _, name := range names {
		text, err := readFile(name)
		if err == nil {
			err = r.try(name, text)
		}
		if err != nil && last != nil {
			r.o.s.Complain(last)
		}
		if err != nil {
			last = err
		}
	}
	return last
}

// delivery replays all runs of a delivery that Temporal still has.
func (r *replay) delivery(ctx context.Context, id string) error {
	runs, err := r.o.Runs(ctx, id)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	for _, run := range runs {
		err := r.fetch(id+" run "+run.ID, func() (json.RawMessage, error) { return r.o.History(ctx, id, run.ID) })
		if err != nil {
			return err
		}
	}
	return nil
}

// since replays all workflows that started since a time. It counts them first, for the bar, on a terminal only.
func (r *replay) since(ctx context.Context, c *replayCmd) error {
	const largest = 200
	all := r.o.Workflows(ctx, client.WorkflowFilter{Since: c.Since.Time, PageSize: largest})
	total := 0
	if terminal.IsTerminal(r.o.s.Err) {
		for _, err := range all {
			if err != nil {
				return err
			}
			total++
		}
	}
	r.bar = terminal.NewBar(r.o.s.Err, total, "replaying")
	for run, err := range all {
		if err != nil {
			return err
		}
		err := r.fetch(run.WorkflowID+" run "+run.ID, func() (json.RawMessage, error) {
			return r.o.WorkflowHistory(ctx, run.WorkflowID, run.ID)
		})
		if err != nil {
			return err
		}
		_ = r.bar.Add(1)
	}
	return nil
}

// fetch replays a history from the server, or counts it as gone if Temporal has deleted it meanwhile.
func (r *replay) fetch(name string, history func() (json.RawMessage, error)) error {
	text, err := history()
	if errors.Is(err, client.ErrNotFound) {
		r.gone++
		return nil
	}
	if err == nil {
		return r.try(name, text)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// try replays one history. An error means that the text is no history.
func (r *replay) try(name string, text []byte) error {
	history, err := parseHistory(text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	replayer := sdkworker.NewWorkflowReplayer()
	workflows.Register(replayer)
	silent := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	r.note(name, replayer.ReplayWorkflowHistory(silent, history))
	return nil
}

func (r *replay) note(name string, broken error) {
	result := replayed{History: name, Result: "ok"}
	if broken != nil {
		r.broken++
		result.Result, result.Reason = "breaks", terminal.Plain(broken)
	} else {
		r.ok++
	}
	_ = r.bar.Clear() // the line must not be written into the bar; the next step draws the bar again
	switch {
	case r.o.json:
		r.results = append(r.results, result)
	case broken != nil:
		fmt.Fprintf(r.o.s.Out, "BREAKS  %s: %s\n", name, result.Reason)
	default:
		fmt.Fprintf(r.o.s.Out, "ok      %s\n", name)
	}
}

// finish prints the totals. A history that breaks is worse than any other error.
func (r *replay) finish(err error) error {
	_ = r.bar.Clear()
	if r.o.json {
		err = errors.Join(err, terminal.PrintJSON(r.o.s.Out, r.results))
	} else {
		fmt.Fprintf(r.o.s.Err, "%d ok, %d break, %d no longer in Temporal\n", r.ok, r.broken, r.gone)
	}
	if r.broken == 0 {
		return err
	}
	if err != nil {
		r.o.s.Complain(err)
	}
	return fmt.Errorf("%d of %d histories break with this version", r.broken, r.ok+r.broken)
}

// parseHistory reads a history as the API and the Temporal CLI write it, or the bare list of events of older Web UIs.
func parseHistory(text []byte) (*historypb.History, error) {
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("[")) {
		text = fmt.Appendf(nil, `{"events":%s}`, text)
	}
	history, err := temporal.HistoryFromJSON(bytes.NewReader(text), temporal.HistoryJSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("not a history of a workflow: %s", strings.ToValidUTF8(err.Error(), ""))
	}
	if events := history.GetEvents(); len(events) == 0 || events[0].GetWorkflowExecutionStartedEventAttributes() == nil {
		return nil, errors.New("not a history of a workflow: it does not begin with a start")
	}
	return history, nil
}
