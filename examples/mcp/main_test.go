package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be the program, so that the official client
// starts it as any MCP client does.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// connect starts the program and a client of it.
func connect(t *testing.T, server *sandflaretest.Server, args ...string) *mcp.ClientSession {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), server.Env()...), "EXAMPLE_MAIN=1")
	cmd.Stderr = os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { session.Close() })
	return session
}

// call calls a tool and decodes what it answers.
func call[Out any](t *testing.T, session *mcp.ClientSession, tool string, args map[string]any) (out Out) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	require.NoError(t, err)
	require.False(t, result.IsError, "%s", said(t, result))
	require.NoError(t, json.Unmarshal([]byte(said(t, result)), &out))
	return out
}

// said is the text that the model gets.
func said(t *testing.T, result *mcp.CallToolResult) string {
	t.Helper()
	require.Len(t, result.Content, 1)
	text, ok := result.Content[0].(*mcp.TextContent)
	require.True(t, ok)
	return text.Text
}

type object = map[string]any

func TestToolsAreOffered(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	list, err := connect(t, server).ListTools(t.Context(), nil)
	require.NoError(t, err)
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		assert.NotEmpty(t, tool.Description)
	}
	assert.ElementsMatch(t, []string{"exec", "read_file", "write_file", "list_dir", "snapshot", "remember", "recall"}, names)
	assert.Empty(t, server.Requests(), "no sandbox before it is needed")
}

func TestWorkInTheSandbox(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	session := connect(t, server)
	assert.Equal(t, written{13}, call[written](t, session, "write_file", object{"path": "src/hello.sh", "content": "echo hello ok"}))
	assert.Equal(t, listing{[]entry{{"hello.sh", false, 13}}}, call[listing](t, session, "list_dir", object{"path": "/home/user/src"}))
	assert.Equal(t, execResult{Stdout: "hello ok\n", ExitCode: 0},
		call[execResult](t, session, "exec", object{"command": "bash hello.sh", "dir": "src"}))
	assert.Equal(t, execResult{Stderr: "oh\n", ExitCode: 3}, call[execResult](t, session, "exec", object{"command": "echo oh >&2; exit 3"}))
	assert.Equal(t, 124, call[execResult](t, session, "exec", object{"command": "sleep 60", "timeout": 1}).ExitCode)
	assert.Equal(t, fileContent{"echo hello ok", "utf-8"}, call[fileContent](t, session, "read_file", object{"path": "src/hello.sh"}))

	call[execResult](t, session, "exec", object{"command": `printf '\xff\x00' > bin; seq 100000 > long`})
	assert.Equal(t, fileContent{base64.StdEncoding.EncodeToString([]byte{0xff, 0}), "base64"},
		call[fileContent](t, session, "read_file", object{"path": "bin"}))
	long := call[fileContent](t, session, "read_file", object{"path": "long"}).Content
	assert.Less(t, len(long), most+100)
	assert.True(t, strings.HasPrefix(long, "1\n2\n") && strings.HasSuffix(long, "99999\n100000\n") && strings.Contains(long, "left out"))

	// The snapshot begins another session's sandbox.
	id := call[snapshotResult](t, session, "snapshot", object{"name": "done"}).ID
	call[remembered](t, session, "remember", object{"text": "The build needs make 4", "category": "project_context"})
	call[remembered](t, session, "remember", object{"text": "Prefers short answers"})
	require.NoError(t, session.Close())
	left, err := server.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, left, "the sandbox ends with the session")

	session = connect(t, server, "-snapshot", id)
	assert.Equal(t, "echo hello ok", call[fileContent](t, session, "read_file", object{"path": "src/hello.sh"}).Content)
	assert.Equal(t, recalled{[]string{"The build needs make 4"}}, call[recalled](t, session, "recall", object{"query": "which make for the build?", "limit": 1}))
}

func TestErrorsAreShownToTheModel(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	session := connect(t, server)
	for tool, want := range map[string]struct {
		args object
		text string
	}{
		"read_file":  {object{"path": "/no/such/file"}, "404"},
		"list_dir":   {object{"path": "/no/such/folder"}, "404"},
		"exec":       {object{"command": ""}, "command"},
		"write_file": {object{"path": "x"}, "content"},
	} {
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: want.args})
		if err != nil { // an argument that is missing may end the call itself
			assert.ErrorContains(t, err, want.text, tool)
			continue
		}
		assert.True(t, result.IsError, tool)
		assert.Contains(t, said(t, result), want.text, tool)
		assert.NotContains(t, said(t, result), server.APIKey())
	}
}

// TestCancelEndsTheCommand: a client that gives up leaves nothing running.
func TestCancelEndsTheCommand(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	session := connect(t, server)
	call[execResult](t, session, "exec", object{"command": "mkfifo started"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "exec", Arguments: object{"command": "echo > started; exec sleep 60", "timeout": 60}})
		ended <- err
	}()
	call[execResult](t, session, "exec", object{"command": "read line < started"}) // returns when the other command runs
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	sandboxes, err := server.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, sandboxes, 1)
	assert.Eventually(t, func() bool {
		processes, err := sandboxes[0].Processes(t.Context())
		return err == nil && !slices.ContainsFunc(processes, func(p sandflare.Process) bool { return strings.HasPrefix(p.Command, "sleep") })
	}, 10*time.Second, 20*time.Millisecond)
}

// TestAsConfigured starts the server as the configuration above main does.
func TestAsConfigured(t *testing.T) {
	t.Parallel()
	program := t.TempDir() + "/sandflare-local"
	out, err := exec.Command("go", "build", "-o", program, "github.com/sandflare/sandflare-go/cmd/sandflare-local").CombinedOutput()
	require.NoError(t, err, "%s", out)
	data := t.TempDir()
	start := func() *mcp.ClientSession {
		cmd := exec.Command(program, "run", "--data", data, "--", os.Args[0])
		cmd.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
			Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
		require.NoError(t, err)
		return session
	}
	session := start()
	assert.Equal(t, recalled{[]string{}}, call[recalled](t, session, "recall", object{"query": "color"}))
	call[remembered](t, session, "remember", object{"text": "The favourite color is green"})
	require.NoError(t, session.Close())

	session = start()
	defer session.Close()
	assert.Equal(t, recalled{[]string{"The favourite color is green"}}, call[recalled](t, session, "recall", object{"query": "color"}))
}
