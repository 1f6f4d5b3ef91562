package transport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const testKey = "key-of-the-test"

func newClient(t *testing.T, baseURL string, change ...func(*transport.Config)) *transport.Client {
	t.Helper()
	config := transport.Config{
		BaseURL: baseURL, Key: testKey, UserAgent: "sandflare-go/0", MaxRetries: 3, BaseDelay: time.Millisecond,
	}
	for _, f := range change {
		f(&config)
	}
	client, err := transport.New(config)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
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

func TestDoSendsWholeRequest(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		assert.Equal(t, "POST", r.Method)
		assert.Equal(t, "/v9/sandboxes/sb%201/files?path=%2Fa%20b", r.RequestURI)
		assert.Equal(t, testKey, r.Header.Get("X-API-Key"))
		assert.Equal(t, "sandflare-sdk/1.0 sandflare-go/0", r.UserAgent())
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Empty(t, r.Header.Get("Idempotency-Key"))
		assert.Equal(t, `{"a":1}`, string(body))
		w.Header().Set("X-Request-Id", "r1")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "done")
	})
	resp, err := newClient(t, url+"/v9///").Do(t.Context(), transport.Request{
		Route: wire.FileWrite, Segments: []string{"sb 1"}, Query: "path=%2Fa%20b", Body: text(`{"a":1}`),
	})
	require.NoError(t, err)
	assert.Equal(t, "done", string(resp.Body))
	assert.Equal(t, 201, resp.Status)
	assert.Equal(t, 1, resp.Attempts)
	assert.Equal(t, "r1", resp.Header.Get("X-Request-Id"))
}
