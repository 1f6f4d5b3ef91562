package sandflare_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

// busyOnce is a server that refuses the first upload after reading it.
type busyOnce struct {
	mu     sync.Mutex
	bodies []string
	sizes  []int64
}

func (b *busyOnce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies, b.sizes = append(b.bodies, string(body)), append(b.sizes, r.ContentLength)
	if len(b.bodies) == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func TestFaults_R5_F7_UploadIsRepeatedWhenItCanBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("skipped:content"), 0o600))
	opened, err := os.Open(file)
	require.NoError(t, err)
	defer opened.Close()
	_, err = opened.Seek(8, io.SeekStart)
	require.NoError(t, err)
	partly := strings.NewReader("skipped:content")
	_, err = partly.Seek(8, io.SeekStart)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		src   io.Reader
		size  int64
		again bool
	}{
		"file":    {opened, 7, true},
		"reader":  {partly, 7, true},
		"section": {io.NewSectionReader(strings.NewReader("skipped:content"), 8, 7), 7, true},
		"buffer":  {bytes.NewBufferString("content"), 7, false},
		"stream":  {iotest.OneByteReader(strings.NewReader("content")), -1, false},
		"empty":   {strings.NewReader(""), 0, true},
		"a queue": {queue{iotest.OneByteReader(strings.NewReader("content"))}, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := &busyOnce{}
			ts := httptest.NewServer(server)
			defer ts.Close()
			var seen []int64
			err := at(t, ts.URL).Sandbox("sb-1").Upload(t.Context(), "/tmp/a", c.src, &sandflare.TransferOptions{Progress: func(done, total int64) {
				assert.Equal(t, c.size, total)
				seen = append(seen, done)
			}})
			want := "content"
			if c.size == 0 {
				want = ""
			}
			if !c.again {
				require.Error(t, err)
				assert.Contains(t, err.Error(), "read only once")
				assert.Equal(t, []string{want}, server.bodies)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{want, want}, server.bodies)
			assert.Equal(t, []int64{c.size, c.size}, server.sizes)
			assert.Equal(t, c.size, seen[len(seen)-1])
			assert.Equal(t, int64(0), seen[0])
		})
	}
	stays, err := opened.Seek(0, io.SeekCurrent)
	require.NoError(t, err)
	assert.EqualValues(t, 8, stays, "the source stays where it is")
}

// queue has a length that is not its bytes.
type queue struct{ io.Reader }

func (queue) Len() int { return 1 }

func TestFaults_F5_UploadFailsWithItsSource(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	broken := errors.New("the disk is gone")
	err := at(t, server.URL).Sandbox("sb-1").Upload(t.Context(), "/tmp/a", io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(broken)), nil)
	require.ErrorIs(t, err, broken)
	assert.ErrorIs(t, only[any](nil, at(t, server.URL).Sandbox("sb-1").Upload(t.Context(), "/tmp/a", nil, nil)), sandflare.ErrInvalidArgument)
}

func TestFaults_F4_CutDownload(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "half!")
	}))
	defer server.Close()
	sb := at(t, server.URL).Sandbox("sb-1")
	var got bytes.Buffer
	n, err := sb.Download(t.Context(), "/tmp/a", &got, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.EqualValues(t, 5, n)
	assert.Equal(t, "half!", got.String())

	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	require.NoError(t, os.WriteFile(kept, []byte("as it was"), 0o640))
	require.ErrorIs(t, sb.DownloadFile(t.Context(), "/tmp/a", kept, nil), io.ErrUnexpectedEOF)
	require.ErrorIs(t, sb.DownloadFile(t.Context(), "/tmp/a", filepath.Join(dir, "new"), nil), io.ErrUnexpectedEOF)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no half file is left")
	data, err := os.ReadFile(kept)
	require.NoError(t, err)
	assert.Equal(t, "as it was", string(data))
}

func TestDownloadKeepsTheWritersError(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	require.NoError(t, sb.WriteFile(t.Context(), "a", bytes.Repeat([]byte("x"), 1<<20)))
	full := errors.New("disk full")
	_, err := sb.Download(t.Context(), "a", writerFunc(func([]byte) (int, error) { return 0, full }), nil)
	require.ErrorIs(t, err, full)
	_, err = sb.Download(t.Context(), "no such file", io.Discard, nil)
	require.ErrorIs(t, err, sandflare.ErrNotFound)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestFilesThroughTheSandbox(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	data := bytes.Repeat([]byte("0123456789abcde\x00"), 1<<16)
	require.NoError(t, os.WriteFile(from, data, 0o600))
	require.NoError(t, os.WriteFile(to, nil, 0o751))
	require.NoError(t, sb.UploadFile(t.Context(), from, "/home/user/data/file", nil))
	var last, total int64
	require.NoError(t, sb.DownloadFile(t.Context(), "/home/user/data/file", to, &sandflare.TransferOptions{Progress: func(d, n int64) { last, total = d, n }}))
	back, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, back))
	assert.EqualValues(t, len(data), last)
	assert.EqualValues(t, len(data), total)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(to)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o751), info.Mode().Perm(), "the replaced file gives its mode")
	}
	require.ErrorIs(t, sb.UploadFile(t.Context(), filepath.Join(dir, "none"), "/home/user/data/x", nil), os.ErrNotExist)
	require.ErrorIs(t, sb.UploadFile(t.Context(), dir, "/home/user/data/x", nil), sandflare.ErrInvalidArgument)
	require.Error(t, sb.DownloadFile(t.Context(), "/home/user/data/file", dir, nil), "a folder is not replaced")
	require.NoError(t, sb.DownloadFile(t.Context(), "/home/user/data/file", filepath.Join(dir, strings.Repeat("n", 255)), nil), "no longer name is possible")
}

// A stream of a gigabyte would take too long here; what is measured is that
// memory does not grow with the size.
func TestFaults_F3_TransfersTakeConstantMemory(t *testing.T) {
	const size = 256 << 20
	sb := sandbox(t)
	most := peakHeap(t, func() {
		require.NoError(t, sb.Upload(t.Context(), "/tmp/big", io.LimitReader(zeros{}, size), nil))
		n, err := sb.Download(t.Context(), "/tmp/big", io.Discard, nil)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
	})
	assert.Less(t, most, int64(16<<20))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// peakHeap is by how much the heap grew at most while work was done.
func peakHeap(t *testing.T, work func()) int64 {
	t.Helper()
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	before, most := int64(stats.HeapInuse), int64(0)
	done, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		var stats runtime.MemStats
		for {
			select {
			case <-done:
				return
			default:
				runtime.ReadMemStats(&stats)
				most = max(most, int64(stats.HeapInuse)-before)
				runtime.Gosched()
			}
		}
	}()
	work()
	close(done)
	<-sampled
	return most
}

func TestContentLengthIsNotBelieved(t *testing.T) {
	t.Parallel()
	server := newBadServer(t, nil)
	server.answerRead = "HTTP/1.1 200 OK\r\nContent-Length: 1099511627775\r\n\r\nshort"
	_, err := at(t, server.url(), sandflare.WithMaxRetries(0)).Sandbox("sb-1").ReadFile(t.Context(), "/tmp/a")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
