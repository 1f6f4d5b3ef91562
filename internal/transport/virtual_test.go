package transport_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// stopping are the moments at which a cancel may meet a call, on connections
// in memory: time stands still unless somebody waits for it.
func stopping(t *testing.T) map[string]func() (*transport.Client, transport.Request) {
	hang := func(conn net.Conn) { io.Copy(io.Discard, conn) }
	upload, slow := write, read
	upload.Body, upload.Timeout, upload.Stall = once(zeros{}, -1), -1, time.Hour
	slow.Timeout = -1
	over := func(url string, req transport.Request, handler func(net.Conn)) func() (*transport.Client, transport.Request) {
		return func() (*transport.Client, transport.Request) { return newClient(t, url, inMemory(t, handler)), req }
	}
	return map[string]func() (*transport.Client, transport.Request){
		"dial": func() (*transport.Client, transport.Request) {
			return newClient(t, "http://127.0.0.1", through(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}})), slow
		},
		"handshake": over("https://127.0.0.1", slow, hang),
		"body":      over("http://127.0.0.1", upload, func(conn net.Conn) { conn.Read(make([]byte, 4096)); time.Sleep(time.Hour) }),
		"headers":   over("http://127.0.0.1", slow, func(conn net.Conn) { takeRequest(conn); hang(conn) }),
		"answer": over("http://127.0.0.1", slow, func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
			hang(conn)
		}),
		"error's text": over("http://127.0.0.1", slow, func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n{")
			hang(conn)
		}),
		"backoff": func() (*transport.Client, transport.Request) {
			rt := roundTrip(func(r *http.Request) (*http.Response, error) { return respond(r, 503, retryAfter("8"), ""), nil })
			return newClient(t, "http://127.0.0.1", through(rt)), exec
		},
	}
}

// cancelInVirtualTime: wherever a call is, it ends within 100 ms of its cancel.
func cancelInVirtualTime(t *testing.T) {
	for name := range stopping(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, req := stopping(t)[name]()
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Second, cancel)
				start := time.Now()
				_, err := client.Do(ctx, req)
				require.Error(t, err)
				if name != "error's text" { // the status is known: that is the answer
					assert.ErrorIs(t, err, context.Canceled)
				}
				took := time.Since(start)
				assert.True(t, took >= 5*time.Second && took <= 5100*time.Millisecond, "it took %v", took)
				time.Sleep(2 * time.Hour) // the other side notices
			})
		})
	}
}

// sleepOnce is a log that takes an hour for its first line, as a machine that
// is suspended at that moment: behind the decision to retry, before the wait.
type sleepOnce struct {
	slog.Handler
	slept *bool
}

func (s sleepOnce) Enabled(context.Context, slog.Level) bool { return true }

func (s sleepOnce) Handle(context.Context, slog.Record) error {
	if !*s.slept {
		*s.slept = true
		time.Sleep(time.Hour)
	}
	return nil
}

// suspendedInBackoff: who wakes up late does not catch up on what was missed.
func suspendedInBackoff(t *testing.T) {
	suspended := func(c *transport.Config) {
		c.Logger, c.BaseDelay, c.MaxRetryDelay = slog.New(sleepOnce{slog.DiscardHandler, new(bool)}), time.Minute, time.Minute
	}
	synctest.Test(t, func(t *testing.T) {
		s := &script{statuses: []int{503, 503, 503}}
		n, err := try(t, read, s, suspended)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		assert.GreaterOrEqual(t, s.at[1].Sub(s.at[0]), time.Hour)
		for i := 2; i < n; i++ { // each wait is a new one
			wait := s.at[i].Sub(s.at[i-1])
			assert.True(t, wait > 0 && wait <= time.Minute, "%v", wait)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the deadline has passed in the meantime
		ctx, cancel := contextWithTimeout(t, 30*time.Minute)
		defer cancel()
		s := &script{statuses: []int{503, 503}}
		_, err := newClient(t, "http://127.0.0.1", through(s), suspended).Do(ctx, read)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Len(t, s.at, 1)
	})
}

// A body without end costs its first 64 KiB and no more. It runs alone: memory is counted.
func TestFaults_B6_ErrorBodiesTakeLittleMemory(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 400 No\r\n\r\n", "HTTP/1.1 502 No\r\nContent-Length: 1073741824\r\n\r\n"} {
		client := newClient(t, raw(t, endless(head)).url, func(c *transport.Config) { c.MaxRetries = 0 })
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := client.Do(t.Context(), exec)
		runtime.ReadMemStats(&after)
		assert.Len(t, status(t, err).Body, 64<<10)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
	}
}
