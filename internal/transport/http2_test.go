package transport_test

import (
	"crypto/tls"
	"io"
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
