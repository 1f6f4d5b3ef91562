package sandflare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var parityRow = regexp.MustCompile("(?m)^\\| `([A-Za-z_.]+)`(?: \\(2\\.1\\.38\\))? \\| `([A-Za-z.]+)` \\| (?:`([^`]+)`)? ?\\| (.*) \\|$")

// TestParityTable keeps docs/parity.md true: every Python name has a row, and
// what the row names exists and is mentioned by one of its tests.
func TestParityTable(t *testing.T) {
	t.Parallel()
	table := readText(t, "docs/parity.md")
	endpoints, own := endpointsOf()
	tests := testsOf(t)
	names := exportedNames(t)
	rows := map[string]bool{}
	for _, row := range parityRow.FindAllStringSubmatch(table, -1) {
		python, goName, endpoint, proofs := row[1], row[2], row[3], regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[4], -1)
		rows[python] = true
		assert.True(t, names[goName], "%s: there is no %s", python, goName)
		assert.True(t, endpoint == "" || endpoints[endpoint], "%s: %s is no call of the API", python, endpoint)
		if calls := own[goName]; calls != "" {
			assert.Equal(t, calls, endpoint, "%s: what %s calls", python, goName)
		}
		assert.NotEmpty(t, proofs, "%s has no test", python)
		_, member, isMember := strings.Cut(goName, ".")
		shown := !isMember // a type is what its members are
		for _, proof := range proofs {
			assert.NotNil(t, tests[proof[1]], "%s: there is no test %s", python, proof[1])
			shown = shown || tests[proof[1]][member]
		}
		assert.True(t, shown, "%s: none of its tests mentions %s", python, goName)
	}
	for _, python := range strings.Fields(readText(t, "testdata/python-api.txt")) {
		assert.True(t, rows[python], "%s has no row", python)
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// endpointsOf are the calls of the contract, "METHOD path", all of them and by Go method.
func endpointsOf() (all map[string]bool, own map[string]string) {
	all, own = map[string]bool{}, map[string]string{}
	for _, m := range methods {
		own[m.name] = m.route.Method + " " + m.route.Path
		all[own[m.name]] = true
	}
	return all, own
}

// testsOf are the tests and examples of this package, each with the names that it mentions.
func testsOf(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	inspect(t, "*_test.go", func(node ast.Node) {
		f, ok := node.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			return
		}
		names := map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				names[name.Name] = true
			}
			return true
		})
		found[f.Name.Name] = names
	})
	return found
}

// exportedNames are types, functions, variables, "Type.Method" and "Type.Field".
func exportedNames(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	inspect(t, "*.go", func(node ast.Node) {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil {
				found[receiver(n)+"."+n.Name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				found[name.Name] = true
			}
		case *ast.TypeSpec:
			found[n.Name.Name] = true
			if s, ok := n.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						found[n.Name.Name+"."+name.Name] = true
					}
				}
			}
		}
	})
	return found
}

func inspect(t *testing.T, pattern string, visit func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool { visit(n); return true })
	}
}
