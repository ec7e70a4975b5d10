package paste_test

import (
	"testing"

	"github.com/posthaste/posthaste/webhook/internal/paste"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

func TestFlaws(t *testing.T) {
	t.Parallel()

	for text, says := range map[string]string{
		"": "", "secret": "", "a b": "", "It's a Secret to Everybody": "", "whsec_AAEC=": "", "ABCD=": "", "A=b": "", "ABCD==x": "",
		"pass=word": "", `"`: "", `"half`: "", "ключ": "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----": "",
		"secret\n": "begins or ends", "secret\r\n": "begins or ends", " secret": "begins or ends", "secret\t": "begins or ends",
		"\ufeffsecret": "begins or ends", "secret\u200b": "begins or ends", "secret\u00a0": "begins or ends", "\u2060secret": "begins or ends",
		"secret\u2028": "begins or ends", "secret\x00": "begins or ends",
		`"secret"`: "quotation marks", "'secret'": "quotation marks", "“secret”": "quotation marks", "`secret`": "quotation marks", `""`: "quotation marks",
		"export X_SECRET=abc": "name of a variable", "GITHUB_WEBHOOK_SECRET=abc": "name of a variable", `export SECRET="abc"`: "name of a variable",
		"sec\nret": "in it", "sec\u200bret": "in it", "sec\tret": "in it", "sec\u00adret": "in it", "sec\u00a0ret": "in it",
	} {
		flaw := paste.Flaw(text)
		if says == "" {
			require.Empty(t, flaw, "%q", text)
			continue
		}
		require.Contains(t, flaw, says, "%q", text)
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a b", "a b\n", "\ufeff a b\r\n", "\u200ba b\u2060", "\u00a0a b\u3000\x00"} {
		require.Equal(t, "a b", paste.Trim(text))
	}
}
