package receivers

import (
	"net/http"
	"strings"
	"time"
)

// meetings, and others below, answer a handshake with more than an echo.
func meetings() []Provider {
	return []Provider{
		{
			Name: "zoom", Event: "json.event", ID: "sha256", // the body holds its time, in milliseconds
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Zm-Signature", Prefix: "v0=",
				Signed: "v0:{header.X-Zm-Request-Timestamp}:{body}", Time: "header.X-Zm-Request-Timestamp", Tolerance: "2h",
			}},
			Challenges: []Challenge{{
				Method: http.MethodPost, If: "json.event", Is: "endpoint.url_validation", Signed: true, ContentType: "application/json",
				Reply: `{{"plainToken":"{json.payload.plainToken}","encryptedToken":"{hmac-sha256.hex:json.payload.plainToken}"}}`,
			}},
		},
		{
			Name: "asana", Event: "json.events.*.action", ID: "sha256", // the body holds its times, in milliseconds
			Auth: []Scheme{{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Hook-Signature"}},
			Challenges: []Challenge{{
				Method: http.MethodPost, If: "header.X-Hook-Secret", Unless: "header.X-Hook-Signature", Keep: "header.X-Hook-Secret",
				Headers: map[string]string{"X-Hook-Secret": "{header.X-Hook-Secret}"}, //nolint:gosec // a source, no secret
			}},
		},
		{
			Name: "discord", Event: "json.event.type|json.type", ID: "json.id|sha256",
			Auth: []Scheme{{
				Alg: "ed25519", Enc: "hex", Key: "public", Sig: "header.X-Signature-Ed25519",
				Signed: "{header.X-Signature-Timestamp}{body}", Time: "header.X-Signature-Timestamp", Tolerance: "15m",
			}},
			Challenges: []Challenge{
				{Method: http.MethodPost, If: "json.type", Is: "0", Signed: true, Status: http.StatusNoContent},
				{ // of interactions; a webhook of type 1 has an event
					Method: http.MethodPost, If: "json.type", Is: "1", Unless: "json.event.type", Signed: true,
					Reply: `{{"type":1}}`, ContentType: "application/json",
				},
			},
			Answer: Answer{Status: http.StatusNoContent},
		},
	}
}

func networks() []Provider {
	return []Provider{
		{
			Name: "meta", Event: "json.object", // no id: equal bodies may be different changes
			Auth: []Scheme{
				{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Hub-Signature-256", Prefix: "sha256="},
				{Alg: "equal", Sig: "query.hub.verify_token", Name: "verify_token", For: forChallenge},
			},
			Challenges: []Challenge{
				{Method: http.MethodGet, If: "query.hub.mode", Is: "subscribe", Signed: true, Refuse: http.StatusForbidden, Reply: "{query.hub.challenge}"},
			},
		},
		{
			Name: "x", ID: "sha256", // the body holds ids and times
			Auth: overBody("base64", "header.X-Twitter-Webhooks-Signature", "sha256="),
			Challenges: []Challenge{{
				Method: http.MethodGet, If: "query.crc_token", ContentType: "application/json",
				Reply: `{{"response_token":"sha256={hmac-sha256.base64:query.crc_token}"}}`,
			}},
		},
		{
			Name: "fitbit", Event: "json.*.collectionType", // no id: it says only what has changed, and equal bodies may be different changes
			Auth: []Scheme{
				{Alg: "hmac-sha1", Enc: "base64", Key: "oauth1", Sig: "header.X-Fitbit-Signature"},
				{Alg: "equal", Sig: "query.verify", Name: "verify", For: forChallenge},
			},
			Challenges: []Challenge{
				{Method: http.MethodGet, If: "query.verify", Signed: true, Status: http.StatusNoContent, Refuse: http.StatusNotFound},
			},
			Answer: Answer{Status: http.StatusNoContent},
		},
		{
			Name: "google", Event: "header.X-Goog-Resource-State", // no id: message numbers are unique within one channel only
			Auth: []Scheme{{Alg: "equal", Sig: "header.X-Goog-Channel-Token"}},
		},
	}
}

func customers() []Provider {
	return []Provider{
		{
			Name: "paddle", Event: "json.event_type", ID: "json.event_id",
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "header.Paddle-Signature:h1",
				Signed: "{header.Paddle-Signature:ts}:{body}", Time: "header.Paddle-Signature:ts",
			}},
		},
		{
			Name: "hubspot", Event: "json.*.subscriptionType", ID: "sha256", // its event ids are not unique, and the body holds times
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "base64", Sig: "header.X-HubSpot-Signature-v3",
				Signed: "{method}{url}{body}{header.X-HubSpot-Request-Timestamp}",
				Time:   "header.X-HubSpot-Request-Timestamp", TimeAs: "ms",
			}},
		},
		{
			Name: "adyen", Event: "json.notificationItems.*.NotificationRequestItem.eventCode", ID: "sha256",
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "base64", Key: "hex", Covers: coversFields,
				Sig: item("additionalData.hmacSignature"), Signed: adyenSigned(),
			}},
			Answer: Answer{ContentType: "text/plain", Body: "[accepted]"},
		},
	}
}

func item(path string) Source {
	return Source("json.notificationItems.*.NotificationRequestItem." + path)
}

// adyenSigned is the text that Adyen signs. A field that a notification lacks
// is empty in it.
func adyenSigned() string {
	var signed strings.Builder
	for _, path := range []string{
		"pspReference", "originalReference", "merchantAccountCode", "merchantReference", "amount.value", "amount.currency", "eventCode",
	} {
		signed.WriteString("{" + string(item(path)) + "|=}:")
	}
	return signed.String() + "{" + string(item("success")) + "}"
}

func mailers() []Provider {
	return []Provider{
		{
			Name: "sendgrid", Event: "json.*.event", ID: "json.*.sg_event_id",
			Auth: []Scheme{{
				Alg: "ecdsa-sha256", Enc: "base64", Key: "public", Sig: "header.X-Twilio-Email-Event-Webhook-Signature",
				Signed: "{header.X-Twilio-Email-Event-Webhook-Timestamp}{body}",
				Time:   "header.X-Twilio-Email-Event-Webhook-Timestamp", Tolerance: "25h", // it sends again for a day
			}},
		},
		{
			Name: "mailgun", Event: "json.event-data.event", ID: "json.signature.token",
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "json.signature.signature", Covers: coversFields,
				Signed: "{json.signature.timestamp}{json.signature.token}", Time: "json.signature.timestamp", Tolerance: "9h", // it sends again for eight hours
			}},
		},
		{
			Name: "dropboxsign", Event: "json.event.event_type", Wrap: "json", // no id: the signed text is the same for events of one second
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "json.event.event_hash", Covers: coversFields,
				Signed: "{json.event.event_time}{json.event.event_type}", Time: "json.event.event_time", Tolerance: "72h",
			}},
			Answer: Answer{ContentType: "text/plain", Body: "Hello API Event Received"},
		},
	}
}

func clouds() []Provider {
	return []Provider{
		{
			Name: "sns", Event: "json.Type", ID: "json.MessageId",
			Auth: []Scheme{
				sns("2", "rsa-sha256", ""), sns("1", "rsa-sha1", ""), sns("2", "rsa-sha256", ".cn"), sns("1", "rsa-sha1", ".cn"),
			},
			Challenges: []Challenge{
				{Method: http.MethodPost, If: "json.Type", Is: "SubscriptionConfirmation", Signed: true, Visit: "json.SubscribeURL"},
			},
		},
		{
			Name: "cloudevents", Event: "header.ce-type|json.type", // no id: it is unique beside its source only
			Auth: []Scheme{
				{Alg: "equal", Sig: "header.Authorization", Prefix: "Bearer "}, {Alg: "equal", Sig: "query.access_token"},
			},
			Challenges: []Challenge{{
				Method: http.MethodOptions, If: "header.WebHook-Request-Origin", Headers: map[string]string{
					"Allow": http.MethodPost, "WebHook-Allowed-Origin": "{header.WebHook-Request-Origin}", "WebHook-Allowed-Rate": "*",
				},
			}},
		},
	}
}

// sns makes a scheme of Amazon SNS. Its credential is the ARN of the topic,
// which is no secret but must be checked: anybody can have Amazon sign messages
// of a topic of his own.
func sns(version, alg, country string) Scheme {
	return Scheme{
		Alg: alg, Enc: "base64", Sig: "json.Signature", If: "json.SignatureVersion", Is: version,
		Signed: "{sns}TopicArn\n{cred}\nType\n{json.Type}\n",
		Time:   "json.Timestamp", TimeAs: time.RFC3339, Tolerance: "2h", // it sends again for an hour, unless told otherwise
		Key: certificateKey, CertURL: "json.SigningCertURL", CertHosts: []string{"sns.{region}.amazonaws.com" + country},
		CertPath: ".pem", CertName: ".amazonaws.com" + country,
	}
}
