package webhook_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// verifierFor knows the secret of the profile's known answer, and what else is
// given. The clock stands at sentAt unless an option sets it.
func verifierFor(t testing.TB, p webhook.Profile, secrets []string, opts ...webhook.Option) *webhook.Verifier {
	t.Helper()
	opts = append([]webhook.Option{webhook.WithProfile(p), clockAt(sentAt)}, opts...)
	var verifier *webhook.Verifier
	var err error
	if p == webhook.StandardEd25519 {
		verifier, err = webhook.NewPublicKeyVerifier(publicKeys(t, secrets), opts...)
	} else {
		parsed := make([]webhook.Secret, len(secrets))
		for i, text := range secrets {
			parsed[i] = mustSecretFor(t, p, text)
		}
		verifier, err = webhook.NewVerifier(parsed, opts...)
	}
	require.NoError(t, err)
	return verifier
}

func publicKeys(t testing.TB, private []string) []webhook.PublicKey {
	t.Helper()
	keys := make([]webhook.PublicKey, len(private))
	for i, text := range private {
		public, err := mustSecretFor(t, webhook.StandardEd25519, text).PublicKey()
		require.NoError(t, err)
		keys[i] = public
	}
	return keys
}

func timed(p webhook.Profile) bool {
	return p == webhook.Standard || p == webhook.StandardEd25519 || p == webhook.Stripe
}

func TestProfilesVerifyTheKnownAnswers(t *testing.T) {
	t.Parallel()

	for name, tc := range knownAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := tc.profile.NewSecret().Reveal()
			for _, secrets := range [][]string{{tc.secret}, {other, tc.secret}, {tc.secret, other}} {
				msg, err := verifierFor(t, tc.profile, secrets).Verify(signedHeaders(tc.profile, tc.want), []byte(tc.body))
				require.NoError(t, err)
				want := webhook.Message{ID: eventID, Body: []byte(tc.body)}
				if timed(tc.profile) {
					want.Timestamp = sentAt.UTC()
				}
				require.Equal(t, want, msg)
			}
		})
	}
}

// parts of a known answer: what is ahead of the label, the label, the value.
func parts(p webhook.Profile) (lead, label, value string) {
	line := knownAnswers[string(p)].want
	if p == webhook.Stripe {
		lead, line = line[:len("t=1732233600,")], line[len("t=1732233600,"):]
	}
	end := strings.IndexAny(line, ",=") + 1
	return lead, line[:end], line[end:]
}

// otherCase swaps small and capital letters.
func otherCase(text string) string {
	if small := strings.ToLower(text); small != text {
		return small
	}
	return strings.ToUpper(text)
}

// What is wrong in the same way for every profile.
func TestProfilesRefuse(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		good := knownAnswers[string(p)]
		lead, label, value := parts(p)
		stranger, err := p.Sign(eventID, sentAt, []byte(good.body), p.NewSecret())
		require.NoError(t, err)
		wrong := slices.Repeat([]string{label + "0000"}, 31)

		lines := map[string][]string{
			"another secret's signature":      {stranger},
			"the signature alone":             {lead + value},
			"the label alone":                 {lead + label},
			"a wrong label":                   {lead + "v9=" + value},
			"a label in capital letters":      {lead + strings.ToUpper(label) + value},
			"the other case of the signature": {lead + label + otherCase(value)},
			"a signature that was cut":        {lead + label + value[:len(value)-2]},
			"a signature cut by half a byte":  {lead + label + value[:len(value)-1]},
			"a signature with more behind":    {lead + label + value + "00"},
			"a space between":                 {lead + label + " " + value},
			"a quoted signature":              {lead + label + `"` + value + `"`},
			"junk ahead on the same line":     {lead + strings.Repeat("x", 5000) + label + value},
			"the right one after 32 wrong":    append(append([]string{lead + label + "0000"}, wrong...), label+value),
		}
		for name, lines := range lines {
			t.Run(string(p)+" with "+name, func(t *testing.T) {
				t.Parallel()
				msg, err := verifierFor(t, p, []string{good.secret}).Verify(signedHeaders(p, lines...), []byte(good.body))
				require.ErrorIs(t, err, webhook.ErrNoMatch)
				require.Zero(t, msg)
			})
		}
	}
}

func TestProfilesRefuseChanges(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		good := knownAnswers[string(p)]
		changes := map[string]struct {
			change func(http.Header)
			body   string
			want   error
		}{
			"one byte of the body":      {nil, strings.Replace(good.body, "42", "43", 1), webhook.ErrNoMatch},
			"a line break in the body":  {nil, good.body + "\n", webhook.ErrNoMatch},
			"no body":                   {nil, "", webhook.ErrNoMatch},
			"no signature header":       {drop(p.Header()), good.body, webhook.ErrMissingHeader},
			"an empty signature header": {set(p.Header(), ""), good.body, webhook.ErrMissingHeader},
			"a second id":               {add(webhook.HeaderID, eventID), good.body, webhook.ErrBadID},
			"an id with a stop":         {set(webhook.HeaderID, "evt.1"), good.body, webhook.ErrBadID},
			"an overlong id":            {set(webhook.HeaderID, strings.Repeat("x", 257)), good.body, webhook.ErrBadID},
		}
		for name, tc := range changes {
			t.Run(string(p)+" with "+name, func(t *testing.T) {
				t.Parallel()
				h := signedHeaders(p, good.want)
				if tc.change != nil {
					tc.change(h)
				}
				msg, err := verifierFor(t, p, []string{good.secret}).Verify(h, []byte(tc.body))
				require.ErrorIs(t, err, tc.want)
				require.Zero(t, msg)
			})
		}
	}
}

func add(name, value string) func(http.Header) { return func(h http.Header) { h.Add(name, value) } }

func TestProfilesFreshness(t *testing.T) {
	t.Parallel()

	ages := map[time.Duration]error{
		5 * time.Minute: nil, 5*time.Minute + 1: webhook.ErrTooOld,
		-5 * time.Minute: nil, -5*time.Minute - 1: webhook.ErrTooNew,
		time.Hour: webhook.ErrTooOld, -time.Hour: webhook.ErrTooNew,
	}
	for _, p := range webhook.Profiles() {
		for age, want := range ages {
			t.Run(string(p)+" sent "+age.String()+" ago", func(t *testing.T) {
				t.Parallel()
				good := knownAnswers[string(p)]
				verifier := verifierFor(t, p, []string{good.secret}, clockAt(sentAt.Add(age)))
				_, err := verifier.Verify(signedHeaders(p, good.want), []byte(good.body))
				if !timed(p) {
					want = nil // it carries no time: a recording of it is good for ever
				}
				require.ErrorIs(t, err, want)
			})
		}
	}
}

// A receiver finds its secret's signature wherever it stands.
func TestProfilesVerifyDuringRotation(t *testing.T) {
	t.Parallel()

	for _, p := range []webhook.Profile{webhook.Standard, webhook.StandardEd25519, webhook.Stripe} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			next, old, h := p.NewSecret(), p.NewSecret(), http.Header{}
			require.NoError(t, p.SetHeaders(h, eventID, sentAt, []byte(orderBody), next, old))
			for _, secret := range []webhook.Secret{next, old} {
				_, err := verifierFor(t, p, []string{secret.Reveal()}).Verify(h, []byte(orderBody))
				require.NoError(t, err)
			}
			_, err := verifierFor(t, p, []string{p.NewSecret().Reveal()}).Verify(h, []byte(orderBody))
			require.ErrorIs(t, err, webhook.ErrNoMatch)
		})
	}
	for _, p := range webhook.Profiles() {
		t.Run(string(p)+" over several lines of the header", func(t *testing.T) {
			t.Parallel()
			good := knownAnswers[string(p)]
			lead, label, value := parts(p)
			h := signedHeaders(p, lead+label+"0000", "", label+value)
			_, err := verifierFor(t, p, []string{good.secret}).Verify(h, []byte(good.body))
			require.NoError(t, err)
		})
	}
}
