package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// The secrets of the known answers: the bytes 0 to 31, the bytes 0 to 63, and
// 24 times 0xff (whose base64 has nothing but slashes).
const (
	secret32 = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	secret64 = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
	secret24 = "whsec_////////////////////////////////"
)

const (
	eventID   = "evt_01jd2m7x3v9k5h8q4w6r0t1ynb"
	orderBody = `{"type":"order.paid","data":{"id":42}}`
	orderSign = "v1,46I5x0QjHMK2kri52Cu2Cfoizj87M6YAbNdelr96HQE="
)

var sentAt = time.Unix(1732233600, 0)

func mustSecret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	secret, err := webhook.ParseSecret(text)
	require.NoError(t, err)
	return secret
}

func allBytes() string {
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	return all.String()
}

// The answers come from Python's hmac module, the first also from
// "openssl dgst -sha256 -mac HMAC"; none from this package. The last is the
// one published in the specification's own test suite.
func TestSignGivesTheKnownAnswers(t *testing.T) {
	t.Parallel()

	answers := map[string]struct {
		secret, id string
		at         int64
		body, want string
	}{
		"for JSON":                {secret32, eventID, 1732233600, orderBody, orderSign},
		"for an empty body":       {secret32, eventID, 1732233600, "", "v1,cVzIqZ9tcFoAn4yj2CSORiMjlabjMkyOcnhMFfQ2RaM="},
		"for every byte value":    {secret32, eventID, 1732233600, allBytes(), "v1,jNu9qU2TaXdRd/G+cYlf6/qQZ490QnOmd9RPW1pxG2U="},
		"for UTF-8 at the epoch":  {secret32, eventID, 0, "grüße ✓", "v1,1yL2RDwLi6OwS7Q7PTQxyiPx+ZI+I26yJadhLYwkiNY="},
		"for the longest secret":  {secret64, eventID, 1732233600, orderBody, "v1,rak8bSHVYrT934EjmNWhqrKSHjDHuUDBnMd3d2AMlB0="},
		"for the shortest secret": {secret24, eventID, 1732233600, orderBody, "v1,i1SYuuR6srJLR5kDvNxMzK0omP5Izt6MSigjDgG1tX4="},
		"for the published example": {
			"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
			`{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
	}
	for name, tc := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.Sign(tc.id, time.Unix(tc.at, 0), []byte(tc.body), mustSecret(t, tc.secret))
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestSign(t *testing.T) {
	t.Parallel()

	t.Run("gives one signature per secret in the order given", func(t *testing.T) {
		t.Parallel()
		got, err := webhook.Sign(eventID, sentAt, []byte(orderBody), mustSecret(t, secret64), mustSecret(t, secret32))
		require.NoError(t, err)
		require.Equal(t, "v1,rak8bSHVYrT934EjmNWhqrKSHjDHuUDBnMd3d2AMlB0= "+orderSign, got)
	})

	t.Run("counts whole seconds only, in any time zone", func(t *testing.T) {
		t.Parallel()
		at := sentAt.Add(999 * time.Millisecond).In(time.FixedZone("east", 5*3600))
		got, err := webhook.Sign(eventID, at, []byte(orderBody), mustSecret(t, secret32))
		require.NoError(t, err)
		require.Equal(t, orderSign, got)
	})

	refused := map[string]struct {
		id      string
		secrets []webhook.Secret
		want    error
	}{
		"refuses an empty id":           {"", []webhook.Secret{webhook.NewSecret()}, webhook.ErrBadID},
		"refuses an id with a stop":     {"evt.1", []webhook.Secret{webhook.NewSecret()}, webhook.ErrBadID},
		"refuses an id of 257 bytes":    {strings.Repeat("x", 257), []webhook.Secret{webhook.NewSecret()}, webhook.ErrBadID},
		"refuses to sign with nothing":  {eventID, nil, webhook.ErrBadSecret},
		"refuses one empty among many":  {eventID, []webhook.Secret{webhook.NewSecret(), {}}, webhook.ErrBadSecret},
		"refuses an empty secret alone": {eventID, []webhook.Secret{{}}, webhook.ErrBadSecret},
	}
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := webhook.Sign(tc.id, sentAt, []byte(orderBody), tc.secrets...)
			require.ErrorIs(t, err, tc.want)
			require.Empty(t, got)
		})
	}
}

func TestSetHeaders(t *testing.T) {
	t.Parallel()

	t.Run("replaces all three headers", func(t *testing.T) {
		t.Parallel()
		h := http.Header{}
		h.Set(webhook.HeaderSignature, "v1,stale")
		require.NoError(t, webhook.SetHeaders(h, eventID, sentAt, []byte(orderBody), mustSecret(t, secret32)))
		require.Equal(t, http.Header{
			"Webhook-Id":        {eventID},
			"Webhook-Timestamp": {"1732233600"},
			"Webhook-Signature": {orderSign},
		}, h)
	})

	t.Run("touches nothing when it cannot sign", func(t *testing.T) {
		t.Parallel()
		h := http.Header{"Webhook-Id": {"before"}}
		require.ErrorIs(t, webhook.SetHeaders(h, eventID, sentAt, nil), webhook.ErrBadSecret)
		require.Equal(t, http.Header{"Webhook-Id": {"before"}}, h)
	})
}
