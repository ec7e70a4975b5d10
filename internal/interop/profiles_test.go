package interop

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"github.com/posthaste/posthaste/webhook"
)

// event has what Stripe's library wants to find in a body that it accepts.
const event = `{"object":"event","type":"order.paid","api_version":"` + stripe.APIVersion + `","data":{"object":{"id":%d}}}`

func TestOthersVerifyWhatWeSend(t *testing.T) {
	t.Parallel()

	for _, p := range webhook.Profiles() {
		next, old := p.NewSecret(), p.NewSecret()
		paid := fmt.Sprintf(event, 42)
		good := delivery{profile: p, body: paid, at: time.Now(), secrets: []webhook.Secret{next}}
		forged, strange := good, good
		forged.forged = fmt.Sprintf(event, 43)
		strange.secrets = []webhook.Secret{old}

		type verdict struct {
			sent   delivery
			knows  webhook.Secret
			answer int
		}
		cases := map[string]verdict{
			"a signed body":                      {good, next, http.StatusNoContent},
			"a body that was changed on the way": {forged, next, http.StatusUnauthorized},
			"a body signed with another secret":  {strange, next, http.StatusUnauthorized},
		}
		if p.HoldsSeveral() {
			rotating := good
			rotating.secrets = []webhook.Secret{next, old}
			cases["the new secret's signature in rotation"] = verdict{rotating, next, http.StatusNoContent}
			cases["the old secret's signature in rotation"] = verdict{rotating, old, http.StatusNoContent}
		}
		for name, tc := range cases {
			t.Run(string(p)+" "+name, func(t *testing.T) {
				t.Parallel()
				url := receiver(t, judges[p](forReceiver(t, p, tc.knows)))
				require.Equal(t, tc.answer, deliver(t, tc.sent, url))
			})
		}
	}
}

// forReceiver is what a receiver verifies with.
func forReceiver(t *testing.T, p webhook.Profile, secret webhook.Secret) string {
	t.Helper()
	if p != webhook.StandardEd25519 {
		return secret.Reveal()
	}
	public, err := secret.PublicKey()
	require.NoError(t, err)
	return public.String()
}

// Of a replay the others say what we say.
func TestOthersRefuseWhatIsOld(t *testing.T) {
	t.Parallel()

	for _, p := range []webhook.Profile{webhook.Standard, webhook.Stripe} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			secret := p.NewSecret()
			sixMinutesAgo := time.Now().Add(-6 * time.Minute)
			old := delivery{profile: p, body: fmt.Sprintf(event, 42), at: sixMinutesAgo, secrets: []webhook.Secret{secret}}
			require.Equal(t, http.StatusUnauthorized, deliver(t, old, receiver(t, judges[p](secret.Reveal()))))
		})
	}
}
