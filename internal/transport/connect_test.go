package transport_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// closedPort is an address that nothing listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

func refusedConnection(t *testing.T) {
	url := closedPort(t)
	for _, req := range []transport.Request{read, remove, exec, stream, create} {
		_, err := newClient(t, url).Do(t.Context(), req)
		e := failure(t, err)
		assert.Equal(t, 4, e.Attempts)
		assert.False(t, e.OutcomeUnknown)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.Contains(t, err.Error(), url)
	}
}

// dialing is a transport whose dials end as told.
func dialing(dials *atomic.Int64, err error) http.RoundTripper {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}}
}

func noSuchHost(t *testing.T) {
	var dials atomic.Int64
	rt := dialing(&dials, &net.DNSError{Err: "no such host", Name: "api.nowhere.example", IsNotFound: true})
	_, err := newClient(t, "https://api.nowhere.example", through(rt)).Do(t.Context(), exec)
	e := failure(t, err)
	assert.Equal(t, 1, e.Attempts)
	assert.EqualValues(t, 1, dials.Load())
	assert.False(t, e.OutcomeUnknown)
	assert.Contains(t, err.Error(), "api.nowhere.example")
	assert.Contains(t, err.Error(), "SANDFLARE_API_URL")
}

func temporaryDNSFailure(t *testing.T) {
	for _, req := range []transport.Request{read, remove, exec} {
		var dials atomic.Int64
		rt := dialing(&dials, &net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true})
		_, err := newClient(t, "https://h", through(rt)).Do(t.Context(), req)
		assert.Equal(t, 4, failure(t, err).Attempts)
		assert.EqualValues(t, 4, dials.Load())
	}
}

// resetBeforeRequest: whether a connection was had is a race, so the hook decides;
// an effect is never both retried and on the wire.
func resetBeforeRequest(t *testing.T) {
	s := raw(t, reset)
	_, err := newClient(t, s.url).Do(t.Context(), exec)
	e := failure(t, err)
	assert.True(t, e.OutcomeUnknown || e.Attempts == 4)
	_, err = newClient(t, s.url).Do(t.Context(), read)
	assert.Equal(t, 4, failure(t, err).Attempts)
}

func resetAfterRead(t *testing.T) {
	for _, req := range []transport.Request{read, remove, write} {
		s := raw(t, resetAfterRequest, ok)
		resp, err := newClient(t, s.url).Do(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, 2, resp.Attempts)
	}
	for _, req := range []transport.Request{exec, stream, create} {
		s := raw(t, resetAfterRequest, ok)
		_, err := newClient(t, s.url).Do(t.Context(), req)
		e := failure(t, err)
		assert.True(t, e.OutcomeUnknown)
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.EqualValues(t, 1, s.conns.Load())
	}
}

// keptAliveConnectionDies: net/http itself sends a plain GET again.
func keptAliveConnectionDies(t *testing.T) {
	run := func(req transport.Request) (requests int64, err error) {
		var seen atomic.Int64
		s := raw(t, func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			if takeRequest(conn) != nil { // the second call gets no answer
				seen.Add(1)
			}
		}, func(conn net.Conn) {
			if takeRequest(conn) != nil {
				seen.Add(1)
			}
			io.WriteString(conn, okAnswer)
		})
		client := newClient(t, s.url, func(c *transport.Config) { c.MaxRetries = 0 })
		_, err = client.Do(t.Context(), read)
		require.NoError(t, err)
		_, err = client.Do(t.Context(), req)
		return seen.Load(), err
	}
	for _, req := range []transport.Request{exec, stream, create} {
		requests, err := run(req)
		assert.True(t, failure(t, err).OutcomeUnknown)
		assert.EqualValues(t, 1, requests)
	}
	_, err := run(read)
	assert.NoError(t, err)
}

func noHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where time passes only when all wait for the answer
		var conns atomic.Int64
		client := newClient(t, "http://127.0.0.1", inMemory(t, func(conn net.Conn) {
			conns.Add(1)
			takeRequest(conn)
			conn.Read(make([]byte, 1)) // until the client gives up
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := client.Do(ctx, exec)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, failure(t, err).OutcomeUnknown)

		limited := exec
		limited.Timeout = 20 * time.Millisecond
		_, err = client.Do(t.Context(), limited)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		var timeout *transport.TimeoutError
		assert.ErrorAs(t, err, &timeout)
		assert.True(t, failure(t, err).OutcomeUnknown)
		assert.EqualValues(t, 2, conns.Load())
	})
}

// inMemory is a transport whose connections are pipes, for tests in a bubble of time.
func inMemory(t *testing.T, handler func(net.Conn)) change {
	rt := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { handler(server); server.Close() }()
		return client, nil
	}}
	t.Cleanup(rt.CloseIdleConnections)
	return through(rt)
}

func slowHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drip := func(conn net.Conn) {
			takeRequest(conn)
			for _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-"); err == nil; _, err = io.WriteString(conn, "a") {
				time.Sleep(time.Second)
			}
		}
		client := newClient(t, "http://127.0.0.1", inMemory(t, drip))
		for limit, want := range map[time.Duration]time.Duration{10 * time.Second: 10 * time.Second, 30*time.Second + 1: 30 * time.Second, time.Hour: 30 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			_, err := client.Do(ctx, exec)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, failure(t, err).OutcomeUnknown)
			assert.Equal(t, want, time.Since(start), "the attempt's own limit, or the caller's when that is nearer")
		}
		time.Sleep(time.Minute) // the server notices
	})
}

func emptyReply(t *testing.T) {
	s := raw(t, func(conn net.Conn) { takeRequest(conn) })
	_, err := newClient(t, s.url).Do(t.Context(), exec)
	assert.True(t, failure(t, err).OutcomeUnknown)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Contains(t, err.Error(), "closed without an answer")
	_, err = newClient(t, s.url).Do(t.Context(), read)
	assert.Equal(t, 4, failure(t, err).Attempts)
}

func garbage(t *testing.T) {
	for name, reply := range map[string]string{
		"noise":     "\x00\x01 what?\r\n\r\n" + testKey,
		"http 0.9":  "<html>hello</html>\r\n" + strings.Repeat("x", 10_000),
		"bad line":  "HTTP/1.1 two hundred\r\n\r\n",
		"bad field": "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
	} {
		s := raw(t, answer(reply))
		_, err := newClient(t, s.url).Do(t.Context(), exec)
		var protocol *transport.ProtocolError
		assert.ErrorAs(t, err, &protocol, name)
		assert.True(t, failure(t, err).OutcomeUnknown, name)
		assert.EqualValues(t, 1, s.conns.Load(), name)
		assert.Less(t, len(err.Error()), 400, name)
	}
}

func proxyRefuses(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	rt := transport.NewTransport(time.Second)
	defer rt.CloseIdleConnections()
	rt.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	_, err := newClient(t, "https://api.example", through(rt)).Do(t.Context(), exec)
	e := failure(t, err)
	assert.Equal(t, 1, e.Attempts)
	assert.False(t, e.OutcomeUnknown)
	assert.Contains(t, err.Error(), "407")

	_, err = newClient(t, "http://api.example", through(rt), func(c *transport.Config) { c.Insecure = true }).Do(t.Context(), read)
	assert.Equal(t, 407, status(t, err).Status)
	assert.Equal(t, 1, failure(t, err).Attempts)
}

func informationalAnswers(t *testing.T) {
	s := raw(t, answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+okAnswer))
	resp, err := newClient(t, s.url).Do(t.Context(), exec)
	require.NoError(t, err)
	assert.Equal(t, 200, resp.Status)
	assert.Equal(t, "{}", string(resp.Body))
}

func oddStatus(t *testing.T) {
	for _, line := range []string{"101 Switching Protocols", "999 Odd", "000 Odd", "600 Odd"} {
		for _, req := range []transport.Request{read, exec, stream} {
			s := raw(t, answer("HTTP/1.1 "+line+"\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n{}"))
			resp, err := newClient(t, s.url).Open(t.Context(), req)
			assert.Nil(t, resp, line)
			assert.Equal(t, line[:3], fmt.Sprintf("%03d", status(t, err).Status))
		}
	}
}

func badContentLength(t *testing.T) {
	for _, fields := range []string{"Content-Length: -5", "Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2x"} {
		s := raw(t, answer("HTTP/1.1 200 OK\r\n"+fields+"\r\n\r\n{}"))
		_, err := newClient(t, s.url).Do(t.Context(), exec)
		var protocol *transport.ProtocolError
		assert.ErrorAs(t, err, &protocol, fields)
		assert.True(t, failure(t, err).OutcomeUnknown)
	}
}

func untrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := newClient(t, server.URL).Do(t.Context(), exec)
	e := failure(t, err)
	assert.Equal(t, 1, e.Attempts)
	assert.False(t, e.OutcomeUnknown)
	assert.Contains(t, err.Error(), "certificate signed by unknown authority")

	rt := server.Client().Transport.(*http.Transport)
	wrongHost := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	rt.TLSClientConfig = &tls.Config{RootCAs: rt.TLSClientConfig.RootCAs}
	_, err = newClient(t, wrongHost, through(rt)).Do(t.Context(), read)
	assert.Equal(t, 1, failure(t, err).Attempts)
	assert.Contains(t, err.Error(), "localhost")
}

func wrongScheme(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err := newClient(t, strings.Replace(plain, "http:", "https:", 1)).Do(t.Context(), exec)
	assert.Equal(t, 1, failure(t, err).Attempts)
	assert.Contains(t, err.Error(), "does not speak TLS")

	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	_, err = newClient(t, strings.Replace(secure.URL, "https:", "http:", 1)).Do(t.Context(), exec)
	assert.Equal(t, 1, failure(t, err).Attempts)
	assert.Contains(t, err.Error(), "use https://")

	alert := raw(t, answer("\x15\x03\x01\x00\x02\x02\x46"))
	_, err = newClient(t, alert.url).Do(t.Context(), read)
	assert.Contains(t, err.Error(), "use https://")
}
