package api

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// maxReceivers is how many receivers are kept at a time; another costs some microseconds to make.
const maxReceivers = 1024

// receiver verifies the requests to one source as it was at a time.
type receiver struct {
	*receivers.Receiver
	updatedAt time.Time
	methods   string   // for the header Allow
	proofs    []string // headers that hold signatures and credentials
}

// receiverCache remembers receivers. After its source has changed, a receiver is made anew. Safe for concurrent use.
type receiverCache struct {
	made    *lru.Cache[string, *receiver]
	options []receivers.Option
}

// newReceiverCache takes the limit of a body, in bytes, which applies before and after decompression.
func newReceiverCache(certificates *receivers.Certificates, maxBody int64) *receiverCache {
	cache := &receiverCache{options: []receivers.Option{receivers.WithMaxBody(maxBody)}}
	cache.made, _ = lru.New[string, *receiver](maxReceivers) // fails for sizes below 1 only
	if certificates != nil {
		cache.options = append(cache.options, receivers.WithCertificates(certificates))
	}
	return cache
}

func (r *receiverCache) of(source *models.Source) (*receiver, error) {
	if made, ok := r.made.Get(source.ID); ok && made.updatedAt.Equal(source.UpdatedAt) {
		return made, nil
	}
	row, err := rowOf(source)
	if err != nil {
		return nil, errors.New(err.Error()) // not wrapped: a provider must not learn the settings of the source
	}
	made, err := receivers.New(row, credentials(source.Credentials), r.options...)
	if err != nil {
		return nil, err
	}
	kept := &receiver{made, source.UpdatedAt, cmp.Or(strings.Join(row.Methods, ", "), http.MethodPost), row.ProofHeaders()}
	r.made.Add(source.ID, kept)
	return kept, nil
}

// rowOf is the provider's row with the source's settings over it.
func rowOf(source *models.Source) (receivers.Provider, error) {
	row := receivers.Named(source.Provider)
	if source.Settings == nil {
		return row, nil
	}
	if err := decode(source.Settings, &row); err != nil {
		return row, within("settings", err)
	}
	return row, nil
}

func credentials(given []models.SourceCredential) []receivers.Credential {
	all := make([]receivers.Credential, len(given))
	for i, credential := range given {
		all[i] = receivers.Keyed(credential.ID, credential.Secret).For(credential.Scheme)
	}
	return all
}
