package receivers_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// script is a request that the row takes, for a shell; "" where that takes
// more than a shell has at hand.
func script(p receivers.Provider) string {
	s := p.Auth[0]
	if slices.Contains([]string{"cert", "org", "public", "hex"}, s.Key) || strings.HasPrefix(string(s.Sig), "json.") {
		return ""
	}
	secret := "what you set there"
	if s.Key == "whsec" {
		secret = "whsec_..."
	}
	kind, body, fields := sample(p)
	lines := []string{"URL=https://hooks.example.com/in/src_...", "SECRET='" + secret + "'"}
	if s.KeyID != "" {
		lines = append(lines, "KEY='the key that it belongs to'")
	}
	lines = append(lines, "body='"+body+"'")
	headers := []string{"Content-Type: " + kind}
	if s.Time != "" {
		lines = append(lines, "now=$(date -u +"+dateFormats[s.TimeAs]+")")
	}
	if s.Alg == "equal" {
		return strings.Join(append(lines, call(s, append(headers, named(p)...))), "\n") + "\n"
	}
	lines = append(lines, "sig=$(printf '%s' \""+inShell(s, fields)+"\" |\n  openssl dgst "+key(s)+" -binary | "+encoder[s.Enc]+")")
	headers = append(headers, signedHeaders(s)...)
	return strings.Join(append(lines, call(s, append(headers, named(p, headers...)...))), "\n") + "\n"
}

var encoder = map[string]string{"hex": `od -An -vtx1 | tr -d ' \n'`, "base64": "base64 | tr -d '\\n'"}

func key(s receivers.Scheme) string {
	digest := "-" + strings.TrimPrefix(s.Alg, "hmac-")
	if s.Key == "whsec" {
		return digest + " -mac HMAC -macopt \"hexkey:$(printf '%s' \"${SECRET#whsec_}\" | base64 -d | " + encoder["hex"] + ")\""
	}
	return digest + ` -hmac "$SECRET` + map[bool]string{true: "&"}[s.Key == "oauth1"] + `"`
}

var dateFormats = map[string]string{"": "%s", "ms": "%s000", time.RFC3339: "%Y-%m-%dT%H:%M:%SZ"}

// call is the last line.
func call(s receivers.Scheme, headers []string) string {
	at := `"$URL"`
	switch source := string(s.Sig); {
	case s.Alg != "equal":
	case strings.HasPrefix(source, "query."):
		at = `"$URL?` + strings.TrimPrefix(source, "query.") + `=$SECRET"`
	case s.Enc == "base64":
		headers = append(headers, strings.TrimPrefix(source, "header.")+": "+s.Prefix+`$(printf '%s' "$SECRET" | base64)`)
	default:
		headers = append(headers, strings.TrimPrefix(source, "header.")+": "+s.Prefix+"$SECRET")
	}
	text := "curl -i " + at
	for _, h := range headers {
		text += " \\\n  -H \"" + h + "\""
	}
	return text + " \\\n  --data-binary \"$body\""
}

var place = regexp.MustCompile(`\{[^{}]*\}`)

// inShell is what is signed, with variables for what differs.
func inShell(s receivers.Scheme, fields string) string {
	signed := s.Signed
	if signed == "" {
		signed = "{body}"
	}
	return place.ReplaceAllStringFunc(signed, func(in string) string {
		switch source := in[1 : len(in)-1]; {
		case source == "form":
			return strings.ReplaceAll(fields, `"`, `\"`)
		case source == "method":
			return "POST"
		case source == "url":
			return "${URL}"
		case source == string(s.Time):
			return "${now}"
		case strings.HasPrefix(source, "header."):
			return "msg_1"
		}
		return "${body}"
	})
}

// signedHeaders are the signature's and those that it covers.
func signedHeaders(s receivers.Scheme) []string {
	var headers []string
	for _, in := range place.FindAllString(s.Signed, -1) {
		if name, ok := strings.CutPrefix(in[1:len(in)-1], "header."); ok && !strings.Contains(name, ":") {
			value := "msg_1"
			if "header."+name == string(s.Time) {
				value = "$now"
			}
			headers = append(headers, name+": "+value)
		}
	}
	source, _, _ := strings.Cut(string(s.Sig), "|")
	name, label, labelled := strings.Cut(strings.TrimPrefix(source, "header."), ":")
	if labelled { // t=…,v1=…
		_, at, _ := strings.Cut(string(s.Time), ":")
		return append(headers, fmt.Sprintf("%s: %s=$now,%s=$sig", name, at, label))
	}
	return append(headers, name+": "+s.Prefix+"$sig")
}

// named are the headers that hold type, id and key, but for those there are.
func named(p receivers.Provider, have ...string) []string {
	var headers []string
	for _, value := range [][2]string{{string(p.Event), "test"}, {string(p.ID), "1"}, {string(p.Auth[0].KeyID), "$KEY"}} {
		first, _, _ := strings.Cut(value[0], "|")
		name, ok := strings.CutPrefix(first, "header.")
		if ok && !strings.Contains(strings.Join(have, "\n"), name+":") {
			headers = append(headers, name+": "+value[1])
		}
	}
	return headers
}

// sample is a small body that has type and id where the row looks for them,
// and what a signature over its form fields covers.
func sample(p receivers.Provider) (kind, body, fields string) {
	event, _, _ := strings.Cut(string(p.Event), "|")
	document := any(nil)
	for _, value := range [][2]string{{string(p.Event), "test"}, {string(p.ID), "1"}} {
		first, _, _ := strings.Cut(value[0], "|")
		if path, ok := strings.CutPrefix(first, "json."); ok {
			document = put(document, strings.Split(path, "."), value[1])
		}
	}
	text, _ := json.Marshal(document) // maps, slices and strings
	name, inForm := strings.CutPrefix(event, "form.")
	switch {
	case inForm:
		return formType, name + "=test", name + "test"
	case strings.Contains(p.Auth[0].Signed, "{form}") && document == nil:
		return formType, "Body=test", "Bodytest"
	case strings.Contains(p.Auth[0].Signed, "{form}"):
		return formType, p.Wrap + "=" + url.QueryEscape(string(text)), p.Wrap + string(text)
	case document == nil:
		return "application/json", `{"hello":"world"}`, ""
	}
	return "application/json", string(text), ""
}

const formType = "application/x-www-form-urlencoded"

// put sets a value at a path, in an array of one where the path has *.
func put(in any, path []string, value string) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "*" {
		return []any{put(nil, path[1:], value)}
	}
	members, ok := in.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	members[path[0]] = put(members[path[0]], path[1:], value)
	return members
}
