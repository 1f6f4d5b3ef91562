package sandflare_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestFaults_F9_FoldersOfManyAndOddNames(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	const many = 2_000
	result, err := sb.Exec(t.Context(), fmt.Sprintf(`mkdir many odd && cd many && seq %d | xargs touch && cd ../odd && touch $'a\xffb' $'line\nbreak' '"' é`, many), nil)
	require.NoError(t, err)
	require.NoError(t, result.Err())
	entries, err := sb.ReadDir(t.Context(), "many")
	require.NoError(t, err)
	assert.Len(t, entries, many)
	entries, err = sb.ReadDir(t.Context(), "odd")
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	assert.ElementsMatch(t, []string{"a\uFFFDb", "line\nbreak", `"`, "é"}, names)

	rows := strings.Repeat(`{"name":"a file","path":"/tmp/a file","type":"file","size":7,"mtime":1.5},`, 100_000)
	entries, err = saying(t, 200, "application/json", "["+strings.TrimSuffix(rows, ",")+"]").Sandbox("sb-1").ReadDir(t.Context(), "/tmp")
	require.NoError(t, err)
	assert.Len(t, entries, 100_000)
	assert.EqualValues(t, 7, entries[99_999].Size)
}

// openConns counts the connections that are open, and how many there were at most.
type openConns struct{ now, most atomic.Int64 }

func (o *openConns) client() *http.Client {
	rt := http.DefaultTransport.(*http.Transport).Clone()
	rt.MaxIdleConnsPerHost = idleConns
	rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		now := o.now.Add(1)
		for most := o.most.Load(); now > most && !o.most.CompareAndSwap(most, now); most = o.most.Load() {
		}
		return &openConn{Conn: conn, open: o}, nil
	}
	return &http.Client{Transport: rt}
}

type openConn struct {
	net.Conn
	open *openConns
	once sync.Once
}

func (c *openConn) Close() error {
	c.once.Do(func() { c.open.now.Add(-1) })
	return c.Conn.Close()
}

const idleConns = 128 // kept for the next call

func TestFaults_G1_ManyCallersOfOneClient(t *testing.T) {
	t.Parallel()
	const callers = 1000
	srv := sandflaretest.Start(t)
	var conns openConns
	client := srv.Client(sandflare.WithHTTPClient(conns.client()))
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			path, text := fmt.Sprintf("dir%d/%d", i%10, i), fmt.Sprintf("content of caller %d", i)
			assert.NoError(t, sb.WriteFile(t.Context(), path, []byte(text)))
			data, err := sb.ReadFile(t.Context(), path)
			assert.NoError(t, err)
			assert.Equal(t, text, string(data))
		})
	}
	all.Wait()
	assert.LessOrEqual(t, conns.most.Load(), int64(callers+idleConns), "one for each caller, and those that are kept")
}

// Goroutines and descriptors are counted: this test runs alone.
func TestFaults_G2_NothingStaysAfterManyCalls(t *testing.T) {
	const calls, callers = 10_000, 50
	srv := sandflaretest.Start(t)
	client := srv.Client()
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	client.CloseIdleConnections()
	before := leaks.Now()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range calls / callers {
				assert.NoError(t, sb.Health(t.Context()))
			}
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	assert.Empty(t, before.Left())
}

func TestFaults_G4_DeletesAtOnceAndDuringExec(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	started := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		var last error
		for event, err := range sb.ExecStream(t.Context(), "echo on; sleep 1000", nil) {
			if last = err; event.Data == "on" {
				close(started)
			}
		}
		ended <- last
	}()
	<-started
	unary := make(chan error, 1)
	go func() { unary <- only(sb.Exec(t.Context(), "sleep 1000", nil)) }()
	require.Eventually(t, func() bool {
		processes, err := sb.Processes(t.Context())
		return err == nil && len(processes) >= 2
	}, 10*time.Second, 10*time.Millisecond)
	var deleted, gone atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			switch err := sb.Delete(t.Context()); {
			case err == nil:
				deleted.Add(1)
			case errors.Is(err, sandflare.ErrNotFound):
				gone.Add(1)
			default:
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, []int32{1, 9}, []int32{deleted.Load(), gone.Load()}, "one deletes, the others are told that it is gone")
	require.ErrorIs(t, <-ended, sandflare.ErrStreamInterrupted)
	err := <-unary
	var api *sandflare.APIError
	assert.True(t, errors.Is(err, sandflare.ErrOutcomeUnknown) || errors.As(err, &api), "an end that is told: %v", err)
}

func TestFaults_I5_I6_LargeValuesPassUnharmed(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	value := strings.Repeat("é'\"$`\\\n", 100<<10/9)
	for name, run := range map[string]func() (*sandflare.ExecResult, error){
		"exec": func() (*sandflare.ExecResult, error) {
			return sb.Exec(t.Context(), `printf %s "$V"`, &sandflare.ExecOptions{Env: map[string]string{"V": value}})
		},
		"raw": func() (*sandflare.ExecResult, error) {
			return sb.Exec(t.Context(), `printf %s "$V"`, &sandflare.ExecOptions{Raw: true, Env: map[string]string{"V": value}})
		},
	} {
		result, err := run()
		require.NoError(t, err, name)
		assert.True(t, result.Stdout == value, "%s: %d bytes came back of %d: %s", name, len(result.Stdout), len(value), result.Stderr)
	}
	_, err := sb.Exec(t.Context(), "true", &sandflare.ExecOptions{Env: map[string]string{"V": strings.Repeat("x", 1<<20)}})
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)

	result, err := sb.Exec(t.Context(), "cat <<'END' | wc -c\n"+strings.Repeat("x", 10<<20)+"\nEND", nil)
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintln(10<<20+1), strings.TrimLeft(result.Stdout, " "), result.Stderr)
}

func TestFaults_I7_LabelsAndMetadataFindWhatTheyName(t *testing.T) {
	t.Parallel()
	client := sandflaretest.Start(t).Client()
	odd := map[string]string{"é ü": "世界 😀", "a&b=c": "x&y=z?#%2f+", `quote"`: `back\slash`, "blank": "", "line": "a\nb", "<": "</script>"}
	for i := range 1000 {
		odd[fmt.Sprintf("key %d", i)] = fmt.Sprint(i)
	}
	label := "é & = ? # % + \" \\ 世界"
	sb, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: label, Metadata: odd})
	require.NoError(t, err)
	_, err = client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: label + "x", Metadata: map[string]string{"é ü": "世界"}})
	require.NoError(t, err)
	require.NoError(t, sb.Refresh(t.Context()))
	assert.Equal(t, odd, sb.Info().Metadata)
	assert.Equal(t, label, sb.Info().Label)
	for name, opts := range map[string]sandflare.ListOptions{
		"label": {Label: label}, "one key": {Metadata: map[string]string{"a&b=c": "x&y=z?#%2f+"}},
		"both": {Label: label, Metadata: map[string]string{"é ü": "世界 😀", "line": "a\nb"}},
	} {
		found, err := client.ListSandboxes(t.Context(), &opts)
		require.NoError(t, err)
		require.Len(t, found, 1, name)
		assert.Equal(t, sb.Name(), found[0].Name(), name)
	}
	for name, opts := range map[string]sandflare.ListOptions{
		"part of a label": {Label: "é"}, "part of a value": {Metadata: map[string]string{"a&b=c": "x"}}, "another case": {Label: strings.ToUpper(label)},
	} {
		found, err := client.ListSandboxes(t.Context(), &opts)
		require.NoError(t, err)
		assert.Empty(t, found, name)
	}
}

func TestFaults_I8_CloneCredentialsAreNotShown(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	for name, c := range map[string]struct {
		url  string
		opts sandflare.GitCloneOptions
	}{
		"in the URL": {url: "http://user:hunter2secret@127.0.0.1:1/r"},
		"token":      {url: "http://127.0.0.1:1/r", opts: sandflare.GitCloneOptions{Token: "hunter2secret"}},
		"as user":    {url: "http://hunter2secret@127.0.0.1:1/r"},
		"ssh key":    {url: "ssh://git@127.0.0.1:1/r", opts: sandflare.GitCloneOptions{SSHKey: "hunter2secret"}},
	} {
		_, err := sb.GitClone(t.Context(), c.url, &c.opts)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "hunter2secret", name)
		logs, err := sb.Logs(t.Context())
		require.NoError(t, err)
		assert.NotContains(t, strings.Join(logs, "\n"), "hunter2secret", name)
	}
}

// What a command prints in halves of a rune, at the edges of every buffer, arrives whole.
func TestFaults_S19_RunesAtTheEdges(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	line := strings.Repeat("é世😀", 20_000)
	for shift := range 4 {
		text := strings.Repeat("x", shift) + line
		require.NoError(t, sb.WriteFile(t.Context(), "text", []byte(text+"\n")))
		for event, err := range sb.ExecStream(t.Context(), "dd if=text bs=4093 status=none", nil) {
			require.NoError(t, err)
			if event.Type == sandflare.EventStdout {
				require.True(t, event.Data == text, "shifted by %d", shift)
			}
		}
		result, err := sb.Exec(t.Context(), "cat text", nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal([]byte(text+"\n"), []byte(result.Stdout)))
	}
}
