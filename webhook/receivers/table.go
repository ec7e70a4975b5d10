package receivers

import (
	"net/http"
	"slices"
	"time"
)

// Named returns the row of a provider, which the caller may change. For a name
// that [Names] does not list it returns a provider without schemes, which [New]
// refuses.
func Named(name string) Provider {
	rows := table()
	i := slices.IndexFunc(rows, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{Name: name}
	}
	return rows[i]
}

// Names lists the providers of the table.
func Names() []string {
	var names []string
	for _, p := range table() {
		names = append(names, p.Name)
	}
	return names
}

// table makes the table anew for each call, so that no caller can change the
// table of another.
func table() []Provider {
	return slices.Concat(files(), forges(), lists(), payments(), messengers(), boards(), wordpress(), shops(), meetings(), networks(),
		customers(), mailers(), clouds(), standards(), generic())
}

// overBody makes a scheme of HMAC-SHA256 over the body alone.
func overBody(enc string, sig Source, prefix string) []Scheme {
	return []Scheme{{Alg: "hmac-sha256", Enc: enc, Sig: sig, Prefix: prefix}}
}

// secretURL makes a scheme for providers that sign nothing: the secret is in
// the URL.
func secretURL() []Scheme { return []Scheme{{Alg: "equal", Sig: "query.code"}} }

func files() []Provider {
	return []Provider{
		{
			Name: "dropbox", Auth: overBody("hex", "header.X-Dropbox-Signature", ""),
			Event:      "=change", // which says only whose files changed; equal bodies may be different changes
			Challenges: []Challenge{{Method: http.MethodGet, If: "query.challenge", Reply: "{query.challenge}"}},
		},
		{
			Name:   "salesforce", // signs nothing: the endpoint's path should be hard to guess
			Auth:   []Scheme{{Alg: "equal", Sig: "xml.Body.notifications.OrganizationId", Key: "org"}},
			Event:  "xml.Body.notifications.ActionId",
			ID:     "xml.Body.notifications.Notification.Id",
			Object: "xml.Body.notifications.Notification.sObject@type",
			Redact: []Source{"xml.Body.notifications.SessionId"},
			Answer: Answer{ContentType: "text/xml; charset=utf-8", Body: ack},
		},
	}
}

// ack is the answer by which Salesforce regards its message as delivered.
// Without it Salesforce sends the message again for a day, whatever the status.
const ack = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>` +
	`</soapenv:Body></soapenv:Envelope>`

func forges() []Provider {
	return []Provider{
		{
			Name: "github", Auth: overBody("hex", "header.X-Hub-Signature-256", "sha256="),
			Event: "header.X-GitHub-Event", ID: "header.X-GitHub-Delivery", Wrap: "payload",
		},
		{
			Name: "gitlab", Auth: append(standardSchemes("webhook")[:1], Scheme{Alg: "equal", Sig: "header.X-Gitlab-Token", Key: "plain", For: forWebhook}),
			Event: "header.X-Gitlab-Event", ID: "header.webhook-id|header.Idempotency-Key",
		},
		{
			Name: "bitbucket", Auth: overBody("hex", "header.X-Hub-Signature", "sha256="),
			Event: "header.X-Event-Key", ID: "header.X-Request-UUID",
		},
		{
			Name: "gitea", Wrap: "payload",
			Auth: []Scheme{
				{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Gitea-Signature|header.X-Gogs-Signature"},
				{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Gitea-Signature|header.X-Gogs-Signature", Signed: "{form.payload}"},
			},
			Event: "header.X-Gitea-Event|header.X-Gogs-Event", ID: "header.X-Gitea-Delivery|header.X-Gogs-Delivery",
		},
	}
}

func lists() []Provider {
	return []Provider{
		{
			Name: "mailchimp", Auth: secretURL(), Event: "form.type", ID: "sha256", // the body holds its time
			Challenges: []Challenge{
				{Method: http.MethodGet, Signed: true},
				{Method: http.MethodPost, Unless: "body", Signed: true},
			},
		},
		{
			Name: "mandrill", Event: "json.*.event", Wrap: "mandrill_events",
			Auth:       []Scheme{{Alg: "hmac-sha1", Enc: "base64", Sig: "header.X-Mandrill-Signature", Signed: "{url}{form}"}},
			Challenges: []Challenge{{Method: http.MethodHead}},
		},
	}
}

func payments() []Provider {
	return []Provider{
		paypal("paypal", "api.paypal.com", "api.sandbox.paypal.com"),
		paypal("paypal-live", "api.paypal.com"),
		{
			Name: "stripe", Event: "json.type", ID: "json.id",
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "header.Stripe-Signature:v1",
				Signed: "{header.Stripe-Signature:t}.{body}", Time: "header.Stripe-Signature:t",
			}},
		},
	}
}

// paypal makes the row of PayPal. Its credential is the webhook's id, which is
// no secret: it ties the signature to this webhook.
func paypal(name string, hosts ...string) Provider {
	return Provider{
		// A CRC-32 does not prevent changes to the body, nor to an id in the
		// body.
		Name: name, Event: "json.event_type", ID: "header.Paypal-Transmission-Id",
		Auth: []Scheme{{
			Alg: "rsa-sha256", Enc: "base64", Sig: "header.Paypal-Transmission-Sig",
			Signed: "{header.Paypal-Transmission-Id}|{header.Paypal-Transmission-Time}|{cred}|{crc32}",
			Time:   "header.Paypal-Transmission-Time", TimeAs: time.RFC3339, Tolerance: "96h", // it sends again for three days
			If: "header.Paypal-Auth-Algo", Is: "SHA256withRSA",
			Key: certificateKey, CertURL: "header.Paypal-Cert-Url", CertHosts: hosts, CertName: ".paypal.com",
		}},
	}
}

func messengers() []Provider {
	return []Provider{
		{
			Name: "pusher", Event: "json.events.*.name", ID: "sha256", // the body holds its time
			Auth: []Scheme{{Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Pusher-Signature", KeyID: "header.X-Pusher-Key"}},
		},
		{
			Name: "slack", Wrap: "payload",
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "hex", Sig: "header.X-Slack-Signature", Prefix: "v0=",
				Signed: "v0:{header.X-Slack-Request-Timestamp}:{body}", Time: "header.X-Slack-Request-Timestamp",
			}},
			Event: "json.event.type|form.command|json.type",
			ID:    "json.event_id|form.trigger_id|json.trigger_id",
			Challenges: []Challenge{
				{Method: http.MethodPost, If: "json.type", Is: "url_verification", Signed: true, Reply: "{json.challenge}"},
			},
		},
		{
			Name: "twilio", ID: "header.I-Twilio-Idempotency-Token",
			Auth: []Scheme{
				{Alg: "hmac-sha1", Enc: "base64", Sig: "header.X-Twilio-Signature", Signed: "{url}{form}", AnyPort: true},
				{
					Alg: "hmac-sha1", Enc: "base64", Sig: "header.X-Twilio-Signature", Signed: "{url}", AnyPort: true,
					BodyHash: "query.bodySHA256",
				},
			},
		},
	}
}

func boards() []Provider {
	return []Provider{
		{
			Name: "trello", Event: "json.action.type", ID: "json.action.id",
			Auth:       []Scheme{{Alg: "hmac-sha1", Enc: "base64", Sig: "header.X-Trello-Webhook", Signed: "{body}{url}"}},
			Challenges: []Challenge{{Method: http.MethodHead}},
		},
		{
			Name: "zendesk", Event: "json.type", ID: "header.X-Zendesk-Webhook-Invocation-Id",
			Methods: []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet},
			Auth: []Scheme{{
				Alg: "hmac-sha256", Enc: "base64", Sig: "header.X-Zendesk-Webhook-Signature",
				Signed: "{header.X-Zendesk-Webhook-Signature-Timestamp}{body}",
				Time:   "header.X-Zendesk-Webhook-Signature-Timestamp", TimeAs: time.RFC3339,
			}},
		},
	}
}

func wordpress() []Provider {
	return []Provider{
		{Name: "wordpress", Auth: secretURL(), Event: "form.hook"},
		{Name: "wpwebhooks", Auth: overBody("base64", "header.X-WP-Webhook-Signature", "")},
		{
			Name: "woocommerce", Auth: overBody("base64", "header.X-WC-Webhook-Signature", ""),
			Event: "header.X-WC-Webhook-Topic", ID: "header.X-WC-Webhook-Delivery-ID",
			Challenges: []Challenge{{Method: http.MethodPost, If: "form.webhook_id", Unless: "header.X-WC-Webhook-Signature"}},
		},
	}
}

func shops() []Provider {
	return []Provider{
		{
			Name: "shopify", Auth: overBody("base64", "header.X-Shopify-Hmac-Sha256", ""),
			Event: "header.X-Shopify-Topic", ID: "header.X-Shopify-Webhook-Id",
		},
	}
}

func standards() []Provider {
	return []Provider{
		{Name: "standard", Auth: standardSchemes("webhook"), Event: "json.type", ID: "header.webhook-id"},
		{Name: "svix", Auth: standardSchemes("svix"), Event: "json.type", ID: "header.svix-id"},
		{
			Name: "aspnet", Auth: overBody("hex", "header.ms-signature", "sha256="),
			Event: "json.Notifications.*.Action", ID: "json.Id",
			Challenges: []Challenge{{Method: http.MethodGet, If: "query.echo", Reply: "{query.echo}"}},
		},
		{
			Name: "servicestack", Auth: overBody("hex", "header.X-Hub-Signature", "sha1="), // it says so, and means SHA-256
			Event: "header.X-Webhook-Event", ID: "header.X-Webhook-Delivery",
		},
	}
}

// standardSchemes makes the two schemes of Standard Webhooks 1.0, the scheme
// with a shared secret first, whose headers begin with the prefix.
func standardSchemes(headers string) []Scheme {
	at := "header." + headers
	v1 := Scheme{
		Alg: "hmac-sha256", Enc: "base64", Key: "whsec",
		Sig: Source(at + "-signature"), Split: " ", Prefix: "v1,",
		Signed: "{" + at + "-id}.{" + at + "-timestamp}.{body}", Time: Source(at + "-timestamp"),
	}
	v1a := v1
	v1a.Alg, v1a.Key, v1a.Prefix = "ed25519", "whpk", "v1a,"
	return []Scheme{v1, v1a}
}

// generic makes rows for senders that have no row of their own: take one as it
// is, or change it.
func generic() []Provider {
	return []Provider{
		{Name: "hmac", Auth: overBody("hex", "header.X-Signature", "")},
		{Name: "basic", Auth: []Scheme{{Alg: "equal", Enc: "base64", Sig: "header.Authorization", Prefix: "Basic ", Key: "basic"}}},
		{Name: "bearer", Auth: []Scheme{{Alg: "equal", Sig: "header.Authorization", Prefix: "Bearer "}}},
		{Name: "apikey", Auth: []Scheme{{Alg: "equal", Sig: "header.X-API-Key"}}},
	}
}
