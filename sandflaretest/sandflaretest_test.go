package sandflaretest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestServer(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]sandflaretest.Option{
		"plain": nil,
		"TLS":   {sandflaretest.WithTLS()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := sandflaretest.Start(t, opts...)
			client := srv.Client(sandflare.WithUserAgent("mine"))
			sb, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: "x", TTL: time.Hour})
			require.NoError(t, err)
			res, err := sb.Exec(t.Context(), "echo hi", nil)
			require.NoError(t, err)
			assert.Equal(t, "hi\n", res.Stdout)
			events, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "echo a; exit 3", nil))
			require.NoError(t, err)
			assert.Equal(t, 3, events.ExitCode)

			requests := srv.Requests()
			require.Len(t, requests, 3)
			assert.Equal(t, "sandbox.create", requests[0].Operation)
			assert.Contains(t, string(requests[0].Body), `"label":"x"`)
			assert.Contains(t, requests[0].Header.Get("User-Agent"), "mine")
			assert.NotEqual(t, srv.APIKey(), requests[0].Header.Get("X-API-Key"))
			assert.Equal(t, "sandbox.exec_stream", requests[2].Operation)
			assert.Equal(t, http.MethodGet, requests[2].Method)
			assert.Equal(t, 200, requests[2].Status)

			srv.Advance(time.Hour)
			require.ErrorIs(t, sb.Refresh(t.Context()), sandflare.ErrNotFound)
		})
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	srv := sandflaretest.Start(t)
	assert.Equal(t, []string{"SANDFLARE_API_URL=" + srv.URL(), "SANDFLARE_API_KEY=" + srv.APIKey()}, srv.Env())
	srv = sandflaretest.Start(t, sandflaretest.WithTLS())
	file, ok := strings.CutPrefix(srv.Env()[2], "SSL_CERT_FILE=")
	require.True(t, ok)
	assert.FileExists(t, file)
	assert.True(t, strings.HasPrefix(srv.URL(), "https://127.0.0.1:"))
}

// Another server's key opens nothing, and the options of a client win.
func TestClientOptionsWin(t *testing.T) {
	t.Parallel()
	srv := sandflaretest.Start(t)
	_, err := srv.Client(sandflare.WithAPIKey("wrong")).ListSandboxes(t.Context(), nil)
	assert.ErrorIs(t, err, sandflare.ErrUnauthorized)
}

func TestIsolation(t *testing.T) {
	t.Parallel()
	srv := sandflaretest.Start(t, sandflaretest.WithIsolation(sandflaretest.IsolationProcess))
	assert.Equal(t, sandflaretest.IsolationProcess, srv.Isolation())
	best := sandflaretest.Start(t, sandflaretest.WithIsolation(sandflaretest.IsolationAuto)).Isolation()
	assert.Contains(t, []sandflaretest.Isolation{sandflaretest.IsolationNamespace, sandflaretest.IsolationProcess}, best)
	assert.Equal(t, best, sandflaretest.Start(t).Isolation())
}

// Nothing of a server is left when its test is over.
func TestNothingIsLeft(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Run("inner", func(t *testing.T) {
		srv := sandflaretest.Start(t)
		sb, err := srv.Client().CreateSandbox(t.Context(), nil)
		require.NoError(t, err)
		require.NoError(t, sb.WriteFile(t.Context(), "f", []byte("x")))
	})
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}
