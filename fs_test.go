package sandflare_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
	"text/template"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

func TestFS(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	ctx := t.Context()
	for name, data := range map[string]string{
		"site/index.html": "<p>hello</p>", "site/a b/é.txt": "text", "site/empty": "", "site/deep/er/page.tmpl": "{{.}} world", "site/bytes": "\x00\xff",
	} {
		require.NoError(t, sb.WriteFile(ctx, name, []byte(data)))
	}
	_, err := sb.Exec(ctx, "mkdir site/hollow; ln -s index.html site/link; ln -s /nowhere site/broken; rm site/broken", nil)
	require.NoError(t, err)

	tree := sb.FS(ctx, "site")
	require.NoError(t, fstest.TestFS(tree, "index.html", "a b/é.txt", "empty", "deep/er/page.tmpl", "bytes", "hollow", "link"))

	var names []string
	require.NoError(t, fs.WalkDir(tree, ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	assert.Equal(t, []string{".", "a b", "a b/é.txt", "bytes", "deep", "deep/er", "deep/er/page.tmpl", "empty", "hollow", "index.html", "link"}, names)

	tmpl, err := template.ParseFS(tree, "deep/*/*.tmpl")
	require.NoError(t, err)
	require.NoError(t, tmpl.Execute(io.Discard, "hello"))

	rec := httptest.NewRecorder()
	request := httptest.NewRequest("GET", "/index.html", nil)
	request.Header.Set("Range", "bytes=3-7")
	http.FileServerFS(sb.FS(ctx, "/home/user/site")).ServeHTTP(rec, request.WithContext(ctx))
	assert.Equal(t, http.StatusMovedPermanently, rec.Code, "index.html is its folder")
	rec = httptest.NewRecorder()
	request.URL.Path = "/"
	http.FileServerFS(tree).ServeHTTP(rec, request)
	assert.Equal(t, http.StatusPartialContent, rec.Code)
	assert.Equal(t, "hello", rec.Body.String())
}

func TestFSErrors(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	tree := sb.FS(t.Context(), "")
	_, err := fs.ReadFile(tree, "none")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, sandflare.ErrNotFound)
	for _, name := range []string{"none", "none/below"} {
		_, err = tree.Open(name)
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = fs.ReadDir(tree, name)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	for _, name := range []string{"/etc/passwd", "../x", "", "a/../b"} {
		_, err = tree.Open(name)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
		_, err = fs.Sub(tree, name)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
	require.NoError(t, sb.WriteFile(t.Context(), "file", []byte("0123456789")))
	file, err := tree.Open("file")
	require.NoError(t, err)
	at, err := file.(io.Seeker).Seek(-3, io.SeekEnd)
	require.NoError(t, err)
	assert.EqualValues(t, 7, at)
	data, err := io.ReadAll(file)
	require.NoError(t, err)
	assert.Equal(t, "789", string(data))
	_, err = file.(io.Seeker).Seek(-20, io.SeekCurrent)
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.NoError(t, file.Close())
	_, err = file.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
	require.ErrorIs(t, file.Close(), fs.ErrClosed)

	require.NoError(t, sb.Delete(t.Context()))
	_, err = fs.Stat(tree, ".")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
