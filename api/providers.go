package api

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/webhook/receivers"
)

// listProviders handles GET /v1/providers: all on one page, by name.
func (s *server) listProviders(c *gin.Context) {
	answer := page[providerView]{}
	for _, name := range slices.Sorted(slices.Values(receivers.Names())) {
		answer.Data = append(answer.Data, newProviderView(receivers.Named(name)))
	}
	reply(c, http.StatusOK, answer)
}

// providerView says what a source of the provider needs. Settings are the row that the source's own are laid over.
type providerView struct {
	Name            string             `json:"name"`
	Credentials     []string           `json:"credentials"` // what each can be, in words
	NeedsIDs        bool               `json:"needs_credential_ids"`
	NeedsPublicURL  bool               `json:"needs_public_url"`
	SendsDeliveryID bool               `json:"sends_delivery_id"`
	Settings        receivers.Provider `json:"settings"`
}

func newProviderView(row receivers.Provider) providerView {
	view := providerView{
		Name: row.Name, NeedsIDs: namesKeys(row), NeedsPublicURL: row.SignsURL(), SendsDeliveryID: row.ID != "", Settings: row,
	}
	for _, scheme := range row.Auth {
		if words := credentialWords[scheme.Key]; !slices.Contains(view.Credentials, words) {
			view.Credentials = append(view.Credentials, words)
		}
	}
	return view
}

// credentialWords say what a kind of key is made of.
var credentialWords = map[string]string{
	"":      "the secret's text",
	"plain": "the token's text",
	"whsec": "the secret, whsec_…",
	"whpk":  "the public key, whpk_…",
	"org":   "the organization's id",
	"cert":  "the id of the webhook",
}
