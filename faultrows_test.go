package sandflare_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	faultRow  = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+b?) \|`)
	faultName = regexp.MustCompile(`^([A-Z][0-9]+b?[_ ])+`)
	faultID   = regexp.MustCompile(`[A-Z][0-9]+b?`)
)

// TestEveryFaultHasATest lists the rows of testdata/faults.md that no test
// carries in its name, or in the name of a subtest: TestFaults_S7_…,
// TestFaults/C6_reset_after_read, t.Run("E1 exit codes", …).
func TestEveryFaultHasATest(t *testing.T) {
	t.Parallel()
	covered := faultsWithTests(t)
	rows := map[string]bool{}
	for _, row := range faultRow.FindAllStringSubmatch(readText(t, "testdata/faults.md"), -1) {
		require.False(t, rows[row[1]], "%s stands there twice", row[1])
		rows[row[1]] = true
		assert.NotEmpty(t, covered[row[1]], "%s has no test", row[1])
		t.Log(row[1], slices.Sorted(maps.Keys(covered[row[1]])))
	}
	require.Greater(t, len(rows), 100, "the table is there")
	for id, tests := range covered {
		assert.True(t, rows[id], "%s is no row of the table, but of %v", id, slices.Collect(maps.Keys(tests)))
	}
}

// faultsWithTests finds the rows that tests of all packages name, by row.
func faultsWithTests(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(entry.Name(), ".") && name != "." || entry.Name() == "testdata" {
			return errOrSkip(entry, err)
		}
		if strings.HasSuffix(name, "_test.go") {
			for test, ids := range faultsOfFile(t, name) {
				for _, id := range ids {
					if found[id] == nil {
						found[id] = map[string]bool{}
					}
					found[id][filepath.ToSlash(filepath.Dir(name))+" "+test] = true
				}
			}
		}
		return nil
	}))
	return found
}

func errOrSkip(entry fs.DirEntry, err error) error {
	if err == nil && entry.IsDir() {
		return fs.SkipDir
	}
	return err
}

// faultsOfFile finds the names of tests and subtests that begin with rows.
// Names of subtests may also stand in a table, in a file with a TestFaults.
func faultsOfFile(t *testing.T, name string) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	found := map[string][]string{}
	note := func(test, rows string) {
		if ids := faultID.FindAllString(faultName.FindString(rows), -1); len(ids) > 0 {
			found[test] = ids
		}
	}
	tables := false
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "TestFaults") {
			tables = true
			_, rows, _ := strings.Cut(f.Name.Name, "_")
			note(f.Name.Name, rows)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		text, ok := nameOfSubtest(n)
		if lit, isLit := n.(*ast.BasicLit); isLit && tables {
			text, ok = stringOf(lit)
		}
		if ok {
			note(text, text)
		}
		return true
	})
	return found
}

// nameOfSubtest reads t.Run("name", …).
func nameOfSubtest(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", false
	}
	if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Run" {
		return "", false
	}
	return stringOf(call.Args[0])
}

func stringOf(n ast.Expr) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
