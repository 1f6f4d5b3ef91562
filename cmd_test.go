package sandflare_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// TestCmdIsLikeOSExec runs one table here and there.
func TestCmdIsLikeOSExec(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	sb := sandbox(t)
	for name, c := range map[string]struct {
		command string
		stdin   string
		env     map[string]string
	}{
		"text":                {command: "echo hello; echo world"},
		"no last newline":     {command: "printf hello"},
		"only newlines":       {command: "printf '\\n\\n\\n'"},
		"nothing":             {command: "true"},
		"both streams":        {command: "echo out; echo err >&2"},
		"carriage returns":    {command: "printf 'a\\rb\\r\\nc\\r'"},
		"exit code":           {command: "echo reason >&2; exit 42"},
		"killed":              {command: "kill -9 $$"},
		"not found":           {command: "exec no-such-command 2>/dev/null"},
		"binary":              {command: "printf 'text\\n\\377\\376\\000\\n\\200 more'"},
		"binary on stderr":    {command: "printf '\\377' >&2; printf ok"},
		"replacement":         {command: "printf 'a real \\357\\277\\275 here\\n'"},
		"every byte":          {command: "i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done"},
		"input":               {command: "cat", stdin: "line\nlast without newline"},
		"binary input":        {command: "cat; wc -c >&2", stdin: "\x00\xff\r\n"},
		"input not read":      {command: "true", stdin: "ignored"},
		"no input":            {command: "cat"},
		"environment":         {command: `printf %s "$A"`, env: map[string]string{"A": "x 'y' \"z\"\n"}},
		"unicode":             {command: "echo 'héllo 世界 😀'"},
		"long line":           {command: "head -c 1000000 /dev/zero | tr '\\0' x"},
		"many lines":          {command: "seq 20000; seq 5 >&2"},
		"looks like the mark": {command: "printf '\\nA 5\\n'"},
		"its own group":       {command: "sleep 0 & wait; echo $?"},
		"too long a line":     {command: "head -c 13000000 /dev/zero | tr '\\0' x; echo; printf end"},
		"long escapes":        {command: "head -c 3000000 /dev/zero | tr '\\0' '\\1'"},
		"the shell's message": {command: "no-such-command; echo $0 >&2; if"},
		"stopped for a while": {command: "(until grep -q T.*stopped /proc/$$/status; do sleep 0.01; done; kill -CONT $$) & kill -STOP $$; exit 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wantOut, wantErr, gotOut, gotErr bytes.Buffer
			there := exec.CommandContext(t.Context(), "bash", "-c", c.command)
			there.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
			here := sb.Command(c.command)
			here.Env = c.env
			for key, value := range c.env {
				there.Env = append(there.Env, key+"="+value)
			}
			if c.stdin != "" {
				there.Stdin, here.Stdin = strings.NewReader(c.stdin), strings.NewReader(c.stdin)
			}
			there.Stdout, there.Stderr, here.Stdout, here.Stderr = &wantOut, &wantErr, &gotOut, &gotErr
			wantExit, gotExit := 0, 0
			if err := there.Run(); err != nil {
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				if wantExit = exit.ExitCode(); wantExit < 0 {
					wantExit = 137 // os/exec says -1 after a signal
				}
			}
			if err := here.Run(t.Context()); err != nil {
				var exit *sandflare.ExitError
				require.ErrorAs(t, err, &exit)
				gotExit = exit.Result.ExitCode
				assert.Equal(t, gotErr.String(), exit.Result.Stderr)
			}
			assert.Equal(t, wantExit, gotExit)
			assert.True(t, bytes.Equal(wantOut.Bytes(), gotOut.Bytes()), "stdout: want %.80q, got %.80q", wantOut.String(), gotOut.String())
			assert.True(t, bytes.Equal(wantErr.Bytes(), gotErr.Bytes()), "stderr: want %.80q, got %.80q", wantErr.String(), gotErr.String())
		})
	}
	t.Cleanup(func() {
		result, err := sb.Exec(context.Background(), "ls -A /tmp", nil)
		if assert.NoError(t, err) {
			assert.Empty(t, result.Stdout, "no helper file is left")
		}
	})
}

func TestCmdOutput(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	out, err := sb.Command("echo out; echo err >&2; exit 3").Output(t.Context())
	var exit *sandflare.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, "out\n", string(out))
	assert.Equal(t, "err\n", exit.Result.Stderr)
	assert.Equal(t, "sandflare: command exited with code 3: err", err.Error())

	cmd := sb.Command("echo one; echo two >&2; exit 1")
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	require.ErrorContains(t, cmd.Run(t.Context()), "code 1: two")
	assert.Equal(t, "one\ntwo\n", both.String())

	cmd = sb.Command("pwd")
	cmd.Dir = "/no/such"
	out, err = cmd.CombinedOutput(t.Context())
	require.ErrorContains(t, err, "cd: /no/such: No such file")
	assert.Contains(t, string(out), "cd: /no/such: No such file")

	out, err = sb.Command("echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three").CombinedOutput(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\nthree\n", string(out))
}

// What a profile prints comes once, as with Exec.
func TestCmdWithALoudProfile(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	require.NoError(t, sb.WriteFile(t.Context(), ".bash_profile", []byte("echo hello; printf note >&2\n")))
	var stdout, stderr bytes.Buffer
	cmd := sb.Command("printf '\\377\\n'; printf err >&2")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(t.Context()))
	assert.Equal(t, "hello\n\xff\n", stdout.String())
	assert.Equal(t, "noteerr", stderr.String())
}

// Where the sandbox's folders are mapped, they are so in commands of a Cmd too.
func TestCmdWithoutNamespaces(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t, sandflaretest.WithIsolation(sandflaretest.IsolationProcess))
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, sb.WriteFile(t.Context(), "/home/user/file", []byte("content")))
	cmd := sb.Command("cat /home/user/file")
	cmd.Dir = "/home/user"
	out, err := cmd.CombinedOutput(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "content", string(out))
}

func TestCmdIsLive(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	cmd := sb.Command("mkfifo /tmp/go; echo first; read x </tmp/go; echo $x")
	lines := make(chan string, 10)
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { lines <- string(p); return len(p), nil })
	done := make(chan error, 1)
	go func() { done <- cmd.Run(t.Context()); close(lines) }()
	assert.Equal(t, "first\n", <-lines)
	_, err := sb.Exec(t.Context(), "echo second >/tmp/go", nil)
	require.NoError(t, err)
	require.NoError(t, <-done)
	assert.Equal(t, "second\n", <-lines)
}

func TestCmdEndsWithItsContext(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := sb.Command("echo started; setsid sleep 1000 & sleep 1000")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	err := cmd.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool {
		processes, err := sb.Processes(t.Context())
		return err == nil && len(processes) == 0
	}, 10*time.Second, 10*time.Millisecond)
	tidy(t, sb)
}

func TestCmdTimeout(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	cmd := sb.Command("echo partial; sleep 1000")
	cmd.Timeout = time.Second
	out, err := cmd.Output(t.Context())
	var exit *sandflare.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 124, exit.Result.ExitCode)
	assert.Equal(t, "partial\n", string(out))
}

// What nobody wants is not brought from the sandbox.
func TestCmdDropsOutput(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	require.ErrorContains(t, sb.Command("printf '\\377'; printf '\\376 why' >&2; exit 1").Run(t.Context()), "why")
	reads := 0
	for _, request := range server.Requests() {
		if request.Operation == "file.read" {
			reads++
			assert.Contains(t, request.Query.Get("path"), "/err")
		}
	}
	assert.Equal(t, 1, reads)
}

// A command can remove the files of its own run: text has come by then, bytes are lost.
func TestCmdTakesItsFilesAway(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	out, err := sb.Command("rm -rf /tmp/.sandflare-*; printf text; exit 4").Output(t.Context())
	require.ErrorContains(t, err, "code 4")
	assert.Equal(t, "text", string(out))
	_, err = sb.Command("rm -rf /tmp/.sandflare-*; printf '\\377'").Output(t.Context())
	require.ErrorIs(t, err, sandflare.ErrNotFound)
}

func TestCmdTidiesUpThroughAFault(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	server.Faults().On("sandbox.exec").Then(sandflaretest.Reset())
	require.NoError(t, sb.Command("true").Run(t.Context()))
	assert.Empty(t, server.Faults().Unused())
	tidy(t, sb)
}

func TestCmdMisuse(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	ctx := t.Context()
	cmd := sb.Command("true")
	require.NoError(t, cmd.Run(ctx))
	require.ErrorIs(t, cmd.Run(ctx), sandflare.ErrInvalidArgument, "used twice")
	require.ErrorIs(t, new(sandflare.Cmd).Run(ctx), sandflare.ErrInvalidArgument)
	require.ErrorIs(t, (*sandflare.Cmd)(nil).Run(ctx), sandflare.ErrInvalidArgument)
	_, err := (*sandflare.Cmd)(nil).Output(ctx)
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
	_, err = (*sandflare.Cmd)(nil).CombinedOutput(ctx)
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
	require.ErrorIs(t, sb.Command("").Run(ctx), sandflare.ErrInvalidArgument)
	cmd = sb.Command("true")
	cmd.Stdout = io.Discard
	_, err = cmd.Output(ctx)
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
	_, err = cmd.CombinedOutput(ctx)
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)

	full := errors.New("disk full")
	cmd = sb.Command("yes")
	cmd.Stdout = writerFunc(func([]byte) (int, error) { return 0, full })
	require.ErrorIs(t, cmd.Run(ctx), full)
	cmd = sb.Command("seq 3")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil })
	require.ErrorIs(t, cmd.Run(ctx), io.ErrShortWrite)
	cmd = sb.Command("cat")
	cmd.Stdin = io.MultiReader(strings.NewReader("x"), errReader{full})
	require.ErrorIs(t, cmd.Run(ctx), full)
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
