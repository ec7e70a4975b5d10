package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

// readJSON fills the struct that target points to from the request's body, strictly.
func readJSON(c *gin.Context, target any) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return models.Errorf(models.CodeInvalid, "the request body is empty; a JSON object is expected")
	}
	return decodeBody(c, body, target)
}

// readOptionalJSON is readJSON for calls that may come without a body.
func readOptionalJSON(c *gin.Context, target any) error {
	body, err := readBody(c)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeBody(c, body, target)
}

// readBody is readBytes where white space alone counts as nothing.
func readBody(c *gin.Context) ([]byte, error) {
	body, err := readBytes(c)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return nil, err
	}
	return body, nil
}

// readBytes reads the body as far as there is room for it.
func readBytes(c *gin.Context) ([]byte, error) {
	return leaseOf(c).read(c.Request.Body, c.Request.ContentLength)
}

func decodeBody(c *gin.Context, body []byte, target any) (err error) {
	defer func() {
		if err != nil {
			leaseOf(c).refuse()
		}
	}()
	if err := checkMediaType(c.Request.Header); err != nil {
		return err
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	return decode(body, target)
}

// checkMediaType also keeps web pages out of an API without a key: a browser asks before it sends JSON to another
// origin, and we never say yes.
func checkMediaType(header http.Header) error {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset, given := params["charset"]
	if err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
		return models.Errorf(codeMediaType, "the request body must be JSON in UTF-8, with Content-Type: application/json")
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return models.Errorf(codeMediaType, "the request body must not be compressed or otherwise encoded")
	}
	return nil
}

// checkSyntax refuses a body that is not one JSON value in UTF-8, and names the place of the first error.
func checkSyntax(body []byte) error {
	if !json.Valid(body) {
		return syntaxError(body)
	}
	if !utf8.Valid(body) {
		return models.Errorf(models.CodeInvalid, "the request body is not valid JSON at byte %d: not UTF-8", badUTF8(body))
	}
	return nil
}

func syntaxError(body []byte) error {
	var nothing struct{}
	err := json.Unmarshal(body, &nothing) // which looks for it before anything else
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return models.Errorf(models.CodeInvalid, "the request body is not valid JSON at byte %d: %s", syntax.Offset, syntax)
	}
	return err
}

// badUTF8 is the place of the first byte that is not UTF-8, counted from 1 as in the errors of encoding/json.
func badUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i + 1
		}
		i += size
	}
	return 0
}
