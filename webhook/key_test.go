package webhook_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

var verbatim = []webhook.Profile{webhook.GitHub, webhook.Stripe, webhook.ASPNet, webhook.ServiceStack}

func TestProfileParsesItsSecrets(t *testing.T) {
	t.Parallel()

	taken := map[string]struct {
		profiles []webhook.Profile
		text     string
	}{
		"of the standard": {append([]webhook.Profile{webhook.Standard}, verbatim...), secret32},
		"of 16 letters":   {verbatim, "sixteen-letters!"},
		"of 256 letters":  {verbatim, strings.Repeat("~", 256)},
		"with spaces":     {verbatim, password},
		"a bare prefix":   {verbatim, "whsec_not-base64"},
		"a private key":   {[]webhook.Profile{webhook.StandardEd25519}, pairText},
		"a seed":          {[]webhook.Profile{webhook.StandardEd25519}, seedText},
	}
	for name, tc := range taken {
		t.Run("takes "+name, func(t *testing.T) {
			t.Parallel()
			for _, p := range tc.profiles {
				require.Equal(t, tc.text, mustSecretFor(t, p, tc.text).Reveal())
			}
		})
	}

	ed25519 := []webhook.Profile{webhook.StandardEd25519}
	refused := map[string]struct {
		profiles   []webhook.Profile
		text, says string
	}{
		"nothing":                       {verbatim, "", "has 0 bytes, not 16 to 256"},
		"15 letters":                    {verbatim, "fifteen-letters", "has 15 bytes"},
		"257 letters":                   {verbatim, strings.Repeat("~", 257), "has 257 bytes"},
		"a line break at the end":       {verbatim, secret32 + "\n", "line break"},
		"a tab inside":                  {verbatim, "sixteen\tletters!", "not seen"},
		"a delete character":            {verbatim, "sixteen-letters\x7f", "not seen"},
		"letters beyond ASCII":          {verbatim, "sechzehn-grüße-16", "printable ASCII"},
		"bytes that are no UTF-8":       {verbatim, "sixteen-letters\xff", "printable ASCII"},
		"a space ahead":                 {verbatim, " sixteen-letters!", "blank"},
		"a space behind":                {verbatim, "sixteen-letters! ", "blank"},
		"a private key to share":        {verbatim, pairText, "for standard-ed25519 only"},
		"a public key to share":         {verbatim, publicText, "for standard-ed25519 only"},
		"a shared secret to sign":       {ed25519, secret32, "must begin with whsk_"},
		"a public key to sign":          {ed25519, publicText, "must begin with whsk_"},
		"a key of 31 bytes":             {ed25519, whsk(31), "holds 31 bytes, not 32 or 64"},
		"a key of 65 bytes":             {ed25519, whsk(65), "holds 65 bytes"},
		"halves that do not fit":        {ed25519, whsk(64), "not the public key of its first"},
		"a key without padding":         {ed25519, strings.TrimRight(seedText, "="), "standard base64"},
		"a key with a line break":       {ed25519, seedText + "\n", "standard base64"},
		"another letter case of prefix": {ed25519, strings.ToUpper(seedText[:5]) + seedText[5:], "must begin with whsk_"},
	}
	for name, tc := range refused {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			for _, p := range tc.profiles {
				secret, err := p.ParseSecret(tc.text)
				require.ErrorIs(t, err, webhook.ErrBadSecret)
				require.ErrorContains(t, err, tc.says)
				require.True(t, secret.IsZero())
				if len(tc.text) > 10 {
					require.NotContains(t, err.Error(), strings.TrimSpace(tc.text)[5:])
				}
			}
		})
	}
}

// whsk is a private key of so many zero bytes.
func whsk(size int) string { return "whsk_" + base64.StdEncoding.EncodeToString(make([]byte, size)) }

func TestProfileMakesItsSecrets(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			first, second := p.NewSecret(), p.NewSecret()
			require.NotEqual(t, first.Reveal(), second.Reveal())
			prefix, size := "whsec_", 32
			if p == webhook.StandardEd25519 {
				prefix, size = "whsk_", 64
			}
			bits, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(first.Reveal(), prefix))
			require.NoError(t, err)
			require.Len(t, bits, size)
			mustSecretFor(t, p, first.Reveal())
		})
	}
}

func TestPublicKey(t *testing.T) {
	t.Parallel()

	t.Run("is the same from the pair, the seed and its own text", func(t *testing.T) {
		t.Parallel()
		parsed, err := webhook.ParsePublicKey(publicText)
		require.NoError(t, err)
		require.False(t, parsed.IsZero())
		require.Equal(t, publicText, fmt.Sprint(parsed))
		for _, text := range []string{pairText, seedText} {
			public, err := mustSecretFor(t, webhook.StandardEd25519, text).PublicKey()
			require.NoError(t, err)
			require.Equal(t, parsed, public)
		}
	})

	t.Run("belongs to private keys only", func(t *testing.T) {
		t.Parallel()
		for _, secret := range []webhook.Secret{{}, webhook.NewSecret(), mustSecretFor(t, webhook.GitHub, password)} {
			public, err := secret.PublicKey()
			require.ErrorIs(t, err, webhook.ErrBadSecret)
			require.True(t, public.IsZero())
		}
	})

	refused := map[string]string{
		"nothing": "", "a private key": pairText, "a shared secret": secret32, "the bare prefix": "whpk_",
		"33 bytes":    "whpk_" + base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"31 bytes":    "whpk_" + base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"no padding":  strings.TrimRight(publicText, "="),
		"a new line":  publicText + "\n",
		"hexadecimal": "whpk_03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
	}
	for name, text := range refused {
		t.Run("refuses "+name, func(t *testing.T) {
			t.Parallel()
			public, err := webhook.ParsePublicKey(text)
			require.ErrorIs(t, err, webhook.ErrBadSecret)
			require.Zero(t, public)
		})
	}
}

func TestSecretsOfOtherProfilesHideThemselves(t *testing.T) {
	t.Parallel()

	shown := map[string]webhook.Secret{
		"whsk_[redacted]":  mustSecretFor(t, webhook.StandardEd25519, pairText),
		"whsec_[redacted]": mustSecretFor(t, webhook.Stripe, "whsec_sixteen-letters"),
		"[redacted]":       mustSecretFor(t, webhook.GitHub, password),
	}
	for want, secret := range shown {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			held := holder{secret, []webhook.Secret{secret}, map[string]webhook.Secret{"a": secret}, secret}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				require.Equal(t, want, fmt.Sprintf(verb, secret))
				printed := fmt.Sprintf(verb, held) + fmt.Sprintf(verb, &held)
				for _, trace := range traces(secret.Reveal()) {
					require.NotContains(t, printed, trace)
				}
			}
		})
	}

	t.Run("so does a verifier", func(t *testing.T) {
		t.Parallel()
		secret := mustSecretFor(t, webhook.GitHub, password)
		verifier, err := webhook.NewVerifier([]webhook.Secret{secret}, webhook.WithProfile(webhook.GitHub))
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			for _, trace := range traces(password) {
				require.NotContains(t, fmt.Sprintf(verb, verifier)+fmt.Sprintf(verb, *verifier), trace)
			}
		}
	})
}

// traces are the forms in which fmt could give a text away.
func traces(text string) []string {
	text = text[5:]
	return []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), strings.Trim(fmt.Sprintf("%d", []byte(text[:4])), "[]")}
}
