package receivers_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// The words of a row, each as it is used by somebody.

func row(schemes ...receivers.Scheme) receivers.Provider {
	return receivers.Provider{Name: "acme", Auth: schemes}
}

func hexOf(message string) string { return hex.EncodeToString(sum(sha256.New, costSecret, message)) }

func TestSchemeNamesCountInAnyCase(t *testing.T) {
	t.Parallel()

	token := row(receivers.Scheme{Alg: "equal", Sig: "header.Authorization", Prefix: "Token "})
	mac := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.Authorization", Prefix: "HMAC "})
	for name, c := range map[string]struct {
		row   receivers.Provider
		value string
	}{
		"bearer": {receivers.Named("bearer"), costSecret},
		"basic":  {receivers.Named("basic"), base64.StdEncoding.EncodeToString([]byte("user:" + costSecret))},
		"token":  {token, costSecret},
		"hmac":   {mac, hexOf("{}")},
	} {
		secret := costSecret
		if name == "basic" {
			secret = "user:" + costSecret
		}
		for _, scheme := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
			for _, blanks := range []string{" ", "   "} {
				_, err := verify(t, c.row, receivers.Secrets(secret), post("{}", "Authorization", scheme+blanks+c.value))
				require.NoError(t, err, scheme)
			}
		}
		for _, wrong := range []string{c.value, name + c.value, name + "x " + c.value, "x " + c.value, name + " "} {
			_, err := verify(t, c.row, receivers.Secrets(secret), post("{}", "Authorization", wrong))
			require.Error(t, err, wrong)
		}
	}
	_, err := verify(t, receivers.Named("github"), receivers.Secrets(costSecret), post("{}", "X-Hub-Signature-256", "SHA256="+hexOf("{}")))
	require.Error(t, err, "what is no authentication scheme is compared as it is")
}

func TestTimes(t *testing.T) {
	t.Parallel()

	seconds := noon.Unix()
	written := map[string][]string{
		"":   {fmt.Sprint(seconds), fmt.Sprint(seconds * 1e3), fmt.Sprint(seconds*1e3 + 999), fmt.Sprint(seconds * 1e6), fmt.Sprint(seconds * 1e9)},
		"s":  {fmt.Sprint(seconds)},
		"ms": {fmt.Sprint(seconds * 1e3)}, "us": {fmt.Sprint(seconds * 1e6)}, "ns": {fmt.Sprint(seconds * 1e9)},
		time.RFC3339: {noon.Format(time.RFC3339)}, time.RFC1123: {noon.Format(time.RFC1123)}, time.DateTime: {noon.Format(time.DateTime)},
	}
	for as, texts := range written {
		for _, text := range texts {
			for _, age := range []time.Duration{0, 24 * time.Hour} {
				p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S", Signed: "{header.T}{body}", Time: "header.T", TimeAs: as})
				req := post("{}", "T", text, "S", hexOf(text+"{}"))
				req.Now = noon.Add(age)
				_, err := verify(t, p, receivers.Secrets(costSecret), req)
				require.Equal(t, age == 0, err == nil, "%q %s: %v", as, text, err)
				if age > 0 {
					require.ErrorIs(t, err, receivers.ErrTooOld)
				}
			}
		}
	}
	for _, as := range []string{"millis", "seconds", "unix", "2006-01-02", "15:04", "m", "MS", "YYYY-MM-DD hh:mm:ss", " "} {
		p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S", Signed: "{header.T}{body}", Time: "header.T", TimeAs: as})
		_, err := receivers.New(p, receivers.Secrets(costSecret))
		require.ErrorIs(t, err, receivers.ErrBadProvider, as)
		require.ErrorContains(t, err, "ms", as)
	}
}

func TestPairsInAHeader(t *testing.T) {
	t.Parallel()

	at := strconv.FormatInt(noon.Unix(), 10)
	sig := hexOf(at + ":{}")
	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S:h1", Signed: "{header.S:ts}:{body}", Time: "header.S:ts"})
	for _, header := range []string{
		"ts=" + at + ",h1=" + sig, "ts=" + at + ";h1=" + sig, "ts=" + at + ", h1=" + sig, " ts = " + at + " ; h1 = " + sig + " ",
		`ts="` + at + `";h1="` + sig + `"`, `h1=` + sig + `;x="a;ts=1,ts=2";ts=` + at, "ts=" + at + ";h1=00;h1=" + sig, ";;ts=" + at + ",,h1=" + sig,
	} {
		_, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", header))
		require.NoError(t, err, header)
	}
	for _, header := range []string{"ts=" + at + " h1=" + sig, "ts=" + at + ";ts=" + at + ";h1=" + sig, "TS=" + at + ";h1=" + sig, `ts=` + at + `;x="h1=` + sig + `"`, `ts="` + at + ";h1=" + sig} {
		_, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", header))
		require.ErrorIs(t, err, receivers.ErrMissing, header)
	}
	encoded := base64.StdEncoding.EncodeToString(sum(sha256.New, costSecret, "{}"))
	p = row(receivers.Scheme{Alg: "hmac-sha256", Enc: "base64", Sig: "header.S:s"})
	_, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", "a=b;s="+encoded))
	require.NoError(t, err, "base64 ends in =")
}

func TestKeysInOtherForms(t *testing.T) {
	t.Parallel()

	bits := []byte(costSecret)
	for kind, text := range map[string]string{
		"hex": hex.EncodeToString(bits), "base64": base64.StdEncoding.EncodeToString(bits), "whsec": base64.RawStdEncoding.EncodeToString(bits),
	} {
		p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S", Key: kind})
		_, err := verify(t, p, receivers.Secrets(text), post("{}", "S", hexOf("{}")))
		require.NoError(t, err, kind)
		_, err = receivers.New(p, receivers.Secrets("no such thing!"))
		require.ErrorIs(t, err, receivers.ErrBadCredential, kind)
	}
	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S", Key: "oauth1"})
	_, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", hex.EncodeToString(sum(sha256.New, costSecret+"&", "{}"))))
	require.NoError(t, err)
}

// der and PEM of a public key.
func spki(t *testing.T, public any) (encoded, text string) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestPublicKeys(t *testing.T) {
	t.Parallel()

	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	digest := sha256.Sum256([]byte("{}"))
	ecdsaSig, err := ecdsa.SignASN1(rand.Reader, p256, digest[:])
	require.NoError(t, err)
	rsaSig, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, 5, digest[:]) // crypto.SHA256
	require.NoError(t, err)

	type signer struct {
		alg   string
		keys  []string
		bytes []byte
	}
	keysOf := func(public any, more ...string) []string {
		encoded, text := spki(t, public)
		return append(more, encoded, text, strings.TrimRight(text, "\n"))
	}
	signers := []signer{
		{"ecdsa-sha256", keysOf(&p256.PublicKey), ecdsaSig},
		{"rsa-sha256", keysOf(&rsaKey.PublicKey), rsaSig},
		{"ed25519", keysOf(edPublic, hex.EncodeToString(edPublic), base64.StdEncoding.EncodeToString(edPublic)), ed25519.Sign(edPrivate, []byte("{}"))},
	}
	for i, s := range signers {
		p := row(receivers.Scheme{Alg: s.alg, Enc: "base64", Sig: "header.S", Key: "public"})
		signature := base64.StdEncoding.EncodeToString(s.bytes)
		for _, text := range s.keys {
			text = strings.TrimSpace(text)
			_, err := verify(t, p, receivers.Secrets(text), post("{}", "S", signature))
			require.NoError(t, err, s.alg)
			_, err = verify(t, p, receivers.Secrets(text), post("[]", "S", signature))
			require.ErrorIs(t, err, receivers.ErrNoMatch, s.alg)
		}
		_, err := receivers.New(p, receivers.Secrets(strings.TrimSpace(signers[(i+1)%3].keys[0])))
		require.ErrorIs(t, err, receivers.ErrBadCredential)
		require.ErrorContains(t, err, "public key", "one of another algorithm")
		for _, alg := range []string{"hmac-sha256", "equal"} {
			p.Auth[0].Alg = alg
			_, err = receivers.New(p, receivers.Secrets(strings.TrimSpace(s.keys[0])))
			require.ErrorIs(t, err, receivers.ErrBadProvider, "a public key is no secret")
		}
	}
}

func TestEd25519KeysInHex(t *testing.T) {
	t.Parallel()

	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p := row(receivers.Scheme{Alg: "ed25519", Enc: "hex", Sig: "header.S", Key: "whpk"})
	for _, text := range []string{hex.EncodeToString(public), strings.ToUpper(hex.EncodeToString(public)), "whpk_" + base64.StdEncoding.EncodeToString(public)} {
		_, err := verify(t, p, receivers.Secrets(text), post("{}", "S", hex.EncodeToString(ed25519.Sign(private, []byte("{}")))))
		require.NoError(t, err)
	}
	_, err = receivers.New(receivers.Named("standard"), receivers.Secrets(hex.EncodeToString(public)))
	require.ErrorIs(t, err, receivers.ErrBadCredential, "with both kinds it could be taken for a secret")
	require.ErrorContains(t, err, "can be either")
}

func TestSecretsOfStandardWebhooksAsTheLibrariesTakeThem(t *testing.T) {
	t.Parallel()

	at := strconv.FormatInt(noon.Unix(), 10)
	bits := "a key of thirty-two bytes, whole"
	req := post("{}", "webhook-id", "m", "webhook-timestamp", at,
		"webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(sum(sha256.New, bits, "m."+at+".{}")))
	encoded := base64.StdEncoding.EncodeToString([]byte(bits))
	for _, text := range []string{"whsec_" + encoded, encoded, "whsec_" + strings.TrimRight(encoded, "="), strings.TrimRight(encoded, "=")} {
		_, err := verify(t, receivers.Named("standard"), receivers.Secrets(text), req)
		require.NoError(t, err, text)
	}
	for text, says := range map[string]string{
		"v1,whsec_" + encoded: `"v1,"`, "whsec_-_-_" + encoded: "base64 for URLs", "whsec_" + encoded + "\n": "not seen",
		`"whsec_` + encoded + `"`: "quotation marks", "a password": "base64 of a secret",
	} {
		_, err := receivers.New(receivers.Named("standard"), receivers.Secrets(text))
		var bad *receivers.CredentialError
		require.ErrorAs(t, err, &bad, text)
		require.Contains(t, bad.Reason, says)
		require.NotContains(t, err.Error(), encoded)
	}
}

func meta() receivers.Provider {
	p := row(
		receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Hub-Signature-256", Prefix: "sha256="},
		receivers.Scheme{Alg: "equal", Sig: "query.hub.verify_token", Name: "verify_token", For: "challenge"},
	)
	p.Challenges = []receivers.Challenge{{Method: "GET", If: "query.hub.mode", Is: "subscribe", Signed: true, Reply: "{query.hub.challenge}"}}
	return p
}

// What proves a handshake proves no webhook, and the other way round.
func TestCredentialsServeTheirOwnSchemes(t *testing.T) {
	t.Parallel()

	credentials := append(receivers.Secrets(costSecret), receivers.Keyed("", "verify-me").For("verify_token"))
	ask := func(method, token, body string, headers ...string) (receivers.Result, error) {
		req := post(body, headers...)
		req.Method, req.URL = method, "https://hooks.example.com/in?hub.mode=subscribe&hub.challenge=115&hub.verify_token="+token
		return verify(t, meta(), credentials, req)
	}
	signed := func(secret string) string { return "sha256=" + hex.EncodeToString(sum(sha256.New, secret, "{}")) }
	result, err := ask("GET", "verify-me", "")
	require.NoError(t, err)
	require.Equal(t, receivers.Answer{ContentType: "text/plain", Body: "115"}, result.Answer)
	_, err = ask("POST", "no", "{}", "X-Hub-Signature-256", signed(costSecret))
	require.NoError(t, err)

	for name, err := range map[string]error{
		"a wrong token":                      second(ask("GET", "no", "")),
		"the secret as the token":            second(ask("GET", "a%20secret%20of%20a%20plain%20kind", "")),
		"no signature, but the token":        second(ask("POST", "verify-me", "{}")),
		"a signature with the token":         second(ask("POST", "verify-me", "{}", "X-Hub-Signature-256", signed("verify-me"))),
		"a challenge that is posted, signed": second(ask("PUT", "verify-me", "{}", "X-Hub-Signature-256", signed(costSecret))),
	} {
		require.Error(t, err, name)
	}
}

func second(_ receivers.Result, err error) error { return err }

func TestRowsThatMixProofsAreRefused(t *testing.T) {
	t.Parallel()

	for says, change := range map[string]func(*receivers.Provider){
		`"for": "challenge"`:        func(p *receivers.Provider) { p.Auth[1].For = "" },
		`needs a "name"`:            func(p *receivers.Provider) { p.Auth[1].Name = "" },
		`"name" of its own`:         func(p *receivers.Provider) { p.Auth[0].Name = "verify_token" },
		"neither webhook nor":       func(p *receivers.Provider) { p.Auth[1].For = "both" },
		"no scheme proves webhooks": func(p *receivers.Provider) { p.Auth = p.Auth[1:] },
		"no scheme proves challenges": func(p *receivers.Provider) {
			p.Auth = p.Auth[:1]
			p.Auth[0].For = "webhook"
		},
	} {
		p := meta()
		change(&p)
		_, err := receivers.New(p, receivers.Secrets(costSecret))
		require.ErrorIs(t, err, receivers.ErrBadProvider, says)
		require.ErrorContains(t, err, says)
	}
	_, err := receivers.New(meta(), []receivers.Credential{receivers.Keyed("", "verify-me").For("verify_token")})
	require.ErrorIs(t, err, receivers.ErrBadCredential, "nothing proves a webhook")
	_, err = receivers.New(meta(), []receivers.Credential{receivers.Keyed("", "verify-me").For("token")})
	require.ErrorContains(t, err, `"verify_token"`)
}

func TestAnswersOfChallenges(t *testing.T) {
	t.Parallel()

	mac := func(text string) []byte { return sum(sha256.New, costSecret, text) }
	long := sum(sha512.New, costSecret, "abc")
	for name, c := range map[string]struct {
		challenge receivers.Challenge
		want      receivers.Answer
	}{
		"literal braces":        {receivers.Challenge{Reply: `{{"type":1}}`, ContentType: "application/json"}, receivers.Answer{ContentType: "application/json", Body: `{"type":1}`}},
		"braces at a source":    {receivers.Challenge{Reply: `{{{json.token}}}`}, receivers.Answer{ContentType: "text/plain", Body: "{abc}"}},
		"JSON in JSON":          {receivers.Challenge{Reply: `{{"t":"{json.odd}"}}`, ContentType: "application/json; charset=utf-8"}, receivers.Answer{ContentType: "application/json; charset=utf-8", Body: `{"t":"a\"b\\"}`}},
		"an HMAC in hex":        {receivers.Challenge{Reply: "{hmac-sha256.hex:json.token}"}, receivers.Answer{ContentType: "text/plain", Body: hex.EncodeToString(mac("abc"))}},
		"an HMAC in base64":     {receivers.Challenge{Reply: "sha256={hmac-sha256.base64:json.token}"}, receivers.Answer{ContentType: "text/plain", Body: "sha256=" + base64.StdEncoding.EncodeToString(mac("abc"))}},
		"a longer HMAC":         {receivers.Challenge{Reply: "{hmac-sha512.base64:json.token}"}, receivers.Answer{ContentType: "text/plain", Body: base64.StdEncoding.EncodeToString(long)}},
		"of one of two sources": {receivers.Challenge{Reply: "{hmac-sha256.hex:json.none|json.token}"}, receivers.Answer{ContentType: "text/plain", Body: hex.EncodeToString(mac("abc"))}},
		"headers and a status":  {receivers.Challenge{Status: 204, Headers: map[string]string{"X-Token": "t-{json.token}", "X-Fixed": "1"}}, receivers.Answer{Status: 204, Headers: map[string]string{"X-Token": "t-abc", "X-Fixed": "1"}}},
	} {
		p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S"})
		c.challenge.Method, c.challenge.If = "POST", "json.token"
		for _, signed := range []bool{true, false} {
			c.challenge.Signed = signed
			p.Challenges = []receivers.Challenge{c.challenge}
			body := `{"token":"abc","odd":"a\"b\\"}`
			result, err := verify(t, p, receivers.Secrets(costSecret), post(body, "S", hexOf(body)))
			require.NoError(t, err, name)
			require.True(t, result.Challenge)
			require.Equal(t, c.want, result.Answer, name)
			_, err = verify(t, p, receivers.Secrets(costSecret), post(body, "S", hexOf("x")))
			require.Equal(t, signed, err != nil, name)
		}
	}
}

// A challenge that anybody can ask signs nothing that a webhook could be.
func TestUnsignedChallengesAreNoOracle(t *testing.T) {
	t.Parallel()

	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S"})
	p.Challenges = []receivers.Challenge{{Method: "GET", If: "query.crc_token", Reply: "{hmac-sha256.hex:query.crc_token}"}}
	ask := func(token string) (receivers.Result, error) {
		req := post("")
		req.Method, req.URL = "GET", "https://hooks.example.com/in?crc_token="+token
		return verify(t, p, receivers.Secrets(costSecret), req)
	}
	result, err := ask("1234abc")
	require.NoError(t, err)
	require.Equal(t, hexOf("1234abc"), result.Answer.Body)
	for _, token := range []string{"%7B%7D", "%5B1%5D", "a%20b", "%22a%22", "a%26b", "a:b", "%0A"} {
		_, err = ask(token)
		require.ErrorIs(t, err, receivers.ErrMalformed, token)
	}
	for _, body := range []string{"1234abc", "1", "true", ""} {
		_, err = verify(t, p, receivers.Secrets(costSecret), post(body, "S", hexOf(body)))
		require.ErrorIs(t, err, receivers.ErrNoMatch, "a body that could have been such a token")
	}
	_, err = verify(t, p, receivers.Secrets(costSecret), post("{}", "S", hexOf("{}")))
	require.NoError(t, err)
}

func TestAnswersOfWebhooks(t *testing.T) {
	t.Parallel()

	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S"})
	p.Answer = receivers.Answer{Status: 202, ContentType: "application/json", Headers: map[string]string{"X-A": "b"}, Body: `{"type":5}`}
	result, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", hexOf("{}")))
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	result.Answer.Write(answer)
	require.Equal(t, 202, answer.Code)
	require.JSONEq(t, `{"type":5}`, answer.Body.String())
	require.Equal(t, "b", answer.Header().Get("X-A"))
	require.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))
}

func TestAnswersThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()

	for says, change := range map[string]func(*receivers.Provider, *receivers.Challenge){
		"status 404":          func(p *receivers.Provider, _ *receivers.Challenge) { p.Answer.Status = 404 },
		"status 302":          func(p *receivers.Provider, _ *receivers.Challenge) { p.Answer.Status = 302 },
		"status 410":          func(_ *receivers.Provider, c *receivers.Challenge) { c.Status = 410 },
		"status 204 has no":   func(_ *receivers.Provider, c *receivers.Challenge) { c.Status, c.Reply = 204, "x" },
		"content_type":        func(p *receivers.Provider, _ *receivers.Challenge) { p.Answer.ContentType = "a b" },
		"text/plain or appl":  func(_ *receivers.Provider, c *receivers.Challenge) { c.ContentType, c.Reply = "text/html", "{query.a}" },
		`header "Set-Cookie"`: func(_ *receivers.Provider, c *receivers.Challenge) { c.Headers = map[string]string{"Set-Cookie": "a"} },
		`header "content-type"`: func(p *receivers.Provider, _ *receivers.Challenge) {
			p.Answer.Headers = map[string]string{"content-type": "a"}
		},
		`header "a b"`:         func(p *receivers.Provider, _ *receivers.Challenge) { p.Answer.Headers = map[string]string{"a b": "a"} },
		"value of header":      func(p *receivers.Provider, _ *receivers.Challenge) { p.Answer.Headers = map[string]string{"A": "a\nb"} },
		"answer with the cred": func(_ *receivers.Provider, c *receivers.Challenge) { c.Headers = map[string]string{"A": "{cred}"} },
		"refuse is":            func(_ *receivers.Provider, c *receivers.Challenge) { c.Refuse = 404 },
		"refuse is 400":        func(_ *receivers.Provider, c *receivers.Challenge) { c.Signed, c.Refuse = true, 410 },
		"needs a scheme that signs": func(p *receivers.Provider, c *receivers.Challenge) {
			*p = receivers.Named("apikey")
			c.Reply = "{hmac-sha256.hex:query.a}"
		},
		"between braces": func(_ *receivers.Provider, c *receivers.Challenge) { c.Reply = "{hmac-md5.hex:query.a}" },
		"{{ or }}":       func(_ *receivers.Provider, c *receivers.Challenge) { c.Reply = `{"type":1}` },
		"twice":          func(_ *receivers.Provider, c *receivers.Challenge) { c.Reply = `}` },
		"has no HMAC in it": func(p *receivers.Provider, _ *receivers.Challenge) {
			p.Auth[0].Signed = "{body}{hmac-sha256.hex:query.a}"
		},
		"has to be signed":       func(_ *receivers.Provider, c *receivers.Challenge) { c.Visit = "json.a" },
		"needs a scheme with":    func(_ *receivers.Provider, c *receivers.Challenge) { c.Visit, c.Signed = "json.a", true },
		"is not signed, and":     func(_ *receivers.Provider, c *receivers.Challenge) { c.Keep = "header.A" },
		"could not be taken out": func(_ *receivers.Provider, c *receivers.Challenge) { c.If, c.Keep = "json.a", "json.a" },
	} {
		p := receivers.Named("hmac")
		c := receivers.Challenge{Method: "GET"}
		change(&p, &c)
		p.Challenges = []receivers.Challenge{c}
		_, err := receivers.New(p, receivers.Secrets(costSecret))
		require.ErrorIs(t, err, receivers.ErrBadProvider, says)
		require.ErrorContains(t, err, says)
	}
}

func TestChallengesOfCloudEvents(t *testing.T) {
	t.Parallel()

	p := receivers.Named("bearer")
	p.Challenges = []receivers.Challenge{{
		Method: "OPTIONS", If: "header.WebHook-Request-Origin",
		Headers: map[string]string{"WebHook-Allowed-Origin": "{header.WebHook-Request-Origin}", "WebHook-Allowed-Rate": "*"},
	}}
	req := post("", "WebHook-Request-Origin", "events.example.com")
	req.Method = "OPTIONS"
	result, err := verify(t, p, receivers.Secrets(costSecret), req)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"WebHook-Allowed-Origin": "events.example.com", "WebHook-Allowed-Rate": "*"}, result.Answer.Headers)
	req.Header.Set("WebHook-Request-Origin", "a\r\nSet-Cookie: b")
	_, err = verify(t, p, receivers.Secrets(costSecret), req)
	require.ErrorIs(t, err, receivers.ErrMalformed)
}

func TestRefusedChallengesHaveTheirStatus(t *testing.T) {
	t.Parallel()

	p := meta()
	p.Challenges[0].Refuse = 404
	req := post("")
	req.Method, req.URL = "GET", "https://hooks.example.com/in?hub.mode=subscribe&hub.verify_token=no"
	_, err := verify(t, p, receivers.Secrets(costSecret), req)
	require.Equal(t, http.StatusNotFound, receivers.Status(err))
	require.ErrorIs(t, err, receivers.ErrNoMatch)
	_, err = verify(t, p, receivers.Secrets(costSecret), post("{}"))
	require.Equal(t, http.StatusUnauthorized, receivers.Status(err), "a webhook is refused as ever")
}

func TestSignaturesOverFields(t *testing.T) {
	t.Parallel()

	at := strconv.FormatInt(noon.Unix(), 10)
	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "json.sig", Signed: "{json.at}{json.token}", Time: "json.at", Covers: "fields"})
	body := func(at, token, more string) string {
		return `{"sig":"` + hexOf(at+token) + `","at":"` + at + `","token":"` + token + `"` + more + `}`
	}
	_, err := verify(t, p, receivers.Secrets(costSecret), post(body(at, "abc", "")))
	require.NoError(t, err)
	_, err = verify(t, p, receivers.Secrets(costSecret), post(body(at, "abc", `,"x":1`)))
	require.NoError(t, err, "this is what it does not protect")
	_, err = verify(t, p, receivers.Secrets(costSecret), post(strings.Replace(body(at, "abc", ""), `"abc"`, `"abd"`, 1)))
	require.ErrorIs(t, err, receivers.ErrNoMatch)
	_, err = verify(t, p, receivers.Secrets(costSecret), post(body("1700000000", "abc", "")))
	require.ErrorIs(t, err, receivers.ErrTooOld)

	for says, change := range map[string]func(*receivers.Scheme){
		`"covers": "fields"`:   func(s *receivers.Scheme) { s.Covers = "" },
		"is not fields":        func(s *receivers.Scheme) { s.Covers = "token" },
		"not over its body":    func(s *receivers.Scheme) { s.Signed, s.Time = "{body}", "" },
		`covers "fields"`:      func(s *receivers.Scheme) { s.Signed, s.Time = "constant", "" },
		"over values of the":   func(s *receivers.Scheme) { *s = receivers.Scheme{Alg: "equal", Sig: "header.A", Covers: "fields"} },
		"does not cover the t": func(s *receivers.Scheme) { s.Signed = "{json.token}" },
	} {
		bad := p
		bad.Auth = []receivers.Scheme{p.Auth[0]}
		change(&bad.Auth[0])
		_, err := receivers.New(bad, receivers.Secrets(costSecret))
		require.ErrorIs(t, err, receivers.ErrBadProvider, says)
		require.ErrorContains(t, err, says)
	}
}

// A handshake brings the secret to who has none, once.
func TestSecretsThatAreBrought(t *testing.T) {
	t.Parallel()

	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Hook-Signature"})
	p.Challenges = []receivers.Challenge{{
		Method: "POST", If: "header.X-Hook-Secret", Unless: "header.X-Hook-Signature", Keep: "header.X-Hook-Secret",
		Headers: map[string]string{"X-Hook-Secret": "{header.X-Hook-Secret}"},
	}}
	brought := post("{}", "X-Hook-Secret", costSecret)
	result, err := verify(t, p, nil, brought)
	require.NoError(t, err)
	require.Equal(t, costSecret, result.Keep())
	printed := result
	printed.Answer = receivers.Answer{} // which has it, to be sent
	require.Equal(t, map[string]string{"X-Hook-Secret": costSecret}, result.Answer.Headers)
	require.NotContains(t, fmt.Sprintf("%v %+v", printed, &printed), costSecret)

	again, err := verify(t, p, receivers.Secrets(costSecret), brought)
	require.NoError(t, err, "the answer was lost, and the handshake comes again")
	require.Empty(t, again.Keep())
	require.Equal(t, result.Answer, again.Answer)

	_, err = verify(t, p, receivers.Secrets(costSecret), post("{}", "X-Hook-Secret", "another secret of theirs"))
	require.ErrorIs(t, err, receivers.ErrNoMatch, "never another one")
	for _, secret := range []string{"short", "with a mark\u200b that is not seen", `"in quotation marks"`} {
		_, err = verify(t, p, nil, post("{}", "X-Hook-Secret", secret))
		require.ErrorIs(t, err, receivers.ErrMalformed, secret)
	}
	_, err = verify(t, p, nil, post("{}", "X-Hook-Signature", hexOf("{}")))
	require.Error(t, err, "before the handshake nothing is believed")
	for _, req := range []receivers.Request{
		post("{}", "X-Hook-Signature", hexOf("{}"), "X-Hook-Secret", "another secret of theirs"), post("{}", "X-Hook-Signature", hexOf("{}")),
	} {
		result, err = verify(t, p, receivers.Secrets(costSecret), req)
		require.NoError(t, err)
		require.False(t, result.Challenge)
		require.NotContains(t, result.Event().Header.Get("X-Hook-Secret"), "another")
	}
	require.True(t, p.BringsSecret())
	receiver, err := receivers.New(p, nil)
	require.NoError(t, err)
	require.Panics(t, func() { receiver.Handler(nil) }, "nobody would store it")
	_, err = receivers.New(receivers.Named("hmac"), nil)
	require.ErrorIs(t, err, receivers.ErrBadCredential)
}

func TestFinalAnswersToAFetch(t *testing.T) {
	t.Parallel()

	for status, final := range map[int]bool{301: true, 400: true, 403: true, 404: true, 410: true, 408: false, 425: false, 429: false, 500: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, err := receivers.NewFetcher(server.Client()).Fetch(t.Context(), server.URL)
		server.Close()
		require.Error(t, err)
		require.Equal(t, final, errors.Is(err, receivers.ErrCertificate), "%d", status)
	}
}

func TestSeveralSignaturesInOneValue(t *testing.T) {
	t.Parallel()

	p := row(receivers.Scheme{Alg: "hmac-sha256", Enc: "hex", Sig: "header.S", Split: ",", Prefix: "v1="})
	for _, header := range []string{"v1=00,v1=" + hexOf("{}"), "v1=00, v1=" + hexOf("{}"), " v1=" + hexOf("{}") + " , v2=x", "v0=a,v1=" + hexOf("{}") + ","} {
		_, err := verify(t, p, receivers.Secrets(costSecret), post("{}", "S", header))
		require.NoError(t, err, header)
	}
}
