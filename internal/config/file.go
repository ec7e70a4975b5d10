package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// YAML reads a settings file for kong: a map from the long names of flags to their values, each a scalar or a list of
// scalars. A value that is left empty is as good as absent. A name that no command knows is refused.
func YAML(r io.Reader) (kong.Resolver, error) {
	nodes := map[string]yaml.Node{}
	if err := yaml.NewDecoder(r).Decode(&nodes); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not a map of settings in YAML") // not err, which repeats what may be a key
	}
	values := map[string]string{}
	for name, node := range nodes {
		if node.Tag == "!!null" {
			continue
		}
		value, err := text(node)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = value
	}
	return &file{values: values}, nil
}

// text is a value as it is written in the file: as a number, a long key of digits would lose most of them.
func text(node yaml.Node) (string, error) {
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

type file struct{ values map[string]string }

// Validate implements kong.Resolver.
func (f *file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if !known[name] {
			return fmt.Errorf("the settings file has an unknown setting: %s", name)
		}
	}
	return nil
}

// Resolve implements kong.Resolver. Kong lets a resolver win over the environment; we want it the other way round.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	if value, ok := f.values[flag.Name]; ok {
		return value, nil
	}
	return nil, nil
}
