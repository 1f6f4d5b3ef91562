package local_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func TestFilesRoundTrip(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	var every strings.Builder
	for i := range 256 {
		every.WriteByte(byte(i))
	}
	for _, path := range []string{
		"plain", "/home/user/a b", "deep/er/new", "/tmp/x+y", "%2f", "q?", "h#", "a&b=c", "ünï", "line\nbreak",
		"/home/user/data/elsewhere", strings.Repeat("d", 200) + "/" + strings.Repeat("e", 200),
	} {
		a.write(sb, path, every.String())
		assert.Equal(t, every.String(), a.read(sb, path), path)
	}
	a.write(sb, "empty", "")
	assert.Equal(t, "", a.read(sb, "empty"))
	a.write(sb, "plain", "shorter")
	assert.Equal(t, "shorter", a.read(sb, "plain"))
	assert.Equal(t, "shorter", a.out(sb, "cat /home/user/plain"))

	resp, err := a.client.Do(a.request("GET", sb+"/files?path=plain", nil))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "application/octet-stream", resp.Header.Get("Content-Type"))
	assert.EqualValues(t, 7, resp.ContentLength)
}

func TestBigFileStreams(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	const size = 200 << 20
	req := a.request("POST", sb+"/files?path=big", io.LimitReader(letters{}, size))
	status, data := a.do(req)
	require.Equal(t, http.StatusOK, status, "%s", data)
	resp, err := a.client.Do(a.request("GET", sb+"/files?path=big", nil))
	require.NoError(t, err)
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	assert.EqualValues(t, size, n)
}

// The files of /proc say that they are empty.
func TestFilesWithoutASize(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	assert.Equal(t, a.out(sb, "cat /proc/version"), a.read(sb, "/proc/version"))
	a.write(sb, "/tmp/empty", "")
	assert.Empty(t, a.read(sb, "/tmp/empty"))
}

func TestListFiles(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	a.out(sb, "rm -f .bash_profile") // of the process tier
	var list []wire.FileEntry
	a.ok("GET", sb+"/ls?path=/home/user", nil, &list)
	assert.Empty(t, list)
	a.out(sb, "mkdir dir; printf 12345 >b; ln -s dir link; ln -s none dangling")
	for _, query := range []string{"?path=%2Fhome%2Fuser", "?path=.", ""} {
		a.ok("GET", sb+"/ls"+query, nil, &list)
		require.Len(t, list, 4)
		assert.Equal(t, "/home/user/b", list[0].Path)
		assert.Equal(t, []any{"b", "file", false, int64(5)}, []any{list[0].Name, list[0].Type, list[0].IsDir, list[0].Size})
		assert.WithinDuration(t, time.Now(), list[0].MTime.Time, time.Minute)
		assert.Equal(t, []any{"dangling", "file", false}, []any{list[1].Name, list[1].Type, list[1].IsDir})
		assert.Equal(t, []any{"dir", "dir", true}, []any{list[2].Name, list[2].Type, list[2].IsDir})
		assert.True(t, list[3].IsDir, "a link to a folder")
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	a.out(sb, "mkdir dir; echo x >file; mkfifo pipe")
	at := func(path string) string { return "?path=" + url.QueryEscape(path) }
	a.fails(404, "GET", sb+"/files"+at("none"), nil)
	a.fails(404, "GET", sb+"/ls"+at("none"), nil)
	texts := []string{
		a.fails(400, "GET", sb+"/files"+at("dir"), nil),
		a.fails(400, "POST", sb+"/files"+at("dir"), "x"),
		a.fails(400, "GET", sb+"/ls"+at("file"), nil),
		a.fails(400, "POST", sb+"/files"+at("file/below"), "x"),
		a.fails(400, "GET", sb+"/files"+at("a\x00b"), nil),
		a.fails(400, "GET", sb+"/files"+at(""), nil),
		a.fails(400, "POST", sb+"/files", "x"),
		a.fails(400, "GET", sb+"/ls"+at(""), nil),
		a.fails(400, "GET", sb+"/files"+at("pipe"), nil),
	}
	assert.Contains(t, texts[0], "is a directory")
	assert.Contains(t, texts[2], "not a directory")
	for _, text := range texts {
		assert.NotContains(t, text, "sandflare-local-", "no path of the host")
	}
}

// An upload whose sandbox is deleted is told that, not that its processes ended.
func TestUploadIntoADeletedSandbox(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	conn := a.send(fmt.Sprintf("POST %s/files?path=f HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nContent-Length: 8\r\n\r\nhalf", sb, a.srv.Key()))
	require.Eventually(t, func() bool { return a.out(sb, "ls -A") != "" }, 20*time.Second, 10*time.Millisecond, "it has begun")
	a.ok("DELETE", sb, nil, nil)
	_, err := io.WriteString(conn, "half")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, 409, resp.StatusCode)
	assert.Contains(t, errorText(t, data), "ended while the call was under way")
}
