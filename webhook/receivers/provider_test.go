package receivers_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

func TestNewRefusesRowsThatDoNotWork(t *testing.T) {
	t.Parallel()

	type scheme = receivers.Scheme
	cases := map[string]struct {
		change func(*receivers.Provider, *scheme)
		says   string
	}{
		"an algorithm it does not know":  {func(_ *receivers.Provider, s *scheme) { s.Alg = "md5" }, `unknown algorithm "md5"`},
		"no algorithm":                   {func(_ *receivers.Provider, s *scheme) { s.Alg = "" }, `unknown algorithm ""`},
		"an encoding it does not know":   {func(_ *receivers.Provider, s *scheme) { s.Enc = "base32" }, `unknown encoding "base32"`},
		"no encoding":                    {func(_ *receivers.Provider, s *scheme) { s.Enc = "" }, "needs an encoding"},
		"a kind of key it does not know": {func(_ *receivers.Provider, s *scheme) { s.Key = "pem" }, `unknown key "pem"`},
		"a public key for HMAC":          {func(_ *receivers.Provider, s *scheme) { s.Key = "whpk" }, "does not go with"},
		"a certificate for HMAC":         {func(_ *receivers.Provider, s *scheme) { s.Key = "cert" }, "does not go with"},
		"a shared secret for Ed25519":    {func(_ *receivers.Provider, s *scheme) { s.Alg = "ed25519" }, "does not go with"},
		"a shared secret for RSA":        {func(_ *receivers.Provider, s *scheme) { s.Alg = "rsa-sha256" }, "does not go with"},
		"no place of the signature":      {func(_ *receivers.Provider, s *scheme) { s.Sig = "" }, "no source of signatures"},
		"a source it does not know":      {func(_ *receivers.Provider, s *scheme) { s.Sig = "cookie.x" }, `source "cookie.x"`},
		"a source without a name":        {func(_ *receivers.Provider, s *scheme) { s.Sig = "header." }, "not a source"},
		"half a source":                  {func(p *receivers.Provider, _ *scheme) { p.Event = "json.a|" }, "not a source"},
		"a path with a hole":             {func(p *receivers.Provider, _ *scheme) { p.ID = "json.a..b" }, "not a source"},
		"a path without end":             {func(p *receivers.Provider, _ *scheme) { p.ID = receivers.Source("json" + strings.Repeat(".a", 17)) }, "not a source"},
		"a template it cannot read":      {func(_ *receivers.Provider, s *scheme) { s.Signed = "{body}{x}" }, "between braces"},
		"a template with an empty place": {func(_ *receivers.Provider, s *scheme) { s.Signed = "{body}{}" }, "between braces"},
		"a signature without the body":   {func(_ *receivers.Provider, s *scheme) { s.Signed = "{url}" }, "does not cover the body"},
		"a time that is not signed":      {func(_ *receivers.Provider, s *scheme) { s.Time = "header.Date" }, "does not cover the time"},
		"a tolerance of nothing":         {func(_ *receivers.Provider, s *scheme) { s.Tolerance = "0s" }, "not a positive duration"},
		"a negative tolerance":           {func(_ *receivers.Provider, s *scheme) { s.Tolerance = "-5m" }, "not a positive duration"},
		"a tolerance without unit":       {func(_ *receivers.Provider, s *scheme) { s.Tolerance = "300" }, "not a positive duration"},
		"a condition without a value":    {func(_ *receivers.Provider, s *scheme) { s.If = "header.A" }, "if and is go together"},
		"a credential in the body": {
			func(_ *receivers.Provider, s *scheme) { *s = scheme{Alg: "equal", Sig: "json.token"} }, "could not be taken out",
		},
		"a certificate from anywhere": {
			func(_ *receivers.Provider, s *scheme) {
				s.Alg, s.Key, s.CertURL, s.CertName = "rsa-sha256", "cert", "header.A", ".a"
			}, "needs a URL, hosts and a name",
		},
		"something to hide that cannot be": {
			func(p *receivers.Provider, _ *scheme) { p.Redact = []receivers.Source{"json.a"} }, "cannot be taken out",
		},
		"a challenge without a method": {
			func(p *receivers.Provider, _ *scheme) { p.Challenges = []receivers.Challenge{{}} }, "needs a method",
		},
		"a challenge that tells the secret": {
			func(p *receivers.Provider, _ *scheme) {
				p.Challenges = []receivers.Challenge{{Method: "GET", Reply: "{cred}"}}
			}, "does not answer with the credential",
		},
		"a challenge with half a condition": {
			func(p *receivers.Provider, _ *scheme) { p.Challenges = []receivers.Challenge{{Method: "GET", Is: "x"}} }, "is needs an if",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := receivers.Named("hmac")
			tc.change(&p, &p.Auth[0])
			receiver, err := receivers.New(p, receivers.Secrets(costSecret))
			require.ErrorIs(t, err, receivers.ErrBadProvider)
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), costSecret)
			require.Nil(t, receiver)
		})
	}
}

func TestNewRefusesUnknownProviders(t *testing.T) {
	t.Parallel()

	for _, p := range []receivers.Provider{{}, receivers.Named("githup"), receivers.Named("")} {
		_, err := receivers.New(p, receivers.Secrets(costSecret))
		require.ErrorIs(t, err, receivers.ErrUnknownProvider)
	}
}

func TestNewRefusesCredentials(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		provider    string
		credentials []receivers.Credential
	}{
		"none":                                {"github", nil},
		"an empty one":                        {"github", receivers.Secrets("")},
		"an empty one beside another":         {"github", receivers.Secrets(costSecret, "")},
		"the zero value":                      {"github", []receivers.Credential{{}}},
		"a public key as a shared secret":     {"github", receivers.Secrets("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")},
		"a private key":                       {"standard", receivers.Secrets("whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")},
		"a password for Standard Webhooks":    {"standard", receivers.Secrets(costSecret)},
		"nothing behind the prefix":           {"standard", receivers.Secrets("whsec_")},
		"no base64 behind the prefix":         {"svix", receivers.Secrets("whsec_***")},
		"a short public key":                  {"standard", receivers.Secrets("whpk_AAEC")},
		"an organization that is none":        {"salesforce", receivers.Secrets("00Dxx000000000")},
		"an organization of twenty letters":   {"salesforce", receivers.Secrets("00Dxx0000000001EAAXX")},
		"a shared secret as GitLab's Ed25519": {"gitlab", receivers.Secrets("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := receivers.New(receivers.Named(tc.provider), tc.credentials)
			require.ErrorIs(t, err, receivers.ErrBadCredential)
		})
	}
}

// What a user writes as JSON is the same row as what Go has.
func TestRowsAreData(t *testing.T) {
	t.Parallel()

	for _, name := range receivers.Names() {
		text, err := json.Marshal(receivers.Named(name))
		require.NoError(t, err)
		var again receivers.Provider
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, receivers.Named(name), again)
	}
}

func TestSignsURL(t *testing.T) {
	t.Parallel()

	var sign []string
	for _, name := range receivers.Names() {
		if receivers.Named(name).SignsURL() {
			sign = append(sign, name)
		}
	}
	require.Equal(t, []string{"mandrill", "twilio", "trello", "hubspot"}, sign)
	require.False(t, receivers.Provider{Auth: []receivers.Scheme{{}, {Signed: "{nonsense}{url}"}}}.SignsURL())
}

func TestNamedGivesARowOfOnesOwn(t *testing.T) {
	t.Parallel()

	mine := receivers.Named("paypal")
	mine.Auth[0].CertHosts[0] = "evil.example"
	mine.Auth[0].Alg = "equal"
	require.NotContains(t, receivers.Named("paypal").Auth[0].CertHosts, "evil.example")
	require.Equal(t, "rsa-sha256", receivers.Named("paypal").Auth[0].Alg)
}

func TestCredentialsDoNotPrint(t *testing.T) {
	t.Parallel()

	credentials := receivers.Secrets(costSecret)
	receiver, err := receivers.New(receivers.Named("github"), credentials)
	require.NoError(t, err)
	result, err := receiver.Verify(t.Context(), plainRequest("github", tenKB()))
	require.NoError(t, err)
	text, err := json.Marshal(credentials)
	require.NoError(t, err)
	require.NotContains(t, string(text), costSecret)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "credential", credentials[0], "receiver", receiver)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		_, _ = fmt.Fprintf(&log, verb, credentials)
		_, _ = fmt.Fprintf(&log, verb, receiver)
		_, _ = fmt.Fprintf(&log, verb, result)
	}
	require.NotContains(t, log.String(), costSecret)
	require.NotContains(t, log.String(), fmt.Sprintf("%x", costSecret))
	require.NotContains(t, log.String(), fmt.Sprintf("%d", []byte(costSecret)))
	require.Contains(t, log.String(), "[redacted]")
}
