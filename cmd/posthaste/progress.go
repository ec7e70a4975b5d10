package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/posthaste/posthaste/client"
)

// newBar makes a progress bar on a terminal; elsewhere the bar shows nothing.
func newBar(w io.Writer, total int, what string) *progressbar.ProgressBar {
	const redraw = 100 * time.Millisecond
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionClearOnFinish(),
	)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// patience polls the server, even while it is away, and says once that it is away and once that it is back.
type patience struct {
	w     io.Writer
	every time.Duration
	away  bool
}

// until calls ask at once and then after every pause, until it is done or fails for a reason other than an absent server.
func (p *patience) until(ctx context.Context, ask func() (done bool, err error)) error {
	for {
		done, err := ask()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, client.ErrUnavailable) {
			return err
		}
		p.say(err)
		if done && err == nil {
			return nil
		}
		if err := sleep(ctx, p.every); err != nil {
			return err
		}
	}
}

func (p *patience) say(err error) {
	switch away := err != nil; {
	case away && !p.away:
		fmt.Fprintln(p.w, "waiting for the server:", plain(err))
	case p.away && !away:
		fmt.Fprintln(p.w, "the server is back")
	}
	p.away = err != nil
}
