package receivers_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

func packed(t testing.TB, coding string, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "flate":
		w, _ = flate.NewWriter(&b, flate.BestSpeed)
	}
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func utf16Of(order binary.AppendByteOrder, text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// typed is the row hmac that reads its event and id in the body.
func typed() receivers.Provider {
	p := receivers.Named("hmac")
	p.Event, p.ID, p.Wrap = "json.type|form.type|xml.type", "json.id|form.id|xml.id", "wrapped"
	return p
}

// sent is a signed request with the headers, which come in pairs.
func sent(body string, headers ...string) receivers.Request {
	return post(body, append(headers, "X-Signature", hex.EncodeToString(sum(sha256.New, costSecret, body)))...)
}

const parts = "--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\npaid\r\n"

func part(headers, content string) string { return "--b\r\n" + headers + "\r\n\r\n" + content + "\r\n" }

// What is verified is the bytes as they came; what is read of them, and handed
// on, is the text that they stand for.
func TestBodiesAreDecodedAfterTheyAreVerified(t *testing.T) {
	t.Parallel()

	const (
		paid   = `{"type":"paid","id":"7","name":"García €"}`
		plain  = `{"type":"paid","id":"7","name":"Garc` + "\xed" + `a"}`
		latin  = `{"type":"paid","id":"7","name":"García"}`
		formed = "application/x-www-form-urlencoded"
	)
	type header = []string
	cases := map[string]struct {
		headers header
		body    string
		want    string
	}{
		"gzip":                    {header{"Content-Encoding", "gzip"}, packed(t, "gzip", paid), paid},
		"x-gzip, in capitals":     {header{"Content-Encoding", "X-GZIP"}, packed(t, "gzip", paid), paid},
		"gzip in two members":     {header{"Content-Encoding", "gzip"}, packed(t, "gzip", paid[:9]) + packed(t, "gzip", paid[9:]), paid},
		"deflate":                 {header{"Content-Encoding", "deflate"}, packed(t, "zlib", paid), paid},
		"deflate without zlib":    {header{"Content-Encoding", "deflate"}, packed(t, "flate", paid), paid},
		"identity":                {header{"Content-Encoding", "identity"}, paid, paid},
		"an empty coding":         {header{"Content-Encoding", ""}, paid, paid},
		"two codings":             {header{"Content-Encoding", "deflate, gzip"}, packed(t, "gzip", packed(t, "zlib", paid)), paid},
		"two lines of codings":    {header{"Content-Encoding", "gzip", "Content-Encoding", "identity,gzip"}, packed(t, "gzip", packed(t, "gzip", paid)), paid},
		"four codings":            {header{"Content-Encoding", "gzip,gzip,gzip,gzip"}, packed(t, "gzip", packed(t, "gzip", packed(t, "gzip", packed(t, "gzip", paid)))), paid},
		"a mark of UTF-8":         {nil, "\xef\xbb\xbf" + paid, paid},
		"a mark, compressed":      {header{"Content-Encoding", "gzip"}, packed(t, "gzip", "\xef\xbb\xbf"+paid), paid},
		"a mark against the name": {header{"Content-Type", "application/json; charset=iso-8859-1"}, "\xef\xbb\xbf" + paid, paid},
		"UTF-16 by a mark":        {nil, "\xff\xfe" + utf16Of(binary.LittleEndian, paid+"😀"), `"` + strings.ReplaceAll(paid, `"`, `\"`) + `😀"`},
		"UTF-16 the other way":    {nil, "\xfe\xff" + utf16Of(binary.BigEndian, paid), paid},
		"UTF-16 by name":          {header{"Content-Type", "application/json; charset=UTF-16"}, utf16Of(binary.BigEndian, paid), paid},
		"UTF-16, little, by name": {header{"Content-Type", "application/json; charset=utf-16"}, utf16Of(binary.LittleEndian, paid), paid},
		"UTF-16LE":                {header{"Content-Type", "application/json; charset=utf-16le"}, utf16Of(binary.LittleEndian, paid), paid},
		"UTF-16BE":                {header{"Content-Type", `application/json; charset="utf-16be"`}, utf16Of(binary.BigEndian, paid), paid},
		"UTF-8 by name":           {header{"Content-Type", "application/json; charset=utf8"}, paid, paid},
		"ASCII":                   {header{"Content-Type", "text/plain; charset=US-ASCII"}, `{"type":"paid","id":"7"}`, `{"type":"paid","id":"7"}`},
		"Latin-1":                 {header{"Content-Type", "application/json; charset=ISO-8859-1"}, plain, latin},
		"Windows-1252":            {header{"Content-Type", "application/json; charset=windows-1252"}, strings.TrimSuffix(plain, `"}`) + " \x80\"}", paid},
		"Latin-1, compressed": {
			header{"Content-Type", "application/json; charset=latin1", "Content-Encoding", "gzip"}, packed(t, "gzip", plain), latin,
		},
		"XML that says Latin-1": {
			header{"Content-Type", "text/xml"},
			`<?xml version="1.0" encoding="ISO-8859-1"?><r><type>paid</type><id>7</id><name>Garc` + "\xed" + `a</name></r>`,
			`{"id":"7","name":"García","type":"paid"}`,
		},
		"XML whose Content-Type says Latin-1": {
			header{"Content-Type", "text/xml; charset=iso-8859-1"},
			`<?xml version="1.0" encoding="utf-8"?><r><type>paid</type><id>7</id><name>Garc` + "\xed" + `a</name></r>`,
			`{"id":"7","name":"García","type":"paid"}`,
		},
		"XML of .NET, which says UTF-16 and is not": {
			header{"Content-Type", "text/xml"}, `<?xml version="1.0" encoding="utf-16"?><r><type>paid</type><id>7</id></r>`, `{"id":"7","type":"paid"}`,
		},
		"XML in UTF-16": {
			header{"Content-Type", "text/xml"},
			"\xff\xfe" + utf16Of(binary.LittleEndian, `<?xml version="1.0" encoding="utf-16"?><r><type>paid</type><id>7</id><n>í</n></r>`),
			`{"id":"7","n":"í","type":"paid"}`,
		},
		"a form":                   {header{"Content-Type", formed}, "type=paid&id=7&name=Garc%C3%ADa", latin2},
		"a form, compressed":       {header{"Content-Type", formed, "Content-Encoding", "gzip"}, packed(t, "gzip", "type=paid&id=7&name=Garc%C3%ADa"), latin2},
		"a form in Latin-1":        {header{"Content-Type", formed + "; charset=iso-8859-1"}, "type=paid&id=7&name=Garc%EDa", latin2},
		"a form in raw Latin-1":    {header{"Content-Type", formed + "; charset=iso-8859-1"}, "type=paid&id=7&name=Garc\xeda", latin2},
		"a form that says itself":  {header{"Content-Type", formed}, "type=paid&id=7&name=Garc%EDa&_charset_=windows-1252", `{"_charset_":"windows-1252","id":"7","name":"García","type":"paid"}`},
		"a form with a mark":       {header{"Content-Type", formed}, "\xef\xbb\xbftype=paid&id=7&name=Garc%C3%ADa", latin2},
		"a form in UTF-16":         {header{"Content-Type", formed + "; charset=utf-16le"}, utf16Of(binary.LittleEndian, "type=paid&id=7&name=García"), latin2},
		"a form around JSON":       {header{"Content-Type", formed + "; charset=iso-8859-1"}, "wrapped=%7B%22type%22:%22paid%22,%22id%22:%227%22,%22name%22:%22Garc%EDa%22%7D", latin},
		"JSON that is called form": {header{"Content-Type", formed}, `{"type":"paid","id":"7","sum":"1+1 %41&b=2"}`, `{"type":"paid","id":"7","sum":"1+1 %41&b=2"}`},
		"and is in Latin-1":        {header{"Content-Type", formed + "; charset=latin1"}, plain, latin},
		"parts": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part(`Content-Disposition: form-data; name="id"`, "7") + "--b--\r\n",
			`{"id":"7","type":"paid"}`,
		},
		"parts, compressed": {
			header{"Content-Type", "multipart/form-data; boundary=b", "Content-Encoding", "gzip"},
			packed(t, "gzip", parts+part(`Content-Disposition: form-data; name="id"`, "7")+"--b--\r\n"), `{"id":"7","type":"paid"}`,
		},
		"parts with a file": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part(`Content-Disposition: form-data; name="id"`, "7") +
				part("Content-Disposition: form-data; name=\"f\"; filename=\"ä.jpg\"\r\nContent-Type: image/jpeg", "\xff\xd8\xff\xe0") + "--b--\r\n",
			`{"f":{"filename":"ä.jpg","content_type":"image/jpeg","size":4},"id":"7","type":"paid"}`,
		},
		"parts with a picture that has no name": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part(`Content-Disposition: form-data; name="id"`, "7") +
				part("Content-Disposition: form-data; name=\"f\"\r\nContent-Type: image/jpeg", "\xff\xd8") + "--b--\r\n",
			`{"f":{"filename":"","content_type":"image/jpeg","size":2},"id":"7","type":"paid"}`,
		},
		"parts of one name": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part(`Content-Disposition: form-data; name="id"`, "7") + part(`Content-Disposition: form-data; name="x"`, "1") +
				part(`Content-Disposition: form-data; name="x"`, "2") + part(`Content-Disposition: form-data; name="x"; filename="a"`, "2") + "--b--\r\n",
			`{"id":"7","type":"paid","x":["1","2",{"filename":"a","size":1}]}`,
		},
		"a part in Latin-1": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part(`Content-Disposition: form-data; name="id"`, "7") +
				part("Content-Disposition: form-data; name=\"name\"\r\nContent-Type: text/plain; charset=iso-8859-1", "Garc\xeda") + "--b--\r\n",
			latin2,
		},
		"parts around JSON": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			part("Content-Disposition: form-data; name=\"wrapped\"; filename=\"blob\"\r\nContent-Type: application/json", latin) + "--b--\r\n", latin,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, req := typed(), sent(tc.body, tc.headers...)
			if req.Header.Get("Content-Type") == "" {
				req.Header.Set("Content-Type", "application/json")
			}
			if strings.HasPrefix(req.Header.Get("Content-Type"), "text/xml") {
				p.Event, p.ID = "xml.type", "xml.id"
			}
			result, err := verify(t, p, receivers.Secrets(costSecret), req)
			require.NoError(t, err)
			require.JSONEq(t, tc.want, string(result.Event().Payload))
			require.Equal(t, tc.body, string(result.Event().Body), "as it came")
			if !strings.Contains(tc.want, "😀") {
				require.Equal(t, []string{"paid"}, result.Types)
				require.Equal(t, []string{"7"}, result.IDs)
			}

			forged := req
			forged.Body = append([]byte(tc.body), ' ')
			_, err = verify(t, p, receivers.Secrets(costSecret), forged)
			require.Equal(t, http.StatusUnauthorized, receivers.Status(err))
		})
	}
}

const latin2 = `{"id":"7","name":"García","type":"paid"}`

// Handed on as JSON these would lose something. The provider is told so, and
// nobody else.
func TestBodiesThatWouldBeDestroyedAreRefused(t *testing.T) {
	t.Parallel()

	type header = []string
	gz := packed(t, "gzip", `{"type":"paid"}`)
	cases := map[string]struct {
		headers header
		body    string
		want    error
		says    string
	}{
		"brotli":                {header{"Content-Encoding", "br"}, "\x0b\x02\x80{}\x03", receivers.ErrEncoding, `"br" is not one of gzip, deflate, identity`},
		"zstd":                  {header{"Content-Encoding", "zstd"}, "{}", receivers.ErrEncoding, `"zstd"`},
		"a known on an unknown": {header{"Content-Encoding", "br, gzip"}, gz, receivers.ErrEncoding, `"br"`},
		"five codings":          {header{"Content-Encoding", "gzip,gzip,gzip,gzip,gzip"}, gz, receivers.ErrEncoding, "more than 4"},
		"gzip that is none":     {header{"Content-Encoding", "gzip"}, "{}", receivers.ErrEncoding, "gzip"},
		"gzip cut off":          {header{"Content-Encoding", "gzip"}, gz[:len(gz)-3], receivers.ErrEncoding, "not whole"},
		"gzip with a rest":      {header{"Content-Encoding", "gzip"}, gz + "{}", receivers.ErrEncoding, "not whole"},
		"gzip with a fault":     {header{"Content-Encoding", "gzip"}, gz[:len(gz)-8] + "\x00\x00\x00\x00" + gz[len(gz)-4:], receivers.ErrEncoding, "not whole"},
		"zlib with a rest":      {header{"Content-Encoding", "deflate"}, packed(t, "zlib", "{}") + "{}", receivers.ErrEncoding, "not whole"},
		"deflate with a rest":   {header{"Content-Encoding", "deflate"}, packed(t, "flate", "{}") + "{}", receivers.ErrEncoding, "not whole"},
		"deflate of one byte":   {header{"Content-Encoding", "deflate"}, "x", receivers.ErrEncoding, "not whole"},
		"a bomb":                {header{"Content-Encoding", "gzip"}, packed(t, "gzip", strings.Repeat(" ", 1<<20)+"{}"), receivers.ErrTooLarge, "decompressed"},
		"a bomb in a bomb": {
			header{"Content-Encoding", "gzip, gzip"}, packed(t, "gzip", packed(t, "gzip", strings.Repeat(" ", 1<<22))), receivers.ErrTooLarge, "decompressed",
		},
		"nothing, a hundred thousand times": {
			header{"Content-Encoding", "gzip, gzip"}, packed(t, "gzip", strings.Repeat(packed(t, "gzip", ""), 1e5)), receivers.ErrTooLarge, "decompressed",
		},
		"JSON that is no UTF-8":     {header{"Content-Type", "application/json"}, "{\"a\":\"\xff\"}", receivers.ErrNotText, "it is not utf-8"},
		"though it says so":         {header{"Content-Type", "application/json; charset=UTF-8"}, "{\"a\":\"\xed\"}", receivers.ErrNotText, "it is not utf-8"},
		"half a character as UTF-8": {nil, "\xed\xa0\x80", receivers.ErrNotText, "it is not utf-8"},
		"ASCII that is not":         {header{"Content-Type", "text/plain; charset=us-ascii"}, "é", receivers.ErrNotText, "it is not us-ascii"},
		"a charset nobody knows":    {header{"Content-Type", "application/json; charset=koi8-r"}, "{}", receivers.ErrNotText, `"koi8-r" is not one of utf-8`},
		"UTF-32":                    {nil, "\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00", receivers.ErrNotText, "utf-32"},
		"half a unit of UTF-16":     {nil, "\xff\xfe{", receivers.ErrNotText, "it is not utf-16le"},
		"half a character":          {nil, "\xff\xfe" + "\x3d\xd8", receivers.ErrNotText, "it is not utf-16le"},
		"the other half":            {nil, "\xff\xfe" + "\x00\xde\x3d\xd8", receivers.ErrNotText, "it is not utf-16le"},
		"a picture":                 {header{"Content-Type", "image/png"}, "\x89PNG\r\n\x1a\n", receivers.ErrNotText, "it is not utf-8"},
		"bytes":                     {header{"Content-Type", "application/octet-stream"}, "\x00\xff", receivers.ErrNotText, "it is not utf-8"},
		"bytes of no type":          {nil, "\xff", receivers.ErrNotText, "it is not utf-8"},
		"XML that lies":             {header{"Content-Type", "text/xml"}, `<?xml version="1.0" encoding="utf-8"?><r>` + "\xed</r>", receivers.ErrNotText, "it is not utf-8"},
		"XML in another charset":    {header{"Content-Type", "text/xml"}, `<?xml version='1.0' encoding='Shift_JIS'?><r/>`, receivers.ErrNotText, `"Shift_JIS"`},
		"a form in secret Latin-1":  {header{"Content-Type", "application/x-www-form-urlencoded"}, "name=Garc%EDa", receivers.ErrNotText, "it is not utf-8"},
		"the name of a field":       {header{"Content-Type", "application/x-www-form-urlencoded"}, "n%E9=a", receivers.ErrNotText, "it is not utf-8"},
		"a form in another charset": {header{"Content-Type", "application/x-www-form-urlencoded; charset=Shift_JIS"}, "n=a", receivers.ErrNotText, `"shift_jis"`},
		"JSON in such a form":       {header{"Content-Type", "application/x-www-form-urlencoded"}, "wrapped=%7B%22a%22:%22%ED%22%7D", receivers.ErrNotText, "it is not utf-8"},
		"a part of text":            {header{"Content-Type", "multipart/form-data; boundary=b"}, parts + part(`Content-Disposition: form-data; name="a"`, "\xff") + "--b--\r\n", receivers.ErrNotText, "it is not utf-8"},
		"the name of a file": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + part("Content-Disposition: form-data; name=\"a\"; filename=\"\xff\"", "x") + "--b--\r\n",
			receivers.ErrNotText, "it is not utf-8",
		},
		"parts that are not whole": {
			header{"Content-Type", "multipart/form-data; boundary=b"},
			parts + "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n\xff\xff",
			receivers.ErrNotText, "it is not utf-8",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := sent(tc.body, tc.headers...)
			result, err := verify(t, typed(), receivers.Secrets(costSecret), req)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.says)
			require.Zero(t, result.Answer)
			require.Zero(t, result.Event())

			h := receivers.Handler(typed(), receivers.Secrets(costSecret), refuses(t))
			answer := serve(h, incoming(req))
			require.Equal(t, receivers.Status(tc.want), answer.Code)
			require.Equal(t, errors.Is(tc.want, receivers.ErrEncoding), answer.Header().Get("Accept-Encoding") == receivers.AcceptEncoding)
			if !errors.Is(tc.want, receivers.ErrTooLarge) {
				require.Equal(t, http.StatusUnsupportedMediaType, answer.Code)
				require.Contains(t, answer.Body.String(), tc.says)
			}

			req.Header.Set("X-Signature", strings.Repeat("00", 32))
			answer = serve(h, incoming(req))
			require.Equal(t, http.StatusUnauthorized, answer.Code, "who did not sign it learns nothing")
			require.Equal(t, "refused\n", answer.Body.String())
			require.Empty(t, answer.Header().Get("Accept-Encoding"))
		})
	}
}

// What cannot be read as a form is text, and nothing is lost of it.
func TestFormsThatAreNone(t *testing.T) {
	t.Parallel()

	for _, body := range []string{
		parts, parts + "--b\r\nbroken", "--b\r\n\r\nx\r\n--b--\r\n", "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--\r\n", "hello",
	} {
		req := sent(body, "Content-Type", "multipart/form-data; boundary=b")
		result, err := verify(t, typed(), receivers.Secrets(costSecret), req)
		require.NoError(t, err)
		var text string
		require.NoError(t, json.Unmarshal(result.Event().Payload, &text), body)
		require.Equal(t, body, text)
	}
	many := strings.Repeat(part(`Content-Disposition: form-data; name="a"`, "1"), 1001) + "--b--\r\n"
	result, err := verify(t, typed(), receivers.Secrets(costSecret), sent(many, "Content-Type", "multipart/form-data; boundary=b"))
	require.NoError(t, err)
	require.Equal(t, byte('"'), result.Event().Payload[0])
	result, err = verify(t, typed(), receivers.Secrets(costSecret), sent("", "Content-Encoding", "gzip"))
	require.NoError(t, err)
	require.Equal(t, "null", string(result.Event().Payload))
}

// The bytes of Windows-1252 have a character each, and so none is lost.
func TestEveryByteHasACharacter(t *testing.T) {
	t.Parallel()

	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	result, err := verify(t, typed(), receivers.Secrets(costSecret), sent(string(all), "Content-Type", "text/plain; charset=windows-1252"))
	require.NoError(t, err)
	var text string
	require.NoError(t, json.Unmarshal(result.Event().Payload, &text))
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	require.Len(t, seen, 256)
	require.Contains(t, text, "€")
	require.Contains(t, text, "Ÿ")
}

// What is taken out of a body must not stand in a compressed copy of it.
func TestRedactedBodiesAreDecoded(t *testing.T) {
	t.Parallel()

	p := receivers.Named("hmac")
	p.Redact = []receivers.Source{"xml.hidden"}
	body := packed(t, "gzip", `<?xml version="1.0" encoding="iso-8859-1"?><r><a>`+"\xed"+`</a><hidden>a credential</hidden></r>`)
	result, err := verify(t, p, receivers.Secrets(costSecret), sent(body, "Content-Encoding", "gzip"))
	require.NoError(t, err)
	require.Equal(t, `<?xml version="1.0" encoding="iso-8859-1"?><r><a>í</a><hidden></hidden></r>`, string(result.Event().Body))
	require.JSONEq(t, `{"a":"í","hidden":""}`, string(result.Event().Payload))
}

func TestBombsTakeLittleMemory(t *testing.T) { //nolint:paralleltest // it counts all memory that is taken
	receiver, err := receivers.New(receivers.Named("hmac"), receivers.Secrets(costSecret))
	require.NoError(t, err)
	for _, coding := range []string{"gzip", "gzip, gzip"} {
		body := packed(t, "gzip", strings.Repeat("\x00", 8<<20))
		if coding != "gzip" {
			body = packed(t, "gzip", body)
		}
		req := sent(body, "Content-Encoding", coding)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = receiver.Verify(t.Context(), req)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, receivers.ErrTooLarge)
		require.True(t, after.TotalAlloc-before.TotalAlloc <= 8<<20, coding)
	}
}

func TestBoundOfWhatIsDecompressed(t *testing.T) {
	t.Parallel()

	r, err := receivers.New(receivers.Named("hmac"), receivers.Secrets(costSecret), receivers.WithMaxBody(100))
	require.NoError(t, err)
	ok := func(context.Context, receivers.Event) error { return nil }
	for length, want := range map[int]int{98: http.StatusOK, 99: http.StatusRequestEntityTooLarge} {
		req := sent(packed(t, "gzip", `"`+strings.Repeat("x", length)+`"`), "Content-Encoding", "gzip")
		require.Equal(t, want, serve(r.Handler(ok), incoming(req)).Code, length)
	}
}

// A challenge is read as a webhook is, and tells nobody what is wrong.
func TestChallengesAreDecoded(t *testing.T) {
	t.Parallel()

	p := receivers.Named("hmac")
	p.Challenges = []receivers.Challenge{{Method: http.MethodPost, If: "json.type", Is: "check", Signed: true, Reply: "{json.token}"}}
	for name, req := range map[string]receivers.Request{
		"compressed":  sent(packed(t, "gzip", `{"type":"check","token":"é"}`), "Content-Encoding", "gzip"),
		"in Latin-1":  sent("{\"type\":\"check\",\"token\":\"\xe9\"}", "Content-Type", "application/json; charset=latin1"),
		"with a mark": sent("\xef\xbb\xbf{\"type\":\"check\",\"token\":\"é\"}"),
	} {
		result, err := verify(t, p, receivers.Secrets(costSecret), req)
		require.NoError(t, err, name)
		require.True(t, result.Challenge, name)
		require.Equal(t, "é", result.Answer.Body, name)
	}
	spoilt := sent("{\"type\":\"check\",\"token\":\"\xe9\"}")
	_, err := verify(t, p, receivers.Secrets(costSecret), spoilt)
	require.ErrorIs(t, err, receivers.ErrNotText)
	p.Challenges[0] = receivers.Challenge{Method: http.MethodPost, If: "header.X-Check", Reply: "{json.token}"}
	spoilt.Header.Set("X-Check", "1")
	_, err = verify(t, p, receivers.Secrets(costSecret), spoilt)
	require.Equal(t, http.StatusUnauthorized, receivers.Status(err))
}

// A value that is signed counts however long it is.
func TestSignedValuesMayBeLong(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("x", 3<<10)
	p := receivers.Named("hmac")
	p.Auth[0].Signed = "{json.message}{query.q}{body}"
	body := `{"message":"` + long + `"}`
	req := post(body, "X-Signature", hex.EncodeToString(sum(sha256.New, costSecret, long+long+body)))
	req.URL += "?q=" + long
	_, err := verify(t, p, receivers.Secrets(costSecret), req)
	require.NoError(t, err)

	p.Auth[0].Signed = "{url}{form}"
	req = post("message="+long, "Content-Type", "application/x-www-form-urlencoded",
		"X-Signature", hex.EncodeToString(sum(sha256.New, costSecret, "https://hooks.example.com/in?q="+long+"message"+long)))
	req.URL += "?q=" + long
	_, err = verify(t, p, receivers.Secrets(costSecret), req)
	require.NoError(t, err)
}

// Two ids that differ in half a character only are two.
func TestIDsOfHalfCharacters(t *testing.T) {
	t.Parallel()

	p := typed()
	var ids []string
	for _, id := range []string{`\ud83d`, `\ud83e`, `�`, `\ud83d\ude00`} {
		result, err := verify(t, p, receivers.Secrets(costSecret), sent(`{"id":"`+id+`"}`))
		require.NoError(t, err)
		ids = append(ids, result.Event().ID)
	}
	require.Equal(t, []string{`\ud83d`, `\ud83e`, "�", "😀"}, ids)
}

// Gitea and Gogs sign the JSON that stands in the form, and not the form: what
// stands beside it is nobody's word.
func TestGiteaForm(t *testing.T) {
	t.Parallel()

	const document = `{"ref":"refs/heads/main","a":"+ é"}`
	form := func(body string, headers ...string) receivers.Request {
		return post(body, append(headers, "Content-Type", "application/x-www-form-urlencoded", "X-Gitea-Event", "push")...)
	}
	signature := hex.EncodeToString(sum(sha256.New, costSecret, document))
	encoded := "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22a%22%3A%22%2B+%C3%A9%22%7D"
	for _, req := range []receivers.Request{
		form(encoded, "X-Gitea-Signature", signature, "X-Gogs-Signature", signature),
		form(encoded+"&ref=forged&payloads=1", "X-Gitea-Signature", signature),
		form(encoded, "X-Gogs-Signature", signature),
		post(document, "X-Gitea-Signature", signature, "X-Gitea-Event", "push"),
	} {
		result, err := verify(t, receivers.Named("gitea"), receivers.Secrets(costSecret), req)
		require.NoError(t, err)
		event := result.Event()
		require.Equal(t, "push", event.Type)
		require.Equal(t, document, string(event.Payload))
		require.Equal(t, document, string(event.Body))
	}
	for name, body := range map[string]string{
		"another": "payload=%7B%7D", "two": encoded + "&" + encoded, "none": "x=" + document, "two that differ": "payload=%7B%7D&" + encoded,
	} {
		_, err := verify(t, receivers.Named("gitea"), receivers.Secrets(costSecret), form(body, "X-Gitea-Signature", signature))
		require.Equal(t, http.StatusUnauthorized, receivers.Status(err), name)
	}
	text := form("payload=a%2Bb&c=d", "X-Gitea-Signature", hex.EncodeToString(sum(sha256.New, costSecret, "a+b")))
	result, err := verify(t, receivers.Named("gitea"), receivers.Secrets(costSecret), text)
	require.NoError(t, err)
	require.Equal(t, `"a+b"`, string(result.Event().Payload), "and no other field")
}

// Twilio signs its URL with the port or without, by product.
func TestTwilioPorts(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		configured string
		signed     map[string]bool
	}{
		"a port":       {"https://h.example:8443", map[string]bool{"https://h.example:8443": true, "https://h.example": true, "https://h.example:443": false, "http://h.example": false}},
		"none":         {"https://h.example", map[string]bool{"https://h.example": true, "https://h.example:443": true, "https://h.example:80": false, "https://h.example:8443": false}},
		"the default":  {"https://h.example:443", map[string]bool{"https://h.example:443": true, "https://h.example": true}},
		"without TLS":  {"http://h.example", map[string]bool{"http://h.example": true, "http://h.example:80": true, "http://h.example:443": false}},
		"an address":   {"https://[2001:db8::1]:8443", map[string]bool{"https://[2001:db8::1]:8443": true, "https://[2001:db8::1]": true}},
		"one of v6":    {"https://[2001:db8::1]", map[string]bool{"https://[2001:db8::1]:443": true, "https://[2001:db8:": false}},
		"another host": {"https://h.example", map[string]bool{"https://other.example": false, "https://h.example.evil": false}},
	}
	for name, tc := range cases {
		for signed, want := range tc.signed {
			const rest = "/in:1?a=http://x:1/"
			req := post("Body=hi", "Content-Type", "application/x-www-form-urlencoded", "X-Twilio-Signature", base64.StdEncoding.EncodeToString(sum(sha1.New, costSecret, signed+rest+"Bodyhi")))
			req.URL = tc.configured + rest
			result, err := verify(t, receivers.Named("twilio"), receivers.Secrets(costSecret), req)
			require.Equal(t, want, err == nil, "%s: %s", name, signed)
			if want {
				require.Equal(t, tc.configured+rest, result.Event().URL)
			}
			hash := sha256.Sum256([]byte("{}"))
			query := "/in?bodySHA256=" + hex.EncodeToString(hash[:])
			hashed := post("{}", "X-Twilio-Signature", base64.StdEncoding.EncodeToString(sum(sha1.New, costSecret, signed+query)))
			hashed.URL = tc.configured + query
			_, err = verify(t, receivers.Named("twilio"), receivers.Secrets(costSecret), hashed)
			require.Equal(t, want, err == nil, "%s: %s", name, signed)
		}
	}
}

func TestProofHeaders(t *testing.T) {
	t.Parallel()

	require.Equal(t, []string{"X-Shopify-Hmac-Sha256"}, receivers.Named("shopify").ProofHeaders())
	require.Equal(t, []string{"X-Gitea-Signature", "X-Gogs-Signature"}, receivers.Named("gitea").ProofHeaders())
	require.Equal(t, []string{"Webhook-Signature", "X-Gitlab-Token"}, receivers.Named("gitlab").ProofHeaders())
	require.Equal(t, []string{"Stripe-Signature"}, receivers.Named("stripe").ProofHeaders())
	require.Empty(t, receivers.Named("wordpress").ProofHeaders())
}
