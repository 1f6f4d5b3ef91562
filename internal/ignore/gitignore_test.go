package ignore_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gitCases have files below a tree; out are those that the patterns leave out.
var gitCases = []struct{ name, patterns, out, kept string }{
	{"no slash: any depth", "a", "a x/a x/y/a y/a/b", "ab b/c"},
	{"leading slash anchors", "/a", "a", "x/a"},
	{"slash in the middle anchors", "a/b", "a/b", "x/a/b a/c"},
	{"trailing slash: folders", "build/", "x/build/y build/y", "src/build"},
	{"star", "*.log", "a.log x/b.log .log", "a.txt x/log"},
	{"anchored star stays in one folder", "/x/*.log", "x/a.log", "x/y/a.log a.log"},
	{"question mark", "a?", "ab x/ac", "a abc"},
	{"class", "f[0-9]", "f1 x/f2", "fa"},
	{"negated class", "f[!0-9]", "fa", "f1"},
	{"negated class, other way", "f[^0-9]", "fa", "f1"},
	{"two stars in front", "**/a/b", "a/b x/a/b x/y/a/b", "b"},
	{"two stars behind", "a/**", "a/b a/c/d", "b/a"},
	{"two stars between", "a/**/z", "a/z a/b/z a/b/c/z", "x/a/z"},
	{"two stars within a name", "a**z", "az abz", "a/z"},
	{"taken back", "*.md\n!README.md", "x.md y/z.md", "README.md y/README.md"},
	{"not taken back from a folder", "a/\n!a/keep", "a/keep a/x", "b"},
	{"taken back beside others", "a/*\n!a/keep", "a/x", "a/keep"},
	{"all but one folder", "/*\n!/src", "x y/z", "src/a"},
	{"last decides", "!a\na", "a", "b"},
	{"comment and blank", "#a\n\nb", "b", "a"},
	{"escaped hash", `\#a`, "#a", "a"},
	{"escaped exclamation mark", `\!a`, "!a", "a"},
	{"escaped star", `a\*`, "a*", "ab"},
	{"trailing blanks", "a  ", "a", "b"},
	{"regular expression signs", "a.b+(c)", "a.b+(c)", "axb+(c)"},
	{"dot files", ".*", ".a x/.b", "a"},
	{"carriage return", "a\r\nb\r", "a b", "c"},
	{"lone slash", "/", "", "a"},
	{"unicode", "日*", "日本 x/日", "本日"},
}

func TestGitPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range gitCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, err := ignore.ParseGit(c.patterns)
			require.NoError(t, err)
			for _, p := range strings.Fields(c.out) {
				assert.True(t, leftOut(g, p), "%q should be left out by %q", p, c.patterns)
			}
			for _, p := range strings.Fields(c.kept) {
				assert.False(t, leftOut(g, p), "%q should be kept by %q", p, c.patterns)
			}
		})
	}
}

// leftOut asks for a file as a walk would: from the top.
func leftOut(g *ignore.Git, name string) bool {
	for i := range len(name) {
		if name[i] == '/' && g.Match(name[:i], true) {
			return true
		}
	}
	return g.Match(name, false)
}

// The table above is what git itself does.
func TestGitAgrees(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	for _, c := range gitCases {
		dir := t.TempDir()
		git := func(args ...string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), "git", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
			return cmd
		}
		require.NoError(t, git("init", "-q").Run())
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "info", "exclude"), []byte(c.patterns), 0o600))
		for _, p := range strings.Fields(c.out + " " + c.kept) {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, path.Dir(p)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, p), nil, 0o600), "%s %s", c.name, p)
		}
		for _, p := range strings.Fields(c.out) {
			assert.NoError(t, git("check-ignore", "-q", p).Run(), "%s: git keeps %s", c.name, p)
		}
		for _, p := range strings.Fields(c.kept) {
			assert.Error(t, git("check-ignore", "-q", p).Run(), "%s: git leaves out %s", c.name, p)
		}
	}
}

func TestGitPatternsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"[", "a\n[a-", `a\`, "[[:alpha:]]"} {
		_, err := ignore.ParseGit(bad)
		assert.Error(t, err, "%q", bad)
	}
	var none *ignore.Git
	assert.False(t, none.Match("a", false))
}

func FuzzGitPatterns(f *testing.F) {
	f.Add("**/a\n!b[!c]", "x/a")
	f.Fuzz(func(t *testing.T, patterns, name string) {
		if g, err := ignore.ParseGit(patterns); err == nil {
			g.Match(name, true)
		}
	})
}
