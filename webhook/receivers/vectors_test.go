package receivers_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// vector is one request and what is to become of it.
type vector struct {
	ID         string            `json:"id"`
	Kind       string            `json:"kind"` // challenge or "": verify
	Provider   string            `json:"provider"`
	Valid      bool              `json:"valid"`
	Secret     string            `json:"secret"`
	KeyID      string            `json:"key_id"`
	SchemeName string            `json:"scheme_name"` // which the secret is for
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Now        int64             `json:"now"`               // Unix seconds; 0: any time
	Tolerance  *int              `json:"tolerance_seconds"` // 0: the time is not looked at
	Scheme     *receivers.Scheme `json:"scheme"`            // of a provider that has no row
	Event      string            `json:"event"`
	Events     []string          `json:"events"`
	DeliveryID string            `json:"delivery_id"`
	Object     string            `json:"object"`
	Response   *expected         `json:"response"`
}

// expected is the answer; what is not named may be anything.
type expected struct {
	Status      int               `json:"status"`
	StatusIn    []int             `json:"status_in"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Body        *string           `json:"body"`
	Contains    string            `json:"contains"`
}

// vectorFile holds those of others, and ours.
type vectorFile struct {
	Certs   map[string]string `json:"certs"`
	Chain   []string          `json:"chain"`
	Vectors []vector          `json:"vectors"`
}

func loadVectors(t testing.TB, name string) vectorFile {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var file vectorFile
	require.NoError(t, json.Unmarshal(text, &file))
	require.NotEmpty(t, file.Vectors)
	return file
}

// Fetch serves the file's certificates.
func (f vectorFile) Fetch(_ context.Context, url string) ([]byte, error) {
	text, ok := f.Certs[url]
	if !ok {
		return nil, receivers.ErrCertificate // as of a server that answers 404
	}
	return []byte(text), nil
}

func (f vectorFile) roots(t testing.TB) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, text := range f.Chain {
		require.True(t, pool.AppendCertsFromPEM([]byte(text)))
	}
	return pool
}

func (f vectorFile) receiver(t testing.TB, v vector, opts ...receivers.Option) (*receivers.Receiver, error) {
	t.Helper()
	certs := receivers.NewCertificates(f, f.roots(t))
	opts = append(opts, receivers.WithCertificates(certs), receivers.WithPublicURL(baseOf(v.URL)))
	return receivers.New(v.row(), v.credentials(), opts...)
}

// credentials has one beside a secret that is for handshakes alone.
func (v vector) credentials() []receivers.Credential {
	all := []receivers.Credential{receivers.Keyed(v.KeyID, v.Secret).For(v.SchemeName)}
	if v.SchemeName != "" {
		all = append(all, receivers.Keyed("", "what proves webhooks"))
	}
	return all
}

func (v vector) row() receivers.Provider {
	p := receivers.Named(v.Provider)
	if v.Scheme != nil {
		p.Auth = []receivers.Scheme{*v.Scheme}
	}
	if v.Tolerance != nil && *v.Tolerance == 0 {
		p.Auth[0].Time = ""
	}
	return p
}

func (v vector) request() receivers.Request {
	r := receivers.Request{Method: v.Method, URL: v.URL, Header: http.Header{}, Body: []byte(v.Body)}
	for name, value := range v.Headers {
		r.Header.Set(name, value)
	}
	if v.Now != 0 {
		r.Now = time.Unix(v.Now, 0)
	}
	return r
}

// baseOf gives what stands before the path.
func baseOf(url string) string {
	at := strings.Index(url, "//") + len("//")
	return url[:at+strings.IndexByte(url[at:], '/')]
}

var vectorFiles = []string{"vectors.json", "ours.json", "handshakes.json"}

func TestVectors(t *testing.T) {
	t.Parallel()

	for _, name := range vectorFiles {
		file := loadVectors(t, name)
		for _, v := range file.Vectors {
			t.Run(v.ID, func(t *testing.T) {
				t.Parallel()
				receiver, err := file.receiver(t, v)
				if v.Secret == "" {
					require.ErrorIs(t, err, receivers.ErrBadCredential)
					return
				}
				require.NoError(t, err)
				result, err := receiver.Verify(t.Context(), v.request())
				if !v.Valid {
					require.Error(t, err)
					require.Zero(t, result.Answer)
					require.Zero(t, result.Event())
					v.checkStatus(t, receivers.Status(err))
					return
				}
				require.NoError(t, err)
				v.check(t, result)
			})
		}
	}
}

func (v vector) check(t *testing.T, result receivers.Result) {
	t.Helper()
	require.Equal(t, v.Kind == "challenge", result.Challenge)
	answer := httptest.NewRecorder()
	result.Answer.Write(answer)
	v.checkStatus(t, answer.Code)
	v.checkAnswer(t, answer)
	if result.Challenge {
		require.Zero(t, result.Event())
		return
	}
	v.checkEvent(t, result.Event())
}

func (v vector) checkStatus(t *testing.T, status int) {
	t.Helper()
	if v.Response != nil && v.Response.Status != 0 {
		require.Equal(t, v.Response.Status, status)
	}
	if v.Response != nil && len(v.Response.StatusIn) > 0 {
		require.Contains(t, v.Response.StatusIn, status)
	}
}

func (v vector) checkAnswer(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if v.Response == nil {
		require.Equal(t, http.StatusOK, answer.Code)
		require.Empty(t, answer.Body.String())
		return
	}
	require.True(t, strings.HasPrefix(answer.Header().Get("Content-Type"), v.Response.ContentType))
	for name, value := range v.Response.Headers {
		require.Equal(t, []string{value}, answer.Header()[name])
	}
	if v.Response.Body != nil {
		require.Equal(t, *v.Response.Body, answer.Body.String())
	}
	require.Contains(t, answer.Body.String(), v.Response.Contains)
}

func (v vector) checkEvent(t *testing.T, event receivers.Event) {
	t.Helper()
	require.True(t, json.Valid(event.Payload), string(event.Payload))
	if v.Event != "" {
		require.Equal(t, v.Event, event.Type)
		require.Equal(t, v.Event, event.Types[0])
	}
	if v.Events != nil {
		require.Equal(t, v.Events, event.Types)
	}
	if v.DeliveryID != "" {
		require.Equal(t, v.DeliveryID, event.ID)
	}
	require.Equal(t, v.Object, event.Object)
}

// A row without a vector that has to verify and one that must not is a guess.
func TestEveryProviderHasVectors(t *testing.T) {
	t.Parallel()

	good, bad := map[string]bool{}, map[string]bool{}
	for _, name := range vectorFiles {
		for _, v := range loadVectors(t, name).Vectors {
			if v.Kind == "" && v.Valid {
				good[v.Provider] = true
			}
			if v.Kind == "" && !v.Valid {
				bad[v.Provider] = true
			}
		}
	}
	require.NotContains(t, receivers.Names(), "generic") // the vectors of rows that users write
	for _, name := range receivers.Names() {
		require.True(t, good[name], "%s has no vector that verifies", name)
		require.True(t, bad[name], "%s has no vector that does not", name)
	}
}
