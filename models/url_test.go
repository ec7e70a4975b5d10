package models_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestNormalURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://example.com":                           "https://example.com",
		"https://example.com?x=1":                       "https://example.com?x=1",
		"https://example.com/a%2Fb+c?x=%2F+%20y&z=%ZZ":  "https://example.com/a%2Fb+c?x=%2F+%20y&z=%ZZ",
		"https://example.com//a//../b;c=1/?":            "https://example.com//a//../b;c=1/?",
		"https://example.com/!$&'()*+,;=:@-._~?a[]=1&/": "https://example.com/!$&'()*+,;=:@-._~?a[]=1&/",

		" https://example.com/h ":                           "https://example.com/h",
		"\t\r\n\u00a0\u2003\ufeffhttps://a/h\u3000\u200b\n": "https://a/h",
		"http://a/h?x=a b":                                  "http://a/h?x=a%20b",
		"http://a/a b/c d":                                  "http://a/a%20b/c%20d",
		"http://a/a\u00a0b":                                 "http://a/a%C2%A0b",
		"http://a/größe?q=größe":                            "http://a/gr%C3%B6%C3%9Fe?q=gr%C3%B6%C3%9Fe",
		"http://a/\"<>\\^`{|}?\"<>\\^`{|}":                  "http://a/%22%3C%3E%5C%5E%60%7B%7C%7D?%22%3C%3E%5C%5E%60%7B%7C%7D",
		"http://a/#":                                        "http://a/",

		"HTTPS://EXAMPLE.Com/A":          "https://example.com/A",
		"http://BÜCHER.localhost:8080/h": "http://xn--bcher-kva.localhost:8080/h",
		"http://bu\u0308cher.example":    "http://xn--bcher-kva.example",
		"http://b%C3%BCcher.example":     "http://xn--bcher-kva.example",
		"http://XN--BCHER-KVA.example":   "http://xn--bcher-kva.example",
		"http://straße.example":          "http://xn--strae-oqa.example",
		"http://例え。テスト/":                 "http://xn--r8jz45g.xn--zckzah/",
		"http://ＥＸＡＭＰＬＥ.com":             "http://example.com",
		"http://１２７.0.0.1/":              "http://127.0.0.1/",
		"http://my_host.example":         "http://my_host.example",
		"http://example.com./h":          "http://example.com/h",
		"http://example.com:/h":          "http://example.com/h",
		"http://example.com:80/h":        "http://example.com/h",
		"https://example.com:443":        "https://example.com",
		"https://example.com:80/h":       "https://example.com:80/h",
		"http://example.com:0443/h":      "http://example.com:443/h",
		"http://[2001:DB8:0:0::1]:80/h":  "http://[2001:db8::1]/h",
		"https://[::1]:8443":             "https://[::1]:8443",
		"http://[fe80::1%25eth0]:8080/":  "http://[fe80::1%25eth0]:8080/",
		"http://[::FFFF:10.0.0.1]/":      "http://[::ffff:10.0.0.1]/",
		"http://2130706433/":             "http://2130706433/", // refused where addresses are judged
	} {
		got, err := models.NormalURL("url", raw)
		require.NoError(t, err, "%q", raw)
		require.Equal(t, want, got, "%q", raw)
	}
}

func TestNormalURLRefuses(t *testing.T) {
	t.Parallel()
	for raw, why := range map[string]string{
		"":                                      "is required",
		" \u00a0\n":                             "is required",
		"/hook":                                 "must start with",
		"ftp://a/":                              "must start with",
		"http:/a":                               "must start with",
		"javascript:alert(1)//://":              "must start with",
		"https:///hook":                         "has no host",
		"http://:80/":                           "has no host",
		"http://u:hush@a/":                      "user name or password",
		"http://@a/":                            "user name or password",
		"http://a:0/":                           "port",
		"http://a:65536/":                       "port",
		"http://a:x/":                           "is not a URL",
		"http://a/#top":                         "fragment",
		"http://a/%zz":                          "is not a URL",
		"http://a b/":                           "is not a URL",
		"http://[::1":                           "is not a URL",
		"http://a/\x01":                         "control",
		"http://a/x\r\ny":                       "control",
		"http://a/\u0085y":                      "control",
		"http://a/\xff":                         "not allowed",
		"http://a/\x00":                         "not allowed",
		"http://a\\@b/":                         "is not a URL",
		"http://a..b/":                          "neither a name nor an IP address",
		"http://[fe80::1%25a%20b]/":             "neither a name nor an IP address",
		"http://./":                             "neither a name nor an IP address",
		"http://a!b/":                           "neither a name nor an IP address",
		"http://\u00ad/":                        "neither a name nor an IP address",
		"http://℀.example/":                     "does not exist in DNS",
		"http://bü_cher.example/":               "does not exist in DNS",
		"http://" + strings.Repeat("a", 254):    "neither a name nor an IP address",
		"http://a/" + strings.Repeat("x", 2048): "at most 2048",
		"http://a/" + strings.Repeat(" x", 700): "percent-encoded",
	} {
		_, err := models.NormalURL("url", raw)
		require.Equal(t, models.CodeInvalid, models.ErrorCode(err), "%q", raw)
		require.ErrorContains(t, err, why, "%q", raw)
		require.NotContains(t, err.Error(), "hush")
	}
}

func FuzzNormalURL(f *testing.F) {
	for _, raw := range []string{
		"https://example.com/hook?a=b", "http://[::1%25lo]:80/", "https://user@example.com", "HTTP://EXAMPLE.COM", "//a", "http:a",
		"http://a:99999/", "http://a:/", "http://:80", "http:///a", "https://é.example/ü", "http://a\\@b/", "http://a%00b/",
		"javascript:alert(1)", "http://2130706433/", "http://a b/", "https://a/\r\nX: y", "http://[::ffff:10.0.0.1]", "http://@a",
		" http://BÜCHER.example.:080/a b?ü#", "http://a//b//../c;%2f?%zz",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		normal, err := models.NormalURL("url", raw)
		if err != nil {
			return
		}
		again, err := models.NormalURL("url", normal)
		require.NoError(t, err)
		require.Equal(t, normal, again)
		require.LessOrEqual(t, len(normal), models.MaxURL)
		u, err := url.Parse(normal)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
		name, _, _ := strings.Cut(u.Hostname(), "%") // a zone may have capital letters
		require.Equal(t, strings.ToLower(name), name)
		request, err := http.NewRequest(http.MethodPost, normal, http.NoBody)
		require.NoError(t, err)
		require.NotContains(t, request.URL.RequestURI(), " ")
		require.False(t, strings.ContainsFunc(normal, func(r rune) bool { return r <= ' ' || r > '~' }), normal)
	})
}
