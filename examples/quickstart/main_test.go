package main

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
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

func TestTheWholeQuickStart(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	out, err := program(t, server).Output()
	require.NoError(t, err)
	seconds := regexp.MustCompile(`(?m)^ *[0-9.]+s  `)
	lines := strings.Split(strings.TrimSuffix(seconds.ReplaceAllString(string(out), ""), "\n"), "\n")
	require.Len(t, lines, 15)
	name := regexp.QuoteMeta(strings.TrimPrefix(lines[0], "created "))
	for i, want := range []string{
		"created sb-", "hello from \\S+$", "step 1$", "step 2$", "step 3$", "step 4$", "exit code 0$",
		"python (says 4$|skipped: )", "node (says 4$|skipped: )",
		"hello, file$", "binary file unharmed: true$", "     6  /tmp/data.bin$", "    12  /tmp/hello.txt$",
		"as an error: sandflare: command exited with code [12]: ls: ", "deleted " + name + "$",
	} {
		assert.Regexp(t, "^"+want, lines[i])
	}

	left, err := server.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, left, "the sandbox is deleted")
}

// Output appears while the command runs: here its stream stops after the first line, until the user loses patience.
func TestOutputAppearsAsItComes(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	server.Faults().On("sandbox.exec_stream").Then(sandflaretest.StallAfter(60))
	cmd := program(t, server)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasSuffix(lines.Text(), "step 1") {
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.False(t, lines.Scan(), "that was all")
	assert.Error(t, cmd.Wait())

	left, err := server.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, left, "the sandbox of a program that was interrupted is deleted too")
}
