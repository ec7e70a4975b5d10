package workflows_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/workflows"
)

// TestWordsOfCallers puts what could become a link, a picture, a tag or a paragraph into everything that callers name.
func TestWordsOfCallers(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{
		"a link":           "[click](https://evil.example)",
		"an address":       "www.evil.example/x",
		"a mail address":   "ops@evil.example",
		"a picture":        "![x](https://evil.example/p.png)",
		"a tag":            "<img src=x onerror=alert(1)>",
		"code":             "`](https://evil.example)`",
		"much code":        strings.Repeat("`", 300),
		"emphasis":         "__a__ *b* ~c~",
		"lines":            "a\n\n# b\r\n- c\u2028d",
		"a direction":      "a\u202eb",
		"a very long text": strings.Repeat("<&>\"", 3000),
		"wide characters":  strings.Repeat("\U0001F600", 3000),
		"broken text":      "a\xffb",
		"nothing":          "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := workflows.DeliverEventInput{EventID: word, Tenant: word, EventType: word}
			event := workflows.EventOptions(in, workflows.TaskQueue)
			delivery := workflows.DeliveryOptions(workflows.DeliverToSubscriberInput{
				DeliveryID: word, EventID: word, SubscriptionID: word, Tenant: word, EventType: word, Host: word,
			}, workflows.TaskQueue)
			job := workflows.JobOptions(models.Job{
				Action: models.JobCancel, Tenant: word, Selection: models.Selection{SubscriptionID: word}, Why: models.Why{By: word, Reason: word},
			}, workflows.TaskQueue)
			for _, summary := range []string{event.StaticSummary, delivery.StaticSummary, job.StaticSummary} {
				requireCode(t, summary, word)
				require.NotContains(t, summary, "\n")
				encoded, err := json.Marshal(summary)
				require.NoError(t, err)
				require.LessOrEqual(t, len(encoded), 400, "Temporal refuses more")
			}
			for _, text := range []string{event.StaticDetails, delivery.StaticDetails} {
				for line := range strings.Lines(text) {
					requireCode(t, line, word)
				}
				require.Less(t, len(text), 20_000)
			}
		})
	}
}

// requireCode checks that the text without what is code has nothing of the word left in it.
func requireCode(t *testing.T, text, word string) {
	t.Helper()
	parts := strings.Split(text, "`")
	require.Equal(t, 1, len(parts)%2, "each code ends: %s", text)
	for i := 0; i < len(parts); i += 2 {
		require.Regexp(t, `^[A-Za-z0-9 ,.:\n-]*$`, parts[i])
		require.NotContains(t, parts[i], "evil")
	}
	for i := 1; i < len(parts); i += 2 {
		require.NotEmpty(t, parts[i])
	}
	if len(word) > 0 && len(word) < 20 && utf8.ValidString(word) && !strings.ContainsAny(word, "`\n\u202e") {
		require.True(t, !strings.Contains(text, "`") || strings.Contains(text, word), "%s shows %s", text, word)
	}
}
