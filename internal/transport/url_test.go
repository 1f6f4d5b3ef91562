package transport_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

func redirectTo(location string, status int, hits *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}
}

func redirectLoop(t *testing.T) {
	var hits atomic.Int64
	url := serve(t, redirectTo("/sandboxes/sb-1?cmd=secret-command", http.StatusFound, &hits))
	_, err := newClient(t, url).Do(t.Context(), read)
	s := status(t, err)
	assert.Equal(t, http.StatusFound, s.Status)
	assert.Equal(t, "another path", s.Redirect())
	assert.EqualValues(t, 1, hits.Load())
}

func redirectElsewhere(t *testing.T) {
	var elsewhere, hits atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, req := range []transport.Request{read, exec, stream, write, remove} {
			url := serve(t, redirectTo(other+"/sandboxes/secret-command", code, &hits))
			_, err := newClient(t, url).Do(t.Context(), req)
			s := status(t, err)
			assert.Equal(t, code, s.Status)
			assert.Equal(t, other, s.Redirect())
			assert.Contains(t, err.Error(), other)
			e := failure(t, err)
			assert.Equal(t, 1, e.Attempts)
			assert.False(t, e.OutcomeUnknown)
		}
	}
	assert.EqualValues(t, 25, hits.Load())
	assert.Zero(t, elsewhere.Load())
}

func redirectSameOrigin(t *testing.T) {
	var hits atomic.Int64
	for _, location := range []string{"/elsewhere", "http://[broken", ""} {
		url := serve(t, redirectTo(location, http.StatusPermanentRedirect, &hits))
		_, err := newClient(t, url).Do(t.Context(), exec)
		assert.Equal(t, http.StatusPermanentRedirect, status(t, err).Status, location)
	}
	assert.EqualValues(t, 3, hits.Load())
}

func newError(baseURL string, insecure bool) error {
	_, err := transport.New(transport.Config{BaseURL: baseURL, Key: testKey, Insecure: insecure})
	return err
}

func baseURLs(t *testing.T) {
	for _, good := range []string{
		"https://api.sandflare.io", "HTTPS://api.sandflare.io/", " https://host/a/b/// ", "https://host:8443/a%20b",
		"http://127.0.0.1:8787", "http://[::1]:1", "http://localhost", "http://LOCALHOST:1/x", "http://127.9.9.9",
	} {
		assert.NoError(t, newError(good, false), good)
	}
	for bad, want := range map[string]string{
		"": "scheme", "api.sandflare.io": "scheme", "localhost:8787": "scheme", "//host": "scheme",
		"ftp://host": "https", "https://": "read", "https:///path": "read", "https://a b": "read", "https://h:port": "read",
		"https://h/?q=1": "query", "https://h#f": "fragment", "https://h?": "query",
		"https://user:hunter2@h": "user name", "https://h/../x": "..", "https://h/%2e%2e/x": "..", "https://h:\x00": "read",
	} {
		err := newError(bad, true)
		if assert.Error(t, err, bad) {
			assert.Contains(t, err.Error(), want, bad)
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
}

func plainHTTP(t *testing.T) {
	for _, host := range []string{"api.sandflare.io", "10.0.0.1", "0.0.0.0", "[::]", "localhost.example.com", "127.0.0.1.example.com"} {
		err := newError("http://"+host, false)
		if assert.Error(t, err, host) {
			assert.Contains(t, err.Error(), "clear text")
		}
		assert.NoError(t, newError("http://"+host, true), host)
	}
}

func keys(t *testing.T) {
	for _, bad := range []string{"", " \t", "hunter2\nX-Evil: 1", "hunter2\x00", "hunter2é", "hun\rter2", `"hunter2"`, "hunter2\x7f"} {
		_, err := transport.New(transport.Config{BaseURL: "https://h", Key: bad})
		if assert.Error(t, err, "%q", bad) {
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "trimmed key", r.Header.Get("X-API-Key"))
	})
	_, err := newClient(t, url, func(c *transport.Config) { c.Key = " \ttrimmed key\n" }).Do(t.Context(), read)
	assert.NoError(t, err)
}

func TestNewRefusesBadSettings(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]change{
		"retries":    func(c *transport.Config) { c.MaxRetries = -1 },
		"delay":      func(c *transport.Config) { c.MaxRetryDelay = -1 },
		"user agent": func(c *transport.Config) { c.UserAgent = "a\r\nb: c" },
	} {
		config := transport.Config{BaseURL: "https://h", Key: testKey}
		f(&config)
		_, err := transport.New(config)
		assert.Error(t, err, name)
	}
}

func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{"https://h/p/", "http://127.0.0.1:1", "https://u:p@h", "https://h?q", "h", "https://[::1]:2/%2e%2e/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var target *url.URL
		seen := func(r *http.Request) (*http.Response, error) {
			target = r.URL
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		}
		client, err := transport.New(transport.Config{BaseURL: raw, Key: testKey, HTTPClient: &http.Client{Transport: roundTrip(seen)}})
		if err != nil {
			return
		}
		_, err = client.Do(t.Context(), read)
		require.NoError(t, err)
		require.NotNil(t, target)
		assert.NotEmpty(t, target.Host)
		assert.Nil(t, target.User)
		assert.True(t, strings.HasSuffix(target.EscapedPath(), "/sandboxes/sb-1"), target.String())
		assert.False(t, strings.HasSuffix(target.EscapedPath(), "//sandboxes/sb-1"), target.String())
		assert.Empty(t, target.RawQuery)
	})
}
