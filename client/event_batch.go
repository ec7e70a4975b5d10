package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// MaxBatch is the greatest number of events in one [Client.PublishBatch].
const MaxBatch = 1000

// BatchResult is the outcome for one event of a batch.
type BatchResult struct {
	// ID is the event's id; "" when Err is set.
	ID string

	// Duplicate has the same meaning as in [Published].
	Duplicate bool

	// Err says why this event was refused, always an *[Error]; nil when it was
	// accepted.
	Err error
}

// PublishBatch hands up to [MaxBatch] events to the server at once and returns
// one result for each, in the same order. One refused event does not affect
// the others, so look at every Err. An error of the call itself is as in
// [Client.Publish] and then no result is known; more events than MaxBatch, or
// data that cannot be written as JSON, is [ErrInvalid] with nothing sent.
// Without events it makes no call and returns no results.
func (c *Client) PublishBatch(ctx context.Context, events []Event) ([]BatchResult, error) {
	if len(events) == 0 {
		return nil, nil
	}
	body, err := encodeBatch(events)
	if err != nil {
		return nil, err
	}
	var answer BatchAnswer
	var header http.Header
	what := call{method: http.MethodPost, path: "v1/events/batch", body: body, header: &header}
	if err := c.do(ctx, what, &answer); err != nil {
		return nil, err
	}
	return c.batchResults(answer.Results, len(events), c.requestID(header))
}

func encodeBatch(events []Event) ([]byte, error) {
	if len(events) > MaxBatch {
		return nil, fmt.Errorf("%w: %d events in a batch, the most is %d", ErrInvalid, len(events), MaxBatch)
	}
	items := make([][]byte, len(events))
	for i, e := range events {
		item, err := e.withKey().encode()
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i, err)
		}
		items[i] = item
	}
	return fmt.Appendf(nil, `{"events":[%s]}`, bytes.Join(items, []byte(","))), nil
}

// BatchRequest is the body of a batch. [Client.PublishBatch] writes it.
type BatchRequest struct {
	Events []Event `json:"events"`
}

// BatchAnswer is the answer of the server to a batch.
type BatchAnswer struct {
	Results []BatchItem `json:"results"` // one for each event, in the same order
}

// BatchItem is the outcome for one event: ID and Duplicate, or Error.
// [Client.PublishBatch] makes a [BatchResult] of it.
type BatchItem struct {
	ID        string   `json:"id,omitempty"`
	Duplicate *bool    `json:"duplicate,omitempty"`
	Error     *Problem `json:"error,omitempty"`
}

func (c *Client) batchResults(answers []BatchItem, want int, requestID string) ([]BatchResult, error) {
	if len(answers) != want {
		return nil, fmt.Errorf("%w: %d results for %d events", ErrAnswer, len(answers), want)
	}
	results := make([]BatchResult, want)
	for i, a := range answers {
		switch {
		case a.Error != nil:
			failed := c.errorOf(0, *a.Error)
			failed.RequestID = requestID
			results[i] = BatchResult{Err: failed}
		case a.ID == "":
			return nil, fmt.Errorf("%w: result %d has neither id nor error", ErrAnswer, i)
		default:
			results[i] = BatchResult{ID: a.ID, Duplicate: a.Duplicate != nil && *a.Duplicate}
		}
	}
	return results, nil
}
