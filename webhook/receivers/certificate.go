package receivers

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// How much of a stranger's wish to have certificates fetched is granted.
const (
	maxCertificates     = 16       // kept
	maxFetches          = 4        // at a time
	maxCertificateBytes = 64 << 10 // of one answer
	fetchTimeout        = 5 * time.Second
)

// Fetcher gets the certificate at a URL, which is https and on one of the
// hosts that the provider's row names. It must not follow redirects, must
// bound what it reads, and must heed the context, which has a deadline.
type Fetcher interface {
	Fetch(ctx context.Context, url string) ([]byte, error)
}

// NewFetcher fetches with the client, or with one of its own if that is nil,
// but follows no redirects whatever the client does. It takes status 200 only,
// and at most 64 KiB.
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
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.ReadAll(http.MaxBytesReader(nil, resp.Body, maxCertificateBytes))
}

// Certificates fetches the certificates that requests name and keeps at most
// 16 that were right, so that a stranger can neither fill memory nor drive out
// what is needed. Any number of receivers and goroutines may share one. Make
// it with [NewCertificates].
type Certificates struct {
	fetcher Fetcher
	roots   *x509.CertPool
	slots   chan struct{}

	mu   sync.Mutex
	kept map[string][]*x509.Certificate // by URL
}

// NewCertificates makes an empty store. What is fetched has to lead to one of
// the roots, at the time of the request; nil means the system's.
func NewCertificates(f Fetcher, roots *x509.CertPool) *Certificates {
	return &Certificates{
		fetcher: f, roots: roots,
		slots: make(chan struct{}, maxFetches), kept: map[string][]*x509.Certificate{},
	}
}

var sharedCertificates = sync.OnceValue(func() *Certificates { return NewCertificates(NewFetcher(nil), nil) })

// certificateRule is what a row says of its certificates.
type certificateRule struct {
	hosts []string
	name  string
}

// publicKey gives the key of the certificate at the URL, in PKCS #1.
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
	public, ok := chain[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: its key is not RSA", ErrCertificate)
	}
	c.keep(at, chain)
	return x509.MarshalPKCS1PublicKey(public), nil
}

// allows compares the host as it stands: no port, no user, no other spelling.
func (r certificateRule) allows(at string) bool {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return slices.Contains(r.hosts, u.Host)
}

// chain gives what is kept, or fetches.
func (c *Certificates) chain(ctx context.Context, at string) ([]*x509.Certificate, error) {
	if chain := c.lookup(at); chain != nil {
		return chain, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many are being fetched", ErrUnavailable)
	}
	if chain := c.lookup(at); chain != nil { // while we waited
		return chain, nil
	}
	text, err := c.fetcher.Fetch(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return parseChain(text)
}

func (c *Certificates) lookup(at string) []*x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[at]
}

// keep is for what was found to be right only.
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

// check is done anew for each request, because certificates expire.
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
