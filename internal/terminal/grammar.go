package terminal

import (
	"reflect"
	"time"

	"github.com/alecthomas/kong"

	"github.com/posthaste/posthaste/internal/config"
)

// Parser makes the parser of a grammar, which is a pointer to a kong struct.
func Parser(grammar any, s Streams, options ...kong.Option) (*kong.Kong, error) {
	return kong.New(grammar, append([]kong.Option{
		kong.Name("posthaste"),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(readDuration)),
		kong.Writers(s.Out, s.Err),
		kong.Exit(func(int) { panic(answered{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
	}, options...)...)
}

// answered is the panic by which kong's parser ends after it has printed the help or the version.
type answered struct{}

// Parse parses a command line. It returns nil without an error if the command line asked for the help or the version, which
// is then printed. An error names the help to read.
func Parse(parser *kong.Kong, args []string) (command *kong.Context, err error) {
	defer func() {
		if v := recover(); v != nil && v != (answered{}) {
			panic(v)
		}
	}()
	command, err = parser.Parse(args)
	if err != nil {
		return nil, misused(config.Hide(err))
	}
	return command, nil
}
