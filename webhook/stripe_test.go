package webhook_test

import (
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// What only a header that holds the time as well can have wrong, or right.
func TestStripeHeader(t *testing.T) {
	t.Parallel()

	const (
		right = "v1=7521cab305c05ee9d7cb9e5c488a9acaf120402918037200ab580ae14b06253c"
		wrong = "v1=0000000000000000000000000000000000000000000000000000000000000000"
	)
	cases := map[string]struct {
		line string
		want error
	}{
		"takes the time behind the signature":   {right + ",t=1732233600", nil},
		"takes what it does not know beside it": {"t=1732233600,v0=6ffbb59b,x,,y=," + right, nil},
		"takes the 31st signature":              {"t=1732233600," + strings.Repeat(wrong+",", 30) + right, nil},
		"refuses the 32nd":                      {"t=1732233600," + strings.Repeat(wrong+",", 31) + right, webhook.ErrNoMatch},
		"refuses the signature as v0":           {"t=1732233600," + strings.Replace(right, "v1", "v0", 1), webhook.ErrNoMatch},
		"refuses another time than was signed":  {"t=1732233601," + right, webhook.ErrNoMatch},
		"refuses the time alone":                {"t=1732233600", webhook.ErrNoMatch},
		"refuses the time twice":                {"t=1732233600,t=1732233600," + right, webhook.ErrBadTimestamp},
		"refuses a second time behind":          {"t=1732233600," + right + ",t=1", webhook.ErrBadTimestamp},
		"refuses no time":                       {right, webhook.ErrBadTimestamp},
		"refuses an empty time":                 {"t=," + right, webhook.ErrBadTimestamp},
		"refuses a time of words":               {"t=soon," + right, webhook.ErrBadTimestamp},
		"refuses a time with a zero ahead":      {"t=01732233600," + right, webhook.ErrBadTimestamp},
		"refuses a time in milliseconds":        {"t=1732233600000," + right, webhook.ErrBadTimestamp},
		"refuses a space behind the comma":      {"t=1732233600, " + right, webhook.ErrNoMatch},
		"refuses semicolons":                    {"t=1732233600;" + right, webhook.ErrBadTimestamp},
		"refuses a capital T":                   {"T=1732233600," + right, webhook.ErrBadTimestamp},
		"refuses a time that is among the 33rd": {strings.Repeat("x,", 32) + "t=1732233600," + right, webhook.ErrBadTimestamp},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifierFor(t, webhook.Stripe, []string{secret32}).Verify(signedHeaders(webhook.Stripe, tc.line), []byte(orderBody))
			require.ErrorIs(t, err, tc.want)
		})
	}

	t.Run("refuses a time in each of two lines", func(t *testing.T) {
		t.Parallel()
		h := signedHeaders(webhook.Stripe, "t=1732233600,"+right, "t=1732233600,"+right)
		_, err := verifierFor(t, webhook.Stripe, []string{secret32}).Verify(h, []byte(orderBody))
		require.ErrorIs(t, err, webhook.ErrBadTimestamp)
	})

	t.Run("does not look at webhook-timestamp", func(t *testing.T) {
		t.Parallel()
		h := signedHeaders(webhook.Stripe, "t=1732233600,"+right)
		h.Set(webhook.HeaderTimestamp, "soon")
		_, err := verifierFor(t, webhook.Stripe, []string{secret32}).Verify(h, []byte(orderBody))
		require.NoError(t, err)
	})
}

// A sender who is not Posthaste does not send webhook-id with these.
func TestProfilesThatDoNotSignTheIDNeedNone(t *testing.T) {
	t.Parallel()

	for _, p := range verbatim {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			h := signedHeaders(p, knownAnswers[string(p)].want)
			h.Del(webhook.HeaderID)
			h.Del(webhook.HeaderTimestamp)
			msg, err := verifierFor(t, p, []string{secret32}).Verify(h, []byte(orderBody))
			require.NoError(t, err)
			require.Empty(t, msg.ID)
			require.Equal(t, timed(p), !msg.Timestamp.IsZero())
		})
	}
}

// The standard profiles stay apart even where one header serves both.
func TestStandardProfilesDoNotMix(t *testing.T) {
	t.Parallel()

	both := knownAnswers["standard-ed25519"].want + " " + orderSign
	for _, p := range []webhook.Profile{webhook.Standard, webhook.StandardEd25519} {
		t.Run(string(p)+" finds its own beside the other's", func(t *testing.T) {
			t.Parallel()
			_, err := verifierFor(t, p, []string{knownAnswers[string(p)].secret}).Verify(signedHeaders(p, both), []byte(orderBody))
			require.NoError(t, err)
		})
	}

	t.Run("v1 made with the public key as a shared secret is no v1a", func(t *testing.T) {
		t.Parallel()
		shared := mustSecret(t, "whsec_"+strings.TrimPrefix(publicText, "whpk_"))
		forged, err := webhook.Sign(eventID, sentAt, []byte(orderBody), shared)
		require.NoError(t, err)
		for _, line := range []string{forged, strings.Replace(forged, "v1,", "v1a,", 1)} {
			h := signedHeaders(webhook.StandardEd25519, line)
			_, err = verifierFor(t, webhook.StandardEd25519, []string{pairText}).Verify(h, []byte(orderBody))
			require.ErrorIs(t, err, webhook.ErrNoMatch)
		}
	})
}

func TestNewVerifierForProfiles(t *testing.T) {
	t.Parallel()

	public, err := webhook.ParsePublicKey(publicText)
	require.NoError(t, err)
	makers := map[string]struct {
		make func() (*webhook.Verifier, error)
		says string
	}{
		"private keys to verify with": {func() (*webhook.Verifier, error) {
			return webhook.NewVerifier([]webhook.Secret{mustSecretFor(t, webhook.StandardEd25519, pairText)},
				webhook.WithProfile(webhook.StandardEd25519))
		}, "verified with public keys"},
		"a secret of another profile": {func() (*webhook.Verifier, error) {
			return webhook.NewVerifier([]webhook.Secret{mustSecretFor(t, webhook.GitHub, password)})
		}, "with or without whsec_"},
		"no public keys": {func() (*webhook.Verifier, error) {
			return webhook.NewPublicKeyVerifier(nil)
		}, "none given"},
		"an empty public key": {func() (*webhook.Verifier, error) {
			return webhook.NewPublicKeyVerifier([]webhook.PublicKey{public, {}})
		}, "number 2 is empty"},
		"a public key for another profile": {func() (*webhook.Verifier, error) {
			return webhook.NewPublicKeyVerifier([]webhook.PublicKey{public}, webhook.WithProfile(webhook.GitHub))
		}, "not verified with public keys"},
	}
	for name, tc := range makers {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			verifier, err := tc.make()
			require.ErrorIs(t, err, webhook.ErrBadSecret)
			require.ErrorContains(t, err, tc.says)
			require.Nil(t, verifier)
		})
	}

	t.Run("takes a public key with its profile named", func(t *testing.T) {
		t.Parallel()
		_, err := webhook.NewPublicKeyVerifier([]webhook.PublicKey{public}, webhook.WithProfile(webhook.StandardEd25519))
		require.NoError(t, err)
		_, err = webhook.NewPublicKeyVerifier([]webhook.PublicKey{public}, webhook.WithTolerance(0))
		require.ErrorContains(t, err, "not positive")
	})
}
