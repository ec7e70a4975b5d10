package openapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write words.json")

// words.json has the comments of package client as they are now.
func TestWords(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	require.NoError(t, encoder.Encode(extract(t, "../../client")))
	if *update {
		require.NoError(t, os.WriteFile("words.json", text.Bytes(), 0o600))
		return
	}
	require.Equal(t, text.String(), string(wordsFile), "run: go generate ./internal/openapi")
}

// extract reads the comments of the exported types of a package, and their constants.
func extract(t *testing.T, folder string) *words {
	t.Helper()
	w := &words{Docs: map[string]string{}, Values: map[string][]value{}}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	var declarations []*ast.GenDecl
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok {
				declarations = append(declarations, general)
			}
		}
	}
	constants := map[string]string{"ErrConflict": "conflict"}
	for _, d := range declarations {
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST {
				w.addConstant(s, constants)
			}
		}
	}
	for _, d := range declarations {
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
				w.addType(d, s, constants)
			}
		}
	}
	for _, values := range w.Values {
		for i := range values {
			values[i].Doc = inJSON(values[i].Doc, map[string]string{"Field": "field"}, constants)
		}
	}
	return w
}

// addConstant takes a constant of a named type whose value is a text.
func (w *words) addConstant(s *ast.ValueSpec, constants map[string]string) {
	of, named := s.Type.(*ast.Ident)
	if !named || len(s.Values) != 1 {
		return
	}
	literal, ok := s.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	text, _ := strconv.Unquote(literal.Value)
	w.Values[of.Name] = append(w.Values[of.Name], value{text, flat(s.Comment.Text())})
	constants[s.Names[0].Name] = text
}

func (w *words) addType(d *ast.GenDecl, s *ast.TypeSpec, constants map[string]string) {
	fields := map[string]string{}
	body, isStruct := s.Type.(*ast.StructType)
	if isStruct {
		for _, field := range body.Fields.List {
			if name := jsonName(field); name != "" && len(field.Names) == 1 {
				fields[field.Names[0].Name] = name
			}
		}
		if len(fields) == 0 {
			return // it is not written as JSON
		}
	} else if len(w.Values[s.Name.Name]) == 0 {
		return
	}
	w.Docs[s.Name.Name] = inJSON(flat(d.Doc.Text()), fields, constants)
	if !isStruct {
		return
	}
	for _, field := range body.Fields.List {
		text := flat(field.Doc.Text() + " " + field.Comment.Text())
		if text = inJSON(text, fields, constants); len(field.Names) == 1 && text != "" {
			w.Docs[s.Name.Name+"."+field.Names[0].Name] = text
		}
	}
}

func jsonName(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	tag, _ := strconv.Unquote(field.Tag.Value)
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	return name
}

func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

var (
	sentence = regexp.MustCompile(`[^.]*(\.\S[^.]*)*(\. |\.?$)`) // a dot within a word ends none
	ofClient = regexp.MustCompile(`\bClient\b|encoding/json|RawMessage`)
	link     = regexp.MustCompile(`\[([A-Z][\w.]*)\]`)
	nothing  = regexp.MustCompile(`\bnil\b|""|\bzero\b`)
	word     = regexp.MustCompile(`\b[A-Z]\w*\b`)
)

// inJSON writes a comment about Go in the terms of JSON, without the sentences about the client for Go.
func inJSON(text string, fields, constants map[string]string) string {
	text = sentence.ReplaceAllStringFunc(text, func(found string) string {
		if ofClient.MatchString(found) {
			return ""
		}
		return found
	})
	text = nothing.ReplaceAllString(link.ReplaceAllString(text, "$1"), "absent")
	text = word.ReplaceAllStringFunc(text, func(found string) string {
		for _, names := range []map[string]string{fields, constants} {
			if name, ok := names[found]; ok {
				return "`" + name + "`"
			}
		}
		return found
	})
	return strings.TrimSpace(text)
}
