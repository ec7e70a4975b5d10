package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/posthaste/posthaste/internal/config"
	"github.com/posthaste/posthaste/internal/keyring"
	"github.com/posthaste/posthaste/internal/terminal"
)

// masterKeyCmd makes and rotates the keys that seal secrets.
type masterKeyCmd struct {
	New    masterKeyNewCmd    `cmd:"" help:"Print a new master key for POSTHASTE_MASTER_KEY."`
	Rotate masterKeyRotateCmd `cmd:"" help:"Encrypt all stored secrets again with the first key of POSTHASTE_MASTER_KEY, so that you can remove the other keys."`
}

type masterKeyNewCmd struct{}

// Run implements the command.
func (masterKeyNewCmd) Run(s terminal.Streams) error {
	_, err := fmt.Fprintln(s.Out, keyring.New())
	return err
}

// rotateReport is the interval at which master-key rotate prints its progress.
const rotateReport = 2 * time.Second

type masterKeyRotateCmd struct {
	config.Store `group:"Storage"`
}

// Help is the long help of the command.
func (masterKeyRotateCmd) Help() string {
	return "Put the new key first in POSTHASTE_MASTER_KEY and keep the old keys after it, here and on every server. Servers may run meanwhile. You can stop the command and run it again; secrets that already use the first key are skipped."
}

// Run implements the command.
func (c *masterKeyRotateCmd) Run(ctx context.Context, s terminal.Streams, log *slog.Logger) error {
	keys, err := masterKey(c.Store)
	if err != nil {
		return err
	}
	resealed, used, err := c.rotate(ctx, s, keys, log)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("stopped after %d subscriptions and sources; run it again to do the rest", resealed)
	}
	if err != nil {
		return adviseKey(err)
	}
	reportRotation(s.Out, keys.IDs(), used, resealed)
	return nil
}

// rotate seals all secrets anew, and returns the number of changed rows and the keys in use afterwards.
func (c *masterKeyRotateCmd) rotate(
	ctx context.Context, s terminal.Streams, keys *keyring.Ring, log *slog.Logger,
) (resealed int, used []string, err error) {
	db, err := openStore(ctx, c.Store, keys, log)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = db.Close() }() // everything written is committed
	if err = db.CheckMigrated(ctx); err != nil {
		return 0, nil, err
	}
	if resealed, err = db.Reseal(ctx, progressLine(s.Err, rotateReport)); err != nil {
		return resealed, nil, err
	}
	used, err = db.KeysInUse(ctx)
	return resealed, used, err
}

// progressLine returns a function that prints a line of progress, at most once in the given time.
func progressLine(w io.Writer, every time.Duration) func(done int) {
	last := time.Now()
	return func(done int) {
		if time.Since(last) >= every {
			last = time.Now()
			fmt.Fprintf(w, "subscriptions and sources sealed anew so far: %d\n", done)
		}
	}
}

// reportRotation prints the result, and which of the keys are still needed. The first key seals.
func reportRotation(w io.Writer, keys, used []string, resealed int) {
	fmt.Fprintf(w, "subscriptions and sources sealed anew under key %s: %d\n", keys[0], resealed)
	var idle, needed []string
	for _, id := range keys[1:] {
		if slices.Contains(used, id) {
			needed = append(needed, id)
		} else {
			idle = append(idle, id)
		}
	}
	if len(needed) > 0 {
		fmt.Fprintf(w, "still in use: %s (a server has another key first; put %s first there, and run this again)\n",
			strings.Join(needed, ", "), keys[0])
	}
	if len(idle) > 0 {
		fmt.Fprintf(w, "no longer in use: %s (can be dropped from POSTHASTE_MASTER_KEY once every server has %s first)\n",
			strings.Join(idle, ", "), keys[0])
	}
}

// adviseKey adds advice to the error about a missing key.
func adviseKey(err error) error {
	if _, ok := errors.AsType[*keyring.MissingKeyError](err); ok {
		return fmt.Errorf("%w; set POSTHASTE_MASTER_KEY to contain it", err)
	}
	return err
}
