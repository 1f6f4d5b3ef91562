package sandflare_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// A badServer does the work of each request, then answers it as a test says. It
// speaks on bare connections, so that nothing is hidden.
type badServer struct {
	t      *testing.T
	ln     net.Listener
	answer func(n int, conn net.Conn, r *http.Request) // n counts the requests with an effect, from 1

	answerRead string // instead of a list of sandboxes; then the connection is closed

	mu       sync.Mutex
	ran      int      // requests with an effect
	lists    int      // searches for a sandbox
	requests []string // all of them
	ids      []string // request ids that creates carried
	conns    sync.WaitGroup
}

func newBadServer(t *testing.T, answer func(n int, conn net.Conn, r *http.Request)) *badServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &badServer{t: t, ln: ln, answer: answer}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.conns.Go(func() { s.serve(conn) })
		}
	}()
	t.Cleanup(func() { ln.Close(); s.conns.Wait() })
	return s
}

func (s *badServer) url() string { return "http://" + s.ln.Addr().String() }

func (s *badServer) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if n := s.work(r, body); n > 0 {
			s.answer(n, conn, r)
		} else if s.answerRead != "" {
			io.WriteString(conn, s.answerRead)
			return
		} else {
			s.list(conn)
		}
	}
}

// work counts a request; 0 means that it has no effect.
func (s *badServer) work(r *http.Request, body []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	if r.Method == "GET" && !strings.HasSuffix(r.URL.Path, "/stream") {
		s.lists++
		return 0
	}
	var create wire.CreateSandbox
	_ = json.Unmarshal(body, &create)
	s.ids = append(s.ids, create.Metadata[wire.RequestIDKey])
	s.ran++
	return s.ran
}

// list answers with every sandbox that was made, whatever the filter.
func (s *badServer) list(conn net.Conn) {
	s.mu.Lock()
	list := []wire.Sandbox{{Name: "sb-of-somebody-else", Status: "ready"}}
	for i, id := range s.ids {
		list = append(list, wire.Sandbox{Name: fmt.Sprintf("sb-%d", i+1), Status: "ready", Metadata: map[string]string{wire.RequestIDKey: id, "mine": "yes"}})
	}
	s.mu.Unlock()
	body, _ := json.Marshal(list)
	respond(conn, 200, string(body))
}

func (s *badServer) counts() (ran, lists int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ran, s.lists
}

func respond(conn net.Conn, status int, body string) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body)
}

// lost are the ways to lose an answer after the work was done.
var lost = map[string]func(conn net.Conn){
	"closed": func(conn net.Conn) { conn.Close() },
	"reset": func(conn net.Conn) {
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	},
	"502":         func(conn net.Conn) { respond(conn, 502, `{"error":"stale upstream"}`) },
	"504 by edge": func(conn net.Conn) { respond(conn, 504, `<html>timeout</html>`) },
	"500":         func(conn net.Conn) { respond(conn, 500, `{"error":"oops"}`) },
	"503":         func(conn net.Conn) { respond(conn, 503, `{"error":"not up"}`) },
	"408":         func(conn net.Conn) { respond(conn, 408, `{"error":"not up"}`) },
	"cut body": func(conn net.Conn) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"name\":\"sb-1\",")
		conn.Close()
	},
	"cut chunk": func(conn net.Conn) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"stdout\":")
		conn.Close()
	},
	"unframed cut": func(conn net.Conn) {
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"stdout\":")
		conn.Close()
	},
	"garbage": func(conn net.Conn) {
		fmt.Fprintf(conn, "this is not HTTP\r\n\r\n")
		conn.Close()
	},
}

// effects are the calls that must not be sent twice; the first call of each
// connection succeeds, so that the second meets a kept-alive one.
var effects = map[string]func(ctx context.Context, sb *sandflare.Sandbox) error{
	"exec": func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "date >> log", nil))
	},
	"stream": func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, "date >> log", nil)))
	},
	"python": func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunPython(ctx, "print(1)", nil))
	},
	"snapshot": func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.CreateSnapshot(ctx, nil))
	},
	"fork": func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Fork(ctx, 1))
	},
	"kill": func(ctx context.Context, sb *sandflare.Sandbox) error { return sb.KillProcess(ctx, 7) },
}

func TestFaults_C6_C7_R3_EffectsRunOnce(t *testing.T) {
	t.Parallel()
	for name, call := range effects {
		for fault, lose := range lost {
			for _, warm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/warm=%v", name, fault, warm), func(t *testing.T) {
					t.Parallel()
					if name == "kill" && strings.Contains(fault, "cut") {
						t.Skip("a cut answer to a call that ignores its answer is still an answer")
					}
					server := newBadServer(t, func(n int, conn net.Conn, r *http.Request) {
						if warm && n == 1 {
							good(conn, r)
							return
						}
						lose(conn)
					})
					sb := at(t, server.url()).Sandbox("sb-1")
					want := 1
					if warm {
						require.NoError(t, call(t.Context(), sb))
						want = 2
					}
					err := call(t.Context(), sb)
					ran, _ := server.counts()
					assert.Equal(t, want, ran, "the work was done once")
					if strings.Contains(fault, "cut") && name == "stream" {
						require.Error(t, err)
						return // the answer began: not an event stream, or interrupted
					}
					require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
					assert.NotContains(t, err.Error(), "date >> log", "no command in an error")
				})
			}
		}
	}
}

func good(conn net.Conn, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/stream") {
		const body = "event: done\ndata: {\"exit_code\":0}\n\n"
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		return
	}
	respond(conn, 200, `{"name":"sb-9","snapshot_id":"s","status":"ready","stdout":"","exit_code":0,"forks":[{"name":"sb-2"}]}`)
}

func TestFaults_R1_R4_CreateIsAdopted(t *testing.T) {
	t.Parallel()
	for fault, lose := range lost {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			server := newBadServer(t, func(_ int, conn net.Conn, _ *http.Request) { lose(conn) })
			client := at(t, server.url())
			first, err := client.CreateSandbox(t.Context(), nil)
			require.NoError(t, err)
			second, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Metadata: map[string]string{"a": "b"}})
			require.NoError(t, err)
			ran, lists := server.counts()
			assert.Equal(t, 2, ran, "one create each")
			assert.Equal(t, 2, lists)
			assert.Equal(t, "sb-1", first.Name())
			assert.Equal(t, "sb-2", second.Name())
			assert.NotEqual(t, server.ids[0], server.ids[1], "an id per call")
			assert.Equal(t, map[string]string{"mine": "yes"}, first.Info().Metadata, "the id is hidden")
		})
	}
}

func TestCreateUsesTheCallersRequestID(t *testing.T) {
	t.Parallel()
	server := newBadServer(t, func(_ int, conn net.Conn, _ *http.Request) { conn.Close() })
	opts := &sandflare.CreateOptions{Metadata: map[string]string{wire.RequestIDKey: "run-7"}}
	_, err := at(t, server.url()).CreateSandbox(t.Context(), opts)
	require.NoError(t, err)
	assert.Equal(t, []string{"run-7"}, server.ids)
	assert.Equal(t, map[string]string{wire.RequestIDKey: "run-7"}, opts.Metadata, "options are not changed")
}

func TestFaults_R2_CreateIsRetriedWhenItDidNotRun(t *testing.T) {
	t.Parallel()
	server := newBadServer(t, func(n int, conn net.Conn, r *http.Request) {
		if n < 3 {
			fmt.Fprintf(conn, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
			return
		}
		good(conn, r)
	})
	sb, err := at(t, server.url()).CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "sb-9", sb.Name())
	ran, lists := server.counts()
	assert.Equal(t, 3, ran)
	assert.Zero(t, lists)
	assert.Equal(t, server.ids[0], server.ids[2], "the same id on every try")
}

func TestExecCutByItsDeadlineIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where the deadline comes when all wait for the answer, however slow the machine
		sb := inMemory(t, func(conn net.Conn, _ *http.Request) { io.Copy(io.Discard, conn) }).Sandbox("sb-1")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := sb.Exec(ctx, "sleep 100", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	})
}
