package operator

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/client"
)

func TestCredentialsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]client.Credential{
		"@FILE": {}, "-": {}, "id=@FILE": {ID: "id"}, "id=-": {ID: "id"}, "token:@FILE": {Scheme: "token"}, "token:-": {Scheme: "token"},
		"token:id=@FILE": {Scheme: "token", ID: "id"}, "a=b": {}, "a:b": {}, "user:pass=word": {},
	} {
		named, where := splitCredential(text)
		require.Equal(t, want, named, text)
		if want == (client.Credential{}) {
			require.Equal(t, text, where)
			continue
		}
		require.Contains(t, []string{"@FILE", "-"}, where)
	}
}
