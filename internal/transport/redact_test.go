package transport_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// A transport of the caller's may put anything into its errors.
func TestErrorsHideURLAndKey(t *testing.T) {
	t.Parallel()
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		inner := &url.Error{Op: "Get", URL: r.URL.String(), Err: fmt.Errorf("%s for %s failed: %w", r.URL.RawQuery, r.Header.Get("X-API-Key"), http.ErrNotSupported)}
		return nil, fmt.Errorf("traced: %w", inner)
	})
	_, err := newClient(t, "http://127.0.0.1", through(rt)).Do(t.Context(), stream)
	failure(t, err)
	assert.Equal(t, "[hidden] for [hidden] failed: feature not supported", err.Error())
	assert.ErrorIs(t, err, http.ErrNotSupported)
	var wrapped *url.Error
	assert.NotErrorAs(t, err, &wrapped)
}

func TestConfigDoesNotPrintItsKey(t *testing.T) {
	t.Parallel()
	config := transport.Config{BaseURL: "https://h", Key: testKey}
	assert.Equal(t, "transport to https://h", fmt.Sprintf("%+v", config))
	assert.NotContains(t, fmt.Sprintf("%#v", config), testKey)
}
