package dockerfile_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func files(names string) fstest.MapFS {
	m := fstest.MapFS{}
	for _, name := range strings.Fields(names) {
		m[name] = &fstest.MapFile{Data: []byte(name)}
	}
	return m
}

// plan runs one COPY or ADD in a context, as rows "from>to", with a trailing
// slash for folders, "=text" for here-documents, "@target" for links.
func plan(t *testing.T, text string, context fs.FS, rules string, dirs ...string) ([]string, error) {
	t.Helper()
	ign, err := ignore.Parse(rules)
	require.NoError(t, err)
	step, in := one(t, text), walk(t, dockerfile.NewScope(nil), "FROM a\n"+text)[1]
	isDir := func(name string) bool { return strings.Contains(" "+strings.Join(dirs, " ")+" ", " "+name+" ") }
	items, err := in.(*dockerfile.Copy).Plan(step.Line, context, ign, dockerfile.Target{Workdir: "/app", IsDir: isDir})
	var rows []string
	for _, item := range items {
		row := item.From + ">" + item.To
		switch {
		case item.IsDir:
			row += "/"
		case item.Link != "":
			row = "@" + item.Link + ">" + item.To
		case item.From == "":
			row = "=" + item.Text + ">" + item.To
		case item.Unpack:
			row += "!"
		}
		rows = append(rows, row)
	}
	return rows, err
}

func TestPlan(t *testing.T) {
	t.Parallel()
	context := files("a.txt b.txt c.md src/main.go src/lib/x.go src/lib/x.pyc src/.env sp*r")
	for _, c := range []struct{ text, rules, dirs, want string }{
		{"COPY a.txt b", "", "", "a.txt>/app/b"},
		{"COPY a.txt ./b", "", "", "a.txt>/app/b"},
		{"COPY a.txt /x/../b", "", "", "a.txt>/b"},
		{"COPY a.txt /", "", "", "a.txt>/a.txt"},
		{"COPY a.txt .", "", "", "a.txt>/app/a.txt"},
		{"COPY a.txt ..", "", "", "a.txt>/a.txt"},
		{"COPY a.txt b/", "", "", "a.txt>/app/b/a.txt"},
		{"COPY a.txt /srv", "", "/srv", "a.txt>/srv/a.txt"},
		{"COPY /a.txt x/../b.txt d/", "", "", "a.txt>/app/d/a.txt b.txt>/app/d/b.txt"},
		{"COPY *.txt d/", "", "", "a.txt>/app/d/a.txt b.txt>/app/d/b.txt"},
		{"COPY [ab].txt c.md .", "", "", "a.txt>/app/a.txt b.txt>/app/b.txt c.md>/app/c.md"},
		{"COPY ../a.txt d", "", "", "a.txt>/app/d"},
		{"COPY /../../a.txt src/../../b.txt d/", "", "", "a.txt>/app/d/a.txt b.txt>/app/d/b.txt"},
		{"COPY ../*.md */../../src/lib/x.go d/", "", "", "c.md>/app/d/c.md src/lib/x.go>/app/d/x.go"},
		{"ADD .. d", "src\n*.txt\nsp*", "", ".>/app/d/ c.md>/app/d/c.md"},
		{"COPY ?.md d", "", "", "c.md>/app/d"},
		{"COPY src/*/x.go d", "", "", "src/lib/x.go>/app/d"},
		{"COPY src d", "", "", "src>/app/d/ src/.env>/app/d/.env src/lib>/app/d/lib/ src/lib/x.go>/app/d/lib/x.go src/lib/x.pyc>/app/d/lib/x.pyc src/main.go>/app/d/main.go"},
		{"COPY src/lib/ /app/d", "**/*.pyc", "", "src/lib>/app/d/ src/lib/x.go>/app/d/x.go"},
		{"COPY src/lib a.txt d/", "**/*.pyc", "", "src/lib>/app/d/ src/lib/x.go>/app/d/x.go a.txt>/app/d/a.txt"},
		{"COPY . .", "*.txt\nsrc\n!src/lib/x.go\nsp*", "", ".>/app/ c.md>/app/c.md src/lib/x.go>/app/src/lib/x.go"},
		{"COPY src d", "src\n!src/lib/x.go", "", "src>/app/d/ src/lib/x.go>/app/d/lib/x.go"},
		{"COPY *.txt d", "a.txt", "", "b.txt>/app/d"},
		{"COPY s* d/", "src\n!src/lib/x.go\nsp*", "", "src>/app/d/ src/lib/x.go>/app/d/lib/x.go"},
		{`COPY ["sp\\\\*r", "d"]`, "", "", "sp*r>/app/d"},
		{"ADD a.txt d", "", "", "a.txt>/app/d"},
		{"COPY <<x /d\nhi\nx", "", "", "=hi\n>/d"},
		{"COPY <<x a.txt /d/\nhi\nx", "", "", "a.txt>/d/a.txt =hi\n>/d/x"},
		{"COPY <<x /d\nhi\nx", "", "/d", "=hi\n>/d/x"},
	} {
		got, err := plan(t, c.text, context, c.rules, strings.Fields(c.dirs)...)
		require.NoError(t, err, c.text)
		assert.Equal(t, c.want, strings.Join(got, " "), c.text)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	context := files("a.txt b.txt src/x")
	context["pipe"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	for _, c := range []struct{ text, rules, want string }{
		{"COPY ../x d", "", `Dockerfile line 2: COPY: "x" is not in the build context`},
		{"ADD src/../../x d", "", `Dockerfile line 2: ADD: "x" is not in the build context`},
		{"COPY no d", "", `"no" is not in the build context`},
		{"COPY a.txt/x d", "", "is not in the build context"},
		{"COPY *.go d", "", `"*.go" matches nothing in the build context`},
		{"COPY *.txt d", "*.txt", "2 left out by .dockerignore"},
		{"COPY a.txt d", "*.txt", "is left out by .dockerignore"},
		{"COPY src d", "src", "is left out by .dockerignore"},
		{"COPY a.txt b.txt d", "", "several sources need a folder as destination: write d/"},
		{"COPY *.txt d", "", "several sources need a folder"},
		{"COPY [a d", "", "is no pattern"},
		{"COPY pipe d", "", "is no file, folder or link"},
	} {
		_, err := plan(t, c.text, context, c.rules)
		assert.ErrorContains(t, err, c.want, c.text)
		assert.ErrorAs(t, err, new(*dockerfile.Error), c.text)
	}
}

func TestPlanLinks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("making links needs rights there")
	}
	outside, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret"), nil, 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "src", "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600))
	for name, target := range map[string]string{
		"src/in": "../file", "src/dangling": "sub/no", "tosrc": "src", "tofile": "src/in",
		"bad/out": "../../x", "abs/secret": filepath.Join(outside, "secret"), "away": outside, "up": "..", "loop": "loop", "bad2/via": "../away/secret",
	} {
		full := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.Symlink(target, full))
	}
	for text, want := range map[string]string{
		"COPY src d":      "src>/app/d/ @sub/no>/app/d/dangling @../file>/app/d/in src/sub>/app/d/sub/",
		"COPY tosrc d":    "src>/app/d/ @sub/no>/app/d/dangling @../file>/app/d/in src/sub>/app/d/sub/",
		"COPY tosrc/in d": "file>/app/d",
		"COPY tofile d/":  "file>/app/d/tofile",
	} {
		got, err := plan(t, text, os.DirFS(dir), "")
		require.NoError(t, err, text)
		assert.Equal(t, want, strings.Join(got, " "), text)
	}
	for text, want := range map[string]string{
		"COPY bad d": "leaves the build context", "COPY bad2 d": "leaves the build context", "COPY abs d": "leaves the build context", "COPY away d": "leaves the build context",
		"COPY away/secret d": "leaves the build context", "COPY away/no d": "leaves the build context", "COPY away/* d": "leaves the build context",
		"COPY up/x d": "leaves the build context", "COPY loop d": "circle", "COPY src/dangling d": "not in the build context",
	} {
		_, err := plan(t, text, os.DirFS(dir), "")
		assert.ErrorContains(t, err, want, text)
	}
	_, err := plan(t, "COPY tofile d", os.DirFS(dir), "file")
	assert.ErrorContains(t, err, "which .dockerignore leaves out")
}

func TestPlanUnpacksArchives(t *testing.T) {
	t.Parallel()
	var plain, packed, notTar bytes.Buffer
	w := tar.NewWriter(&plain)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "f", Mode: 0o600}))
	require.NoError(t, w.Close())
	pack(t, &packed, plain.Bytes())
	pack(t, &notTar, []byte("just text"))
	context := fstest.MapFS{
		"plain": {Data: plain.Bytes()}, "packed": {Data: packed.Bytes()}, "gz": {Data: notTar.Bytes()},
		"fake.tar": {Data: []byte("no tar")}, "empty.tar": {}, "xz": {Data: []byte("\xfd7zXZ\x00rest")},
	}
	for text, want := range map[string]string{
		"ADD plain /d": "plain>/d!", "ADD packed /d/": "packed>/d!", "ADD xz /d": "xz>/d!",
		"ADD gz /d": "gz>/d", "ADD fake.tar /d": "fake.tar>/d", "ADD empty.tar /d": "empty.tar>/d", "COPY packed /d": "packed>/d",
	} {
		got, err := plan(t, text, context, "")
		require.NoError(t, err, text)
		assert.Equal(t, []string{want}, got, text)
	}
}

func pack(t *testing.T, to *bytes.Buffer, data []byte) {
	t.Helper()
	z := gzip.NewWriter(to)
	_, err := z.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
}

// Whatever a step says, its plan reads within the context and writes below /.
func FuzzPlan(f *testing.F) {
	for _, seed := range [][2]string{{"COPY a ../x", ""}, {"COPY ../* d", ""}, {"COPY */../.. /", "*"}, {"ADD . //x//", "**/b"}, {`COPY ["\\..", "x"]`, ""}} {
		f.Add(seed[0], seed[1])
	}
	context := files("a dir/b dir/c/d")
	f.Fuzz(func(t *testing.T, text, rules string) {
		file, err := dockerfile.Parse("FROM a\n" + text)
		ign, ignErr := ignore.Parse(rules)
		if err != nil || ignErr != nil {
			return
		}
		scope := dockerfile.NewScope(nil)
		for _, step := range file.Steps {
			step, err := scope.Next(step)
			if err != nil {
				return
			}
			c, ok := step.Instruction.(*dockerfile.Copy)
			if !ok {
				continue
			}
			items, err := c.Plan(step.Line, context, ign, dockerfile.Target{Workdir: scope.Workdir})
			if err != nil {
				require.ErrorAs(t, err, new(*dockerfile.Error))
			}
			for _, item := range items {
				require.True(t, item.From == "" || fs.ValidPath(item.From), item.From)
				require.Equal(t, filepath.ToSlash(filepath.Clean(item.To)), item.To)
				require.True(t, strings.HasPrefix(item.To, "/"))
			}
		}
	})
}
