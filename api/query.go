package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/models"
)

const queryKey = "query"

// allowQuery refuses a query string with parameters other than the given ones, or with one twice or empty: a list that
// silently ignores a filter looks like an answer to the question.
func allowQuery(known []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		values, err := url.ParseQuery(c.Request.URL.RawQuery)
		if err != nil {
			fail(c, models.Errorf(models.CodeInvalid, "the query string is malformed"))
			return
		}
		if err := checkQuery(values, known); err != nil {
			fail(c, err)
			return
		}
		c.Set(queryKey, values)
	}
}

func checkQuery(values url.Values, known []string) error {
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			return models.Invalid(clip(name), "is not a known query parameter")
		case len(given) > 1:
			return models.Invalid(name, "is given twice")
		case given[0] == "":
			return models.Invalid(name, "is empty; leave it out instead")
		}
	}
	return nil
}

// query reads checked parameters. It keeps the first error in err; look at that once, at the end.
type query struct {
	values url.Values
	caller *principal
	err    error
}

func readQuery(c *gin.Context) *query {
	values, _ := c.Value(queryKey).(url.Values) // every route has passed allowQuery
	return &query{values: values, caller: who(c)}
}

// get returns the parameter's value after check has agreed to it; "" if it is absent or wrong.
func (q *query) get(name string, check func(value string) error) string {
	value := q.values.Get(name)
	if value == "" {
		return ""
	}
	if err := check(value); err != nil {
		q.refuse(err)
		return ""
	}
	return value
}

func (q *query) refuse(err error) {
	if q.err == nil {
		q.err = err
	}
}

// tenant reads the tenant of a list, which is the caller's own if the caller sees no other.
func (q *query) tenant() string {
	tenant, err := q.caller.tenantOf(q.get("tenant", models.ValidateTenant))
	if err != nil {
		q.refuse(err)
	}
	return tenant
}

func (q *query) eventType(name string) string {
	return q.get(name, func(value string) error { return models.ValidateEventType(name, value) })
}

func (q *query) idempotencyKey() string {
	return q.get("idempotency_key", models.ValidateIdempotencyKey)
}

func (q *query) id(name, prefix string) string {
	return q.get(name, func(value string) error {
		if models.ValidID(prefix, value) {
			return nil
		}
		return models.Invalid(name, "is not an id that starts with %s", prefix)
	})
}

func (q *query) time(name string) (at time.Time) {
	q.get(name, func(value string) (err error) {
		if at, err = time.Parse(time.RFC3339Nano, value); err != nil {
			return models.Invalid(name, "is not a time such as 2006-01-02T15:04:05Z (write a + as %%2B)")
		}
		return nil
	})
	return at
}

// span reads since, inclusive, and until, exclusive.
func (q *query) span() (since, until time.Time) {
	since, until = q.time("since"), q.time("until")
	if !until.IsZero() && !since.Before(until) {
		q.refuse(models.Invalid("until", "is not after since"))
	}
	return since, until
}

// choice reads a parameter that must be one of a few words.
func choice[T ~string](q *query, name string, allowed ...T) T {
	return T(q.get(name, func(value string) error {
		if slices.Contains(allowed, T(value)) {
			return nil
		}
		words := make([]string, len(allowed))
		for i, word := range allowed {
			words[i] = string(word)
		}
		return models.Invalid(name, "%q is not one of: %s", clip(value), strings.Join(words, ", "))
	}))
}

func (q *query) limit() int {
	limit := models.DefaultPageLimit
	q.get("limit", func(value string) (err error) {
		if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > models.MaxPageLimit {
			return models.Invalid("limit", "is not a number from 1 to %d", models.MaxPageLimit)
		}
		return nil
	})
	return limit
}

// code reads the status of an answer; 0 if none is asked for.
func (q *query) code() (code int) {
	q.get("code", func(value string) (err error) {
		if code, err = strconv.Atoi(value); err != nil || code < 100 || code > 999 {
			return models.Invalid("code", "is not a status of HTTP, of three digits")
		}
		return nil
	})
	return code
}
