package sandflaretest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func start(t *testing.T, opts ...sandflaretest.Option) (*sandflaretest.Server, *sandflare.Sandbox) {
	t.Helper()
	srv := sandflaretest.Start(t, opts...)
	sb, err := srv.Client(sandflare.WithMaxRetries(0)).CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	return srv, sb
}

// ran counts how often "echo x >> ran" was run.
func ran(t *testing.T, sb *sandflare.Sandbox) int {
	t.Helper()
	data, err := sb.ReadFile(t.Context(), "ran")
	if err != nil {
		require.ErrorIs(t, err, sandflare.ErrNotFound)
	}
	return strings.Count(string(data), "x")
}

const work = "echo x >> ran; echo done; echo late"

func TestFaultsOfExec(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		var opts []sandflaretest.Option
		if tls { // HTTP/2
			opts = append(opts, sandflaretest.WithTLS())
		}
		srv, sb := start(t, opts...)
		cut := io.ErrUnexpectedEOF
		if tls {
			cut = sandflare.ErrOutcomeUnknown // HTTP/2 resets the stream
		}
		for name, c := range map[string]struct {
			fault sandflaretest.Fault
			ran   int
			is    error
		}{
			"status":   {sandflaretest.Status(400), 0, nil},
			"503":      {sandflaretest.Status(503), 0, sandflare.ErrOutcomeUnknown},
			"plan":     {sandflaretest.Status(429), 0, sandflare.ErrPlanLimit},
			"rate":     {sandflaretest.Status(429, "Retry-After", "7"), 0, sandflare.ErrRateLimited},
			"reset":    {sandflaretest.Reset(), 0, sandflare.ErrOutcomeUnknown},
			"lost":     {sandflaretest.LoseAnswer(), 1, sandflare.ErrOutcomeUnknown},
			"truncate": {sandflaretest.TruncateAfter(3), 1, cut},
			"nothing":  {sandflaretest.TruncateAfter(0), 1, sandflare.ErrOutcomeUnknown},
		} {
			before := ran(t, sb)
			srv.Faults().On("sandbox.exec").Then(c.fault)
			_, err := sb.Exec(t.Context(), work, nil)
			require.Error(t, err, name)
			if c.is != nil {
				require.ErrorIs(t, err, c.is, name)
			}
			assert.Equal(t, c.ran, ran(t, sb)-before, name)
			_, err = sb.Exec(t.Context(), "true", nil)
			require.NoError(t, err, "the server behaves again")
		}
		assert.Empty(t, srv.Faults().Unused())
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	srv.Faults().On("sandbox.exec").Then(sandflaretest.StallAfter(5))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(srv.Faults().Unused()) > 0 || ran(t, sb) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := sb.Exec(ctx, work, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, ran(t, sb))
}

// A stream that was stalled leaves nothing behind on the server, although its command had more to say.
func TestStallOfStream(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	srv.Faults().On("sandbox.exec_stream").Then(sandflaretest.StallAfter(60))
	for event, err := range sb.ExecStream(t.Context(), "echo done; yes", nil) {
		require.NoError(t, err)
		assert.Equal(t, "done", event.Data)
		break
	}
	assert.Empty(t, srv.Faults().Unused())
}

func TestDelay(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	srv.Faults().On("sandbox.exec").Then(sandflaretest.Delay(300 * time.Millisecond))
	begin := time.Now()
	_, err := sb.Exec(t.Context(), work, nil)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond)
	srv.Faults().On("sandbox.exec").Then(sandflaretest.Delay(time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(srv.Faults().Unused()) > 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err = sb.Exec(ctx, work, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, ran(t, sb), "the delayed command of a caller who left is not run")
}

func TestStreamFaults(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	srv.Faults().On("sandbox.exec_stream").Then(sandflaretest.DropBeforeDone(), sandflaretest.LoseAnswer(), sandflaretest.TruncateAfter(40))
	result, err := sandflare.CollectExec(sb.ExecStream(t.Context(), work, nil))
	require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, "done\nlate\n", result.Stdout)

	_, err = sandflare.CollectExec(sb.ExecStream(t.Context(), work, nil))
	require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)

	result, err = sandflare.CollectExec(sb.ExecStream(t.Context(), work, nil))
	require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
	assert.Equal(t, "done\n", result.Stdout)
	assert.Equal(t, 3, ran(t, sb))
	assert.Empty(t, srv.Faults().Unused())
}

func TestUnusedAndJournal(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	srv.Faults().On("sandbox.exec").Then(sandflaretest.Status(503, "X-Request-Id", "r-1")).Then(sandflaretest.Reset())
	srv.Faults().On("memory.search").Then(sandflaretest.LoseAnswer())
	assert.Equal(t, []string{"memory.search: lose_answer", "sandbox.exec: reset", "sandbox.exec: status"}, srv.Faults().Unused())
	_, err := sb.Exec(t.Context(), "true", nil)
	require.ErrorContains(t, err, "r-1")
	_, err = sb.Exec(t.Context(), "true", nil)
	require.Error(t, err)
	assert.Equal(t, []string{"memory.search: lose_answer"}, srv.Faults().Unused())
	requests := srv.Requests()
	require.Len(t, requests, 3)
	assert.Equal(t, []int{http.StatusOK, http.StatusServiceUnavailable, 0}, []int{requests[0].Status, requests[1].Status, requests[2].Status})
}

// Other languages plan faults over HTTP.
func TestFaultsOverHTTP(t *testing.T) {
	t.Parallel()
	srv, sb := start(t)
	call := func(method, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL()+"/_local/faults", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("X-API-Key", srv.APIKey())
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(data)
	}
	status, body := call("POST", `{"operation":"sandbox.exec","faults":[{"kind":"status","status":503,"headers":{"Retry-After":"9"}},{"kind":"lose_answer"}]}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"unused":["sandbox.exec: lose_answer","sandbox.exec: status"]`)
	_, err := sb.Exec(t.Context(), "true", nil)
	var api *sandflare.APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, 9*time.Second, api.RetryAfter)
	for _, bad := range []string{`{"operation":"sandbox.none","faults":[{"kind":"reset"}]}`, `{"operation":"sandbox.exec","faults":[{"kind":"none"}]}`,
		`{"operation":"sandbox.exec","faults":[{"kind":"status"}]}`, `{"operation":"sandbox.exec","faults":[{"kind":"delay","delay_ms":-1}]}`,
		`{"operation":"sandbox.exec","faults":[{"kind":"drop_before_done"}]}`, `{`} {
		status, body = call("POST", bad)
		assert.Equal(t, 400, status, bad)
		assert.Contains(t, body, `"error"`)
	}
	status, body = call("GET", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"sandbox.exec: lose_answer"`)
	status, _ = call("DELETE", "")
	assert.Equal(t, 200, status)
	assert.Empty(t, srv.Faults().Unused())
	status, _ = call("POST", `{"operation":"sandbox.exec","faults":[{"kind":"status","status":429,"headers":{"retry-after":"0"}}]}`)
	assert.Equal(t, 200, status)
	_, err = sb.Exec(t.Context(), "true", nil)
	require.ErrorIs(t, err, sandflare.ErrRateLimited)
	require.NotErrorIs(t, err, sandflare.ErrPlanLimit)
	assert.Empty(t, srv.Faults().Unused())
}
