package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
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

// A service may write JSON in its own way, and repeat a secret in any place.
func TestErrorsHideSecretsInEverySpelling(t *testing.T) {
	t.Parallel()
	const secret = `printf "é/<b>" > 'x'`
	req := exec
	req.Secrets = []string{secret}
	for name, said := range map[string]string{
		"plain": secret, "Go": `{"error":"printf \"é/\u003cb\u003e\" \u003e 'x'"}`, "Python": `{"error":"no: printf \"\u00e9/<b>\" > 'x'"}`,
		"PHP": `{"error":{"printf \"\u00e9\/<b>\" > 'x'":[1.50,"printf \"\u00e9\/<b>\" > 'x'"]}}`,
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", r.Header.Get("X-Api-Key"))
			w.Header().Set("Location", "https://"+r.Header.Get("X-Api-Key")+".test/")
			w.WriteHeader(300)
			io.WriteString(w, said)
		})
		_, err := newClient(t, url).Do(t.Context(), req)
		s := status(t, err)
		assert.Contains(t, string(s.Body), "[hidden]", name)
		assert.NotContains(t, string(s.Body), "printf", name)
		assert.Equal(t, name == "PHP", strings.Contains(string(s.Body), "1.50"), "the rest stays as it is")
		assert.Equal(t, "[hidden]", s.Header.Get("X-Request-Id"))
		assert.NotContains(t, s.Redirect(), testKey)
	}
}

// A cause can be asked for, but not be printed by who walks down the errors.
func TestCausesHideSecrets(t *testing.T) {
	t.Parallel()
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("with %s: %w", r.Header.Get("X-API-Key"), &net.OpError{Op: "dial", Err: http.ErrNotSupported})
	})
	_, err := newClient(t, "http://127.0.0.1", through(rt)).Do(t.Context(), read)
	var dial *net.OpError
	assert.ErrorAs(t, err, &dial)
	assert.ErrorIs(t, err, http.ErrNotSupported)
	for ; err != nil; err = errors.Unwrap(err) {
		assert.NotContains(t, err.Error(), testKey)
	}
}

func TestConfigDoesNotPrintItsKey(t *testing.T) {
	t.Parallel()
	config := transport.Config{BaseURL: "https://h", Key: testKey}
	assert.Equal(t, "transport to https://h", fmt.Sprintf("%+v", config))
	assert.NotContains(t, fmt.Sprintf("%#v", config), testKey)
}
