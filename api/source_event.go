package api

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/posthaste/posthaste/models"
	"github.com/posthaste/posthaste/webhook/receivers"
)

// webhookEvent makes an event of a webhook. Whatever a provider sent, it is valid.
func (s *server) webhookEvent(source *models.Source, receiver *receiver, came receivers.Event) *models.Event {
	metadata := map[string]string{"source": source.ID, "provider": source.Provider}
	if came.ID != "" {
		metadata["delivery_id"] = storable(came.ID)
	}
	return models.NewEvent(models.Event{
		Tenant: source.Tenant, Type: webhookType(came.Provider, came.Type), Data: came.Payload,
		Metadata: metadata, IdempotencyKey: webhookKey(source.ID, came.ID), Received: received(source, receiver, came),
	}, s.Now())
}

// received returns the part of the request that is kept. The id of the source stays here as well: where its provider
// signs nothing, it is all that guards it.
func received(source *models.Source, receiver *receiver, came receivers.Event) *models.Received {
	_, query, _ := strings.Cut(came.URL, "?")
	private := []string{redacted, source.ID}
	for _, credential := range source.Credentials {
		private = append(private, credential.Secret)
	}
	return models.NewReceived(models.Incoming{
		Method: came.Method, Query: query, Header: came.Header, Proofs: receiver.proofs, Private: private,
	})
}

// webhookType is a valid event type made of the provider's words: github.push, shopify.orders_create, twilio.webhook.
func webhookType(provider, event string) string {
	words := append(typeWords(provider), typeWords(event)...)
	if len(typeWords(event)) == 0 {
		words = append(words, "webhook")
	}
	joined := strings.Join(words, ".")
	return strings.TrimRight(joined[:min(len(joined), models.MaxEventType)], ".")
}

// typeWords splits a text at its dots, and replaces characters that an event type cannot hold by _.
func typeWords(text string) []string {
	plain := strings.Map(func(r rune) rune {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if letter || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, text)
	return strings.FieldsFunc(plain, func(r rune) bool { return r == '.' })
}

// webhookKey returns a key that is unique for the provider's id of the event: as long as the row is kept, a repetition
// finds it. The key is empty without such an id.
func webhookKey(sourceID, deliveryID string) string {
	if deliveryID == "" {
		return ""
	}
	key := sourceID + "/" + deliveryID
	if len(key) > models.MaxIdempotencyKey || storable(deliveryID) != deliveryID {
		sum := sha256.Sum256([]byte(deliveryID))
		return sourceID + "/" + hex.EncodeToString(sum[:])
	}
	return key
}

// storable replaces characters that a database cannot store in a text, and cuts the text to the length of metadata.
func storable(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	return strings.ToValidUTF8(text[:min(len(text), models.MaxMetadataValue)], "")
}
