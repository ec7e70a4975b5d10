package receivers

import "net/http"

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
