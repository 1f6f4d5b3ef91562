package transport_test

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

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
		assert.Empty(t, r.Header.Get("Expect"))
		assert.EqualValues(t, 7, r.ContentLength)
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

func TestBodilessRequests(t *testing.T) {
	t.Parallel()
	empty := &transport.Body{Size: 0, ContentType: "application/octet-stream", Replayable: true}
	for name, req := range map[string]transport.Request{
		"get": read, "delete": remove, "stream": stream,
		"post":       {Route: wire.SandboxPause, Segments: []string{"sb-1"}},
		"empty file": {Route: wire.FileWrite, Segments: []string{"sb-1"}, Body: empty},
		"kill":       {Route: wire.KillProcess, Segments: []string{"sb-1", "7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				n, _ := io.Copy(io.Discard, r.Body)
				assert.Zero(t, n)
				assert.Empty(t, r.TransferEncoding)
				assert.Zero(t, r.ContentLength)
				assert.Equal(t, req.Accept, r.Header.Get("Accept"))
			})
			resp, err := newClient(t, url).Do(t.Context(), req)
			require.NoError(t, err)
			assert.NotNil(t, resp.Body)
			assert.Empty(t, resp.Body)
		})
	}
}

func TestGivenHTTPClientIsNotTouched(t *testing.T) {
	t.Parallel()
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	rt := &http.Transport{}
	t.Cleanup(rt.CloseIdleConnections)
	given := &http.Client{Transport: rt, Timeout: 1}
	client := newClient(t, url, func(c *transport.Config) { c.HTTPClient = given })
	_, err := client.Do(t.Context(), read)
	require.NoError(t, err)
	assert.EqualValues(t, 1, given.Timeout)
	assert.Same(t, rt, given.Transport)
	assert.Nil(t, given.CheckRedirect)
}

// A transport that reports no connections proves nothing about what was sent.
func TestMockFailureOfEffectIsUnknown(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	mock := httpmock.NewMockTransport() // no responder: an error of the transport
	client := newClient(t, "http://127.0.0.1", through(roundTrip(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		return mock.RoundTrip(r)
	})))
	_, err := client.Do(t.Context(), exec)
	e := failure(t, err)
	assert.True(t, e.OutcomeUnknown)
	assert.EqualValues(t, 1, calls.Load())
	_, err = client.Do(t.Context(), read)
	assert.Equal(t, 4, failure(t, err).Attempts)
}

// A transport of the caller's may leave out what net/http would fill in.
func TestTransportsThatLeaveThingsOut(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "", 404: "status 404", 0: "neither an answer nor an error"} {
		client := newClient(t, "http://127.0.0.1", through(roundTrip(func(*http.Request) (*http.Response, error) {
			if status == 0 {
				return nil, nil
			}
			return &http.Response{StatusCode: status}, nil
		})))
		for _, req := range []transport.Request{read, exec} {
			_, err := client.Do(t.Context(), req)
			if want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, want)
			}
		}
		if opened, err := client.Open(t.Context(), stream); assert.Equal(t, want == "", err == nil) && err == nil {
			assert.NoError(t, opened.Body.Close())
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	s := newCounting(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, `{"error":"x"}`)
	})
	client := newClient(t, s.URL)
	for range 5 {
		_, err := client.Do(t.Context(), read)
		require.NoError(t, err)
		_, err = client.Do(t.Context(), remove)
		status(t, err)
		resp, err := client.Open(t.Context(), stream)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestStreamsAndDownloadsAreNotCompressed(t *testing.T) {
	t.Parallel()
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		want := "identity"
		if r.Method == http.MethodPost {
			want = "gzip"
		}
		assert.Equal(t, want, r.Header.Get("Accept-Encoding"))
	})
	client := newClient(t, url)
	download := transport.Request{Route: wire.FileRead, Segments: []string{"sb-1"}, Accept: "application/octet-stream"}
	_, err := client.Do(t.Context(), download)
	assert.NoError(t, err)
	_, err = client.Do(t.Context(), exec)
	assert.NoError(t, err)
	for _, req := range []transport.Request{stream, read} {
		resp, err := client.Open(t.Context(), req)
		require.NoError(t, err)
		resp.Body.Close()
	}
}

// Sixty-four callers at once dial once each, not once per call.
func TestIdleConnectionsSuffice(t *testing.T) {
	t.Parallel()
	const callers = 64
	s := newCounting(t, func(w http.ResponseWriter, _ *http.Request) {})
	client := newClient(t, s.URL)
	for range 10 {
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { _, err := client.Do(t.Context(), read); assert.NoError(t, err) })
		}
		all.Wait()
	}
	assert.LessOrEqual(t, s.conns.Load(), int64(callers))
}
