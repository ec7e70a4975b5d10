package interop

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// form is url-encoded, each field once: of a field that comes twice Twilio's
// library for Go signs the first only, and those for other languages all.
func form(rng *rand.Rand) []byte {
	fields := url.Values{}
	for range 1 + rng.IntN(12) {
		fields.Set(text(rng), text(rng))
	}
	return []byte(fields.Encode())
}

// sorted is what Twilio signs of a form.
func sorted(body []byte) (string, error) {
	fields, err := url.ParseQuery(string(body))
	var signed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		signed.WriteString(name + fields.Get(name))
	}
	return signed.String(), err
}

// webhookFrom is what a vendor sends, perhaps tampered with.
type webhookFrom struct {
	vendor
	rng     *rand.Rand
	secret  string
	request receivers.Request
}

// tampers change a webhook so that nobody may accept it. What libraries differ
// in on purpose is not among them: Stripe's takes times that lie ahead, GitHub's
// takes SHA-1, Slack's does without its prefix.
var tampers = []func(*testing.T, *webhookFrom){
	func(_ *testing.T, w *webhookFrom) { // a letter of the body
		i := w.rng.IntN(len(w.request.Body))
		w.request.Body[i] ^= 1
	},
	func(_ *testing.T, w *webhookFrom) { w.request.Body = append(w.request.Body, 'x') },
	func(_ *testing.T, w *webhookFrom) { w.request.Body = w.request.Body[:len(w.request.Body)-1] },
	func(_ *testing.T, w *webhookFrom) { w.secret = w.key(w.rng) },
	func(_ *testing.T, w *webhookFrom) { delete(w.request.Header, w.signatureHeader()) },
	func(t *testing.T, w *webhookFrom) { w.request.Header.Set(w.signatureHeader(), w.otherSignature(t)) },
	func(t *testing.T, w *webhookFrom) { // of another time, or where none is signed, of another body
		at := time.Now().Add(-time.Duration(6+w.rng.IntN(1000)) * time.Minute)
		body := w.request.Body
		if !w.timed {
			body = w.body(w.rng)
		}
		require.NoError(t, w.sign(w.secret, at, body, w.request.Header))
	},
}

// signatureHeader is the one that is called so.
func (w *webhookFrom) signatureHeader() string {
	for name := range w.request.Header {
		if strings.Contains(name, "Signature") || strings.Contains(name, "Hmac") {
			return name
		}
	}
	return ""
}

// otherSignature changes one bit of what is encoded.
func (w *webhookFrom) otherSignature(t *testing.T) string {
	t.Helper()
	whole := w.request.Header.Get(w.signatureHeader())
	at := strings.LastIndexAny(strings.TrimRight(whole, "="), "=,") + 1
	encoded := whole[at:]
	if bits, err := hex.DecodeString(encoded); err == nil {
		bits[w.rng.IntN(len(bits))] ^= 1
		return whole[:at] + hex.EncodeToString(bits)
	}
	bits, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err, whole)
	bits[w.rng.IntN(len(bits))] ^= 1
	return whole[:at] + base64.StdEncoding.EncodeToString(bits)
}

func (v vendor) send(t *testing.T, rng *rand.Rand) *webhookFrom {
	t.Helper()
	w := &webhookFrom{vendor: v, rng: rng, secret: v.key(rng)}
	w.request = receivers.Request{Method: http.MethodPost, URL: callback, Header: http.Header{}, Body: v.body(rng)}
	w.request.Header.Set("Content-Type", "application/json")
	if v.row == "twilio" {
		w.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	at := time.Now().Add(-time.Duration(rng.IntN(4)) * time.Minute)
	require.NoError(t, v.sign(w.secret, at, w.request.Body, w.request.Header))
	return w
}

// ours is what our row says.
func (w *webhookFrom) ours(t *testing.T) error {
	t.Helper()
	receiver, err := receivers.New(receivers.Named(w.row), []receivers.Credential{receivers.Keyed(pusherKey, w.secret)})
	require.NoError(t, err)
	_, err = receiver.Verify(t.Context(), w.request)
	return err
}

// The vendors' own libraries say of a thousand requests what we say, half of
// them tampered with.
func TestReceiversAgreeWithTheVendors(t *testing.T) {
	t.Parallel()

	for n, v := range vendors {
		t.Run(v.row, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(n), 20261122))
			for i := range 1000 {
				w := v.send(t, rng)
				honest := i%2 == 0
				if !honest {
					tampers[i/2%len(tampers)](t, w)
				}
				ours, theirs := w.ours(t), w.verify(w.secret, w.request)
				require.Equal(t, honest, theirs == nil, "%d: they say %v of %+v", i, theirs, w.request)
				require.Equal(t, honest, ours == nil, "%d: we say %v of %+v", i, ours, w.request)
			}
		})
	}
}
