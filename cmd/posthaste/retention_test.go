package main

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/models"
)

func TestRetentionCommands(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	output, code := runHere(t, "retention", "run", "--data", folder)
	require.NotZero(t, code)
	require.Contains(t, output, "run posthaste migrate up")
	_, code = runHere(t, "migrate", "up", "--data", folder)
	require.Zero(t, code)
	publishOld(t, filepath.Join(folder, "posthaste.db"), 60*24*time.Hour, 3, nil)

	for flag, want := range map[string]string{
		"--retention=59m":           "--retention 59m0s is neither 0s nor at least 1h0m0s",
		"--payload-retention=31d":   "is longer than --retention 720h0m0s",
		"--audit-retention=1s":      "--audit-retention 1s is neither 0s nor at least 1h0m0s",
		"--payload-retention=never": "--payload-retention",
	} {
		output, code = runHere(t, "retention", "run", "--data", folder, flag)
		require.NotZero(t, code)
		require.Contains(t, output, want)
		require.Len(t, lines(output), 1, output)
	}

	output, code = runHere(t, "retention", "run", "--data", folder, "--retention", "0s")
	require.Zero(t, code, output)
	require.Empty(t, output, "nothing ends")
	for range 2 {
		output, code = runHere(t, "retention", "run", "--data", folder, "--dry-run")
		require.Zero(t, code, output)
		require.Contains(t, output, ": would remove 3 events, 0 deliveries and 0 attempts, about 2.2 KiB\n")
	}
	output, code = runHere(t, "retention", "run", "--data", folder)
	require.Zero(t, code, output)
	require.Contains(t, output, ": removed 3 events, 0 deliveries and 0 attempts, about 2.2 KiB\n")
	output, code = runHere(t, "retention", "run", "--data", folder)
	require.Zero(t, code, output)
	require.Contains(t, output, ": removed nothing\n")

	output, code = runHere(t, "retention", "status", "--data", folder, "--audit-retention", "52w")
	require.Zero(t, code, output)
	rows := map[string][]string{}
	for _, line := range lines(output) {
		fields := strings.Fields(line)
		rows[fields[0]] = fields
	}
	require.Equal(t, "720h0m0s", rows["events"][1])
	require.Equal(t, []string{"3", "2.2", "KiB"}, rows["events"][4:])
	require.Equal(t, []string{"audit", "8736h0m0s", "never", "never", "0", "0", "bytes"}, rows["audit"])
	require.Contains(t, output, "as events")

	require.NotContains(t, output, "of acme")
	longer := 90 * 24 * time.Hour
	publishOld(t, filepath.Join(folder, "posthaste.db"), 60*24*time.Hour, 2, &models.Tenant{Name: "acme", Retention: &longer})
	output, code = runHere(t, "retention", "run", "--data", folder)
	require.Zero(t, code, output)
	require.Contains(t, output, ": removed nothing\n")
	publishOld(t, filepath.Join(folder, "posthaste.db"), 100*24*time.Hour, 2, &models.Tenant{Name: "acme", Retention: &longer})
	for _, done := range []string{"would remove", "removed"} {
		output, code = runHere(t, append([]string{"retention", "run", "--data", folder}, map[string][]string{"would remove": {"--dry-run"}}[done]...)...)
		require.Zero(t, code, output)
		require.Contains(t, output, "events of acme: "+done+" 2 events, ")
	}
	output, code = runHere(t, "retention", "status", "--data", folder)
	require.Zero(t, code, output)
	require.Regexp(t, `(?m)^events of acme +2160h0m0s .* 2 +1.5 KiB$`, output)
	require.Contains(t, output, "database: ")

	_, code = runHere(t, "retention")
	require.Equal(t, terminal.CodeUsage, code)
}

// publishOld stores events of that age, for which there is no subscription, and the settings of their tenant, if it has any.
func publishOld(t *testing.T, path string, age time.Duration, count int, tenant *models.Tenant) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	name := ""
	if tenant != nil {
		name = tenant.Name
		require.NoError(t, s.UpdateTenant(t.Context(), name, func(is *models.Tenant) error {
			*is = *tenant
			return nil
		}))
	}
	at := time.Now().Add(-age)
	for range count {
		e := models.NewEvent(models.Event{Tenant: name, Type: "a", Data: []byte("{}")}, at)
		e.ID = models.EventPrefix + strings.ToLower(ulid.MustNew(ulid.Timestamp(at), rand.Reader).String())
		_, err := s.CreateEvents(t.Context(), []*models.Event{e})
		require.NoError(t, err)
		_, err = s.PlanDeliveries(t.Context(), e.ID, nil)
		require.NoError(t, err)
	}
}
