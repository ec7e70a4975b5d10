package models

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// zoneForm is a zone that a URL can hold as it is (RFC 6874 §2).
var zoneForm = regexp.MustCompile(`^[A-Za-z0-9._~-]*$`)

const maxHostName = 253 // bytes, RFC 1035 §2.3.4 without the dot at the end

// hostName matches a host that is not an IP address: RFC 1123 §2.1, and underscores, which are in use all the same.
var hostName = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// ReceiverOf names the receiver with a URL that was valid when it was stored: its host, with its port if the URL has one.
// It is empty for no URL.
func ReceiverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// ValidateURL checks a URL like NormalURL.
func ValidateURL(field, raw string) error {
	_, err := NormalURL(field, raw)
	return err
}

// NormalURL judges an absolute http or https URL without credentials or fragment and gives the one form in which it is
// stored, shown and called. Whether its address may be called is judged when it is dialled.
//
// Blanks around it, as they are pasted along, are dropped. The scheme and the host are in small letters; a name beyond
// ASCII is the A-label by which it is looked up (UTS 46, not transitional), so that the name in DNS, in TLS and in Host
// is the same. The dot at the host's end and the port that goes without saying are dropped. In path and query, what
// RFC 3986 does not allow in a request line is percent-encoded, letters beyond ASCII as UTF-8; all else stays byte for
// byte as it was given. Control characters are refused, and of a fragment anything but an empty one.
func NormalURL(field, raw string) (string, error) {
	raw = strings.TrimFunc(raw, blank)
	if raw == "" {
		return "", Invalid(field, "is required")
	}
	if err := validateText(field, raw, MaxURL); err != nil {
		return "", err
	}
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return "", Invalid(field, "holds a control character")
	}
	scheme, authority, rest := splitURL(raw)
	if scheme != "http" && scheme != "https" {
		return "", Invalid(field, "must start with http:// or https://")
	}
	u, err := url.Parse(scheme + "://" + authority + rest)
	if err != nil {
		return "", Invalid(field, "is not a URL") // the parser's own words would repeat the URL, credentials included
	}
	if err := validateParsedURL(field, u); err != nil {
		return "", err
	}
	host, err := normalHost(u.Hostname())
	if err != nil {
		return "", Invalid(field, "%s", err)
	}
	return finishURL(field, scheme, host, u.Port(), rest)
}

// blank is white space, and the marks of no width that are pasted along with text.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// splitURL cuts a URL in front of the path. The scheme is in small letters, and empty where there is none.
func splitURL(raw string) (scheme, authority, rest string) {
	scheme, after, found := strings.Cut(raw, "://")
	if !found {
		return "", "", ""
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	return strings.ToLower(scheme), after[:end], percentEncoded(strings.TrimSuffix(after[end:], "#"))
}

// percentEncoded encodes what RFC 3986 keeps out of path and query. The brackets, which it keeps out as well, stay, as in
// browsers: everybody takes them.
func percentEncoded(rest string) string {
	var b strings.Builder
	for _, c := range []byte(rest) {
		if c <= ' ' || c >= utf8.RuneSelf || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func validateParsedURL(field string, u *url.URL) error {
	switch {
	case u.User != nil:
		return Invalid(field, "must not carry a user name or password")
	case u.Hostname() == "":
		return Invalid(field, "has no host")
	case !validPort(u.Port()):
		return Invalid(field, "has a port that is not between 1 and 65535")
	case u.Fragment != "":
		return Invalid(field, "must not have a fragment")
	}
	return nil
}

// validPort takes an absent port too.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// normalHost gives an IP address in its usual form, with the brackets and the zone of a URL, or a name that can be
// looked up.
func normalHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && zoneForm.MatchString(ip.Zone()) {
		return "[" + strings.Replace(ip.String(), "%", "%25", 1) + "]", nil
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", fmt.Errorf("has a host name that does not exist in DNS")
		}
		host = ascii
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if !hostName.MatchString(host) || len(host) > maxHostName {
		return "", fmt.Errorf("has a host that is neither a name nor an IP address")
	}
	return host, nil
}

// finishURL joins the parts. The port is left out where it is that of the scheme.
func finishURL(field, scheme, host, port, rest string) (string, error) {
	port = strings.TrimLeft(port, "0")
	if port != "" && port != map[string]string{"http": "80", "https": "443"}[scheme] {
		host += ":" + port
	}
	normal := scheme + "://" + host + rest
	if len(normal) > MaxURL {
		return "", Invalid(field, "is %d bytes long when what a request cannot carry is percent-encoded; at most %d are allowed",
			len(normal), MaxURL)
	}
	return normal, nil
}
