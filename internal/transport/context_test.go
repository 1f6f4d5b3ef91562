package transport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func contextDone(t *testing.T) {
	s := &script{}
	client := newClient(t, "http://127.0.0.1", through(s))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, req := range []transport.Request{read, exec} {
		_, err := client.Do(ctx, req)
		assert.ErrorIs(t, err, context.Canceled)
		assert.False(t, failure(t, err).OutcomeUnknown)
		_, err = client.Open(ctx, req)
		assert.ErrorIs(t, err, context.Canceled)
	}
	assert.Empty(t, s.at)
}

func nilContext(t *testing.T) {
	client := newClient(t, "http://127.0.0.1", through(&script{}))
	var none context.Context
	_, err := client.Do(none, read)
	assert.ErrorContains(t, err, "nil")
}

// A phase is a moment of a call that a cancel may meet.
type phase struct {
	req     transport.Request
	unknown bool
	client  func(t *testing.T, reached func()) *transport.Client
}

func phases(t *testing.T) map[string]phase {
	server := func(handler func(conn net.Conn, reached func())) func(*testing.T, func()) *transport.Client {
		return func(t *testing.T, reached func()) *transport.Client {
			return newClient(t, raw(t, func(conn net.Conn) { handler(conn, reached) }).url)
		}
	}
	hang := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	terminal, typist := io.Pipe() // nobody types
	t.Cleanup(func() { typist.Close() })
	upload, blocked := exec, exec
	upload.Body = once(zeros{}, -1)
	blocked.Body = once(terminal, -1)
	return map[string]phase{
		"dial": {exec, false, func(t *testing.T, reached func()) *transport.Client {
			return newClient(t, "http://127.0.0.1", through(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				reached()
				<-ctx.Done()
				return nil, ctx.Err()
			}}))
		}},
		"tls": {exec, false, func(t *testing.T, reached func()) *transport.Client {
			s := raw(t, func(conn net.Conn) { reached(); hang(conn) })
			return newClient(t, strings.Replace(s.url, "http:", "https:", 1))
		}},
		"body": {upload, true, func(t *testing.T, reached func()) *transport.Client {
			return newClient(t, raw(t, func(conn net.Conn) {
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				conn.Read(make([]byte, 4096))
				reached()
				<-t.Context().Done() // nothing more is read
			}).url)
		}},
		"blocked reader": {blocked, true, server(func(conn net.Conn, reached func()) {
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			reached()
			hang(conn)
		})},
		"headers": {exec, true, server(func(conn net.Conn, reached func()) { takeRequest(conn); reached(); hang(conn) })},
		"answer": {exec, true, server(func(conn net.Conn, reached func()) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
			reached()
			hang(conn)
		})},
		"backoff": {exec, false, func(t *testing.T, reached func()) *transport.Client {
			rt := roundTrip(func(r *http.Request) (*http.Response, error) {
				reached()
				return respond(r, 503, retryAfter("8"), ""), nil
			})
			return newClient(t, "http://127.0.0.1", through(rt))
		}},
	}
}

func cancelAnywhere(t *testing.T) {
	for name, p := range phases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			var attempts atomic.Int64
			client := p.client(t, func() { attempts.Add(1); time.AfterFunc(10*time.Millisecond, cancel) })
			start := time.Now()
			_, err := client.Do(ctx, p.req)
			assert.ErrorIs(t, err, context.Canceled)
			e := failure(t, err)
			assert.Equal(t, p.unknown, e.OutcomeUnknown)
			assert.Equal(t, 1, e.Attempts)
			assert.EqualValues(t, 1, attempts.Load())
			assert.Less(t, time.Since(start), 5*time.Second)
		})
	}
}

func cancelWithCause(t *testing.T) {
	cause := errors.New("the user pressed stop")
	for _, name := range []string{"headers", "answer", "backoff", "dial"} {
		p := phases(t)[name]
		ctx, cancel := context.WithCancelCause(t.Context())
		client := p.client(t, func() { time.AfterFunc(10*time.Millisecond, func() { cancel(cause) }) })
		_, err := client.Do(ctx, p.req)
		assert.ErrorIs(t, err, context.Canceled, name)
		assert.ErrorIs(t, err, cause, name)
		assert.Contains(t, err.Error(), "pressed stop")
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, cause)
	defer cancel()
	p := phases(t)["headers"]
	_, err := p.client(t, func() {}).Do(ctx, exec)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorIs(t, err, cause)
}

func breakClosesConnection(t *testing.T) {
	closed := make(chan struct{})
	s := raw(t, func(conn net.Conn) {
		takeRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n: hello\n\n")
		conn.Read(make([]byte, 1))
		close(closed)
	})
	resp, err := newClient(t, s.url).Open(t.Context(), stream)
	require.NoError(t, err)
	io.ReadFull(resp.Body, make([]byte, 5))
	require.NoError(t, resp.Body.Close())
	<-closed
}

func streamsOutliveIdleCloses(t *testing.T) {
	more := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one ")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "two")
	})
	client := newClient(t, url)
	resp, err := client.Open(t.Context(), stream)
	require.NoError(t, err)
	defer resp.Body.Close()
	client.CloseIdleConnections()
	close(more)
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, "one two", string(body))
}
