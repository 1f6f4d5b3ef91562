package ignore_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rules, out, kept string }{
		{"plain name", "a", "a a/b a/b/c", "b ab b/a"},
		{"slashes around mean nothing", "/build/", "build build/x", "src/build"},
		{"dots are cleaned", "./x/../y", "y y/z", "x"},
		{"star stays in one folder", "*.log", "a.log .log", "x/a.log a.txt"},
		{"star in the middle", "a/*/c", "a/b/c a/b/c/d", "a/c a/b/x/c"},
		{"question mark", "temp?", "tempa temp1", "temp temp/x tempab"},
		{"class", "f[0-9a].go", "f1.go fa.go", "fb.go f10.go"},
		{"negated class never takes a slash", "f[^0-9]x", "fax", "f1x f/x"},
		{"reversed range matches nothing", "x[z-a]\ny", "y", "xb xz x"},
		{"escaped star", `a\*b`, "a*b", "axb"},
		{"regular expression signs are plain", "a.b+(c)", "a.b+(c)", "axb+(c) a.bb(c)"},
		{"two stars in front", "**/node_modules", "node_modules a/node_modules a/b/node_modules/x", "a/node_modules2"},
		{"two stars behind", "docs/**", "docs/a docs/a/b", "docs doc"},
		{"two stars between", "a/**/z", "a/z a/b/z a/b/c/z", "z b/a/z"},
		{"two stars with a suffix", "**/*.pyc", "x.pyc a/b/x.pyc", "x.py"},
		{"taken back in", "*.md\n!README.md", "a.md", "README.md"},
		{"last rule decides", "*.md\n!README.md\nREADME.md", "README.md a.md", "a.txt"},
		{"file taken back from a folder", "a\n!a/keep", "a a/x", "a/keep a/keep/below"},
		{"everything but", "*\n!src\n!go.mod", "x y/z", "src src/a/b go.mod"},
		{"comments and blanks", "# a\n\n  b  \n #c", "b", "a"},
		{"blank before a hash is a pattern", " #c", "#c", "c"},
		{"blanks behind the exclamation mark", "*\n!  x", "y", "x"},
		{"CRLF and BOM", "\ufeffa\r\nb\r\n", "a b", "c"},
		{"dot alone is no rule", ".", "", "a b/c"},
		{"unicode", "日本*", "日本語 日本", "本日"},
		{"empty", "", "", "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := ignore.Parse(c.rules)
			require.NoError(t, err)
			for _, p := range strings.Fields(c.out) {
				assert.True(t, m.Match(p), "%q should be left out by %q", p, c.rules)
			}
			for _, p := range strings.Fields(c.kept) {
				assert.False(t, m.Match(p), "%q should be kept by %q", p, c.rules)
			}
		})
	}
}

func TestNilMatcherKeepsAll(t *testing.T) {
	t.Parallel()
	var m *ignore.Matcher
	assert.False(t, m.Match("a"))
	assert.False(t, m.Prune("a"))
}

func TestParseNamesTheLine(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"a\n[", "a\n!", "a\n! ", "a\nx[]", "a\nb[a-", "a\n\\"} {
		_, err := ignore.Parse(bad)
		assert.ErrorContains(t, err, "line 2", "%q", bad)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules, dir string
		want       bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a\n!a/b/c", "a", false},
		{"a\n!a/b/c", "a/b", false},
		{"a\n!a/b/c", "a/x", true},
		{"a\n!z", "a", true},
		{"a\n!a*", "a", false},
		{"a\n!**/keep", "a", false},
		{"*\n!src", "src", false},
		{"*\n!src", "other", true},
		{"a\n!a/b*", "a/c", false}, // not decided: walked, and then matched one by one
	} {
		m, err := ignore.Parse(c.rules)
		require.NoError(t, err)
		assert.Equal(t, c.want, m.Prune(c.dir), "%q %s", c.rules, c.dir)
	}
}

func TestWalk(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{}
	for _, f := range strings.Fields("go.mod src/a.go src/a.pyc node_modules/x/index.js out/log out/keep/me") {
		tree[f] = &fstest.MapFile{}
	}
	m, err := ignore.Parse("**/*.pyc\nnode_modules\nout\n!out/keep")
	require.NoError(t, err)
	var got []string
	require.NoError(t, m.Walk(unreadable{tree, "node_modules"}, ".", func(name string, _ fs.DirEntry) error {
		got = append(got, name)
		return nil
	}))
	assert.Equal(t, strings.Fields("go.mod out/keep out/keep/me src src/a.go"), got)
}

// unreadable fails when the folder dir is entered.
type unreadable struct {
	fs.FS
	dir string
}

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == u.dir {
		return nil, fs.ErrPermission
	}
	return fs.ReadDir(u.FS, name)
}

// Without ** a rule must agree with path.Match on every path of its own depth.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"a*", "ab"}, {"**/x", "a/x"}, {"[^a]b", "cb"}, {`\*`, "*"}, {"[z-a]", "b"}, {"[a-]", "a"}, {"[]a]", "]"}, {"a/[b-d]?", "a/cx"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		m, err := ignore.Parse(pattern)
		if err != nil {
			return
		}
		name = strings.TrimPrefix(path.Clean("/"+name), "/")
		got := m.Match(name)
		if m.Prune(name) {
			require.True(t, got, "pruned but kept")
			require.True(t, m.Match(name+"/x"), "pruned but a file below is kept")
		}
		if !comparable(pattern, name) {
			return
		}
		ok, _ := path.Match(strings.TrimPrefix(path.Clean(pattern), "/"), name)
		if ok {
			require.True(t, got, "path.Match matches %q with %q", name, pattern)
		} else if !strings.Contains(name, "/") {
			require.False(t, got, "path.Match does not match %q with %q", name, pattern)
		}
	})
}

func comparable(pattern, name string) bool {
	plain := strings.TrimSpace(pattern) == pattern && !strings.ContainsAny(pattern, "!#\n\ufeff\ufffd") && !strings.Contains(pattern, "**")
	cleaned := path.Clean(pattern)
	return plain && name != "" && cleaned != "." && cleaned != "/" && pattern == strings.ToValidUTF8(pattern, "") && name == strings.ToValidUTF8(name, "")
}
