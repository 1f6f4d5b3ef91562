package sandflare_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docImports are what a fragment of Go may use without saying so.
var docImports = []string{
	"bytes", "context", "embed", "encoding/json", "errors", "fmt", "io", "io/fs", "log", "log/slog", "net/http", "os", "os/exec", "os/signal",
	"path/filepath", "slices", "strings", "sync", "testing", "time",
	"github.com/sandflare/sandflare-go", "github.com/sandflare/sandflare-go/sandflaretest",
}

// TestGoBlocksCompile type-checks every block of Go in README.md and docs. A
// fragment is put into a function that has ctx, client, sb, srv and t.
func TestGoBlocksCompile(t *testing.T) {
	t.Parallel()
	all := blocks(t, "go")
	require.NotEmpty(t, all)
	fset := token.NewFileSet()
	load := importer.ForCompiler(fset, "gc", exportData(t))
	for _, b := range all {
		file, offset, err := parseBlock(fset, b)
		if !assert.NoError(t, err, "%s", b) {
			continue
		}
		check := types.Config{Importer: load, Error: func(err error) {
			var wrong types.Error
			if errors.As(err, &wrong); wrong.Soft && offset > 0 {
				return // unused variables and imports of a fragment
			}
			t.Errorf("%s:%d: %s", b.page, fset.Position(wrong.Pos).Line-offset+b.line, wrong.Msg)
		}}
		_, _ = check.Check("doc", fset, []*ast.File{file}, nil)
	}
}

// parseBlock makes a file of a block; offset is the line it begins on, 0 for a whole file.
func parseBlock(fset *token.FileSet, b block) (*ast.File, int, error) {
	if strings.HasPrefix(b.text, "package ") {
		file, err := parser.ParseFile(fset, b.String(), b.text, 0)
		return file, 0, err
	}
	head := "package doc; import (" + `"` + strings.Join(docImports, `";"`) + `"` + ")\n"
	tail := ""
	if !isDeclaration(b.text) {
		head += "func _(ctx context.Context, client *sandflare.Client, sb *sandflare.Sandbox, srv *sandflaretest.Server, t *testing.T) (err error) { {\n"
		tail = "}; return err }\n"
	}
	file, err := parser.ParseFile(fset, b.String(), head+b.text+tail, 0)
	return file, strings.Count(head, "\n") + 1, err
}

// isDeclaration is true for functions, and for what comes before them.
func isDeclaration(text string) bool {
	return slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "func ") })
}

// exportData finds what the compiler exported of a package.
func exportData(t *testing.T) importer.Lookup {
	t.Helper()
	list := append([]string{"list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}"}, docImports...)
	out, err := exec.CommandContext(t.Context(), "go", list...).Output()
	require.NoError(t, err)
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("%s may not be imported in docs", path)
		}
		return os.Open(files[path])
	}
}
