package sandflare_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite golden files")

const module = "github.com/sandflare/sandflare-go"

// allowed are the imports that each folder may make, beside the standard
// library; a folder inherits what is said of the one above it.
var allowed = map[string][]string{
	"":                   {"internal/wire", "internal/transport", "internal/sse", "internal/ignore"},
	"internal/wire":      {},
	"internal/ignore":    {},
	"internal/leaks":     {},
	"internal/soak":      {},
	"internal/transport": {"internal/wire", "github.com/hashicorp/go-retryablehttp"},
	"internal/sse":       {"github.com/r3labs/sse/v2"},
	"internal/local": {"internal/wire", "internal/ignore", "internal/local/guest", "internal/local/dockerfile",
		"internal/local/recall", "internal/local/kernel"},
	"internal/local/guest": {}, "internal/local/recall": {}, "internal/local/kernel": {"internal/wire"},
	"internal/local/dockerfile": {"internal/ignore"},
	"sandflaretest":             {"", "internal/local", "internal/local/guest"},
	"cmd":                       {"", "internal/local", "internal/local/guest"},
	"examples":                  {""},
	"interop":                   {""},
}

// testOnly may be imported by tests, and by nothing else.
var testOnly = []string{"github.com/jarcoal/httpmock", "github.com/stretchr/testify"}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	for dir, pkg := range packages(t) {
		rules, ok := rulesFor(dir)
		require.True(t, ok, "%s is a folder without a rule: say what it may import", dir)
		for _, imported := range pkg.Imports {
			local, ours := strings.CutPrefix(imported, module)
			local = strings.TrimPrefix(local, "/")
			if first, _, _ := strings.Cut(imported, "/"); !ours && !strings.Contains(first, ".") {
				continue // standard library
			}
			if !ours {
				local = imported
			}
			assert.True(t, slices.Contains(rules, local), "%s must not import %s", pkg.Dir, imported)
		}
		for _, imported := range append(pkg.TestImports, pkg.XTestImports...) {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") && !strings.HasPrefix(imported, module) {
				ok := slices.ContainsFunc(testOnly, func(p string) bool { return strings.HasPrefix(imported, p) }) || slices.Contains(rules, imported)
				assert.True(t, ok, "the tests of %s must not import %s", pkg.Dir, imported)
			}
		}
	}
}

// rulesFor finds the rule of a folder or of the nearest one above it; the root's is for the root alone.
func rulesFor(dir string) ([]string, bool) {
	for at := dir; at != "" && at != "."; at = path.Dir(at) {
		if rules, ok := allowed[at]; ok {
			return rules, true
		}
	}
	return allowed[""], dir == ""
}

// packages are all packages of the module by folder; modules below it are not ours to judge.
func packages(t *testing.T) map[string]*build.Package {
	t.Helper()
	found := map[string]*build.Package{}
	require.NoError(t, filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && dir != "." || strings.HasPrefix(entry.Name(), ".") && dir != "." || entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if pkg, err := build.ImportDir(dir, 0); err == nil {
			found[strings.TrimPrefix(filepath.ToSlash(dir), ".")] = pkg
		}
		return nil
	}))
	return found
}

// TestPublicAPI compares what the packages export with testdata/api.txt. A
// change on purpose is written there by: go test -run TestPublicAPI -update .
func TestPublicAPI(t *testing.T) {
	t.Parallel()
	const golden = "testdata/api.txt"
	got := exported(t, ".") + "\n" + exported(t, "sandflaretest")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "the public API has changed; if on purpose, rewrite %s with -update", golden)
}

// exported lists a package's exported declarations, without comments and bodies.
func exported(t *testing.T, dir string) string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fset, files, module+"/"+dir)
	require.NoError(t, err)
	list := &listing{t: t, fset: fset}
	list.values(pkg.Consts, pkg.Vars)
	list.funcs(pkg.Funcs)
	for _, typ := range pkg.Types {
		list.add(typ.Decl)
		list.values(typ.Consts, typ.Vars)
		list.funcs(typ.Funcs, typ.Methods)
	}
	return "package " + pkg.Name + "\n\n" + list.String()
}

type listing struct {
	strings.Builder
	t    *testing.T
	fset *token.FileSet
}

func (l *listing) values(groups ...[]*doc.Value) {
	for _, v := range slices.Concat(groups...) {
		l.add(v.Decl)
	}
}

func (l *listing) funcs(groups ...[]*doc.Func) {
	for _, f := range slices.Concat(groups...) {
		f.Decl.Body = nil
		l.add(f.Decl)
	}
}

func (l *listing) add(decl ast.Decl) {
	ast.FileExports(&ast.File{Name: ast.NewIdent("x"), Decls: []ast.Decl{decl}})
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.FuncDecl:
			n.Doc = nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
	var b bytes.Buffer
	require.NoError(l.t, format.Node(&b, l.fset, decl))
	l.WriteString(b.String() + "\n")
}

// TestExportedNamesAreDocumented finds exported names without a sentence of their own.
func TestExportedNamesAreDocumented(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "sandflaretest"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			require.NoError(t, err)
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Name.IsExported() && ofExported(f) && !strings.HasSuffix(name, "_test.go") {
					assert.True(t, strings.HasPrefix(f.Doc.Text(), f.Name.Name+" "), "%s: %s has no sentence that begins with its name", name, f.Name.Name)
				}
			}
		}
	}
}

// ofExported is false for methods of types that users do not see.
func ofExported(f *ast.FuncDecl) bool {
	return f.Recv == nil || ast.IsExported(receiver(f))
}

// receiver is the name of a method's type.
func receiver(f *ast.FuncDecl) string {
	typ := f.Recv.List[0].Type
	if pointer, ok := typ.(*ast.StarExpr); ok {
		typ = pointer.X
	}
	name, _ := typ.(*ast.Ident)
	return name.Name
}
