package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

func TestHTTP2(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		assert.Equal(t, 2, r.ProtoMajor)
		body, _ := io.ReadAll(r.Body)
		switch r.Header.Get("Content-Type") {
		case "application/json":
			panic(http.ErrAbortHandler) // the stream is reset after the work
		default:
			w.Write(body)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	rt := transport.NewTransport(time.Second)
	t.Cleanup(rt.CloseIdleConnections)
	rt.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	client := newClient(t, server.URL, through(rt))

	req := write
	req.Body = once(strings.NewReader("content"), -1)
	resp, err := client.Do(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, "content", string(resp.Body))

	opened, err := client.Open(t.Context(), stream)
	require.NoError(t, err)
	assert.NoError(t, opened.Body.Close())

	before := requests.Load()
	_, err = client.Do(t.Context(), exec)
	assert.True(t, failure(t, err).OutcomeUnknown)
	assert.Equal(t, before+1, requests.Load())
}

// goingAway is an HTTP/2 server that shuts each connection down, in good
// order, when a request comes. It counts the requests.
func goingAway(t *testing.T) (url string, rt *http.Transport, requests *atomic.Int64) {
	pair := httptest.NewTLSServer(nil)
	pair.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: pair.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	requests = &atomic.Int64{}
	accept(t, listener, func() func(net.Conn) { return func(conn net.Conn) { goAway(conn, requests) } })
	rt = transport.NewTransport(time.Second)
	rt.TLSClientConfig = &tls.Config{RootCAs: pair.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	t.Cleanup(rt.CloseIdleConnections)
	return "https://" + listener.Addr().String(), rt, requests
}

func goAway(conn net.Conn, requests *atomic.Int64) {
	const headers = 1
	conn.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS, none
	io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		if head[3] == headers {
			requests.Add(1)
			conn.Write(append([]byte{0, 0, 8, 7, 0, 0, 0, 0, 0}, make([]byte, 8)...)) // GOAWAY, NO_ERROR, nothing was worked on
		}
	}
}

// net/http sends a read again, without a pause or an end, when HTTP/2 says that it was not worked on.
func TestHTTP2ThatAlwaysGoesAway(t *testing.T) {
	t.Parallel()
	url, rt, requests := goingAway(t)
	client := newClient(t, url, through(rt), func(c *transport.Config) { c.MaxRetries = 1 })
	_, err := client.Do(t.Context(), read)
	assert.Equal(t, 2, failure(t, err).Attempts)
	assert.ErrorContains(t, err, "gave no answer")
	assert.LessOrEqual(t, requests.Load(), int64(10))

	requests.Store(0)
	_, err = client.Do(t.Context(), exec)
	assert.True(t, failure(t, err).OutcomeUnknown)
	assert.EqualValues(t, 1, requests.Load())
	assert.NotContains(t, err.Error(), "GetBody", "advice that only this package could follow")
}
