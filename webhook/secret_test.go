package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

func whsec(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

func TestParseSecret(t *testing.T) {
	t.Parallel()

	for _, size := range []int{24, 25, 32, 63, 64} {
		t.Run(fmt.Sprintf("takes %d bytes and gives the same text back", size), func(t *testing.T) {
			t.Parallel()
			text := whsec(bytes.Repeat([]byte{0xfb}, size))
			secret, err := webhook.ParseSecret(text)
			require.NoError(t, err)
			require.Equal(t, text, secret.Reveal())
			require.False(t, secret.IsZero())
		})
	}

	key := bytes.Repeat([]byte{0xfb}, 32)
	refused := map[string]struct{ text, says string }{
		"refuses nothing":               {"", "holds 0 bytes"},
		"refuses a password":            {"correct horse battery staple", "with or without whsec_"},
		"refuses another letter case":   {"WHSEC_" + base64.StdEncoding.EncodeToString(key), "with or without whsec_"},
		"refuses a public key":          {"whpk_" + base64.StdEncoding.EncodeToString(key), "standard-ed25519 only"},
		"refuses a private key":         {"whsk_" + base64.StdEncoding.EncodeToString(key), "standard-ed25519 only"},
		"refuses a version before it":   {"v1," + whsec(key), "begins with v1,"},
		"refuses quotation marks":       {`"` + whsec(key) + `"`, "quotation marks"},
		"refuses a variable's name":     {"WEBHOOK_SECRET=" + whsec(key), "name of a variable"},
		"refuses the bare prefix":       {"whsec_", "holds 0 bytes"},
		"refuses 23 bytes":              {whsec(key[:23]), "holds 23 bytes, not 24 to 64"},
		"refuses 65 bytes":              {whsec(bytes.Repeat(key, 3)[:65]), "holds 65 bytes, not 24 to 64"},
		"refuses the URL alphabet":      {"whsec_" + base64.URLEncoding.EncodeToString(key), "base64 for URLs"},
		"refuses a trailing line break": {whsec(key) + "\n", "begins or ends with a blank"},
		"refuses a byte order mark":     {"\ufeff" + whsec(key), "begins or ends with a blank"},
		"refuses a leading space":       {" " + whsec(key), "begins or ends with a blank"},
		"refuses an inner line break":   {whsec(key)[:20] + "\n" + whsec(key)[20:], "line break"},
		"refuses stray bits at the end": {"whsec_" + strings.Repeat("A", 42) + "B=", "standard base64"},
	}
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret, err := webhook.ParseSecret(tc.text)
			require.ErrorIs(t, err, webhook.ErrBadSecret)
			require.ErrorContains(t, err, tc.says)
			require.True(t, secret.IsZero())
		})
	}

	t.Run("takes what the official libraries take, for the same key", func(t *testing.T) {
		t.Parallel()
		whole := whsec(key)
		for _, text := range []string{whole, strings.TrimPrefix(whole, "whsec_"), strings.TrimRight(whole, "="), strings.TrimRight(whole[len("whsec_"):], "=")} {
			secret, err := webhook.ParseSecret(text)
			require.NoError(t, err, text)
			require.Equal(t, text, secret.Reveal())
			signed, err := webhook.Sign(eventID, sentAt, []byte(orderBody), secret)
			require.NoError(t, err)
			want, err := webhook.Sign(eventID, sentAt, []byte(orderBody), mustSecret(t, whole))
			require.NoError(t, err)
			require.Equal(t, want, signed)
		}
	})

	t.Run("an error never repeats the text", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"hunter2-hunter2?", "whsec_hunter2-hunter2?", whsec([]byte("hunter2"))} {
			_, err := webhook.ParseSecret(text)
			require.Error(t, err)
			require.NotContains(t, err.Error(), strings.TrimPrefix(text, "whsec_"))
		}
	})
}

func TestNewSecret(t *testing.T) {
	t.Parallel()

	t.Run("has 32 bytes and can be parsed again", func(t *testing.T) {
		t.Parallel()
		text := webhook.NewSecret().Reveal()
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		require.NoError(t, err)
		require.Len(t, key, 32)
		parsed, err := webhook.ParseSecret(text)
		require.NoError(t, err)
		require.Equal(t, text, parsed.Reveal())
	})

	t.Run("is another one each time", func(t *testing.T) {
		t.Parallel()
		require.NotEqual(t, webhook.NewSecret().Reveal(), webhook.NewSecret().Reveal())
	})
}

// holder has secrets where fmt cannot call methods: in unexported fields.
type holder struct {
	secret webhook.Secret
	list   []webhook.Secret
	byName map[string]webhook.Secret
	Public webhook.Secret
}

func TestSecretHidesItself(t *testing.T) {
	t.Parallel()

	key := []byte("0123456789abcdefghijklmnopqrstuv")
	secret, err := webhook.ParseSecret(whsec(key))
	require.NoError(t, err)
	verifier, err := webhook.NewVerifier([]webhook.Secret{secret})
	require.NoError(t, err)
	held := holder{secret, []webhook.Secret{secret}, map[string]webhook.Secret{"a": secret}, secret}
	traces := []string{
		string(key), base64.StdEncoding.EncodeToString(key),
		fmt.Sprintf("%x", key), fmt.Sprintf("%X", key),
		"48 49 50 51", "0x30, 0x31", // the first bytes as numbers
	}
	requireHidden := func(t *testing.T, printed string) {
		t.Helper()
		for _, trace := range traces {
			require.NotContains(t, printed, trace)
		}
	}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%p", "%t"} {
		t.Run("from fmt with "+verb, func(t *testing.T) {
			t.Parallel()
			for _, value := range []any{secret, &secret, held, &held, verifier, *verifier, []any{held}} {
				requireHidden(t, fmt.Sprintf(verb, value))
			}
		})
	}

	t.Run("from slog as text and as JSON, on its own and inside a struct", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", secret, "held", held)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", secret, "held", held)
		requireHidden(t, out.String())
		require.Contains(t, out.String(), "whsec_[redacted]")
	})

	t.Run("from JSON", func(t *testing.T) {
		t.Parallel()
		out, err := json.Marshal(held)
		require.NoError(t, err)
		requireHidden(t, string(out))
	})

	t.Run("but says whether it is set", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "whsec_[redacted]", secret.String())
		require.Equal(t, "whsec_[redacted]", fmt.Sprintf("%#v", secret))
		require.Equal(t, "whsec_[redacted]", secret.GoString())
		require.Equal(t, "whsec_[unset]", fmt.Sprint(webhook.Secret{}))
		require.Empty(t, webhook.Secret{}.Reveal())
	})
}
