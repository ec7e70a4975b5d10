package logs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// name is the form of a log message: its subject and what happened, such as delivery.attempted.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)

// TestMessagesAreNames reads every log call of the program. Names can be counted and searched for; a sentence is rewritten
// some day.
func TestMessagesAreNames(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && slices.Contains([]string{"node_modules", ".git", "docs"}, entry.Name()) {
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if message, at, ok := logged(node); ok {
				found++
				if !name.MatchString(message) {
					t.Errorf("%s: log message %q is no name such as delivery.attempted", files.Position(at), message)
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, found, 30, "the test no longer finds the log calls")
}

// logged returns the literal message of a call of a logger.
func logged(node ast.Node) (message string, at token.Pos, ok bool) {
	call, isCall := node.(*ast.CallExpr)
	if !isCall {
		return "", 0, false
	}
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	if !isMethod {
		return "", 0, false
	}
	places := map[string]int{
		"Debug": 0, "Info": 0, "Warn": 0, "Error": 0,
		"DebugContext": 1, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1, "Log": 2, "LogAttrs": 2,
	}
	place, logs := places[method.Sel.Name]
	if !logs || len(call.Args) <= place {
		return "", 0, false
	}
	literal, isLiteral := call.Args[place].(*ast.BasicLit)
	if !isLiteral || literal.Kind != token.STRING {
		return "", 0, false
	}
	message, err := strconv.Unquote(literal.Value)
	return message, literal.Pos(), err == nil
}
