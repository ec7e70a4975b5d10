package webhook_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

func headers(id, timestamp, signature string) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, id)
	h.Set(webhook.HeaderTimestamp, timestamp)
	h.Set(webhook.HeaderSignature, signature)
	return h
}

// goodHeaders fit orderBody under secret32.
func goodHeaders() http.Header { return headers(eventID, "1732233600", orderSign) }

func clockAt(now time.Time) webhook.Option {
	return webhook.WithClock(func() time.Time { return now })
}

func mustVerifier(t testing.TB, secrets []string, opts ...webhook.Option) *webhook.Verifier {
	t.Helper()
	parsed := make([]webhook.Secret, len(secrets))
	for i, text := range secrets {
		parsed[i] = mustSecret(t, text)
	}
	verifier, err := webhook.NewVerifier(parsed, append([]webhook.Option{clockAt(sentAt)}, opts...)...)
	require.NoError(t, err)
	return verifier
}

func TestVerifyAccepts(t *testing.T) {
	t.Parallel()

	const other = "v1,rak8bSHVYrT934EjmNWhqrKSHjDHuUDBnMd3d2AMlB0=" // orderBody under secret64
	wrong := "v1," + strings.Repeat("A", 43) + "="
	accepted := map[string]struct {
		secrets   []string
		signature string
	}{
		"one secret and its signature":                    {[]string{secret32}, orderSign},
		"the old secret while the receiver rotates":       {[]string{secret64, secret32}, orderSign},
		"the new secret while the receiver rotates":       {[]string{secret64, secret32}, other},
		"the second signature while the sender rotates":   {[]string{secret32}, other + " " + orderSign},
		"any fit when both rotate":                        {[]string{secret24, secret32}, other + " " + orderSign},
		"a known signature beside a newer scheme":         {[]string{secret32}, "v1a,hnO3f9T8 v9,x " + orderSign},
		"a known signature beside junk":                   {[]string{secret32}, "junk , v1, ,, " + orderSign},
		"a known signature after an overlong one":         {[]string{secret32}, strings.Repeat("x", 5000) + ",y " + orderSign},
		"a known signature between double spaces":         {[]string{secret32}, "  " + orderSign + "  "},
		"a known signature as the thirty-second and last": {[]string{secret32}, strings.Repeat(wrong+" ", 31) + orderSign},
	}
	for name, tc := range accepted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			msg, err := mustVerifier(t, tc.secrets).Verify(headers(eventID, "1732233600", tc.signature), []byte(orderBody))
			require.NoError(t, err)
			require.Equal(t, webhook.Message{ID: eventID, Timestamp: sentAt.UTC(), Body: []byte(orderBody)}, msg)
		})
	}
}

func TestVerifyRefusesSignatures(t *testing.T) {
	t.Parallel()

	value := strings.TrimPrefix(orderSign, "v1,")
	refused := map[string]string{
		"of another message":           "v1,cVzIqZ9tcFoAn4yj2CSORiMjlabjMkyOcnhMFfQ2RaM=",
		"of another secret":            "v1,rak8bSHVYrT934EjmNWhqrKSHjDHuUDBnMd3d2AMlB0=",
		"that are empty":               "v1,",
		"without a version":            value,
		"with an empty version":        "," + value,
		"of version v2":                "v2," + value,
		"of version v1a":               "v1a," + value,
		"of version V1":                "V1," + value,
		"that were cut":                orderSign[:len(orderSign)-2],
		"without padding":              strings.TrimRight(orderSign, "="),
		"with something after them":    orderSign + "=",
		"in another spelling":          strings.Replace(orderSign, "HQE=", "HQF=", 1), // decodes to the same bytes
		"in hexadecimal":               "v1,e3a239c744231cc2b692b8b9d82bb609fa22ce3f3b33a6006cd75e96bf7a1d01",
		"separated by commas":          "v1,x," + orderSign,
		"separated by tabs":            "v1,x\t" + orderSign,
		"as the thirty-third":          strings.Repeat("v1,x ", 32) + orderSign,
		"after thirty-two plain words": strings.Repeat("x ", 32) + orderSign,
	}
	for name, signature := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			msg, err := mustVerifier(t, []string{secret32}).Verify(headers(eventID, "1732233600", signature), []byte(orderBody))
			require.ErrorIs(t, err, webhook.ErrNoMatch)
			require.Zero(t, msg)
		})
	}
}

func TestVerifyRefusesChanges(t *testing.T) {
	t.Parallel()

	changes := map[string]struct {
		change func(http.Header)
		body   string
		want   error
	}{
		"of one byte of the body":          {nil, strings.Replace(orderBody, "42", "43", 1), webhook.ErrNoMatch},
		"of white space in the body":       {nil, orderBody + "\n", webhook.ErrNoMatch},
		"to no body at all":                {nil, "", webhook.ErrNoMatch},
		"of the id":                        {set(webhook.HeaderID, "evt_other"), orderBody, webhook.ErrNoMatch},
		"of the timestamp":                 {set(webhook.HeaderTimestamp, "1732233601"), orderBody, webhook.ErrNoMatch},
		"that drop the id":                 {drop(webhook.HeaderID), orderBody, webhook.ErrMissingHeader},
		"that drop the timestamp":          {drop(webhook.HeaderTimestamp), orderBody, webhook.ErrMissingHeader},
		"that drop the signature":          {drop(webhook.HeaderSignature), orderBody, webhook.ErrMissingHeader},
		"that empty the signature":         {set(webhook.HeaderSignature, ""), orderBody, webhook.ErrMissingHeader},
		"that put a stop into the id":      {set(webhook.HeaderID, "evt.1"), orderBody, webhook.ErrBadID},
		"that make the id overlong":        {set(webhook.HeaderID, strings.Repeat("x", 257)), orderBody, webhook.ErrBadID},
		"to a timestamp of words":          {set(webhook.HeaderTimestamp, "soon"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp with a fraction":   {set(webhook.HeaderTimestamp, "1732233600.0"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp in milliseconds":   {set(webhook.HeaderTimestamp, "1732233600000"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp with a plus":       {set(webhook.HeaderTimestamp, "+1732233600"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp with a zero ahead": {set(webhook.HeaderTimestamp, "01732233600"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp with a space":      {set(webhook.HeaderTimestamp, " 1732233600"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp in hexadecimal":    {set(webhook.HeaderTimestamp, "0x673f4e00"), orderBody, webhook.ErrBadTimestamp},
		"to a timestamp beyond 64 bits":    {set(webhook.HeaderTimestamp, "99999999999999999999"), orderBody, webhook.ErrBadTimestamp},
		"to the largest 64-bit timestamp":  {set(webhook.HeaderTimestamp, "9223372036854775807"), orderBody, webhook.ErrBadTimestamp},
		"to the last timestamp there is":   {set(webhook.HeaderTimestamp, "999999999999"), orderBody, webhook.ErrTooNew},
		"that repeat the timestamp":        {add(webhook.HeaderTimestamp, "1732233600"), orderBody, webhook.ErrBadTimestamp},
		"that repeat the id":               {add(webhook.HeaderID, eventID), orderBody, webhook.ErrBadID},
		"to a timestamp before 1970":       {set(webhook.HeaderTimestamp, "-1"), orderBody, webhook.ErrTooOld},
	}
	for name, tc := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := goodHeaders()
			if tc.change != nil {
				tc.change(h)
			}
			msg, err := mustVerifier(t, []string{secret32}).Verify(h, []byte(tc.body))
			require.ErrorIs(t, err, tc.want)
			require.Zero(t, msg)
		})
	}
}

func set(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
func drop(name string) func(http.Header)       { return func(h http.Header) { h.Del(name) } }

func TestVerifyFreshness(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		age       time.Duration // how long ago the message was sent
		tolerance time.Duration // 0: the default
		want      error
	}{
		"takes what is exactly five minutes old":     {5 * time.Minute, 0, nil},
		"refuses what is a little older":             {5*time.Minute + 1, 0, webhook.ErrTooOld},
		"refuses what is six minutes old":            {6 * time.Minute, 0, webhook.ErrTooOld},
		"takes what is exactly five minutes ahead":   {-5 * time.Minute, 0, nil},
		"refuses what is a little further ahead":     {-5*time.Minute - 1, 0, webhook.ErrTooNew},
		"refuses what is centuries old":              {250 * 365 * 24 * time.Hour, 0, webhook.ErrTooOld},
		"obeys a smaller tolerance backwards":        {2 * time.Second, time.Second, webhook.ErrTooOld},
		"obeys a smaller tolerance forwards":         {-2 * time.Second, time.Second, webhook.ErrTooNew},
		"obeys a larger tolerance in both at choice": {-time.Hour, 2 * time.Hour, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []webhook.Option{clockAt(sentAt.Add(tc.age))}
			if tc.tolerance != 0 {
				opts = append(opts, webhook.WithTolerance(tc.tolerance))
			}
			_, err := mustVerifier(t, []string{secret32}, opts...).Verify(goodHeaders(), []byte(orderBody))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

// A body that begins with a number and a full stop could be read as the rest
// of an id and another timestamp. Refusing the full stop in ids closes that.
func TestVerifyReadsTheSignedTextInOneWayOnly(t *testing.T) {
	t.Parallel()

	at := strconv.FormatInt(sentAt.Unix(), 10)
	signature, err := webhook.Sign(eventID, sentAt, []byte(at+".5"), mustSecret(t, secret32))
	require.NoError(t, err)
	_, err = mustVerifier(t, []string{secret32}).Verify(headers(eventID+"."+at, at, signature), []byte("5"))
	require.ErrorIs(t, err, webhook.ErrBadID)
}

func TestNewVerifier(t *testing.T) {
	t.Parallel()

	good := []webhook.Secret{webhook.NewSecret()}
	refused := map[string]struct {
		secrets []webhook.Secret
		opts    []webhook.Option
		says    string
	}{
		"refuses no secrets":           {nil, nil, "bad secret: none given"},
		"refuses an empty secret":      {append([]webhook.Secret{{}}, good...), nil, "bad secret: number 1 is empty"},
		"refuses a tolerance of zero":  {good, []webhook.Option{webhook.WithTolerance(0)}, "tolerance 0s is not positive"},
		"refuses a tolerance below it": {good, []webhook.Option{webhook.WithTolerance(-1)}, "not positive"},
		"refuses a nil clock":          {good, []webhook.Option{webhook.WithClock(nil)}, "clock is nil"},
	}
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := webhook.NewVerifier(tc.secrets, tc.opts...)
			require.ErrorContains(t, err, tc.says)
			require.Nil(t, verifier)
		})
	}

	t.Run("keeps its own copy of the list", func(t *testing.T) {
		t.Parallel()
		list := []webhook.Secret{mustSecret(t, secret32)}
		verifier, err := webhook.NewVerifier(list, clockAt(sentAt))
		require.NoError(t, err)
		list[0] = webhook.Secret{}
		_, err = verifier.Verify(goodHeaders(), []byte(orderBody))
		require.NoError(t, err)
	})

	t.Run("is not needed for the zero value to refuse everything", func(t *testing.T) {
		t.Parallel()
		var zero webhook.Verifier
		_, err := zero.Verify(goodHeaders(), []byte(orderBody))
		require.ErrorIs(t, err, webhook.ErrBadSecret)
	})
}
