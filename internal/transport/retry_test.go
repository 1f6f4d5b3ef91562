package transport_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

func refusedThenOK(t *testing.T) {
	for _, req := range []transport.Request{exec, stream, create} {
		n, err := try(t, req, &script{statuses: []int{503}, header: retryAfter("0")})
		require.NoError(t, err)
		assert.Equal(t, 2, n)
	}
	var dials atomic.Int64
	s := raw(t, ok)
	rt := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials.Add(1) < 3 {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	resp, err := newClient(t, s.url, through(rt)).Do(t.Context(), create)
	require.NoError(t, err)
	assert.Equal(t, 3, resp.Attempts)
	assert.EqualValues(t, 1, s.conns.Load())
}

func effectSentOnce(t *testing.T) {
	var runs atomic.Int64
	s := newCounting(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		runs.Add(1)
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	})
	client := newClient(t, s.URL)
	for i, req := range []transport.Request{exec, stream, create} {
		_, err := client.Do(t.Context(), req)
		assert.True(t, failure(t, err).OutcomeUnknown)
		_, err = client.Open(t.Context(), req)
		assert.True(t, failure(t, err).OutcomeUnknown)
		assert.EqualValues(t, 2*(i+1), runs.Load())
	}
}

func sameRequestEveryTime(t *testing.T) {
	var seen sync.Map
	var n atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.Store(fmt.Sprint(r.Method, r.RequestURI, r.Header, r.ContentLength, string(body)), true)
		if n.Add(1) < 4 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
		}
	})
	resp, err := newClient(t, url).Do(t.Context(), create)
	require.NoError(t, err)
	assert.Equal(t, 4, resp.Attempts)
	distinct := 0
	seen.Range(func(any, any) bool { distinct++; return true })
	assert.Equal(t, 1, distinct)
}

func retryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing, requests := true, 0
		rt := roundTrip(func(r *http.Request) (*http.Response, error) {
			requests++
			if failing {
				return respond(r, 503, http.Header{}, ""), nil
			}
			return respond(r, 200, http.Header{}, "{}"), nil
		})
		client := newClient(t, "http://127.0.0.1", through(rt))
		for range 50 {
			client.Do(t.Context(), read)
		}
		assert.Equal(t, 50+100, requests)
		_, err := client.Do(t.Context(), read)
		assert.Equal(t, 1, failure(t, err).Attempts)
		assert.Contains(t, err.Error(), "too many calls")

		failing = false
		for range 10 {
			_, err := client.Do(t.Context(), read)
			require.NoError(t, err)
		}
		failing = true
		_, err = client.Do(t.Context(), read)
		assert.Equal(t, 3, failure(t, err).Attempts)
	})
}

func retriesOff(t *testing.T) {
	off := func(c *transport.Config) { c.MaxRetries = 0 }
	for _, code := range []int{429, 503} {
		n, err := try(t, read, &script{statuses: []int{code}, header: retryAfter("0")}, off)
		assert.Equal(t, 1, n)
		assert.Equal(t, code, status(t, err).Status)
	}
	_, err := newClient(t, closedPort(t), off).Do(t.Context(), read)
	assert.Equal(t, 1, failure(t, err).Attempts)
	assert.NotContains(t, err.Error(), "attempts")
}

func errorAfterFourAttempts(t *testing.T) {
	n, err := try(t, read, &script{statuses: []int{502, 502, 502, 504}, body: `{"error":"upstream"}`})
	assert.Equal(t, 4, n)
	assert.Equal(t, 504, status(t, err).Status)
	assert.Equal(t, "status 504 Gateway Timeout: upstream (after 4 attempts)", err.Error())
}

func refusedStream(t *testing.T) {
	n, err := 0, error(nil)
	s := &script{statuses: []int{503, 409}, header: retryAfter("0"), body: `{"error":"paused"}`}
	_, err = newClient(t, "http://127.0.0.1", through(s)).Open(t.Context(), stream)
	n = len(s.at)
	assert.Equal(t, 2, n)
	assert.Equal(t, 409, status(t, err).Status)
	assert.False(t, failure(t, err).OutcomeUnknown)
	assert.Contains(t, err.Error(), "paused")
}

func errorsKeepConnection(t *testing.T) {
	s := newCounting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(502)
		io.WriteString(w, `{"error":"x"}`)
	})
	client := newClient(t, s.URL)
	for range 3 {
		client.Do(t.Context(), read)
		client.Do(t.Context(), exec)
		client.Open(t.Context(), stream)
	}
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestBackoffGrowsUpToTheCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		most := map[int]time.Duration{}
		for range 300 {
			s := &script{statuses: []int{503, 503, 503, 503, 503}}
			try(t, read, s, func(c *transport.Config) {
				c.BaseDelay, c.MaxRetries, c.MaxRetryDelay = 0, 4, time.Second
			})
			for i := 1; i < len(s.at); i++ {
				most[i] = max(most[i], s.at[i].Sub(s.at[i-1]))
			}
		}
		for i, step := range []time.Duration{250, 500, 1000, 1000} {
			step *= time.Millisecond
			assert.Less(t, most[i+1], step)
			assert.Greater(t, most[i+1], step*8/10)
		}
	})
}

// No attempt begins that the deadline would end before it is sent.
func TestRetriesFitTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			ctx, cancel := contextWithTimeout(t, time.Second)
			s := &script{statuses: []int{503, 503, 503, 503, 503, 503, 503, 503, 503}}
			client := newClient(t, "http://127.0.0.1", through(s), func(c *transport.Config) { c.BaseDelay, c.MaxRetries = 0, 8 })
			_, err := client.Do(ctx, read)
			assert.Equal(t, 503, status(t, err).Status)
			assert.NoError(t, ctx.Err())
			cancel()
		}
	})
}

func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &script{statuses: []int{503}, header: retryAfter("0"), body: "secret-command " + testKey}
	_, err := try(t, stream, s, func(c *transport.Config) { c.Logger = logger })
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	require.Len(t, lines, 2)
	for _, want := range []string{`"operation":"sandbox.exec_stream"`, `"sandbox":"sb-1"`, `"attempt":1`, `"status":503`, `"duration":`, `"retry_in":`} {
		assert.Contains(t, string(lines[0]), want)
	}
	assert.Contains(t, string(lines[1]), `"status":200`)
	for _, secret := range []string{"secret-command", testKey, "cmd="} {
		assert.NotContains(t, out.String(), secret)
	}
}

// One failed call leaves the warm connections of all others alone.
func TestFailureKeepsIdleConnections(t *testing.T) {
	t.Parallel()
	const callers = 8
	var together sync.WaitGroup
	s := newCounting(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		together.Done()
		together.Wait() // every call on a connection of its own
	})
	client := newClient(t, s.URL)
	round := func(n int) {
		together.Add(n)
		var all sync.WaitGroup
		for range n {
			all.Go(func() { _, err := client.Do(t.Context(), read); assert.NoError(t, err) })
		}
		all.Wait()
	}
	round(callers)
	ctx, cancel := contextWithTimeout(t, 20*time.Millisecond)
	defer cancel()
	_, err := client.Do(ctx, exec)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	round(callers - 1)
	assert.EqualValues(t, callers, s.conns.Load())
}
