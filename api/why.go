package api

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

const (
	actorHeader  = "Posthaste-Actor"
	defaultActor = "api"
)

// actor is who asks, as the caller says. The key says only that the caller may ask.
func actor(c *gin.Context) (string, error) {
	given := c.Request.Header.Values(actorHeader)
	if len(given) > 1 {
		return "", models.Invalid(actorHeader, "is given twice")
	}
	name := strings.TrimSpace(strings.Join(given, ""))
	switch {
	case name == "":
		return defaultActor, nil
	case len(name) > models.MaxActor:
		return "", models.Invalid(actorHeader, "is %d bytes long; at most %d are allowed", len(name), models.MaxActor)
	case !printable(name):
		return "", models.Invalid(actorHeader, "holds a character that is not allowed; it must be printable UTF-8")
	}
	return name, nil
}

func printable(text string) bool {
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unprintable)
}

// newWhy joins who asks to the reason of the input.
func newWhy(c *gin.Context, reason string) (models.Why, error) {
	by, err := actor(c)
	if err != nil {
		return models.Why{}, err
	}
	why := models.Why{By: by, Reason: reason}
	return why, why.Validate()
}

// reasonInput may be left out altogether.
type reasonInput struct {
	Reason string `json:"reason"`
}

// readWhy reads the body of a call that takes a reason and nothing else.
func readWhy(c *gin.Context) (models.Why, error) {
	var in reasonInput
	if err := readOptionalJSON(c, &in); err != nil {
		return models.Why{}, err
	}
	return newWhy(c, in.Reason)
}
