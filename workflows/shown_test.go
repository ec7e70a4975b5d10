package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// TestShownStatus follows what the Web UI's list says of a delivery, and counts what it costs to say so.
func TestShownStatus(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers []int
		change  func(*workflows.DeliverToSubscriberInput)
		shown   []string // one upsert each
	}{
		"delivered at once":            {[]int{204}, nil, nil},
		"delivered at once, locally":   {[]int{204}, func(in *workflows.DeliverToSubscriberInput) { in.Local = true }, nil},
		"delivered at the third":       {[]int{500, 500, 204}, nil, []string{"retrying", "delivered"}},
		"delivered after a local one":  {[]int{500, 204}, func(in *workflows.DeliverToSubscriberInput) { in.Local = true }, []string{"retrying", "delivered"}},
		"exhausted":                    {[]int{500}, nil, []string{"retrying", "exhausted"}},
		"a run of the version before":  {[]int{500, 204}, func(in *workflows.DeliverToSubscriberInput) { in.Tells = false }, nil},
		"begun after an inline one":    {[]int{204}, func(in *workflows.DeliverToSubscriberInput) { in.FailingSince = time.Now() }, []string{"delivered"}},
		"of the version before, fails": {[]int{500}, func(in *workflows.DeliverToSubscriberInput) { in.Tells = false }, []string{"exhausted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, answers(tt.answers...)...)
			b.subscribe(t, func(s *models.Subscription) { s.RetrySchedule = models.Schedule{time.Minute, time.Minute} })
			in := b.plan(t)
			if tt.change != nil {
				tt.change(&in)
			}
			shown := b.upserts()
			b.ExecuteWorkflow(workflows.DeliverToSubscriberName, in)
			require.Equal(t, tt.shown, *shown)
		})
	}
}

// upserts lists the values of DeliveryStatus as they are set.
func (b *bundle) upserts() *[]string {
	var shown []string
	note := func(attributes temporal.SearchAttributes) bool {
		value, ok := attributes.GetKeyword(temporal.NewSearchAttributeKeyKeyword("DeliveryStatus"))
		if ok && !slices.Contains(shown, value) { // it may be called again for one upsert
			shown = append(shown, value)
		}
		return true
	}
	b.OnUpsertTypedSearchAttributes(mock.MatchedBy(note)).Return(nil)
	return &shown
}
