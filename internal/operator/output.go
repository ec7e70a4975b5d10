package operator

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/posthaste/posthaste/client"
	"github.com/posthaste/posthaste/internal/terminal"
)

// field is one named value of an item, as people read it.
type field struct{ name, value string }

// layout says how items of one type are printed.
type layout[T any] struct {
	columns []string // of a table, by the names of fields
	fields  func(T) []field
}

// Limited holds the flag that bounds a list.
type Limited struct {
	Limit int `name:"limit" default:"50" placeholder:"N" help:"Maximum number of rows, newest first (default ${default}); 0 for all."`
}

// pageSize is the number of items to fetch at a time: one more than wanted, to learn whether there are more.
func (l Limited) pageSize() int {
	const most = 200
	if l.Limit <= 0 || l.Limit >= most {
		return most
	}
	return l.Limit + 1
}

// printList prints the start of a list.
func printList[T any](o *operator, limit int, list iter.Seq2[T, error], l layout[T]) error {
	return printSome(o, limit, withJSON(o.answers, list), l)
}

// printSome prints the start of a list whose items come with their JSON.
func printSome[T any](o *operator, limit int, list iter.Seq2[received[T], error], l layout[T]) error {
	found, more, err := take(list, limit)
	if err != nil {
		return err
	}
	things, texts := make([]T, len(found)), make([]json.RawMessage, len(found)) // in JSON, none is [] and not null
	for i, s := range found {
		things[i], texts[i] = s.thing, s.json
	}
	if o.json {
		return terminal.PrintJSON(o.s.Out, texts)
	}
	if more {
		fmt.Fprintln(o.s.Err, "there are more; --limit 0 prints all")
	}
	return l.table(o.s.Out, things)
}

// take collects the first n items, all for 0, and says whether there are more.
func take[T any](seq iter.Seq2[T, error], n int) (items []T, more bool, err error) {
	for item, err := range seq {
		if err != nil {
			return nil, false, err
		}
		if n > 0 && len(items) == n {
			return items, true, nil
		}
		items = append(items, item)
	}
	return items, false, nil
}

// printAll prints items that came on one page.
func (l layout[T]) printAll(o *operator, things []T) error {
	if o.json {
		return terminal.PrintJSON(o.s.Out, o.answers.items())
	}
	return l.table(o.s.Out, things)
}

// print prints one item, which the newest answer holds.
func (l layout[T]) print(o *operator, thing T) error {
	if o.json {
		return terminal.PrintJSON(o.s.Out, o.answers.json())
	}
	w := tabwriter.NewWriter(o.s.Out, 0, 0, 2, ' ', 0)
	for _, f := range l.fields(thing) {
		if f.value != "" {
			fmt.Fprintf(w, "%s\t%s\n", f.name, terminal.Printable(f.value))
		}
	}
	return w.Flush()
}

func (l layout[T]) table(w io.Writer, things []T) error {
	rows := [][]string{strings.Split(strings.ToUpper(strings.Join(l.columns, "\t")), "\t")}
	for _, thing := range things {
		rows = append(rows, l.row(thing))
	}
	const gap = 2
	last, room := len(l.columns)-1, widthOf(w)
	for column := range last {
		room -= gap + widest(rows, column)
	}
	table := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	for _, row := range rows {
		row[last] = shorten(row[last], max(room, narrowest))
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

const (
	longestCell = 80  // in any column
	narrowest   = 20  // least width of the last column
	usualWidth  = 120 // of a table that is not printed on a terminal
)

// widthOf returns the greatest width of a table: beyond it the last column, which has the long texts, is shortened.
func widthOf(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return usualWidth
}

func widest(rows [][]string, column int) (width int) {
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(row[column]))
	}
	return width
}

func (l layout[T]) row(thing T) []string {
	fields := l.fields(thing)
	cells := make([]string, len(l.columns))
	for i, name := range l.columns {
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		cells[i] = shorten(terminal.Printable(fields[at].value), longestCell)
	}
	return cells
}

// shorten keeps a table readable when a cell is long.
func shorten(text string, longest int) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}

// clock prints a time; the zero time is "".
func clock(t client.Timestamp) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// count prints a number; 0 is "".
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
