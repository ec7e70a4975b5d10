package receivers_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"math/big"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook/internal/require"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// authority issues certificates that the pool trusts, through one between.
type authority struct {
	pool    *x509.CertPool
	between *x509.Certificate
	key     *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{pool: x509.NewCertPool(), key: key}
	root := a.issue(t, nil, key.Public())
	a.pool.AddCert(root)
	a.between = root
	a.between = a.issue(t, nil, key.Public())
	return a
}

// issue makes one for the names, or an authority for none.
func (a *authority) issue(t *testing.T, names []string, public crypto.PublicKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: serial, DNSNames: names, NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
		IsCA: len(names) == 0, BasicConstraintsValid: true, SubjectKeyId: serial.Bytes(),
	}
	template.Subject.CommonName = serial.String()
	parent := a.between
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	require.NoError(t, err)
	issued, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return issued
}

// serving fetches the certificate with the one between behind it.
func (a *authority) serving(certificate *x509.Certificate) *fetcherFunc {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.between.Raw})...)
	return &fetcherFunc{fetch: func(context.Context, string) ([]byte, error) { return text, nil }}
}

// fromPayPal is a webhook that the key has signed.
func fromPayPal(t *testing.T, key *rsa.PrivateKey) receivers.Request {
	t.Helper()
	body := `{"id":"WH-1"}`
	digest := sha256.Sum256(fmt.Appendf(nil, "t1|2026-11-22T12:00:00Z|%s|%d", costSecret, crc32.ChecksumIEEE([]byte(body))))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return post(body, "Paypal-Transmission-Id", "t1", "Paypal-Transmission-Time", "2026-11-22T12:00:00Z",
		"Paypal-Auth-Algo", "SHA256withRSA", "Paypal-Cert-Url", "https://api.paypal.com/c",
		"Paypal-Transmission-Sig", base64.StdEncoding.EncodeToString(signature))
}

func TestCertificatesAreInTheProvidersName(t *testing.T) {
	t.Parallel()

	a := newAuthority(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	req := fromPayPal(t, key)
	accept := func(certificate *x509.Certificate, at time.Time) error {
		receiver, err := receivers.New(receivers.Named("paypal-live"), receivers.Secrets(costSecret),
			receivers.WithCertificates(receivers.NewCertificates(a.serving(certificate), a.pool)))
		require.NoError(t, err)
		req := req
		req.Now = at
		_, err = receiver.Verify(t.Context(), req)
		return err
	}
	good := a.issue(t, []string{"messageverificationcerts.paypal.com"}, key.Public())
	require.NoError(t, accept(good, noon))
	require.ErrorIs(t, accept(good, noon.Add(2*time.Hour)), receivers.ErrCertificate, "too late")
	require.ErrorIs(t, accept(good, noon.Add(-2*time.Hour)), receivers.ErrCertificate, "too early")
	for _, name := range []string{"evilpaypal.com", "paypal.com", "a.paypal.com.evil.example", "a.paypal.co"} {
		require.ErrorIs(t, accept(a.issue(t, []string{name}, key.Public()), noon), receivers.ErrCertificate, name)
	}
	require.ErrorIs(t, accept(a.issue(t, []string{"a.paypal.com"}, a.key.Public()), noon), receivers.ErrCertificate, "not RSA")
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	require.ErrorIs(t, accept(a.issue(t, []string{"a.paypal.com"}, other.Public()), noon), receivers.ErrNoMatch)
}
