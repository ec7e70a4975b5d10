package api

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// listProviders handles GET /v1/providers: all on one page, by name.
func (s *server) listProviders(c *gin.Context) error {
	answer := page[providerView]{}
	for _, name := range slices.Sorted(slices.Values(receivers.Names())) {
		answer.Data = append(answer.Data, newProviderView(receivers.Named(name)))
	}
	return reply(c, http.StatusOK, answer)
}

// providerView shows what to give a source of the provider. Settings are the provider's row, which a source's own settings
// override field by field.
type providerView struct {
	Name            string             `json:"name"`
	Credentials     []string           `json:"credentials"` // the kinds of credentials, in words
	BringsSecret    bool               `json:"brings_secret"`
	NeedsIDs        bool               `json:"needs_credential_ids"`
	NeedsPublicURL  bool               `json:"needs_public_url"`
	SendsDeliveryID bool               `json:"sends_delivery_id"`
	SignsDeliveryID bool               `json:"signs_delivery_id"`
	Settings        receivers.Provider `json:"settings"`
}

func newProviderView(row receivers.Provider) providerView {
	view := providerView{
		Name: row.Name, BringsSecret: row.BringsSecret(), NeedsIDs: namesKeys(row), NeedsPublicURL: row.SignsURL(),
		SendsDeliveryID: row.ID != "", SignsDeliveryID: row.SignsID(), Settings: row,
	}
	for _, scheme := range row.Auth {
		words := credentialWords[scheme.Key]
		if scheme.Name != "" {
			words = `with "scheme": "` + scheme.Name + `": ` + words
		}
		if !slices.Contains(view.Credentials, words) {
			view.Credentials = append(view.Credentials, words)
		}
	}
	return view
}

// credentialWords describe the credentials of each kind of key.
var credentialWords = map[string]string{
	"":       "the secret's text",
	"plain":  "the token's text",
	"basic":  "user:password",
	"oauth1": "the client secret's text",
	"hex":    "the key, in hexadecimal",
	"base64": "the key, in base64",
	"whsec":  "the secret, in base64 with or without whsec_",
	"whpk":   "the public key, whpk_…",
	"public": "the public key, in PEM, base64 or hexadecimal",
	"org":    "the organization's id",
	"cert":   "what ties the signature to you: the id of the webhook, or the ARN of the topic",
}
