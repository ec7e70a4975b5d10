package models

import (
	"crypto/tls"
	"crypto/x509"
)

// MaxPEM is the largest certificate, key or bundle of a TLS, in bytes.
const MaxPEM = 64 * 1024

// TLS holds the authorities and the client certificate of connections to a receiver. The zero value trusts the system's
// authorities alone and shows no certificate. It holds a private key: store it sealed; its JSON form has it, its String
// does not. TLS is comparable.
type TLS struct {
	ClientCert string `json:"client_cert,omitempty"` // PEM; our certificate and its chain, shown when the receiver asks (mTLS)
	ClientKey  string `json:"client_key,omitempty"`  // PEM; its key, not encrypted
	CA         string `json:"ca,omitempty"`          // PEM; authorities trusted besides the system's
}

// Enabled reports whether t holds anything.
func (t TLS) Enabled() bool { return t != TLS{} }

// String tells which fields are set, without their values.
func (t TLS) String() string {
	words := "tls("
	if t.ClientCert != "" || t.ClientKey != "" {
		words += "client certificate"
	}
	if t.CA != "" {
		words += " ca"
	}
	return words + ")"
}

// GoString is String, for %#v.
func (t TLS) GoString() string { return t.String() }

// Validate returns a CodeInvalid *Error that names the first field which breaks a rule, such as tls.client_key. It does
// not look at dates: a certificate that has expired is the receiver's to refuse.
func (t TLS) Validate() error {
	if err := firstError(
		validateText("tls.client_cert", t.ClientCert, MaxPEM),
		validateText("tls.client_key", t.ClientKey, MaxPEM),
		validateText("tls.ca", t.CA, MaxPEM),
		t.validatePair(),
	); err != nil {
		return err
	}
	if t.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(t.CA)) {
		return Invalid("tls.ca", "holds no PEM certificate")
	}
	return nil
}

func (t TLS) validatePair() error {
	switch {
	case t.ClientCert == "" && t.ClientKey == "":
		return nil
	case t.ClientCert == "":
		return Invalid("tls.client_cert", "is required with tls.client_key")
	case t.ClientKey == "":
		return Invalid("tls.client_key", "is required with tls.client_cert")
	}
	if _, err := tls.X509KeyPair([]byte(t.ClientCert), []byte(t.ClientKey)); err != nil {
		return Invalid("tls.client_key", "is not the key of tls.client_cert, or one of them is not PEM; an encrypted key cannot be used")
	}
	return nil
}
