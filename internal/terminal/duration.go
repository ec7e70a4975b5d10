package terminal

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// longUnit matches a number of days or weeks.
var longUnit = regexp.MustCompile(`(\d+\.?\d*|\.\d+)([dw])`)

// ParseDuration extends time.ParseDuration by days (24h) and weeks: 3d, 2w, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	hours := longUnit.ReplaceAllStringFunc(text, func(part string) string {
		number, _ := strconv.ParseFloat(part[:len(part)-1], 64) // the expression matches numbers only
		return strconv.FormatFloat(number*map[byte]float64{'d': 24, 'w': 7 * 24}[part[len(part)-1]], 'f', -1, 64) + "h"
	})
	d, err := time.ParseDuration(hours)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 90s, 15m, 2h, 3d or 2w", text)
	}
	return d, nil
}

// readDuration reads the value of a flag.
func readDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := ParseDuration(text)
	target.SetInt(int64(d))
	return err
}
