package publictest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Module client cannot import the server's packages, so it says the server's words again, as constants. A word that one
// of the two has and the other does not fails here.
func TestClientSaysTheWordsOfTheServer(t *testing.T) {
	t.Parallel()

	server, ofClient := constants(t, "../../models", "../../api"), constants(t, "../../client")
	for _, kind := range []string{
		"DeliveryStatus", "EventStatus", "SubscriptionStatus", "SourceStatus", "RecoveryStatus", "RecoveryOf",
		"Signature", "Payload", "AuthType", "ErrorClass", "Code",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, server[kind])
			require.Empty(t, without(server[kind], ofClient[kind]), "client/words.go lacks these constants of type %s", kind)
			require.Empty(t, without(ofClient[kind], server[kind]), "client/words.go has constants of type %s that the server has not", kind)
		})
	}
}

// without are the values of one list that another one lacks.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(value string) bool { return slices.Contains(some, value) })
}

// constants are the values of the constants of each named type that the packages declare.
func constants(t *testing.T, dirs ...string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				note(t, file, found)
			}
		}
	}
	return found
}

func note(t *testing.T, file string, found map[string][]string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if kind := typeName(spec.Type); ok && literal.Kind == token.STRING && kind != "" {
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if value != "" { // which is no word
				found[kind] = append(found[kind], value)
			}
		}
		return true
	})
}

// typeName is the name of a constant's type, without that of its package.
func typeName(of ast.Expr) string {
	switch name := of.(type) {
	case *ast.Ident:
		return name.Name
	case *ast.SelectorExpr:
		return name.Sel.Name
	}
	return ""
}
