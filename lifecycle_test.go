package sandflare_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// A sandbox tells that it is well, its environment and what it ran.
func TestHealthEnvAndLogs(t *testing.T) {
	t.Parallel()
	sb, ctx := sandbox(t), t.Context()
	require.NoError(t, sb.Health(ctx))
	require.NoError(t, sb.SetEnv(ctx, map[string]string{"A": "1", "B": "2"}))
	require.NoError(t, sb.SetEnv(ctx, map[string]string{"B": "3"}))
	env, err := sb.Env(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"A": "1", "B": "3"}, env)
	run(t, sb, "echo said $B")
	lines, err := sb.Logs(ctx)
	require.NoError(t, err)
	assert.Contains(t, lines, "said 3")

	require.NoError(t, sb.Delete(ctx))
	assert.ErrorIs(t, sb.Health(ctx), sandflare.ErrNotFound)
	_, err = sb.Logs(ctx)
	assert.ErrorIs(t, err, sandflare.ErrNotFound)
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	server, ctx := sandflaretest.Start(t), t.Context()
	sb, err := server.Client().CreateSandbox(ctx, &sandflare.CreateOptions{TTL: time.Hour})
	require.NoError(t, err)
	require.NoError(t, sb.KeepAlive(ctx, 3*time.Hour))
	server.Advance(2 * time.Hour)
	require.NoError(t, sb.Health(ctx), "beyond its TTL")
	server.Advance(2 * time.Hour)
	assert.ErrorIs(t, sb.Health(ctx), sandflare.ErrNotFound)
}

// A service may say less than it could.
func TestShortAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", `{"new_deadline":[]}`} {
		client, mock := mocked(t)
		mock.RegisterResponder("POST", testURL+"/sandboxes/sb-1/timeout", answers(200, body))
		assert.NoError(t, client.Sandbox("sb-1").KeepAlive(t.Context(), time.Hour), "%q: it is done", body)
	}
	client, mock := mocked(t)
	mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1/agent/envs", answers(200, "null"))
	env, err := client.Sandbox("sb-1").Env(t.Context())
	require.NoError(t, err)
	assert.NotNil(t, env)
	mock.RegisterResponder("GET", testURL+"/sandboxes/sb-1", answers(200, `{"name":"sb-1","ttl_hours":1e300}`))
	require.NoError(t, client.Sandbox("sb-1").Refresh(t.Context()))
	sb, err := client.GetSandbox(t.Context(), "sb-1")
	require.NoError(t, err)
	assert.Positive(t, sb.Info().TTL)
}

// The manager is given the package, and what it says is the result.
func TestInstall(t *testing.T) {
	t.Parallel()
	sb, ctx := sandbox(t), t.Context()
	require.NoError(t, sb.WriteFile(ctx, ".local/bin/npm", []byte("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\necho \"got $*\"; [ $2 = left-pad ]")))
	run(t, sb, "chmod +x .local/bin/npm")
	result, err := sb.Install(ctx, sandflare.NPM, "left-pad")
	require.NoError(t, err)
	assert.Equal(t, "got -- left-pad\n", result.Stdout)
	assert.NoError(t, result.Err())
	result, err = sb.Install(ctx, sandflare.NPM, "right-pad")
	require.NoError(t, err)
	assert.Error(t, result.Err())
}

func TestRunPlaywright(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	sb := sandbox(t)
	result, err := sb.RunPlaywright(t.Context(), "import os, sys\nprint(os.environ['PLAYWRIGHT_BROWSERS_PATH'], os.path.exists(sys.argv[0]))", nil)
	require.NoError(t, err)
	assert.Equal(t, "/opt/playwright True\n", result.Stdout, result.Stderr)
	assert.Empty(t, run(t, sb, "ls /tmp"), "the script is removed")
}
