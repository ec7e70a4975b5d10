package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// commandLineOnly is the tag of a flag that is read from the command line only.
const commandLineOnly = "commandline"

// Files reads settings files. The zero value is ready to use.
type Files struct {
	// Ignored lists the settings of the file that the command does not read from a file.
	Ignored []string
}

// YAML reads a settings file for kong: a map from the long names of flags to their values, each a scalar or a list of
// scalars. An empty value counts as absent. A name that no command knows is refused.
//
// Errors name the file and the line, and repeat nothing of the file but a name: the rest may be a key.
func (f *Files) YAML(r io.Reader) (kong.Resolver, error) {
	parsed := &file{name: "the settings file", ignored: &f.Ignored}
	if named, ok := r.(interface{ Name() string }); ok {
		parsed.name += " " + named.Name()
	}
	settings, err := readSettings(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", parsed.name, err)
	}
	parsed.settings = settings
	return parsed, nil
}

// setting is one line of a settings file.
type setting struct {
	name, value string
	line        int
}

var lineOf = regexp.MustCompile(`^yaml: (line \d+: )`)

func readSettings(r io.Reader) ([]setting, error) {
	var document yaml.Node
	err := yaml.NewDecoder(r).Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil { // only the line of err, because its text may repeat a key
		where := lineOf.FindStringSubmatch(err.Error())
		return nil, fmt.Errorf("%sis not YAML", strings.Join(where[min(len(where), 1):], ""))
	}
	top := document.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: not a YAML map of settings", top.Line)
	}
	var settings []setting
	for pair := range slices.Chunk(top.Content, 2) {
		settings, err = appendSetting(settings, pair[0], pair[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", pair[0].Line, err)
		}
	}
	return settings, nil
}

func appendSetting(settings []setting, key, node *yaml.Node) ([]setting, error) {
	if key.Kind != yaml.ScalarNode {
		return nil, errors.New("a setting needs a name")
	}
	if slices.ContainsFunc(settings, func(s setting) bool { return s.name == key.Value }) {
		return nil, fmt.Errorf("%s is set twice", key.Value)
	}
	if node.Tag == "!!null" {
		return settings, nil
	}
	value, err := text(node)
	if err != nil {
		return nil, fmt.Errorf("%s %w", key.Value, err)
	}
	return append(settings, setting{name: key.Value, value: value, line: key.Line}), nil
}

// text returns a value as it is written in the file: read as a number, a long key of digits would lose most of them.
func text(node *yaml.Node) (string, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		return node.Value, nil
	case yaml.SequenceNode:
		words := make([]string, len(node.Content))
		for i, item := range node.Content {
			words[i] = item.Value
		}
		return strings.Join(words, ","), nil
	default:
		return "", errors.New("must be a single value or a list")
	}
}

type file struct {
	name     string
	settings []setting
	ignored  *[]string
}

// Validate implements kong.Resolver. Its error lists all names that no command knows.
func (f *file) Validate(app *kong.Application) error {
	var known []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known = append(known, flag.Name)
		}
		return next(nil)
	})
	var errs []error
	for _, s := range f.settings {
		if slices.Contains(known, s.name) {
			continue
		}
		unknown := fmt.Errorf("%s: line %d: unknown setting %q", f.name, s.line, s.name)
		if near := nearest(s.name, known); near != "" {
			unknown = fmt.Errorf("%w; did you mean %q?", unknown, near)
		}
		errs = append(errs, unknown)
	}
	return errors.Join(errs...)
}

// Resolve implements kong.Resolver. Kong lets a resolver win over the environment; we want it the other way round.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	i := slices.IndexFunc(f.settings, func(s setting) bool { return s.name == flag.Name })
	if i < 0 {
		return nil, nil
	}
	if flag.Tag.Has(commandLineOnly) {
		if !slices.Contains(*f.ignored, flag.Name) {
			*f.ignored = append(*f.ignored, flag.Name)
		}
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return f.settings[i].value, nil
}

// nearest returns the known name that was probably meant: a name that differs in its case, its dashes or the prefix of
// environment variables, or else by one or two slips of the keyboard. It is empty if there is none.
func nearest(name string, known []string) string {
	plain := strings.TrimPrefix(strings.ToLower(strings.NewReplacer("_", "-", ".", "-", " ", "-").Replace(name)), "posthaste-")
	squeezed := strings.ReplaceAll(plain, "-", "")
	best, distance := "", max(1, len(plain)/4)+1
	for _, candidate := range known {
		d := slips(plain, candidate)
		if strings.ReplaceAll(candidate, "-", "") == squeezed {
			d = 0
		}
		if d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// slips returns the Levenshtein distance: the number of letters that have to be added, removed or changed.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
