package models_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestAuthValidation(t *testing.T) {
	t.Parallel()
	oauth2 := func(change func(*models.Auth)) models.Auth {
		a := models.Auth{
			Type: models.AuthOAuth2, TokenURL: "https://login.example/token", ClientID: "id", ClientSecret: "hush",
			Scopes: []string{"hooks:write", "a.b/c"},
		}
		change(&a)
		return a
	}
	for name, a := range map[string]models.Auth{
		"nothing":             {},
		"none":                {Type: models.AuthNone},
		"basic":               {Type: models.AuthBasic, Username: "u", Password: "pass:word é"},
		"basic, name alone":   {Type: models.AuthBasic, Username: "u"},
		"basic, no name":      {Type: models.AuthBasic, Password: "p"},
		"bearer":              {Type: models.AuthBearer, Token: "abc.def-~+/=="},
		"OAuth2":              oauth2(func(*models.Auth) {}),
		"OAuth2, no scopes":   oauth2(func(a *models.Auth) { a.Scopes = nil }),
		"OAuth2, plain http":  oauth2(func(a *models.Auth) { a.TokenURL = "http://127.0.0.1:8080/token" }),
		"OAuth2, long secret": oauth2(func(a *models.Auth) { a.ClientSecret = strings.Repeat("x", models.MaxCredential) }),
	} {
		require.NoError(t, a.Validate(), name)
	}
	for name, tt := range map[string]struct {
		auth  models.Auth
		field string
	}{
		"an unknown type":              {models.Auth{Type: "digest"}, "auth.type"},
		"a token without type":         {models.Auth{Token: "hush"}, "auth.token"},
		"a token with basic":           {models.Auth{Type: models.AuthBasic, Username: "u", Token: "hush"}, "auth.token"},
		"a password with bearer":       {models.Auth{Type: models.AuthBearer, Token: "t", Password: "hush"}, "auth.password"},
		"a token URL with bearer":      {models.Auth{Type: models.AuthBearer, Token: "t", TokenURL: "https://a"}, "auth.token_url"},
		"scopes with none":             {models.Auth{Type: models.AuthNone, Scopes: []string{"a"}}, "auth.scopes"},
		"basic without anything":       {models.Auth{Type: models.AuthBasic}, "auth.username"},
		"a colon in the user name":     {models.Auth{Type: models.AuthBasic, Username: "a:b"}, "auth.username"},
		"a line break in the password": {models.Auth{Type: models.AuthBasic, Username: "u", Password: "hush\r\nX: y"}, "auth.password"},
		"bearer without token":         {models.Auth{Type: models.AuthBearer}, "auth.token"},
		"a space in the token":         {models.Auth{Type: models.AuthBearer, Token: "hush hush"}, "auth.token"},
		"a line break in the token":    {models.Auth{Type: models.AuthBearer, Token: "hush\n"}, "auth.token"},
		"a long token":                 {models.Auth{Type: models.AuthBearer, Token: strings.Repeat("x", 4097)}, "auth.token"},
		"no token URL":                 {oauth2(func(a *models.Auth) { a.TokenURL = "" }), "auth.token_url"},
		"a token URL with password":    {oauth2(func(a *models.Auth) { a.TokenURL = "https://u:hush@a" }), "auth.token_url"},
		"no client id":                 {oauth2(func(a *models.Auth) { a.ClientID = "" }), "auth.client_id"},
		"no client secret":             {oauth2(func(a *models.Auth) { a.ClientSecret = "" }), "auth.client_secret"},
		"a zero in the client secret":  {oauth2(func(a *models.Auth) { a.ClientSecret = "hush\x00" }), "auth.client_secret"},
		"bytes that are not UTF-8":     {oauth2(func(a *models.Auth) { a.ClientSecret = "hush\xff" }), "auth.client_secret"},
		"an empty scope":               {oauth2(func(a *models.Auth) { a.Scopes = []string{"a", ""} }), "auth.scopes[1]"},
		"two scopes in one":            {oauth2(func(a *models.Auth) { a.Scopes = []string{"a b"} }), "auth.scopes[0]"},
		"too many scopes":              {oauth2(func(a *models.Auth) { a.Scopes = make([]string, 51) }), "auth.scopes"},
	} {
		err := tt.auth.Validate()
		requireInvalid(t, err, tt.field)
		require.NotContains(t, err.Error(), "hush", name)
	}
}

func TestAuthShowsNoSecret(t *testing.T) {
	t.Parallel()
	a := models.Auth{Type: models.AuthOAuth2, ClientID: "id", ClientSecret: "hush", TokenURL: "https://a"}
	m := models.TLS{ClientCert: "hush", ClientKey: "hush", CA: "hush"}
	r := struct {
		Auth models.Auth
		TLS  models.TLS
	}{a, m}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(format, a)+fmt.Sprintf(format, &m)+fmt.Sprintf(format, r), "hush", format)
	}
	require.Equal(t, "auth(oauth2)", a.String())
	require.Equal(t, "auth(none)", models.Auth{}.String())
	require.Equal(t, "tls(client certificate ca)", m.String())
	sealed, err := json.Marshal(a)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"oauth2","client_id":"id","client_secret":"hush","token_url":"https://a"}`, string(sealed))
	require.True(t, a.Enabled())
	require.False(t, models.Auth{Type: models.AuthNone}.Enabled())
	require.False(t, models.TLS{}.Enabled())
}

func TestTLSValidation(t *testing.T) {
	t.Parallel()
	cert, key := pair(t)
	_, otherKey := pair(t)
	for _, m := range []models.TLS{
		{}, {CA: cert}, {CA: cert + cert}, {ClientCert: cert, ClientKey: key}, {ClientCert: cert, ClientKey: key, CA: cert},
	} {
		require.NoError(t, m.Validate())
	}
	for name, tt := range map[string]struct {
		tls   models.TLS
		field string
	}{
		"a certificate alone":     {models.TLS{ClientCert: cert}, "tls.client_key"},
		"a key alone":             {models.TLS{ClientKey: key}, "tls.client_cert"},
		"the wrong key":           {models.TLS{ClientCert: cert, ClientKey: otherKey}, "tls.client_key"},
		"not PEM":                 {models.TLS{ClientCert: "x", ClientKey: "y"}, "tls.client_key"},
		"a CA that is not PEM":    {models.TLS{CA: "x"}, "tls.ca"},
		"a key as CA":             {models.TLS{CA: key}, "tls.ca"},
		"a CA of too many bytes":  {models.TLS{CA: strings.Repeat("x", models.MaxPEM+1)}, "tls.ca"},
		"a certificate with zero": {models.TLS{ClientCert: cert + "\x00", ClientKey: key}, "tls.client_cert"},
	} {
		err := tt.tls.Validate()
		requireInvalid(t, err, tt.field)
		require.NotContains(t, err.Error(), "BEGIN", name)
	}
}

// pair makes a certificate that signs itself, and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	sealed, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: sealed}))
}
