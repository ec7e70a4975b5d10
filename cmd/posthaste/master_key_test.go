package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
	"github.com/posthaste/posthaste/internal/terminal"
	"github.com/posthaste/posthaste/models"
)

// ownFolder is a data folder that only its owner can enter, so that nothing warns of it.
func ownFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o700))
	return folder
}

// openData opens the SQLite database of a data folder with the keys, and migrates it.
func openData(t *testing.T, folder string, keys ...string) *store.Store {
	t.Helper()
	ring, err := keyring.Parse(strings.Join(keys, ","))
	require.NoError(t, err)
	db, err := openStore(t.Context(), config.Store{Data: folder}, ring, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	return db
}

func storeSubscription(t *testing.T, db *store.Store) *models.Subscription {
	t.Helper()
	sub := models.NewSubscription(models.Subscription{
		URL: "https://shop.example/hook", EventTypes: []string{"*"}, Secrets: []models.Secret{{Value: "whsec_c2VjcmV0"}},
	}, time.Now())
	require.NoError(t, db.CreateSubscription(t.Context(), sub))
	return sub
}

func keyID(key string) string {
	id, _, _ := strings.Cut(key, ":")
	return id
}

func TestKeysRotate(t *testing.T) {
	folder, oldKey, newKey := t.TempDir(), keyring.New(), keyring.New()
	sub := storeSubscription(t, openData(t, folder, oldKey))
	rotate := []string{"master-key", "rotate", "--data", folder, "--master-key", newKey + "," + oldKey}

	output, code := runHere(t, rotate...)
	require.Zero(t, code, output)
	require.Contains(t, output, "subscriptions and sources sealed anew under key "+keyID(newKey)+": 1\n")
	require.Contains(t, output, "no longer in use: "+keyID(oldKey))
	require.NotContains(t, output, "still in use")
	for _, key := range []string{oldKey, newKey} {
		require.NotContains(t, output, strings.TrimPrefix(key, keyID(key)))
	}

	newer := openData(t, folder, newKey)
	require.NoError(t, newer.CheckKeys(t.Context()), "a server with the new key alone starts")
	after, err := newer.Subscription(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Equal(t, sub, after)

	output, code = runHere(t, rotate...)
	require.Zero(t, code, output)
	require.Contains(t, output, "subscriptions and sources sealed anew under key "+keyID(newKey)+": 0\n")
}

func TestKeysRotateRefusals(t *testing.T) {
	folder, oldKey, newKey := ownFolder(t), keyring.New(), keyring.New()
	storeSubscription(t, openData(t, folder, oldKey))
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no key":            {[]string{"--data", folder}, "posthaste master-key new"},
		"without the old":   {[]string{"--data", folder, "--master-key", newKey}, `key "` + keyID(oldKey) + `"`},
		"no database there": {[]string{"--data", ownFolder(t), "--master-key", newKey}, "posthaste migrate up"},
	} {
		t.Run(name, func(t *testing.T) {
			output, code := runHere(t, append([]string{"master-key", "rotate"}, tt.args...)...)
			require.Equal(t, 1, code)
			require.Len(t, lines(output), 1, output)
			require.Contains(t, output, tt.want)
		})
	}
	require.NoError(t, openData(t, folder, oldKey).CheckKeys(t.Context()), "nothing has changed")
}

func TestKeysRotateSaysThatItWasStopped(t *testing.T) {
	t.Parallel()
	folder, key := t.TempDir(), keyring.New()
	openData(t, folder, key)
	var output bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := (&masterKeyRotateCmd{config.Store{Data: folder, MasterKey: key}}).Run(ctx, terminal.Streams{Out: &output, Err: &output}, quiet)
	require.ErrorContains(t, err, "run it again")
	require.NotErrorIs(t, err, context.Canceled, "which would end the program as if all was done")
	require.Empty(t, output.String())
}

func TestReportRotationNamesWhatIsStillInUse(t *testing.T) {
	t.Parallel()
	var output bytes.Buffer
	reportRotation(&output, []string{"new", "older", "oldest"}, []string{"new", "older"}, 7)
	require.Contains(t, output.String(), "still in use: older (")
	require.Contains(t, output.String(), "no longer in use: oldest (")
}

func TestProgressLine(t *testing.T) {
	t.Parallel()
	var often, seldom bytes.Buffer
	for _, progress := range []func(int){progressLine(&often, 0), progressLine(&seldom, time.Hour)} {
		progress(100)
		progress(200)
	}
	require.Len(t, lines(often.String()), 2)
	require.Empty(t, seldom.String())
}

func TestStartWithAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	folder, otherKey := ownFolder(t), keyring.New()
	p := startDev(t, folder)
	p.subscribe("https://shop.example/hook", nil)
	require.Zero(t, p.interrupt())
	path := filepath.Join(folder, "master.key")
	key, err := os.ReadFile(path)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(path, []byte(otherKey), 0o600))
	p = start(t, nil, devWith("--data", folder)...)
	p.requireRefusal(keyID(string(key)))
	p = start(t, []string{"POSTHASTE_API_KEY=" + testKey, "POSTHASTE_MASTER_KEY=" + otherKey},
		"server", "--data", folder, "--listen", "127.0.0.1:0")
	p.requireRefusal(keyID(string(key)))

	require.NoError(t, os.Remove(path))
	p = start(t, []string{"POSTHASTE_MASTER_KEY=" + string(key)}, devWith("--data", folder)...)
	require.Equal(t, 1, p.exitCode())
	require.Contains(t, p.output.String(), "master.key is missing beside a database", "dev makes no second key for a folder that had one")

	require.NoError(t, os.WriteFile(path, key, 0o600))
	startDev(t, folder)
}

// requireRefusal requires that the program ended with one line that names the key and says what to do.
func (p *program) requireRefusal(keyID string) {
	p.t.Helper()
	require.Equal(p.t, 1, p.exitCode())
	require.Len(p.t, lines(p.output.String()), 1, p.output)
	require.Contains(p.t, p.output.String(), `key "`+keyID+`", which is not in the master key; set POSTHASTE_MASTER_KEY to contain it`)
}
