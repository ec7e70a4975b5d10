package publictest

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/webhook"
)

var writeVectors = flag.Bool("write-vectors", false, "write clients/testdata/webhooks.json")

// vector is a webhook with the verdict of package webhook. The clients in other languages must have the same.
type vector struct {
	Name    string      `json:"name"`
	Profile string      `json:"profile"`
	Secrets []string    `json:"secrets"` // of the receiver; for Ed25519, public keys
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body"` // base64
	Now     int64       `json:"now"`  // Unix seconds of the receiver's clock
	Verdict string      `json:"verdict"`

	// ID and Timestamp are what an accepted message says; 0 where the time is not signed.
	ID        string `json:"id,omitempty"`
	Timestamp int64  `json:"timestamp,omitempty"`
}

const (
	accepted  = "accepted"
	refused   = "refused"
	badSecret = "bad secret"
)

// The clients' tests read this file. A case is added here, and then written with -write-vectors.
func TestVectorsOfTheClients(t *testing.T) {
	t.Parallel()

	all := vectors(t)
	verdicts := map[string]int{}
	for i := range all {
		judge(t, &all[i])
		verdicts[all[i].Verdict]++
	}
	require.Len(t, verdicts, 3, "each verdict has cases: %v", verdicts)

	text := linesOf(t, all)
	file := filepath.Join("..", "..", "clients", "testdata", "webhooks.json")
	if *writeVectors {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	stored, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, string(stored), "go test ./internal/publictest -run TestVectorsOfTheClients -write-vectors writes it")
}

// linesOf writes each vector on a line of its own, so that a difference shows the case.
func linesOf(t *testing.T, all []vector) string {
	t.Helper()
	lines := make([]string, len(all))
	for i, v := range all {
		line, err := json.Marshal(v)
		require.NoError(t, err)
		lines[i] = string(line)
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]\n"
}

// judge asks package webhook.
func judge(t *testing.T, v *vector) {
	t.Helper()
	verifier, err := verifierOf(v)
	if err != nil {
		require.ErrorIs(t, err, webhook.ErrBadSecret)
		v.Verdict = badSecret
		return
	}
	header := http.Header{}
	for _, pair := range v.Headers {
		header.Add(pair[0], pair[1])
	}
	message, err := verifier.Verify(header, v.Body)
	if err != nil {
		v.Verdict = refused
		return
	}
	v.Verdict, v.ID = accepted, message.ID
	if !message.Timestamp.IsZero() {
		v.Timestamp = message.Timestamp.Unix()
	}
}

func verifierOf(v *vector) (*webhook.Verifier, error) {
	clock := webhook.WithClock(func() time.Time { return time.Unix(v.Now, 0) })
	profile := webhook.Profile(v.Profile)
	if profile == webhook.StandardEd25519 {
		keys, failed := parsed(v.Secrets, webhook.ParsePublicKey)
		verifier, err := webhook.NewPublicKeyVerifier(keys, clock)
		return verifier, errors.Join(failed, err)
	}
	secrets, failed := parsed(v.Secrets, profile.ParseSecret)
	verifier, err := webhook.NewVerifier(secrets, clock, webhook.WithProfile(profile))
	return verifier, errors.Join(failed, err)
}

func parsed[T any](texts []string, parse func(string) (T, error)) (all []T, failed error) {
	for _, text := range texts {
		one, err := parse(text)
		all, failed = append(all, one), errors.Join(failed, err)
	}
	return all, failed
}

const (
	vectorID   = "evt_01jd2m7x3v9k5h8q4w6r0t1ynb"
	vectorTime = 1732233600
	vectorBody = `{"type":"order.paid","timestamp":"2024-11-22T00:00:00.000Z","data":{"total":"19,90 €"}}`
)

// keyPair is what the sender signs with and what the receiver verifies with.
type keyPair struct{ signs, verifies string }

// keysOf returns three fixed secrets of the profile.
func keysOf(t *testing.T, profile webhook.Profile) [3]keyPair {
	t.Helper()
	var pairs [3]keyPair
	for i, letter := range []string{"A", "B", "C"} {
		text := "whsec_" + strings.Repeat(letter, 43) + "="
		if profile == webhook.Standard {
			text = "whsec_" + strings.Repeat(letter, 40)
		}
		if profile != webhook.StandardEd25519 {
			pairs[i] = keyPair{text, text}
			continue
		}
		secret, err := profile.ParseSecret("whsk_" + strings.Repeat(letter, 40) + "AAA=")
		require.NoError(t, err)
		public, err := secret.PublicKey()
		require.NoError(t, err)
		pairs[i] = keyPair{secret.Reveal(), public.String()}
	}
	return pairs
}

// vectors makes the cases of all profiles.
func vectors(t *testing.T) []vector {
	t.Helper()
	var all []vector
	for _, profile := range webhook.Profiles() {
		all = append(all, vectorsOf(t, profile)...)
	}
	return all
}

func vectorsOf(t *testing.T, profile webhook.Profile) []vector {
	t.Helper()
	keys := keysOf(t, profile)
	change := func(name string, edit func(*vector)) vector {
		v := signed(t, profile, vectorBody, keys[0].signs)
		v.Name, v.Secrets = name, []string{keys[0].verifies}
		edit(&v)
		return v
	}
	all := commonVectors(t, profile, keys, change)
	if profile.HoldsSeveral() {
		all = append(all, severalVectors(t, profile, keys, change)...)
	}
	if profile == webhook.Standard {
		all = append(all, spellingVectors(t, change)...)
	}
	return all
}

// changed makes a case of a genuine webhook.
type changed func(name string, edit func(*vector)) vector

func commonVectors(t *testing.T, profile webhook.Profile, keys [3]keyPair, change changed) []vector {
	t.Helper()
	return []vector{
		change("genuine", func(*vector) {}),
		change("the second of the receiver's secrets", func(v *vector) { v.Secrets = []string{keys[1].verifies, keys[0].verifies} }),
		change("another secret", func(v *vector) { v.Secrets = []string{keys[1].verifies} }),
		change("an empty body", func(v *vector) { v.take(signed(t, profile, "", keys[0].signs)) }),
		change("every byte", func(v *vector) { v.take(signed(t, profile, everyByte(), keys[0].signs)) }),
		change("another body", func(v *vector) { v.Body = append(v.Body, ' ') }),
		change("no body", func(v *vector) { v.Body = []byte{} }),
		change("another id", func(v *vector) { v.set("webhook-id", "evt_2") }),
		change("an id with more behind it", func(v *vector) { v.set("webhook-id", vectorID+"$`") }), // JavaScript's nothing, in a replacement
		change("an id that names itself", func(v *vector) { v.set("webhook-id", "$&") }),
		change("an id that names the time", func(v *vector) { v.set("webhook-id", "{time}") }),
		change("no id", func(v *vector) { v.drop("webhook-id") }),
		change("an id with a full stop", func(v *vector) { v.set("webhook-id", "evt.1") }),
		change("two ids", func(v *vector) { v.Headers = append(v.Headers, [2]string{"Webhook-Id", vectorID}) }),
		change("no signature", func(v *vector) { v.drop(profile.Header()) }),
		change("an empty signature", func(v *vector) { v.set(profile.Header(), "") }),
		change("no such signature", func(v *vector) { v.set(profile.Header(), "v1,AAAA v2,AAAA t=1,v1=00") }),
		change("a signature in other letters", func(v *vector) { v.set(profile.Header(), swapCase(v.get(profile.Header()))) }),
		change("a signature with more behind it", func(v *vector) { v.set(profile.Header(), v.get(profile.Header())+"0") }),
		change("names in other letters", func(v *vector) { v.shout() }),
		change("the end of the tolerance", func(v *vector) { v.Now = vectorTime + 300 }),
		change("too old", func(v *vector) { v.Now = vectorTime + 301 }),
		change("too new", func(v *vector) { v.Now = vectorTime - 301 }),
		change("another time", func(v *vector) { v.setTime(profile, strconv.Itoa(vectorTime+1)) }),
		change("a time with a zero before it", func(v *vector) { v.setTime(profile, "0"+strconv.Itoa(vectorTime)) }),
		change("a time with a plus", func(v *vector) { v.setTime(profile, "+"+strconv.Itoa(vectorTime)) }),
		change("a time in milliseconds", func(v *vector) { v.setTime(profile, strconv.Itoa(vectorTime)+"000") }),
		change("no time", func(v *vector) { v.setTime(profile, "") }),
		change("no secret", func(v *vector) { v.Secrets = []string{} }),
		change("an empty secret", func(v *vector) { v.Secrets = []string{""} }),
		change("a short secret", func(v *vector) { v.Secrets = []string{"whsec_AAAA"} }),
		change("a private key", func(v *vector) { v.Secrets = []string{"whsk_" + strings.Repeat("A", 43) + "="} }),
	}
}

// severalVectors are of profiles whose header has room for several signatures.
func severalVectors(t *testing.T, profile webhook.Profile, keys [3]keyPair, change changed) []vector {
	t.Helper()
	several := func(v *vector) { v.take(signed(t, profile, vectorBody, keys[2].signs, keys[0].signs)) }
	return []vector{
		change("two signatures, the newer fits", func(v *vector) { several(v); v.Secrets = []string{keys[2].verifies} }),
		change("two signatures, the older fits", several),
		change("two signatures, none fits", func(v *vector) { several(v); v.Secrets = []string{keys[1].verifies} }),
		change("two lines of signatures", func(v *vector) {
			other := signed(t, profile, vectorBody, keys[2].signs)
			v.Headers = append(v.Headers, [2]string{profile.Header(), strings.TrimPrefix(other.get(profile.Header()), "t=1732233600,")})
			v.Secrets = []string{keys[2].verifies}
		}),
	}
}

// spellingVectors are of the profile standard, whose secrets may be written in several ways.
func spellingVectors(t *testing.T, change changed) []vector {
	t.Helper()
	text := "whsec_" + strings.Repeat("A", 38)
	return []vector{
		change("a secret without its prefix", func(v *vector) { v.Secrets[0] = strings.TrimPrefix(v.Secrets[0], "whsec_") }),
		change("a secret without its padding", func(v *vector) {
			v.take(signed(t, webhook.Standard, vectorBody, text+"8="))
			v.Secrets = []string{text + "8"}
		}),
		change("a secret that is not plain base64", func(v *vector) { v.Secrets = []string{text + "9="} }),
		change("a secret in base64 for URLs", func(v *vector) { v.Secrets = []string{"whsec_" + strings.Repeat("-_", 20)} }),
	}
}

// signed is a genuine webhook.
func signed(t *testing.T, profile webhook.Profile, body string, texts ...string) vector {
	t.Helper()
	secrets, err := parsed(texts, profile.ParseSecret)
	require.NoError(t, err)
	signature, err := profile.Sign(vectorID, time.Unix(vectorTime, 0), []byte(body), secrets...)
	require.NoError(t, err)
	return vector{Profile: string(profile), Body: []byte(body), Now: vectorTime, Headers: [][2]string{
		{"webhook-id", vectorID}, {"webhook-timestamp", strconv.Itoa(vectorTime)}, {profile.Header(), signature},
	}}
}

func (v *vector) take(other vector) { v.Headers, v.Body = other.Headers, other.Body }

func (v *vector) get(name string) string {
	for _, pair := range v.Headers {
		if pair[0] == name {
			return pair[1]
		}
	}
	return ""
}

func (v *vector) set(name, value string) {
	for i := range v.Headers {
		if v.Headers[i][0] == name {
			v.Headers[i][1] = value
		}
	}
}

func (v *vector) drop(name string) {
	var left [][2]string
	for _, pair := range v.Headers {
		if pair[0] != name {
			left = append(left, pair)
		}
	}
	v.Headers = left
}

func (v *vector) shout() {
	for i := range v.Headers {
		v.Headers[i][0] = strings.ToUpper(v.Headers[i][0])
	}
}

// setTime changes the time where the receiver looks for it.
func (v *vector) setTime(profile webhook.Profile, text string) {
	v.set("webhook-timestamp", text)
	if profile == webhook.Stripe {
		v.set(profile.Header(), strings.Replace(v.get(profile.Header()), "t="+strconv.Itoa(vectorTime), "t="+text, 1))
	}
}

func everyByte() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all)
}

func swapCase(text string) string {
	if upper := strings.ToUpper(text); upper != text {
		return upper
	}
	return strings.ToLower(text)
}
