package terminal

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// NewBar makes a progress bar on a terminal; elsewhere the bar shows nothing.
func NewBar(w io.Writer, total int, what string) *progressbar.ProgressBar {
	const redraw = 100 * time.Millisecond
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(IsTerminal(w)),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionClearOnFinish(),
	)
}
