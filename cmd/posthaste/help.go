package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// helpCmd is --help for those who look for it as a command.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command, such as: deliveries list."`
}

// Run implements the command.
func (c *helpCmd) Run(ctx context.Context, s streams, parsed *kong.Context) error { //nolint:unparam // kong wants an error
	parsed.Exit(run(ctx, append(slices.Clone(c.Command), "--help"), s))
	return nil
}

// misused is an error of the command line that says where to read on.
func misused(err error) error {
	command := "posthaste"
	text := strings.NewReplacer(`must be one of "",`, "must be one of ", `,"" but got`, " but got").Replace(err.Error())
	if parsing, ok := errors.AsType[*kong.ParseError](err); ok && parsing.Context != nil {
		node := reached(parsing.Context)
		command, text = node.FullPath(), suggest(node, text)
	}
	return usageError{fmt.Errorf("%s (see %s --help)", text, command)}
}

// reached is how far the words were understood: the last one that is a command.
func reached(parsed *kong.Context) *kong.Node {
	node := parsed.Model.Node
	for _, step := range parsed.Path {
		if step.Command != nil {
			node = step.Command
		}
	}
	return node
}

// unexpected is what kong says of a word that is no command. It knows those that are off by a letter or two.
var unexpected = regexp.MustCompile(`^unexpected argument (\S+)$`)

// suggest adds the commands that somebody may have meant by a word which is none here: those that begin alike, and those
// that are called so elsewhere.
func suggest(node *kong.Node, text string) string {
	found := unexpected.FindStringSubmatch(text)
	if found == nil || node.Leaf() {
		return text
	}
	meant := alike(node, found[1])
	if len(meant) == 0 {
		return text
	}
	return fmt.Sprintf("%s, did you mean %s?", text, strings.Join(meant, " or "))
}

func alike(node *kong.Node, word string) (meant []string) {
	for _, child := range node.Children {
		if !child.Hidden && strings.HasPrefix(child.Name, word[:min(len(word), 4)]) {
			meant = append(meant, fmt.Sprintf("%q", child.Name))
		}
		for _, grandchild := range child.Children {
			if grandchild.Name == word {
				meant = append(meant, fmt.Sprintf("%q", child.Name+" "+word))
			}
		}
	}
	return meant
}
