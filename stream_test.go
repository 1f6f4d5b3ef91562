package sandflare_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

// streaming is a sandbox whose streams are written by a function.
func streaming(t *testing.T, write func(w http.ResponseWriter, r *http.Request)) *sandflare.Sandbox {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			return // a script that is uploaded
		}
		w.Header().Set("Content-Type", "text/event-stream")
		write(w, r)
	}))
	t.Cleanup(server.Close)
	return at(t, server.URL).Sandbox("sb-1")
}

func text(body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }
}

// drain ranges over a stream to its end.
func drain(sb *sandflare.Sandbox, ctx context.Context) (events []sandflare.ExecEvent, err error) {
	for event, e := range sb.ExecStream(ctx, "true", nil) {
		if e != nil {
			return events, e
		}
		events = append(events, event)
	}
	return events, nil
}

const doneFrame = "event: done\ndata: {\"exit_code\": 0, \"ok\": true}\n\n"

func TestStreamEvents(t *testing.T) {
	t.Parallel()
	out := func(data string) sandflare.ExecEvent {
		return sandflare.ExecEvent{Type: sandflare.EventStdout, Data: data}
	}
	for body, want := range map[string][]sandflare.ExecEvent{
		"event: stdout\ndata: {\"line\": \"a\"}\n\n":                     {out("a")},
		"event: stdout\r\ndata: {\"line\": \"a\"}\r\n\r\n":               {out("a")},
		"event: stdout\rdata: {\"line\": \"a\"}\r\r":                     {out("a")},
		"event: stderr\ndata: {\"line\": \"a\"}\n\n":                     {{Type: sandflare.EventStderr, Data: "a"}},
		"data: {\"line\": \"a\"}\n\n":                                    {out("a")},
		"data:{\"line\":\"a\\n\"}\n\n":                                   {out("a")},
		"data: plain text\n\n":                                           {out("plain text")},
		"data: \"a JSON text\"\n\n":                                      {out("a JSON text")},
		"data: two\ndata: lines\n\n":                                     {out("two\nlines")},
		"data: {\"line\": \"\\u00e9\\u0000\\ud83d\\ude00\"}\n\n":         {out("é\x00😀")},
		": heartbeat\n\ndata: a\n\n: heartbeat\n\n":                      {out("a")},
		"\xEF\xBB\xBFdata: a\n\n":                                        {out("a")},
		"event: progress\ndata: {\"percent\": 5}\n\n":                    {{Type: "progress", Data: `{"percent": 5}`}},
		"id: 1\nretry: 5\nunknown: x\nfield\nevent: stdout\ndata: a\n\n": {out("a")},
		"data: {\"line\": \"" + strings.Repeat("x", 10<<20) + "\"}\n\n":  {out(strings.Repeat("x", 10<<20))},
		"data: {\"line\": \"\"}\n\n":                                     {out("")},
	} {
		t.Run(fmt.Sprintf("%.30q", body), func(t *testing.T) {
			t.Parallel()
			events, err := drain(streaming(t, text(body+doneFrame+"data: after the end\n\n")), t.Context())
			require.NoError(t, err)
			assert.Equal(t, append(want, sandflare.ExecEvent{Type: sandflare.EventDone}), events)
		})
	}
}

func TestStreamDone(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]int{
		`{"exit_code": 3, "ok": false}`: 3, `{"exit_code": "4"}`: 4, `{"exit_code": 5.0, "ok": true}`: 5, `{"ok": true}`: 0, `{"ok": false}`: 1,
		`{"exit_code": null, "ok": false}`: 1, `{"exit_code": 0, "ok": false}`: 0,
	} {
		for _, name := range []string{"done", "exit"} {
			events, err := drain(streaming(t, text("event: "+name+"\ndata: "+data+"\n\n")), t.Context())
			require.NoError(t, err, data)
			assert.Equal(t, []sandflare.ExecEvent{{Type: sandflare.EventDone, ExitCode: want}}, events, data)
		}
	}
}

func TestFaults_S3_DoneWithoutAnExitCode(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{}`, `{"exit_code": "soon"}`, `{"exit_code": 1.5}`, `null`, `text`, ``, `{"exit_code": 1`} {
		events, err := drain(streaming(t, text("event: done\ndata: "+data+"\n\n")), t.Context())
		require.ErrorIs(t, err, sandflare.ErrStreamInterrupted, data)
		assert.Empty(t, events)
	}
}

func TestFaults_S1_S2_S9_StreamEndsBeforeDone(t *testing.T) {
	t.Parallel()
	const line = "data: {\"line\": \"a\"}\n\n"
	for body, want := range map[string]string{
		line: "ended before the command was done",
		line + "event: done\ndata: {\"exit_code\": 0}\n": "unexpected EOF",
		line + "event: do": "unexpected EOF",
		line + "event: error\ndata: {\"error\": \"out of memory\"}\n\n": "out of memory",
		line + "event: error\ndata: plain reason\n\n":                   "plain reason",
	} {
		for _, cut := range []bool{false, true} {
			sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
				if cut {
					w.Header().Set("Content-Length", "100000")
				}
				io.WriteString(w, body)
			})
			events, err := drain(sb, t.Context())
			require.ErrorIs(t, err, sandflare.ErrStreamInterrupted, body)
			assert.NotErrorIs(t, err, sandflare.ErrOutcomeUnknown)
			assert.ErrorContains(t, err, map[bool]string{true: "", false: want}[cut])
			assert.Equal(t, !strings.Contains(body, "error"), errors.Is(err, io.ErrUnexpectedEOF), body)
			assert.Equal(t, []sandflare.ExecEvent{{Type: sandflare.EventStdout, Data: "a"}}, events, "what came is delivered")
		}
	}
}

func TestFaults_S13_StreamReset(t *testing.T) {
	t.Parallel()
	sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "data: a\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	events, err := drain(sb, t.Context())
	require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
	assert.Len(t, events, 1)
}

func TestFaults_S11_S12_NotAStream(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]string{`{"error":"no such thing"}`: "application/json", "<html>no such thing": "text/html"} {
		sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
		})
		_, err := drain(sb, t.Context())
		require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
		var api *sandflare.APIError
		require.ErrorAs(t, err, &api)
		assert.Contains(t, api.Message, "no such thing")
	}
	sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"error":"the sandbox is paused"}`)
	})
	_, err := drain(sb, t.Context())
	require.ErrorIs(t, err, sandflare.ErrConflict)
	assert.NotErrorIs(t, err, sandflare.ErrOutcomeUnknown)
}

func TestFaults_S17_StreamIsConsumedOnce(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		runs.Add(1)
		io.WriteString(w, doneFrame)
	})
	stream := sb.ExecStream(t.Context(), "true", nil)
	assert.Zero(t, runs.Load(), "nothing is sent before the loop")
	var consumed atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := sandflare.CollectExec(stream); errors.Is(err, sandflare.ErrStreamConsumed) {
				consumed.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 7, consumed.Load())
	assert.EqualValues(t, 1, runs.Load())
}

// endless writes lines until its client goes, and says so.
func endless(gone chan<- struct{}) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		for r.Context().Err() == nil {
			io.WriteString(w, "data: a\n\n")
			w.(http.Flusher).Flush()
		}
	}
}

func TestFaults_S15_BreakClosesTheConnection(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	for range streaming(t, endless(gone)).ExecStream(t.Context(), "yes", nil) {
		break
	}
	<-gone
}

func TestFaults_S16_CancelWhileTheLoopWaits(t *testing.T) {
	t.Parallel()
	gone, begun := make(chan struct{}), make(chan struct{})
	sb := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "data: a\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-begun; cancel(cause) }()
	var last error
	for event, err := range sb.ExecStream(ctx, "sleep 100", nil) {
		if last = err; err == nil && event.Data == "a" {
			close(begun)
		}
	}
	require.ErrorIs(t, last, sandflare.ErrStreamInterrupted)
	assert.ErrorIs(t, last, context.Canceled)
	assert.ErrorIs(t, last, cause)
	<-gone
}

// It runs alone: memory is counted.
func TestFaults_S14_S18_ManyEventsInConstantMemory(t *testing.T) {
	const lines = 400_000
	line := strings.Repeat("x", 50)
	sb := streaming(t, func(w http.ResponseWriter, _ *http.Request) {
		out := bufio.NewWriter(w)
		for i := range lines {
			fmt.Fprintf(out, "event: stdout\ndata: {\"line\": \"%d %s\"}\n\n", i, line)
		}
		out.WriteString(doneFrame)
		out.Flush()
	})
	next := 0
	most := peakHeap(t, func() {
		for event, err := range sb.ExecStream(t.Context(), "seq", nil) {
			require.NoError(t, err)
			if event.Type == sandflare.EventDone {
				break
			}
			if event.Data != strconv.Itoa(next)+" "+line {
				t.Fatalf("line %d is %q", next, event.Data)
			}
			next++
		}
	})
	assert.Equal(t, lines, next)
	assert.Less(t, most, int64(16<<20), "the stream is 35 MB")
}

func TestStreamConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	addresses := map[string]bool{}
	sb := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		addresses[r.RemoteAddr] = true
		mu.Unlock()
		io.WriteString(w, "data: a\n\n"+doneFrame)
	})
	for range 50 {
		_, err := drain(sb, t.Context())
		require.NoError(t, err)
	}
	assert.Less(t, len(addresses), 5)
}

func TestStreamThatStaysOpenAfterDone(t *testing.T) {
	t.Parallel()
	sb := streaming(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, doneFrame)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	events, err := drain(sb, t.Context())
	require.NoError(t, err)
	assert.Len(t, events, 1)
}

func TestCollectExec(t *testing.T) {
	t.Parallel()
	sb := streaming(t, text("data: a\n\nevent: stderr\ndata: e\n\nevent: other\ndata: o\n\ndata: b\n\nevent: done\ndata: {\"exit_code\": 3}\n\n"))
	result, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "x", nil))
	require.NoError(t, err)
	assert.Equal(t, &sandflare.ExecResult{Stdout: "a\nb\n", Stderr: "e\n", ExitCode: 3}, result)

	sb = streaming(t, text("data: a\n\n"))
	result, err = sandflare.CollectExec(sb.ExecStream(t.Context(), "x", nil))
	require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
	assert.Equal(t, &sandflare.ExecResult{Stdout: "a\n", ExitCode: -1}, result, "what came is kept")

	_, err = sandflare.CollectExec(func(func(sandflare.ExecEvent, error) bool) {})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// How a command travels is a matter of its size and of secrets in its environment.
func TestStreamedCommandThroughAFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		opts    *sandflare.ExecOptions
		file    bool
	}{
		"short":    {"echo a", nil, false},
		"with dir": {"echo a", &sandflare.ExecOptions{Dir: "/tmp"}, false},
		"long":     {"echo " + strings.Repeat("é", 3000), nil, true},
		"with env": {"echo $A", &sandflare.ExecOptions{Env: map[string]string{"A": "secret"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{}
			server := httptest.NewServer(rec)
			defer server.Close()
			_, err := sandflare.CollectExec(at(t, server.URL).Sandbox("sb-1").ExecStream(t.Context(), c.command, c.opts))
			require.NoError(t, err)
			last := rec.seen[len(rec.seen)-1]
			assert.Less(t, len(last.URL.RawQuery), 7<<10)
			assert.NotContains(t, last.URL.RawQuery, "secret")
			if !c.file {
				require.Len(t, rec.seen, 1)
				return
			}
			require.Len(t, rec.seen, 2)
			path := rec.seen[0].URL.Query().Get("path")
			assert.Regexp(t, `^/tmp/`, path)
			assert.Equal(t, "bash -l "+path, last.URL.Query().Get("cmd"))
			assert.True(t, strings.HasPrefix(string(rec.seen[0].body), "rm -f -- \"$0\"\n"))
			assert.Contains(t, string(rec.seen[0].body), c.command)
		})
	}
}

func TestExecOfAHugeCommandThroughAFile(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	server := httptest.NewServer(rec)
	defer server.Close()
	_, err := at(t, server.URL).Sandbox("sb-1").Exec(t.Context(), "echo "+strings.Repeat("x", 10<<20), nil)
	require.NoError(t, err)
	require.Len(t, rec.seen, 2)
	assert.Greater(t, len(rec.seen[0].body), 10<<20)
	assert.Less(t, len(rec.seen[1].body), 200)
}

func TestFaults_X4_DeadlineShortensTheCommand(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	server := httptest.NewServer(rec)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := at(t, server.URL).Sandbox("sb-1").Exec(ctx, "true", nil)
	require.NoError(t, err)
	assert.Regexp(t, `"timeout":[78],`, string(rec.seen[0].body))
}
