package terminal

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// misused returns an error of the command line that names the help to read.
func misused(err error) error {
	command := "posthaste"
	text := strings.NewReplacer(`must be one of "",`, "must be one of ", `,"" but got`, " but got").Replace(err.Error())
	if parsing, ok := errors.AsType[*kong.ParseError](err); ok && parsing.Context != nil {
		node := reached(parsing.Context)
		command, text = node.FullPath(), suggest(node, text)
	}
	return Usage(fmt.Errorf("%s (see %s --help)", text, command))
}

// reached returns the last word of the command line that is a command.
func reached(parsed *kong.Context) *kong.Node {
	node := parsed.Model.Node
	for _, step := range parsed.Path {
		if step.Command != nil {
			node = step.Command
		}
	}
	return node
}

// unexpected matches kong's error for a word that is no command. Kong itself suggests commands that differ by a letter or
// two.
var unexpected = regexp.MustCompile(`^unexpected argument (\S+)$`)

// suggest adds the commands that an unknown word may have meant: commands with the same beginning, and commands of that
// name elsewhere.
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
