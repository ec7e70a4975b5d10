package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/store"
)

func openStore(ctx context.Context, cfg config.Store, keys *keyring.Ring, log *slog.Logger) (*store.Store, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	options := store.Options{DatabaseURL: cfg.DatabaseURL, Keys: keys, Logger: log}
	if cfg.DatabaseURL == "" {
		if err := makeFolder(cfg.Data); err != nil {
			return nil, err
		}
		warnOfGuests(cfg.Data, log)
		options.Path = cfg.SQLitePath()
	}
	return store.Open(ctx, options)
}

// masterKey reads the keys that seal secrets.
func masterKey(cfg config.Store) (*keyring.Ring, error) {
	if cfg.MasterKey == "" {
		return nil, errors.New("a master key for the signing secrets is needed: set POSTHASTE_MASTER_KEY (posthaste master-key new creates one)")
	}
	ring, err := keyring.Parse(cfg.MasterKey)
	if err != nil {
		return nil, fmt.Errorf("POSTHASTE_MASTER_KEY: %w", err)
	}
	return ring, nil
}

// devMasterKey returns the keys of dev: the key in its data folder, and after it the configured keys, which open secrets
// that were sealed with them. In a Postgres that dev shares, the configured keys seal.
func devMasterKey(cfg config.Store) (*keyring.Ring, error) {
	if err := makeFolder(cfg.Data); err != nil {
		return nil, err
	}
	if cfg.DatabaseURL != "" && cfg.MasterKey != "" {
		return masterKey(cfg)
	}
	key, err := os.ReadFile(cfg.MasterKeyPath())
	if errors.Is(err, fs.ErrNotExist) {
		key, err = newDevKey(cfg)
	}
	if err == nil {
		err = os.Chmod(cfg.MasterKeyPath(), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the master key of dev: %w", err)
	}
	ring, err := keyring.Parse(string(key))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.MasterKeyPath(), err)
	}
	if cfg.MasterKey == "" {
		return ring, nil
	}
	return masterKey(config.Store{MasterKey: inFront(strings.TrimSpace(string(key)), cfg.MasterKey)})
}

// inFront puts a key before others, which may contain it.
func inFront(key, others string) string {
	rest := slices.DeleteFunc(strings.Split(others, ","), func(other string) bool { return strings.TrimSpace(other) == key })
	return strings.Join(append([]string{key}, rest...), ",")
}

// newDevKey makes the key of a new data folder. It refuses a folder that has a database already: that belongs to a server,
// or its key was lost.
func newDevKey(cfg config.Store) ([]byte, error) {
	if _, err := os.Stat(cfg.SQLitePath()); err == nil && cfg.DatabaseURL == "" {
		return nil, fmt.Errorf("%s is missing beside a database: the folder belongs to a posthaste server, or the key was lost; "+
			"choose another folder with --data", cfg.MasterKeyPath())
	}
	return writeKey(cfg.MasterKeyPath())
}

// writeKey makes a key file. The rename makes it appear whole or not at all: a half-written key could not open the secrets
// that it has sealed.
func writeKey(path string) ([]byte, error) {
	key := []byte(keyring.New())
	temporary := path + ".new"
	if err := os.WriteFile(temporary, key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(temporary, path)
}

// warnOfGuests logs that other users may enter the data folder. Its files can be read by the owner only in any case.
func warnOfGuests(folder string, log *slog.Logger) {
	info, err := os.Stat(folder)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		log.Warn("data.folder_open_to_others", "folder", folder, "mode", fmt.Sprintf("%#o", info.Mode().Perm()), "hint", "chmod 700 keeps them out")
	}
}

// makeFolder makes the data folder and checks that it can be written to.
func makeFolder(path string) error {
	err := os.MkdirAll(path, 0o700)
	if err == nil {
		err = tryWriting(path)
	}
	if err != nil {
		return fmt.Errorf("the data folder cannot be used: %w (choose another with --data)", err)
	}
	return nil
}

func tryWriting(folder string) error {
	file, err := os.CreateTemp(folder, ".writable-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(filepath.Clean(file.Name())))
}
