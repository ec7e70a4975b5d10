package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// sourceInput is the JSON by which a caller creates or changes a source.
type sourceInput struct {
	Tenant      optional[string]              `json:"tenant"`
	Name        optional[string]              `json:"name"`
	Provider    optional[string]              `json:"provider"`
	Credentials optional[[]client.Credential] `json:"credentials"`
	PublicURL   optional[string]              `json:"public_url"`
	Settings    optional[json.RawMessage]     `json:"settings"`
	Status      optional[models.SourceStatus] `json:"status"`
}

// readSource reads the body of a creation or a change.
func readSource(c *gin.Context) (*sourceInput, error) {
	var in sourceInput
	if err := readJSON(c, &in); err != nil {
		return nil, err
	}
	return &in, normalizeURL("public_url", &in.PublicURL.value)
}

// create makes a new source. A field that is null is as good as absent.
func (in *sourceInput) create(now time.Time) (*models.Source, error) {
	source := models.NewSource(models.Source{Tenant: in.Tenant.value, Provider: in.Provider.value}, now)
	in.apply(source)
	if err := source.Validate(); err != nil {
		return nil, err
	}
	return source, checkReceiver(source)
}

// patch sets the fields that were given. It leaves in alone: the store may call it again, on a fresh copy.
func (in *sourceInput) patch(source *models.Source) error {
	for _, field := range []struct {
		name    string
		refused bool
		why     string
	}{
		{"tenant", in.Tenant.given, "cannot be changed"},
		{"provider", in.Provider.given, "cannot be changed"},
		{"name", in.Name.null, "must not be null"},
		{"status", in.Status.null, "must not be null"},
	} {
		if field.refused {
			return models.Invalid(field.name, "%s", field.why)
		}
	}
	in.apply(source)
	if err := source.Validate(); err != nil || !in.touchesReceiver() {
		return err
	}
	return checkReceiver(source)
}

// touchesReceiver keeps a source that no longer works from being in the way of renaming or disabling it.
func (in *sourceInput) touchesReceiver() bool {
	return in.Credentials.given || in.PublicURL.given || in.Settings.given
}

func (in *sourceInput) apply(source *models.Source) {
	in.Name.set(&source.Name)
	if in.Credentials.given {
		source.Credentials = credentialsOf(in.Credentials.value)
	}
	in.PublicURL.reset(&source.PublicURL)
	in.Settings.reset(&source.Settings)
	in.Status.set(&source.Status)
}

// credentialsOf removes blanks and marks that were pasted around the secrets.
func credentialsOf(given []client.Credential) []models.SourceCredential {
	all := make([]models.SourceCredential, len(given))
	for i, credential := range given {
		all[i] = models.SourceCredential(credential)
		all[i].Secret = webhook.TrimSecret(credential.Secret)
	}
	return all
}

// checkReceiver refuses a source whose requests could not be verified. The error names the field at fault.
func checkReceiver(source *models.Source) error {
	if !slices.Contains(receivers.Names(), source.Provider) {
		return models.Invalid("provider", "%q is not one of: %s", clip(source.Provider), strings.Join(receivers.Names(), ", "))
	}
	row, err := rowOf(source)
	if err != nil {
		return err
	}
	if len(source.Credentials) == 0 && !row.BringsSecret() {
		return models.Invalid("credentials", "is required")
	}
	if err := checkCredentials(row, source.Credentials); err != nil {
		return err
	}
	if row.SignsURL() && source.PublicURL == "" {
		return models.Invalid("public_url", "is required: %s signs the URL that it calls", source.Provider)
	}
	return nil
}

func checkCredentials(row receivers.Provider, given []models.SourceCredential) error {
	_, err := receivers.New(row, credentials(given))
	var bad *receivers.CredentialError
	switch {
	case errors.As(err, &bad):
		return models.Invalid(fmt.Sprintf("credentials[%d]", bad.Index), "%s; GET /v1/providers tells what each can be", bad.Reason)
	case errors.Is(err, receivers.ErrBadCredential):
		return models.Invalid("credentials", "cannot prove a webhook: %s", inWords(err))
	case err != nil:
		return models.Invalid("settings", "cannot work: %s", inWords(err))
	}
	for i, credential := range given {
		if credential.ID == "" && namesKeys(row) {
			return models.Invalid(fmt.Sprintf("credentials[%d].id", i), "is required: the provider's requests name the one to use")
		}
	}
	return nil
}

// inWords leaves out the package's name from an error, and the end of an error that repeats much of the settings.
func inWords(err error) string {
	const limit = 500
	text := err.Error()
	for _, kind := range []error{receivers.ErrBadProvider, receivers.ErrBadCredential} {
		text = strings.ReplaceAll(text, kind.Error()+": ", "")
	}
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

func namesKeys(row receivers.Provider) bool {
	return slices.ContainsFunc(row.Auth, func(s receivers.Scheme) bool { return s.KeyID != "" })
}
