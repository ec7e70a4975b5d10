package webhook_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// worked is a worked example of docs/wire-format.md.
type worked struct {
	profile           webhook.Profile
	secrets           []string
	id, body          string
	signed, publicKey string
	timestamp         time.Time
	headers           http.Header
}

var exampleBlock = regexp.MustCompile("(?ms)^```example\n(.*?)^```$")

func readExamples(t *testing.T) []worked {
	t.Helper()
	page, err := os.ReadFile("../docs/wire-format.md")
	require.NoError(t, err)
	var examples []worked
	for _, block := range exampleBlock.FindAllStringSubmatch(string(page), -1) {
		examples = append(examples, readExample(t, block[1]))
	}
	return examples
}

func readExample(t *testing.T, block string) worked {
	t.Helper()
	given, headers, ok := strings.Cut(block, "\n\n")
	require.True(t, ok, "an empty line stands before the headers")
	facts := readLines(t, given)
	seconds, err := strconv.ParseInt(facts["timestamp"][0], 10, 64)
	require.NoError(t, err)
	e := worked{
		profile: webhook.Profile(facts["profile"][0]), secrets: facts["secret"], id: facts["id"][0],
		body: facts["body"][0], signed: facts["signed"][0], timestamp: time.Unix(seconds, 0), headers: http.Header{},
	}
	for name, values := range readLines(t, headers) {
		e.headers[http.CanonicalHeaderKey(name)] = values
	}
	if public := facts["public key"]; public != nil {
		e.publicKey = public[0]
	}
	return e
}

// readLines gives what stands behind each "name: ".
func readLines(t *testing.T, text string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		require.True(t, ok, line)
		found[name] = append(found[name], value)
	}
	return found
}

func TestDocumentedExamples(t *testing.T) {
	t.Parallel()

	seen := map[webhook.Profile]bool{}
	for _, e := range readExamples(t) {
		seen[e.profile] = true
		t.Run(string(e.profile), func(t *testing.T) {
			t.Parallel()
			secrets := make([]webhook.Secret, len(e.secrets))
			for i, text := range e.secrets {
				secrets[i] = mustSecretFor(t, e.profile, text)
			}
			h := http.Header{}
			require.NoError(t, e.profile.SetHeaders(h, e.id, e.timestamp, []byte(e.body), secrets...))
			require.Equal(t, e.headers, h)

			for _, text := range e.secrets {
				require.Contains(t, strings.Join(e.headers.Values(e.profile.Header()), "\n"), overSigned(t, e, text))
				_, err := verifierFor(t, e.profile, []string{text}, clockAt(e.timestamp)).Verify(e.headers, []byte(e.body))
				require.NoError(t, err)
			}
			if e.profile == webhook.StandardEd25519 {
				public, err := secrets[0].PublicKey()
				require.NoError(t, err)
				require.Equal(t, e.publicKey, public.String())
			}
		})
	}
	for _, p := range webhook.Profiles() {
		require.True(t, seen[p], "docs/wire-format.md has no example of %s", p)
	}
}

// overSigned is the signature over the text that the page says is signed.
func overSigned(t *testing.T, e worked, secret string) string {
	t.Helper()
	_, encoded, _ := strings.Cut(secret, "_")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if e.profile == webhook.StandardEd25519 {
		require.NoError(t, err)
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(decoded, []byte(e.signed)))
	}
	key := []byte(secret)
	if e.profile == webhook.Standard {
		require.NoError(t, err)
		key = decoded
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.signed))
	switch e.profile {
	case webhook.Standard:
		return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	case webhook.ASPNet:
		return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
	default:
		return hex.EncodeToString(mac.Sum(nil))
	}
}

// The page's table of profiles is ours.
func TestDocumentedProfiles(t *testing.T) {
	t.Parallel()

	page, err := os.ReadFile("../docs/wire-format.md")
	require.NoError(t, err)
	for _, p := range webhook.Profiles() {
		require.Contains(t, string(page), "| `"+string(p)+"` | `"+p.Header()+"` | ")
	}
}
