package transport_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A script answers the n-th request with the n-th status, then with 200, and notes when.
type script struct {
	statuses []int
	header   http.Header
	body     string
	at       []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	s.at = append(s.at, time.Now())
	code, header, body := 200, http.Header{}, "{}"
	if len(s.at) <= len(s.statuses) {
		code, header, body = s.statuses[len(s.at)-1], s.header.Clone(), s.body
	}
	return respond(r, code, header, body), nil
}

func respond(r *http.Request, code int, header http.Header, body string) *http.Response {
	return &http.Response{
		StatusCode: code, Header: header, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)), Body: io.NopCloser(stringReader(body)),
	}
}

func retryAfter(value string) http.Header { return http.Header{"Retry-After": {value}} }

// try sends a request to a script and tells how many attempts there were.
func try(t *testing.T, req transport.Request, s *script, changes ...change) (int, error) {
	t.Helper()
	client := newClient(t, "http://127.0.0.1", append([]change{through(s)}, changes...)...)
	_, err := client.Do(t.Context(), req)
	return len(s.at), err
}

func clientErrors(t *testing.T) {
	for _, code := range []int{400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 428, 431, 451} {
		for _, req := range []transport.Request{read, remove, exec, create} {
			n, err := try(t, req, &script{statuses: []int{code}, body: `{"error":"said ` + testKey + ` so"}`})
			s := status(t, err)
			assert.Equal(t, 1, n)
			assert.Equal(t, code, s.Status)
			assert.Contains(t, string(s.Body), "said [hidden] so")
			assert.Contains(t, err.Error(), "said [hidden] so")
			assert.False(t, failure(t, err).OutcomeUnknown)
		}
	}
}

func notFoundOnDelete(t *testing.T) {
	_, err := try(t, remove, &script{statuses: []int{404}})
	assert.Equal(t, 404, status(t, err).Status)

	client := newClient(t, "http://127.0.0.1", through(&script{statuses: []int{502, 404}, body: `{"error":"gone"}`}))
	resp, err := client.Do(t.Context(), remove)
	require.NoError(t, err)
	assert.Equal(t, 404, resp.Status)
	assert.Equal(t, 2, resp.Attempts)

	_, err = try(t, read, &script{statuses: []int{502, 404}})
	assert.Equal(t, 404, status(t, err).Status)
	_, err = try(t, write, &script{statuses: []int{502, 404}})
	assert.Equal(t, 404, status(t, err).Status)
}

func timeoutAndTooEarly(t *testing.T) {
	for _, code := range []int{408, 425} {
		for _, req := range []transport.Request{read, remove} {
			n, err := try(t, req, &script{statuses: []int{code, code}})
			require.NoError(t, err)
			assert.Equal(t, 3, n)
		}
		n, err := try(t, exec, &script{statuses: []int{code}})
		assert.Equal(t, 1, n)
		assert.Equal(t, code == 408, failure(t, err).OutcomeUnknown)
	}
}

func rateLimited(t *testing.T) {
	for _, code := range []int{429, 503} {
		for _, req := range []transport.Request{read, remove, exec, stream, create} {
			synctest.Test(t, func(t *testing.T) {
				s := &script{statuses: []int{code}, header: retryAfter("2")}
				n, err := try(t, req, s)
				require.NoError(t, err)
				require.Equal(t, 2, n)
				assert.GreaterOrEqual(t, s.at[1].Sub(s.at[0]), 2*time.Second)
				assert.Less(t, s.at[1].Sub(s.at[0]), 3*time.Second)
			})
		}
	}
}

func planLimit(t *testing.T) {
	for _, header := range []http.Header{{}, retryAfter("1")} {
		for _, req := range []transport.Request{read, remove, exec} {
			n, err := try(t, req, &script{statuses: []int{429}, header: header, body: `{"error":"limit","upgrade_url":"https://u"}`})
			assert.Equal(t, 1, n)
			assert.Contains(t, string(status(t, err).Body), "https://u")
			assert.False(t, failure(t, err).OutcomeUnknown)
		}
	}
}

func retryAfterDate(t *testing.T) {
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC} {
		synctest.Test(t, func(t *testing.T) {
			until := time.Now().UTC().Add(5 * time.Second)
			if layout == time.RFC850 {
				until = until.In(time.FixedZone("GMT", 0))
			}
			s := &script{statuses: []int{503}, header: retryAfter(until.Format(layout))}
			_, err := try(t, exec, s)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, s.at[1].Sub(s.at[0]), 5*time.Second, layout)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		past := time.Now().UTC().Add(-time.Hour).Format(http.TimeFormat)
		s := &script{statuses: []int{429}, header: retryAfter(past)}
		_, err := try(t, exec, s)
		require.NoError(t, err)
		assert.Less(t, s.at[1].Sub(s.at[0]), time.Second)
	})
}

// clockSkew: a date means what it means by the server's clock.
func clockSkew(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			serverNow := time.Now().UTC().Add(skew)
			header := retryAfter(serverNow.Add(3 * time.Second).Format(http.TimeFormat))
			header.Set("Date", serverNow.Format(http.TimeFormat))
			s := &script{statuses: []int{503}, header: header}
			_, err := try(t, exec, s)
			require.NoError(t, err)
			wait := s.at[1].Sub(s.at[0])
			assert.True(t, wait >= 3*time.Second && wait < 5*time.Second, "%v", wait)
		})
	}
}

func badRetryAfter(t *testing.T) {
	for _, value := range []string{"-1", "1e9", "soon", "", "1.5", "99999999999999999999", "9223372036854775807", "0x10", "٣"} {
		n, err := try(t, exec, &script{statuses: []int{429}, header: retryAfter(value)})
		assert.Equal(t, 1, n, value)
		assert.Zero(t, status(t, err).RetryAfter, value)
	}
	two := http.Header{"Retry-After": {"1", "3600"}}
	n, err := try(t, exec, &script{statuses: []int{429}, header: two})
	assert.Equal(t, 1, n)
	assert.Zero(t, status(t, err).RetryAfter)
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "1e9", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"} {
		f.Add(seed, "")
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		wait, ok := transport.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Now())
		assert.GreaterOrEqual(t, wait, time.Duration(0))
		if n, err := strconv.ParseUint(value, 10, 32); err == nil && value[0] != '+' {
			assert.True(t, ok)
			assert.Equal(t, time.Duration(n)*time.Second, wait)
		}
	})
}

func retryAfterTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n, err := try(t, read, &script{statuses: []int{503}, header: retryAfter("9")})
		assert.Equal(t, 1, n)
		assert.Equal(t, 9*time.Second, status(t, err).RetryAfter)
		assert.Zero(t, time.Since(start))

		n, err = try(t, read, &script{statuses: []int{503}, header: retryAfter("9")}, func(c *transport.Config) { c.MaxRetryDelay = 10 * time.Second })
		assert.NoError(t, err)
		assert.Equal(t, 2, n)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := contextWithTimeout(t, 4*time.Second)
		defer cancel()
		start := time.Now()
		s := &script{statuses: []int{503}, header: retryAfter("5")}
		_, err := newClient(t, "http://127.0.0.1", through(s)).Do(ctx, exec)
		assert.Equal(t, 5*time.Second, status(t, err).RetryAfter)
		assert.Zero(t, time.Since(start))
		assert.False(t, failure(t, err).OutcomeUnknown)
	})
}

// A wait may be allowed that takes longer than a duration can be.
func retryAfterForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		s := &script{statuses: []int{503, 503, 503, 503}, header: retryAfter("Fri, 31 Dec 9999 23:59:59 GMT")}
		client := newClient(t, "http://127.0.0.1", through(s), func(c *transport.Config) { c.MaxRetryDelay = math.MaxInt64 })
		_, err := client.Do(ctx, read)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Len(t, s.at, 1)
	})
}

func rateLimitedWithoutHeader(t *testing.T) {
	for _, req := range []transport.Request{read, remove, exec} {
		n, err := try(t, req, &script{statuses: []int{429}, body: `{"error":"slow down"}`})
		assert.Equal(t, 1, n)
		assert.Equal(t, 429, status(t, err).Status)
		assert.False(t, failure(t, err).OutcomeUnknown)
	}
}

func gatewayErrors(t *testing.T) {
	for _, code := range []int{502, 503, 504} {
		for _, req := range []transport.Request{read, remove, write} {
			n, err := try(t, req, &script{statuses: []int{code}})
			require.NoError(t, err)
			assert.Equal(t, 2, n)
		}
		for _, req := range []transport.Request{exec, stream, create} {
			n, err := try(t, req, &script{statuses: []int{code}, body: "<html>"})
			assert.Equal(t, 1, n)
			assert.Equal(t, code, status(t, err).Status)
			assert.True(t, failure(t, err).OutcomeUnknown)
		}
	}
}

func lastingServerErrors(t *testing.T) {
	for code, unknown := range map[int]bool{500: true, 501: false, 505: false, 511: false, 524: true} {
		for _, req := range []transport.Request{read, remove, exec} {
			n, err := try(t, req, &script{statuses: []int{code}})
			assert.Equal(t, 1, n)
			assert.Equal(t, code, status(t, err).Status)
			assert.Equal(t, unknown && req.Route == exec.Route, failure(t, err).OutcomeUnknown)
		}
	}
}

// storm: two hundred callers together send no more than the budget allows, and not in step.
func storm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		var waits sync.Map
		var equal atomic.Int64
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			if requests.Add(1) > 200 {
				if _, twice := waits.LoadOrStore(time.Now(), true); twice {
					equal.Add(1)
				}
			}
			return respond(r, 503, http.Header{}, ""), nil
		})
		client := newClient(t, "http://127.0.0.1", through(rt), func(c *transport.Config) { c.BaseDelay = 0 })
		var callers sync.WaitGroup
		for range 200 {
			callers.Go(func() { client.Do(t.Context(), read) })
		}
		callers.Wait()
		assert.EqualValues(t, 200+100, requests.Load())
		assert.Zero(t, equal.Load())
	})
}

func emptySuccess(t *testing.T) {
	for _, code := range []int{200, 202, 204, 205} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		resp, err := newClient(t, url).Do(t.Context(), exec)
		require.NoError(t, err)
		assert.Equal(t, code, resp.Status)
		assert.Equal(t, []byte{}, resp.Body)
	}
}
