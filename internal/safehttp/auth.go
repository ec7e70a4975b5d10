package safehttp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/posthaste/posthaste/models"
)

const (
	maxTokens      = 1024             // grants remembered at a time
	maxTokenLength = 16 * 1024        // bytes of an access token
	maxTokenAge    = time.Hour        // of a token without an expires_in
	tokenReserve   = 10 * time.Second // a token that is this close to its end is not used any more
)

// noToken begins each sentence about a token endpoint.
const noToken = "no access token from the token endpoint: "

// tokenError is a failure of the subscriber's token endpoint, in words without a secret.
type tokenError struct {
	class models.ErrorClass
	words string
}

func (e *tokenError) Error() string { return e.words }

// authorized returns the request's headers with what Auth adds.
func (c *Client) authorized(ctx context.Context, transport http.RoundTripper, r Request) (http.Header, error) {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	switch r.Auth.Type {
	case models.AuthBasic:
		pair := r.Auth.Username + ":" + r.Auth.Password
		models.SetHeader(header, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case models.AuthBearer:
		models.SetHeader(header, "Authorization", "Bearer "+r.Auth.Token)
	case models.AuthOAuth2:
		token, err := c.accessToken(ctx, transport, r)
		if err != nil {
			return nil, err
		}
		models.SetHeader(header, "Authorization", "Bearer "+token)
	case "", models.AuthNone:
	default:
		return nil, &ourError{fmt.Errorf("the stored auth type %q is unknown", r.Auth.Type)}
	}
	return header, nil
}

// tokens remembers access tokens until they expire. It is safe for concurrent use.
type tokens struct {
	grants *lru.Cache[fingerprint, *grant]
}

func newTokens() *tokens {
	grants, _ := lru.New[fingerprint, *grant](maxTokens) // fails on a size below 1 only
	return &tokens{grants: grants}
}

// grant is the token of one set of credentials.
type grant struct {
	turn    chan struct{}             // a lock on the other fields that can be waited for with a context
	config  *clientcredentials.Config // remembers in which form the endpoint wants the credentials
	token   string
	expires time.Time
}

func (t *tokens) of(r Request) *grant {
	key := grantKey(r)
	if known, ok := t.grants.Get(key); ok {
		return known
	}
	fresh := &grant{turn: make(chan struct{}, 1), config: &clientcredentials.Config{
		ClientID: r.Auth.ClientID, ClientSecret: r.Auth.ClientSecret,
		TokenURL: r.Auth.TokenURL, Scopes: slices.Clone(r.Auth.Scopes),
	}}
	if earlier, ok, _ := t.grants.PeekOrAdd(key, fresh); ok {
		return earlier // somebody was faster
	}
	return fresh
}

// forget makes the next attempt fetch a new token: the receiver does not take this one.
func (t *tokens) forget(r Request) {
	if r.Auth.Type == models.AuthOAuth2 {
		t.grants.Remove(grantKey(r))
	}
}

func grantKey(r Request) fingerprint {
	parts := []string{
		r.Auth.TokenURL, r.Auth.ClientID, r.Auth.ClientSecret, r.TLS.ClientCert, r.TLS.ClientKey, r.TLS.CA,
	}
	return fingerprintOf(append(parts, r.Auth.Scopes...)...)
}

// accessToken returns a token that is good for a while. One caller at a time asks the endpoint; the others wait for it
// within their own timeouts.
func (c *Client) accessToken(ctx context.Context, transport http.RoundTripper, r Request) (string, error) {
	g := c.tokens.of(r)
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return "", &tokenError{models.ErrorAuth, fmt.Sprintf(noToken+"no answer within %s (waiting for a token that is being fetched)", r.Timeout)}
	}
	if g.token != "" && time.Until(g.expires) > tokenReserve {
		return g.token, nil
	}
	token, err := c.fetch(ctx, transport, g.config, r)
	if err != nil {
		return "", err
	}
	g.token, g.expires = token.AccessToken, token.Expiry
	if g.expires.IsZero() {
		g.expires = time.Now().Add(maxTokenAge)
	}
	return g.token, nil
}

// fetch asks the token endpoint, through the same transport and so past the same guard as the delivery.
func (c *Client) fetch(ctx context.Context, transport http.RoundTripper, config *clientcredentials.Config, r Request) (*oauth2.Token, error) {
	watch := newStopwatch()
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	traced := httptrace.WithClientTrace(context.WithValue(ctx, oauth2.HTTPClient, client), watch.trace())
	token, err := config.Token(traced)
	if err != nil {
		return nil, c.tokenFailure(ctx, err, watch, r)
	}
	if words := unusable(token); words != "" {
		return nil, &tokenError{models.ErrorAuth, noToken + words}
	}
	return token, nil
}

// unusable gives the reason why a token cannot be used. RFC 6749 §7.1 forbids the use of a token of an unknown type.
func unusable(token *oauth2.Token) string {
	switch {
	case !strings.EqualFold(token.Type(), "Bearer"):
		return "its tokens are of a type other than bearer"
	case len(token.AccessToken) > maxTokenLength || !httpguts.ValidHeaderFieldValue(token.AccessToken):
		return "what it gave does not fit in a header"
	default:
		return ""
	}
}

// tokenFailure words the library's error anew: the library's own text may hold the endpoint's answer, and that may hold our
// secret.
func (c *Client) tokenFailure(ctx context.Context, err error, watch *stopwatch, r Request) error {
	if isOurs(err) {
		return err
	}
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answer.Response != nil {
		words := noToken + answeredWith(answer.Response.StatusCode)
		if slices.Contains(tokenFaults, answer.ErrorCode) {
			words += " (" + answer.ErrorCode + ")"
		}
		return &tokenError{models.ErrorAuth, words}
	}
	class, words := c.classify(ctx, err, watch.stage(), r)
	if _, transport := errors.AsType[*url.Error](err); !transport && ctx.Err() == nil {
		words = "its answer is not one of RFC 6749 §5.1"
	}
	if class != models.ErrorBlocked {
		class = models.ErrorAuth
	}
	return &tokenError{class, noToken + words}
}

// tokenFaults are the error codes of RFC 6749 §5.2; any other text of the endpoint is not repeated.
var tokenFaults = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
}
