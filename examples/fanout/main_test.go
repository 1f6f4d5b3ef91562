package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// TestMain lets the test binary be the program, so that tests run it whole.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(leaks.Run(m.Run))
}

func TestBestIsKept(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), server.Env()...), "EXAMPLE_MAIN=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, `^1\. lower      2 of 5 checks pass, 25 bytes
2\. spaces     3 of 5 checks pass, \d+ bytes
3\. tr         5 of 5 checks pass, \d+ bytes
4\. broken     0 of 5 checks pass, \d+ bytes
5\. long       5 of 5 checks pass, \d+ bytes
best: tr
kept as snapshot \S+
$`, string(out))

	client := server.Client()
	left, err := client.ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, left, "base and forks are deleted")
	snapshots, err := client.ListSnapshots(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, snapshots, 1)
	assert.Equal(t, []string{"tr"}, snapshots[0].Tags)

	// What was kept is the best variant's sandbox, ready to go on with.
	sb, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{SnapshotID: snapshots[0].ID})
	require.NoError(t, err)
	result, err := sb.Exec(t.Context(), `. ./slug.sh; slug "What's new?"`, nil)
	require.NoError(t, err)
	assert.Equal(t, "what-s-new", result.Stdout)
}

func TestALostVariantIsAnError(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	base, err := prepare(t.Context(), server.Client())
	require.NoError(t, err)
	server.Faults().On("sandbox.exec").Then(sandflaretest.LoseAnswer())
	results, err := fanOut(t.Context(), base, variants)
	require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	assert.Len(t, results, len(variants))
	closeAll(results)
}
