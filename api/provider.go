package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// listProviders handles GET /v1/providers: all on one page, by name.
func (s *server) listProviders(c *gin.Context) error {
	answer := client.Page[client.Provider]{}
	for _, name := range slices.Sorted(slices.Values(receivers.Names())) {
		shown, err := showProvider(receivers.Named(name))
		if err != nil {
			return fmt.Errorf("show provider %s: %w", name, err)
		}
		answer.Data = append(answer.Data, shown)
	}
	return reply(c, http.StatusOK, answer)
}

// showProvider shows which credentials and fields a source of the provider needs. Settings are the provider's row, which
// a source's own settings override field by field.
func showProvider(row receivers.Provider) (client.Provider, error) {
	settings, err := encode(row)
	shown := client.Provider{
		Name: row.Name, BringsSecret: row.BringsSecret(), NeedsCredentialIDs: namesKeys(row), NeedsPublicURL: row.SignsURL(),
		SendsDeliveryID: row.ID != "", SignsDeliveryID: row.SignsID(), Settings: settings,
	}
	for _, scheme := range row.Auth {
		words := scheme.CredentialWords()
		if scheme.Name != "" {
			words = `with "scheme": "` + scheme.Name + `": ` + words
		}
		if !slices.Contains(shown.Credentials, words) {
			shown.Credentials = append(shown.Credentials, words)
		}
	}
	return shown, err
}
