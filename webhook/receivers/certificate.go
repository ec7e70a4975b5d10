package receivers

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// These constants bound the fetches that strangers can cause.
const (
	maxCertificates     = 16       // kept
	maxVisits           = 1024     // remembered
	maxFetches          = 4        // at a time
	maxCertificateBytes = 64 << 10 // of one answer
	fetchTimeout        = 5 * time.Second
)

// Fetcher fetches a certificate, or visits a URL. The URL is https and on one
// of the hosts that the provider's row names. Fetch must not follow redirects,
// must bound the bytes that it reads, and must respect the context, which has
// a deadline. An error that wraps [ErrCertificate] means that there is nothing
// at the URL, and that trying again would be of no use.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// NewFetcher makes a fetcher that uses the client, or a client of its own if
// that is nil. It never follows redirects, whatever the client does, and
// accepts status 200 only, and at most 64 KiB.
func NewFetcher(client *http.Client) Fetcher {
	f := fetcher{}
	if client != nil {
		f.client = *client
	}
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &f
}

type fetcher struct{ client http.Client }

func (f *fetcher) Fetch(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch status := resp.StatusCode; {
	case status == http.StatusOK:
	case final(status):
		return nil, fmt.Errorf("%w: status %d", ErrCertificate, status)
	default:
		return nil, fmt.Errorf("status %d", status)
	}
	return io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxCertificateBytes))
}

// final reports whether the status says for good that there is nothing at the
// URL. A forged URL gets such an answer, and its request must not be retried.
func final(status int) bool {
	return status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooEarly &&
		status != http.StatusTooManyRequests
}

// Certificates fetches the certificates that requests name and caches at most
// 16 valid ones, so that a stranger can neither fill memory nor evict the
// certificates in use. Any number of receivers and goroutines may share it.
// Make it with [NewCertificates].
type Certificates struct {
	fetcher Fetcher
	roots   *x509.CertPool
	slots   chan struct{}

	mu      sync.Mutex
	kept    map[string][]*x509.Certificate // by URL
	visited map[[sha256.Size]byte]bool     // by the hash of the URL
}

// NewCertificates makes an empty cache. A fetched certificate has to lead to
// one of the roots, at the time of the request; nil means the system's roots.
func NewCertificates(f Fetcher, roots *x509.CertPool) *Certificates {
	return &Certificates{
		fetcher: f, roots: roots,
		slots: make(chan struct{}, maxFetches), kept: map[string][]*x509.Certificate{}, visited: map[[sha256.Size]byte]bool{},
	}
}

var sharedCertificates = sync.OnceValue(func() *Certificates { return NewCertificates(NewFetcher(nil), nil) })

// certificateRule is the part of a row that restricts its certificates.
type certificateRule struct {
	hosts []string
	path  string
	name  string
}

// publicKey returns the key of the certificate at the URL, in DER (PKIX).
func (c *Certificates) publicKey(ctx context.Context, rule certificateRule, at string, now time.Time) ([]byte, error) {
	if !rule.allows(at) {
		return nil, fmt.Errorf("%w: its URL is not one of the provider's", ErrCertificate)
	}
	chain, err := c.chain(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := c.check(chain, rule.name, now); err != nil {
		return nil, err
	}
	if _, ok := chain[0].PublicKey.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("%w: its key is not RSA", ErrCertificate)
	}
	c.keep(at, chain)
	return chain[0].RawSubjectPublicKeyInfo, nil
}

// allows reports whether the rule permits the URL of a certificate. The URL
// must have no query.
func (r certificateRule) allows(at string) bool {
	u, ok := r.onHost(at)
	return ok && u.RawQuery == "" && strings.HasSuffix(u.Path, r.path)
}

// onHost parses the URL and reports whether its host is one of the rule's, in
// exactly that spelling: no port, no user.
func (r certificateRule) onHost(at string) (*url.URL, bool) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" {
		return nil, false
	}
	return u, slices.ContainsFunc(r.hosts, func(host string) bool { return isHost(u.Host, host) })
}

// region matches the name of a region of Amazon: us-east-1, us-gov-west-1. The
// hosts of its other services, such as s3-us-west-2, have another form.
var region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,2}-[0-9]{1,2}$`)

// isHost compares the host with a pattern that may have {region} in it.
func isHost(host, pattern string) bool {
	before, after, ok := strings.Cut(pattern, "{region}")
	if !ok {
		return host == pattern
	}
	named, right := strings.CutPrefix(host, before)
	named, ends := strings.CutSuffix(named, after)
	return right && ends && region.MatchString(named)
}

// chain returns the certificates at the URL, from the cache or by fetching.
func (c *Certificates) chain(ctx context.Context, at string) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	have := func() bool {
		found = c.lookup(at)
		return found != nil
	}
	if have() {
		return found, nil
	}
	text, err := c.fetch(ctx, at, have)
	if err != nil || found != nil {
		return found, err
	}
	return parseChain(text)
}

// fetch fetches the URL once one of the slots is free. It returns nothing if
// have reports by then that another request has fetched it.
func (c *Certificates) fetch(ctx context.Context, at string, have func() bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many are being fetched", ErrUnavailable)
	}
	if have() {
		return nil, nil
	}
	text, err := c.fetcher.Fetch(ctx, at)
	switch {
	case errors.Is(err, ErrCertificate):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return text, nil
}

// visit fetches a URL once and ignores its content: the provider wants to see
// the request.
func (c *Certificates) visit(ctx context.Context, rule certificateRule, at string) error {
	if _, ok := rule.onHost(at); !ok {
		return fmt.Errorf("%w: the URL to visit is not one of the provider's", ErrMalformed)
	}
	was := func() bool { return c.wasVisited(at) }
	if was() {
		return nil
	}
	if _, err := c.fetch(ctx, at, was); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.visited) >= maxVisits {
		clear(c.visited) // visiting again does no harm
	}
	c.visited[sha256.Sum256([]byte(at))] = true
	return nil
}

func (c *Certificates) wasVisited(at string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visited[sha256.Sum256([]byte(at))]
}

func (c *Certificates) lookup(at string) []*x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[at]
}

// keep caches a chain, which must have been verified.
func (c *Certificates) keep(at string, chain []*x509.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[at] == nil && len(c.kept) >= maxCertificates {
		for other := range c.kept { // any: there are more than the provider uses
			delete(c.kept, other)
			break
		}
	}
	c.kept[at] = chain
}

func parseChain(text []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: it cannot be read", ErrCertificate)
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%w: there is none at its URL", ErrCertificate)
	}
	return chain, nil
}

// check verifies a chain. It runs for each request, because certificates
// expire.
func (c *Certificates) check(chain []*x509.Certificate, name string, now time.Time) error {
	if !slices.ContainsFunc(chain[0].DNSNames, func(n string) bool { return strings.HasSuffix(n, name) }) {
		return fmt.Errorf("%w: it is in another's name", ErrCertificate)
	}
	others := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		others.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return nil
}
