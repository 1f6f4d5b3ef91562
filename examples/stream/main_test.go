package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

func program(t *testing.T, server *sandflaretest.Server) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), server.Env()...), "EXAMPLE_MAIN=1")
	return cmd
}

func TestPlainLinesWithoutTerminal(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	out, err := program(t, server).Output()
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	require.Len(t, lines, 22)
	assert.Equal(t, "  5% packing part-1", lines[0])
	assert.Contains(t, lines, "warning: part-12 is empty")
	assert.Equal(t, []string{"100% packing part-20", "done, exit code 0"}, lines[20:])
	assert.NotContains(t, string(out), "\x1b", "a log file gets no control sequences")

	left, err := server.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, left, "the sandbox is deleted")
}

func TestAnInterruptedStreamIsAnError(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	server.Faults().On("sandbox.exec_stream").Then(sandflaretest.DropBeforeDone())
	out, err := program(t, server).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "100% packing part-20")
	assert.Contains(t, string(out), "stream interrupted")
	assert.NotContains(t, string(out), "exit code 0")
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1/2 x": true, "0/1": true, "2/2 a b": true,
		"": false, "x": false, "1": false, "1/0 x": false, "3/2 x": false, "-1/2 x": false, "a/b": false,
	} {
		_, _, _, ok := parse(text)
		assert.Equal(t, want, ok, "%q", text)
	}
}
