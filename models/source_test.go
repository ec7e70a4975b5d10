package models_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/models"
)

func TestSourceIDs(t *testing.T) {
	t.Parallel()
	id := models.NewSourceID()
	require.True(t, models.ValidID(models.SourcePrefix, id))
	require.Len(t, id, 40)
	for _, bad := range []string{
		"", "src_", id[:39], id + "0", strings.ToUpper(id), "sub_" + id[4:], models.NewID(models.SourcePrefix),
		id[:39] + "1", // bits to spare: another spelling of the same
		id[:20] + "w" + id[21:], id[:20] + "\n" + id[21:],
	} {
		require.False(t, models.ValidID(models.SourcePrefix, bad), bad)
	}
	require.False(t, models.ValidID(models.EventPrefix, "evt_"+id[4:]))
}

func TestSourceIDsAreRandomBehindTheTime(t *testing.T) {
	t.Parallel()
	short := models.ShortSourceID(models.NewSourceID())
	require.Len(t, []rune(short), 14)
	require.Eventually(t, func() bool { return models.ShortSourceID(models.NewSourceID()) > short }, time.Second, time.Millisecond,
		"they sort by the time")
	require.Equal(t, "…", models.ShortSourceID(""))

	tails := map[string]bool{}
	for range 1000 {
		tails[models.NewSourceID()[14:]] = true
	}
	require.Len(t, tails, 1000)
	letters := [22]map[byte]bool{}
	for tail := range tails {
		for i := range letters {
			if letters[i] == nil {
				letters[i] = map[byte]bool{}
			}
			letters[i][tail[i]] = true
		}
	}
	for i, found := range letters {
		require.Len(t, found, 32, "letter %d is not drawn from all", i)
	}
}

func newSource(change func(*models.Source)) *models.Source {
	s := models.NewSource(models.Source{
		Provider: "github", Credentials: []models.SourceCredential{{Secret: "hush"}},
	}, now)
	change(s)
	return s
}

func TestSource(t *testing.T) {
	t.Parallel()
	s := newSource(func(*models.Source) {})
	require.NoError(t, s.Validate())
	require.Equal(t, "default", s.Tenant)
	require.Equal(t, models.SourceActive, s.Status)
	require.Equal(t, now.Truncate(time.Millisecond), s.UpdatedAt)
	require.Equal(t, "/in/"+s.ID, s.URL())
	s.PublicURL = "https://hooks.example/sub/"
	require.NoError(t, s.Validate())
	require.Equal(t, "https://hooks.example/sub/in/"+s.ID, s.URL())

	c := s.Clone()
	c.Credentials[0].Secret = "other"
	require.Equal(t, "hush", s.Credentials[0].Secret)
}

func TestSourcesThatAreRefused(t *testing.T) {
	t.Parallel()
	credentials := func(all ...models.SourceCredential) func(*models.Source) {
		return func(s *models.Source) { s.Credentials = all }
	}
	long := strings.Repeat("x", 17_000)
	for field, changes := range map[string][]func(*models.Source){
		"tenant":   {func(s *models.Source) { s.Tenant = "a b" }},
		"name":     {func(s *models.Source) { s.Name = long }, func(s *models.Source) { s.Name = "\x00" }},
		"provider": {func(s *models.Source) { s.Provider = "" }, func(s *models.Source) { s.Provider = long }},
		"credentials": {
			credentials(slices.Repeat([]models.SourceCredential{{Secret: "a"}}, 11)...),
		},
		"credentials[0].secret": {credentials(models.SourceCredential{ID: "a"}), credentials(models.SourceCredential{Secret: long})},
		"credentials[1].id":     {credentials(models.SourceCredential{Secret: "a"}, models.SourceCredential{Secret: "b", ID: long})},
		"credentials[0].scheme": {credentials(models.SourceCredential{Secret: "a", Scheme: long})},
		"public_url": {
			func(s *models.Source) { s.PublicURL = "hooks.example" },
			func(s *models.Source) { s.PublicURL = "https://hooks.example/?a=1" },
			func(s *models.Source) { s.PublicURL = "https://u:hush@hooks.example" },
		},
		"settings": {func(s *models.Source) { s.Settings = []byte("{") }, func(s *models.Source) { s.Settings = []byte(`"` + long + `"`) }},
		"status":   {func(s *models.Source) { s.Status = "paused" }},
	} {
		for i, change := range changes {
			t.Run(fmt.Sprint(field, " ", i), func(t *testing.T) {
				t.Parallel()
				err := newSource(change).Validate()
				var invalid *models.Error
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, field, invalid.Field)
				require.NotContains(t, err.Error(), "hush")
			})
		}
	}
}
