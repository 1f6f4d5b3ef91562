package sandflare_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

func clearEnv(t *testing.T) {
	for _, name := range []string{"SANDFLARE_API_KEY", "PANDAAGENT_API_KEY", "AGENTBOX_API_KEY", "SANDFLARE_API_URL", "PANDAAGENT_BASE_URL"} {
		t.Setenv(name, "")
	}
}

func TestFaults_I3_MissingKeyNamesTheWayOut(t *testing.T) {
	clearEnv(t)
	for _, opts := range [][]sandflare.Option{nil, {sandflare.WithAPIKey("")}, {sandflare.WithAPIKey(" \t")}} {
		client, err := sandflare.NewClient(opts...)
		require.ErrorIs(t, err, sandflare.ErrMissingAPIKey)
		assert.Nil(t, client)
		assert.Contains(t, err.Error(), "SANDFLARE_API_KEY")
		assert.Contains(t, err.Error(), "go run github.com/sandflare/sandflare-go/cmd/sandflare-local run --")
	}
}

func TestFaults_I3_WhereKeyAndAddressComeFrom(t *testing.T) {
	for _, c := range []struct {
		name     string
		env      map[string]string
		opts     []sandflare.Option
		key, url string
	}{
		{"first name", map[string]string{"SANDFLARE_API_KEY": "k1", "PANDAAGENT_API_KEY": "k2", "AGENTBOX_API_KEY": "k3"}, nil, "k1", "https://api.sandflare.io"},
		{"second name", map[string]string{"PANDAAGENT_API_KEY": "k2", "AGENTBOX_API_KEY": "k3"}, nil, "k2", "https://api.sandflare.io"},
		{"third name", map[string]string{"AGENTBOX_API_KEY": " k3\n"}, nil, "k3", "https://api.sandflare.io"},
		{"explicit", map[string]string{"SANDFLARE_API_KEY": "k1", "SANDFLARE_API_URL": "https://env.test"},
			[]sandflare.Option{sandflare.WithAPIKey(" k0 "), sandflare.WithBaseURL("https://opt.test/prefix//")}, "k0", "https://opt.test/prefix"},
		{"address", map[string]string{"SANDFLARE_API_KEY": "k1", "SANDFLARE_API_URL": "https://env.test/", "PANDAAGENT_BASE_URL": "https://old.test"}, nil, "k1", "https://env.test"},
		{"old address", map[string]string{"SANDFLARE_API_KEY": "k1", "PANDAAGENT_BASE_URL": "https://old.test"}, nil, "k1", "https://old.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clearEnv(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var seen *http.Request
			hc := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				seen = r
				return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, nil
			})}
			client, err := sandflare.NewClient(append(c.opts, sandflare.WithHTTPClient(hc), nil)...)
			require.NoError(t, err)
			require.NoError(t, client.Sandbox("sb-1").Health(t.Context()))
			assert.Equal(t, c.key, seen.Header.Get("X-API-Key"))
			assert.Equal(t, c.url+"/sandboxes/sb-1/health", seen.URL.String())
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewClientRefuses(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]sandflare.Option{
		"key with newline":   sandflare.WithAPIKey("sec\nret"),
		"key not ASCII":      sandflare.WithAPIKey("secret-é"),
		"no scheme":          sandflare.WithBaseURL("api.sandflare.io"),
		"other scheme":       sandflare.WithBaseURL("ftp://api.sandflare.io"),
		"query":              sandflare.WithBaseURL("https://api.sandflare.io/?a=b"),
		"fragment":           sandflare.WithBaseURL("https://api.sandflare.io/#a"),
		"user":               sandflare.WithBaseURL("https://u:secret@api.sandflare.io/"),
		"blank":              sandflare.WithBaseURL(" "),
		"blank inside":       sandflare.WithBaseURL("https://api sandflare.io"),
		"clear text":         sandflare.WithBaseURL("http://api.sandflare.io"),
		"no http client":     sandflare.WithHTTPClient(nil),
		"negative retries":   sandflare.WithMaxRetries(-1),
		"no retry delay":     sandflare.WithMaxRetryDelay(0),
		"user agent control": sandflare.WithUserAgent("a\r\nX-Evil: 1"),
	} {
		client, err := sandflare.NewClient(sandflare.WithAPIKey("secret-key"), opt)
		assert.ErrorIs(t, err, sandflare.ErrInvalidArgument, name)
		assert.Nil(t, client)
		if err != nil {
			assert.NotContains(t, err.Error(), "secret", name)
		}
	}
	for _, url := range []string{"http://127.0.0.1:80", "http://localhost", "http://[::1]:8787/x"} {
		_, err := sandflare.NewClient(sandflare.WithAPIKey("k"), sandflare.WithBaseURL(url))
		assert.NoError(t, err, url)
	}
	_, err := sandflare.NewClient(sandflare.WithAPIKey("k"), sandflare.WithBaseURL("http://sandflare.lan"), sandflare.WithInsecureHTTP())
	assert.NoError(t, err)
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t, sandflare.WithUserAgent("my-agent/1.2"), sandflare.WithUserAgent("tool/3"))
	mock.RegisterResponder("GET", testURL+"/volumes", func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "sandflare-sdk/1.0 sandflare-go/"+sandflare.Version+" my-agent/1.2 tool/3", r.Header.Get("User-Agent"))
		return answers(200, "[]")(r)
	})
	_, err := client.ListVolumes(t.Context())
	require.NoError(t, err)
}

func TestGivenHTTPClientIsNotChanged(t *testing.T) {
	t.Parallel()
	hc := &http.Client{Timeout: time.Nanosecond, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://evil.test/"}}, Body: http.NoBody}, nil
	})}
	client, _ := mocked(t, sandflare.WithHTTPClient(hc))
	err := client.Sandbox("sb-1").Health(t.Context())
	var api *sandflare.APIError
	require.ErrorAs(t, err, &api, "the redirect is not followed, and Timeout does not apply")
	assert.Equal(t, 302, api.StatusCode)
	assert.Equal(t, time.Nanosecond, hc.Timeout)
	assert.Nil(t, hc.CheckRedirect)
}

func TestPlanLimitAndRateLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body, retryAfter string
		is, isNot        error
		tries            int
	}{
		{`{"error":"too many sandboxes","upgrade_url":"https://plan.test/up"}`, "", sandflare.ErrPlanLimit, sandflare.ErrRateLimited, 1},
		{`{"error":"too many sandboxes","upgrade_url":"https://plan.test/up"}`, "0", sandflare.ErrPlanLimit, sandflare.ErrRateLimited, 1},
		{`{"error":"slow down"}`, "", sandflare.ErrRateLimited, sandflare.ErrPlanLimit, 1},
		{`{"error":"slow down"}`, "0", sandflare.ErrRateLimited, sandflare.ErrPlanLimit, 4},
		{`{"error":"slow down"}`, "3600", sandflare.ErrRateLimited, sandflare.ErrPlanLimit, 1},
	} {
		client, mock := mocked(t)
		mock.RegisterResponder("POST", testURL+"/sandboxes", func(r *http.Request) (*http.Response, error) {
			resp, err := answers(429, c.body)(r)
			if c.retryAfter != "" {
				resp.Header.Set("Retry-After", c.retryAfter)
			}
			return resp, err
		})
		_, err := client.CreateSandbox(t.Context(), nil)
		require.ErrorIs(t, err, c.is)
		assert.NotErrorIs(t, err, c.isNot)
		assert.NotErrorIs(t, err, sandflare.ErrOutcomeUnknown)
		assert.Equal(t, c.tries, mock.GetTotalCallCount())
		var api *sandflare.APIError
		require.ErrorAs(t, err, &api)
		if c.is == sandflare.ErrPlanLimit {
			assert.Equal(t, "https://plan.test/up", api.UpgradeURL)
			assert.Contains(t, err.Error(), "https://plan.test/up")
		}
		if c.retryAfter == "3600" {
			assert.Equal(t, time.Hour, api.RetryAfter)
		}
		if c.tries > 1 {
			assert.Contains(t, err.Error(), "after 4 attempts")
		}
	}
}

func TestLoggerShowsNoSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	client, mock := mocked(t, sandflare.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	mock.RegisterResponder("POST", `=~/exec$`, answers(200, execJSON))
	mock.RegisterResponder("POST", `=~/files`, answers(200, `{}`))
	mock.RegisterResponder("GET", `=~/exec/stream`, answers(200, "event: done\ndata: {\"exit_code\":0}\n\n"))
	sb := client.Sandbox("sb-1")
	opts := &sandflare.ExecOptions{Env: map[string]string{"TOKEN": "secret-value"}}
	_, err := sb.Exec(t.Context(), "echo secret-command", opts)
	require.NoError(t, err)
	_, err = sandflare.CollectExec(sb.ExecStream(t.Context(), "echo secret-command", opts))
	require.NoError(t, err)
	require.NoError(t, sb.WriteFile(t.Context(), "/tmp/secret-path", []byte("secret-content")))
	assert.Contains(t, log.String(), "sandbox.exec_stream")
	assert.Contains(t, log.String(), "sb-1")
	assert.NotContains(t, log.String(), "secret")
	assert.NotContains(t, log.String(), testKey)
}

func TestNotFoundByStatusAbsent(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	for _, body := range []string{`{"name":"sb-1","status":"absent"}`, `{"status":"absent"}`} {
		mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, body))
		sb, err := client.GetSandbox(t.Context(), "sb-1")
		require.ErrorIs(t, err, sandflare.ErrNotFound)
		assert.Nil(t, sb)
	}
	mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, `{"stdout":"x"}`))
	_, err := client.GetSandbox(t.Context(), "sb-1")
	require.ErrorContains(t, err, "no id")
}

func TestErrorPageOfAnEdge(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	page := "<!DOCTYPE html>\n" + strings.Repeat("<p>blocked</p>\n", 10_000)
	mock.RegisterResponder("GET", testURL+"/volumes", func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 403, Header: http.Header{"Content-Type": {"text/html"}, "Cf-Ray": {"ray-1"}},
			Body: http.NoBody, ContentLength: -1}, nil
	})
	_, err := client.ListVolumes(t.Context())
	require.ErrorIs(t, err, sandflare.ErrUnauthorized)
	assert.Contains(t, err.Error(), "ray-1")

	mock.RegisterResponder("GET", testURL+"/volumes", answers(403, page))
	_, err = client.ListVolumes(t.Context())
	var api *sandflare.APIError
	require.ErrorAs(t, err, &api)
	assert.Len(t, api.Body, 64<<10)
	assert.Contains(t, api.Message, "<!DOCTYPE html>")
	assert.Less(t, len(err.Error()), 500)
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder("GET", `=~/sandboxes/sb-1$`, answers(200, `{"name":"sb-1","metadata":{"a":"b"}}`))
	mock.RegisterResponder("POST", `=~/pause$`, answers(200, `{}`))
	sb, err := client.GetSandbox(t.Context(), "sb-1")
	require.NoError(t, err)
	done := make(chan error, 20)
	for i := range cap(done) {
		go func() {
			sb.Info().Metadata["mine"] = "no" // in a copy
			done <- []func(context.Context) error{sb.Refresh, sb.Pause}[i%2](t.Context())
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	assert.NotContains(t, sb.Info().Metadata, "mine")
}
