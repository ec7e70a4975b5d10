package terminal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/config"
)

// Streams holds the input and the outputs of a program: Out is for results, Err for messages.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Fail prints an error and returns its exit code. Without an error it prints nothing and returns 0.
func (s Streams) Fail(err error) int {
	if err == nil {
		return 0
	}
	s.Complain(err)
	return CodeOf(err)
}

// Complain prints an error as one line.
func (s Streams) Complain(err error) { fmt.Fprintln(s.Err, "posthaste:", Plain(err)) }

// Plain returns an error as one line, without the prefix that package client puts before each of its errors.
func Plain(err error) string {
	text := config.Hide(err).Error()
	if problem, ok := errors.AsType[*client.Error](err); ok {
		text = strings.ReplaceAll(text, problem.Error(), explain(problem))
	}
	return Printable(strings.ReplaceAll(strings.ReplaceAll(text, "\n", "; "), "posthaste: ", ""))
}

// Printable removes characters that would move the cursor or change colours: strangers wrote much of the printed text.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// Plural returns a number with its noun: 1 delivery, 2 deliveries.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// PrintJSON prints a value as indented JSON.
func PrintJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // URLs have an &
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// IsTerminal reports whether a person reads what is written.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Whoami returns user@host as far as they are known and can be printed.
func Whoami() string {
	const longest = 200 // bytes, by the API
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	me := Printable(name + "@" + host)
	return strings.ToValidUTF8(me[:min(len(me), longest)], "")
}
