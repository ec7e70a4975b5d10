package webhook_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/posthaste/posthaste/webhook"
	"github.com/posthaste/posthaste/webhook/internal/require"
)

// The key pair of the known answers: its seed is the bytes 0 to 31. The public
// key comes from openssl pkey.
const (
	pairText   = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
	seedText   = "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	publicText = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
	password   = "It's a Secret to Everybody"
)

// known is one answer that this package has not computed.
type known struct {
	profile      webhook.Profile
	secret, body string
	want         string // the signature header
}

// The answers for eventID at sentAt come from Python's hmac module, some also
// from "openssl dgst -sha256 -hmac"; those of Ed25519 from "openssl pkeyutl
// -sign -rawin".
var knownAnswers = map[string]known{
	"standard": {webhook.Standard, secret32, orderBody, orderSign},
	"standard-ed25519": {
		webhook.StandardEd25519, pairText, orderBody,
		"v1a,Rbd2M4C4RZk+nHB+s6repUVIQm2+j6LjbOhKaPMN6+ZG+pDtEoI9KJoHZD33mdKl3piypuuS8OFjmofDggP8Bg==",
	},
	"standard-ed25519 from a seed, an empty body": {
		webhook.StandardEd25519, seedText, "",
		"v1a,ZRwBQdt1hH9/DiSpNAdLUee6ml4A7QT9Tm+Y7XQAD/tIERIqPIkhVg6cpFbJP91pYB16hWc86kcUitGhkqPoAA==",
	},
	"standard-ed25519, every byte value": {
		webhook.StandardEd25519, pairText, allBytes(),
		"v1a,27w6Fo54vutHQH+VfO/XRUI4PvHvTfviyM6uygO25NgPhm/EQKmCgqYrjTLZMkF4AtPh8FAJi+eu0cBp3L9UAQ==",
	},
	"github": {
		webhook.GitHub, secret32, orderBody,
		"sha256=6c6ecf623df46e55f042cd7bb7e752e8d8febcd6aabc0fc797343d5024871dc0",
	},
	"github's published example": {
		webhook.GitHub, password, "Hello, World!",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
	},
	"github, the longest secret, every byte value": {
		webhook.GitHub, strings.Repeat("~", 256), allBytes(),
		"sha256=4189c3b38b70775c85dd062de743782c0cdb962fce21659edf591ac499f87303",
	},
	"stripe": {
		webhook.Stripe, secret32, orderBody,
		"t=1732233600,v1=7521cab305c05ee9d7cb9e5c488a9acaf120402918037200ab580ae14b06253c",
	},
	"stripe, the shortest secret, an empty body": {
		webhook.Stripe, "sixteen-letters!", "",
		"t=1732233600,v1=07287e6350b41b1b068d81a77c48902f6c00d200071d0ee16eaefc9e32034381",
	},
	"stripe, every byte value": {
		webhook.Stripe, password, allBytes(),
		"t=1732233600,v1=28e98cdb6425c873836997b3a51876861a685da8e7b5af865eb87fbbe0a7f634",
	},
	"aspnet": {
		webhook.ASPNet, secret32, orderBody,
		"sha256=6C6ECF623DF46E55F042CD7BB7E752E8D8FEBCD6AABC0FC797343D5024871DC0",
	},
	"aspnet, the shortest secret, every byte value": {
		webhook.ASPNet, "sixteen-letters!", allBytes(),
		"sha256=DDA8F216F4E86BB571258D050D5323722E43FD63757B28A6C7A9A00DD0F48133",
	},
	"servicestack": {
		webhook.ServiceStack, secret32, orderBody,
		"sha1=6c6ecf623df46e55f042cd7bb7e752e8d8febcd6aabc0fc797343d5024871dc0",
	},
	"servicestack, the shortest secret, an empty body": {
		webhook.ServiceStack, "sixteen-letters!", "",
		"sha1=f330744183bd46b8becbdad368ca0f9adacf5a0bd5e95339f2e93484ced1a857",
	},
}

func mustSecretFor(t testing.TB, p webhook.Profile, text string) webhook.Secret {
	t.Helper()
	secret, err := p.ParseSecret(text)
	require.NoError(t, err)
	return secret
}

// signedHeaders are the three headers of a profile, made by hand.
func signedHeaders(p webhook.Profile, lines ...string) http.Header {
	h := http.Header{}
	h.Set(webhook.HeaderID, eventID)
	h.Set(webhook.HeaderTimestamp, "1732233600")
	for _, line := range lines {
		h.Add(p.Header(), line)
	}
	return h
}

func TestProfilesGiveTheKnownAnswers(t *testing.T) {
	t.Parallel()

	for name, tc := range knownAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			require.NoError(t, tc.profile.SetHeaders(h, eventID, sentAt, []byte(tc.body), mustSecretFor(t, tc.profile, tc.secret)))
			require.Equal(t, signedHeaders(tc.profile, tc.want), h)
			require.Len(t, h, 3)
		})
	}

	t.Run("standard-ed25519, published in the tests of Svix", func(t *testing.T) {
		t.Parallel()
		secret := mustSecretFor(t, webhook.StandardEd25519,
			"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
		value, err := webhook.StandardEd25519.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0),
			[]byte(`{"test": 2432232314}`), secret)
		require.NoError(t, err)
		require.Equal(t, "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==", value)
		public, err := secret.PublicKey()
		require.NoError(t, err)
		require.Equal(t, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", public.String())
	})
}

func TestProfileList(t *testing.T) {
	t.Parallel()

	headers := map[webhook.Profile]string{
		"standard": "webhook-signature", "standard-ed25519": "webhook-signature", "github": "X-Hub-Signature-256",
		"stripe": "Stripe-Signature", "aspnet": "ms-signature", "servicestack": "X-Hub-Signature",
	}
	for _, p := range webhook.Profiles() {
		require.Equal(t, headers[p], p.Header())
		_, known := knownAnswers[string(p)]
		require.True(t, known, p)
	}
	require.Len(t, webhook.Profiles(), len(headers))
	require.Equal(t, webhook.Standard, webhook.Profiles()[0])

	for p, several := range map[webhook.Profile]bool{
		webhook.Standard: true, webhook.StandardEd25519: true, webhook.Stripe: true,
		webhook.GitHub: false, webhook.ASPNet: false, webhook.ServiceStack: false,
	} {
		require.Equal(t, several, p.HoldsSeveral(), p)
	}

	list := webhook.Profiles()
	list[0] = "changed"
	require.Equal(t, webhook.Standard, webhook.Profiles()[0], "the list is a copy")
}

func TestUnknownProfile(t *testing.T) {
	t.Parallel()

	for _, p := range []webhook.Profile{"", "Standard", "sha1", " github"} {
		require.Empty(t, p.Header())
		require.False(t, p.HoldsSeveral())
		require.True(t, p.NewSecret().IsZero())
		_, err := p.ParseSecret(secret32)
		require.ErrorIs(t, err, webhook.ErrUnknownProfile)
		_, err = p.Sign(eventID, sentAt, nil, webhook.NewSecret())
		require.ErrorIs(t, err, webhook.ErrUnknownProfile)
		require.ErrorIs(t, p.SetHeaders(http.Header{}, eventID, sentAt, nil, webhook.NewSecret()), webhook.ErrUnknownProfile)
		_, err = webhook.NewVerifier([]webhook.Secret{webhook.NewSecret()}, webhook.WithProfile(p))
		require.ErrorIs(t, err, webhook.ErrUnknownProfile)
	}
}

func TestProfileSignsForEachSecret(t *testing.T) {
	t.Parallel()

	sign := func(t *testing.T, p webhook.Profile) string {
		t.Helper()
		value, err := p.Sign(eventID, sentAt, []byte(orderBody),
			mustSecretFor(t, p, "sixteen-letters!"), mustSecretFor(t, p, secret32))
		require.NoError(t, err)
		return value
	}

	t.Run("on one line where the scheme has room: stripe", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "t=1732233600,v1=063b257a57ded478b34a788a288203bccd87a523781d6514cbaa514746369752,"+
			"v1=7521cab305c05ee9d7cb9e5c488a9acaf120402918037200ab580ae14b06253c", sign(t, webhook.Stripe))
	})

	t.Run("on one line where the scheme has room: standard-ed25519", func(t *testing.T) {
		t.Parallel()
		secret := mustSecretFor(t, webhook.StandardEd25519, pairText)
		value, err := webhook.StandardEd25519.Sign(eventID, sentAt, []byte(orderBody), secret, secret)
		require.NoError(t, err)
		want := knownAnswers["standard-ed25519"].want
		require.Equal(t, want+" "+want, value)
	})

	for _, p := range []webhook.Profile{webhook.GitHub, webhook.ASPNet, webhook.ServiceStack} {
		t.Run("not where there is room for one: "+string(p), func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Webhook-Id": {"before"}}
			err := p.SetHeaders(h, eventID, sentAt, []byte(orderBody), p.NewSecret(), p.NewSecret())
			require.ErrorIs(t, err, webhook.ErrTooManySecrets)
			require.Equal(t, http.Header{"Webhook-Id": {"before"}}, h)
		})
	}
}

func TestProfileRefusesToSign(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		good := p.NewSecret()
		refused := map[string]struct {
			id      string
			secrets []webhook.Secret
			want    error
		}{
			"an empty id":                    {"", []webhook.Secret{good}, webhook.ErrBadID},
			"an id with a stop":              {"evt.1", []webhook.Secret{good}, webhook.ErrBadID},
			"an id of 257 bytes":             {strings.Repeat("x", 257), []webhook.Secret{good}, webhook.ErrBadID},
			"with nothing":                   {eventID, nil, webhook.ErrBadSecret},
			"with one empty among many":      {eventID, []webhook.Secret{good, {}}, webhook.ErrBadSecret},
			"with another profile's secrets": {eventID, []webhook.Secret{good, strange(p)}, webhook.ErrBadSecret},
		}
		for name, tc := range refused {
			t.Run(string(p)+" "+name, func(t *testing.T) {
				t.Parallel()
				h := http.Header{"Webhook-Id": {"before"}}
				require.ErrorIs(t, p.SetHeaders(h, tc.id, sentAt, []byte(orderBody), tc.secrets...), tc.want)
				require.Equal(t, http.Header{"Webhook-Id": {"before"}}, h)
			})
		}
	}
}

// strange is a secret that the profile cannot use.
func strange(p webhook.Profile) webhook.Secret {
	if p == webhook.StandardEd25519 {
		return webhook.NewSecret()
	}
	return webhook.StandardEd25519.NewSecret()
}
