package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

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
		options.Path = cfg.SQLitePath()
	}
	return store.Open(ctx, options)
}

// masterKey reads the keys that seal secrets.
func masterKey(cfg config.Store) (*keyring.Ring, error) {
	if cfg.MasterKey == "" {
		return nil, errors.New("a key to seal the signing secrets is needed: set POSTHASTE_MASTER_KEY (posthaste keys new makes one)")
	}
	ring, err := keyring.Parse(cfg.MasterKey)
	if err != nil {
		return nil, fmt.Errorf("POSTHASTE_MASTER_KEY: %w", err)
	}
	return ring, nil
}

// devMasterKey reads the key that dev keeps in its data folder, and makes one the first time.
func devMasterKey(cfg config.Store) (*keyring.Ring, error) {
	if cfg.MasterKey != "" {
		return masterKey(cfg)
	}
	if err := makeFolder(cfg.Data); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(cfg.MasterKeyPath())
	if errors.Is(err, fs.ErrNotExist) {
		key, err = writeKey(cfg.MasterKeyPath())
	}
	if err != nil {
		return nil, fmt.Errorf("the master key of dev: %w", err)
	}
	ring, err := keyring.Parse(string(key))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.MasterKeyPath(), err)
	}
	return ring, nil
}

// writeKey makes a key file. The rename makes it appear whole or not at all: a half-written key would lock out what it
// has sealed.
func writeKey(path string) ([]byte, error) {
	key := []byte(keyring.New())
	temporary := path + ".new"
	if err := os.WriteFile(temporary, key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(temporary, path)
}

// makeFolder makes the data folder and sees whether it can be written to.
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
