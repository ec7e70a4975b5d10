package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(p.every):
		}
	}
}

func (p *patience) say(err error) {
	switch away := err != nil; {
	case away && !p.away:
		fmt.Fprintln(p.w, "waiting for the server:", terminal.Plain(err))
	case p.away && !away:
		fmt.Fprintln(p.w, "the server is back")
	}
	p.away = err != nil
}
