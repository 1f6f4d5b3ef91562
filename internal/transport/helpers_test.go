package transport_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const testKey = "key-of-the-test"

var (
	read   = transport.Request{Route: wire.SandboxGet, Segments: []string{"sb-1"}}
	remove = transport.Request{Route: wire.SandboxDelete, Segments: []string{"sb-1"}}
	exec   = transport.Request{Route: wire.Exec, Segments: []string{"sb-1"}, Body: text(`{"cmd":"secret-command"}`)}
	stream = transport.Request{Route: wire.ExecStream, Segments: []string{"sb-1"}, Query: "cmd=secret-command", Accept: "text/event-stream"}
	write  = transport.Request{Route: wire.FileWrite, Segments: []string{"sb-1"}, Query: "path=%2Fx", Body: text("content")}
	create = transport.Request{Route: wire.SandboxCreate, Body: text(`{"label":"x"}`)}
)

type change = func(*transport.Config)

func newClient(t *testing.T, baseURL string, changes ...change) *transport.Client {
	t.Helper()
	config := transport.Config{
		BaseURL: baseURL, Key: testKey, UserAgent: "sandflare-go/0", MaxRetries: 3, BaseDelay: time.Millisecond,
	}
	for _, f := range changes {
		f(&config)
	}
	client, err := transport.New(config)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func through(rt http.RoundTripper) change {
	return func(c *transport.Config) { c.HTTPClient = &http.Client{Transport: rt} }
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func text(content string) *transport.Body {
	return &transport.Body{
		ContentType: "application/json", Size: int64(len(content)), Replayable: true,
		Open: func() (io.Reader, error) { return strings.NewReader(content), nil },
	}
}

// once is a body that can be read only once.
func once(r io.Reader, size int64) *transport.Body {
	return &transport.Body{
		ContentType: "application/octet-stream", Size: size,
		Open: func() (io.Reader, error) { return r, nil },
	}
}

// quiet drops what a test server says about refused handshakes.
var quiet = log.New(io.Discard, "", 0)

// A rawServer answers connections with bytes: the n-th with the n-th handler, the rest with the last.
type rawServer struct {
	url   string
	conns atomic.Int64
}

func raw(t *testing.T, handlers ...func(net.Conn)) *rawServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &rawServer{url: "http://" + listener.Addr().String()}
	accept(t, listener, func() func(net.Conn) { return handlers[min(int(s.conns.Add(1)), len(handlers))-1] })
	return s
}

// accept gives each connection to the next handler, and waits for all of them at the end.
func accept(t *testing.T, listener net.Listener, next func() func(net.Conn)) {
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle := next()
			running.Go(func() { handle(conn); conn.Close() })
		}
	})
}

// takeRequest reads one request, its body included.
func takeRequest(conn net.Conn) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		io.Copy(io.Discard, r.Body)
	}
	return r
}

// answer reads a request, writes bytes, and closes.
func answer(content string) func(net.Conn) {
	return func(conn net.Conn) {
		takeRequest(conn)
		io.WriteString(conn, content)
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

func ok(conn net.Conn) { answer(okAnswer)(conn) }

// reset ends a connection with RST instead of FIN.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func resetAfterRequest(conn net.Conn) {
	takeRequest(conn)
	reset(conn)
}

// failure asserts what every error of a call has in common.
func failure(t *testing.T, err error) *transport.Error {
	t.Helper()
	require.Error(t, err)
	var e *transport.Error
	require.ErrorAs(t, err, &e)
	for _, secret := range []string{testKey, "secret-command", "/sandboxes/"} {
		assert.NotContains(t, err.Error(), secret)
	}
	return e
}

func status(t *testing.T, err error) *transport.StatusError {
	t.Helper()
	var s *transport.StatusError
	require.ErrorAs(t, failure(t, err), &s)
	return s
}

// counting is a server that counts its connections.
type counting struct {
	*httptest.Server
	conns atomic.Int64
}

func newCounting(t *testing.T, handler http.HandlerFunc) *counting {
	t.Helper()
	s := &counting{Server: httptest.NewUnstartedServer(handler)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}
