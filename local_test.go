package sandflare_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// sandbox is a new sandbox of a local Sandflare.
func sandbox(t *testing.T) *sandflare.Sandbox {
	t.Helper()
	sb, err := sandflaretest.Start(t).Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	return sb
}

// How the wrapper hands over what a user wrote: by exec, by stream, and
// through a file, which a padding comment brings about.
func TestCommandsArriveUnharmed(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	for name, c := range map[string]struct {
		command string
		opts    sandflare.ExecOptions
		stdout  string
		code    int
	}{
		"quotes":                 {command: `echo "a 'b' \"c\"" 'd'`, stdout: "a 'b' \"c\" d\n"},
		"unicode":                {command: "echo 'héllo 世界 😀'", stdout: "héllo 世界 😀\n"},
		"comment at the end":     {command: "echo a # a comment", stdout: "a\n"},
		"comment first":          {command: "# a comment\necho a", stdout: "a\n"},
		"here-document":          {command: "cat <<E\na $((1+1))\nE", stdout: "a 2\n"},
		"quoted here-document":   {command: "cat <<'E'\n$HOME 'x'\nE\necho b", stdout: "$HOME 'x'\nb\n"},
		"continued line":         {command: "echo a \\\n  b", stdout: "a b\n"},
		"several lines":          {command: "x=1\nif [ $x = 1 ]; then\n  echo yes\nfi", stdout: "yes\n"},
		"carriage return":        {command: "printf 'a\\r\\n'", stdout: "a\r\n"},
		"exit code":              {command: "exit 42", code: 42},
		"exit code of the last":  {command: "true\nfalse", code: 1},
		"signal":                 {command: "kill -9 $$", code: 137},
		"not found":              {command: "no-such-command", code: 127},
		"not executable":         {command: "/etc/passwd", code: 126},
		"home":                   {command: `[ "$PWD" = "$HOME" ] && echo home`, stdout: "home\n"},
		"no input":               {command: "cat", stdout: ""},
		"dir":                    {command: "pwd | grep -o '[^/]*$'", opts: sandflare.ExecOptions{Dir: "/tmp"}, stdout: "tmp\n"},
		"dir relative":           {command: "mkdir -p '/home/user/a b/-'; cd 'a b'; pwd | grep -o '/user/.*'", stdout: "/user/a b\n"},
		"dir missing":            {command: "echo ran", opts: sandflare.ExecOptions{Dir: "/no/such"}, code: 1},
		"dir missing, with env":  {command: "echo ran", opts: sandflare.ExecOptions{Dir: "/no/such", Env: map[string]string{"A": "b"}}, code: 1},
		"env":                    {command: `printf %s "$A|$B"`, opts: sandflare.ExecOptions{Env: map[string]string{"A": "it's \"x\" $HOME `id` \\", "B": "line\nline"}}, stdout: "it's \"x\" $HOME `id` \\|line\nline"},
		"env read-only":          {command: "echo ran", opts: sandflare.ExecOptions{Env: map[string]string{"UID": "5"}}, code: 1},
		"env empty":              {command: `echo "${A-unset}"`, opts: sandflare.ExecOptions{Env: map[string]string{"A": ""}}, stdout: "\n"},
		"output without newline": {command: "printf a", stdout: "a"},
		"nothing":                {command: ":", stdout: ""},
	} {
		for _, how := range []string{"exec", "file", "stream", "stream file"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				command := c.command
				if strings.Contains(how, "file") {
					command = "# " + strings.Repeat("x", 100<<10) + "\n" + command
				}
				var result *sandflare.ExecResult
				var err error
				if strings.Contains(how, "stream") {
					result, err = sandflare.CollectExec(sb.ExecStream(t.Context(), command, &c.opts))
				} else {
					result, err = sb.Exec(t.Context(), command, &c.opts)
				}
				require.NoError(t, err)
				want := c.stdout
				if strings.Contains(how, "stream") && want != "" && !strings.HasSuffix(want, "\n") {
					want += "\n"
				}
				if strings.Contains(how, "stream") {
					want = strings.ReplaceAll(want, "\r\n", "\r\n")
				}
				assert.Equal(t, want, result.Stdout, result.Stderr)
				assert.Equal(t, c.code, result.ExitCode, result.Stderr)
			})
		}
	}
}

// A relative Dir is a folder, whatever it looks like to cd.
func TestDirsThatLookLikeOptions(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	for _, dir := range []string{"-", "-P", "a b", "$HOME", "é", "sub/-"} {
		require.NoError(t, sb.WriteFile(t.Context(), dir+"/here", nil))
		result, err := sb.Exec(t.Context(), "ls", &sandflare.ExecOptions{Dir: dir, Env: map[string]string{"CDPATH": "/tmp"}})
		require.NoError(t, err)
		assert.Equal(t, "here\n", strings.TrimPrefix(result.Stdout, "-\n"), "%q: %s", dir, result.Stderr)
	}
}

// A final backslash survives, except where a script file is run.
func TestTrailingBackslash(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	result, err := sb.Exec(t.Context(), `echo a\`, nil)
	require.NoError(t, err)
	assert.Equal(t, "a\\\n", result.Stdout)
}

func TestNoScriptIsLeftBehind(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	_, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "exit 3", &sandflare.ExecOptions{Env: map[string]string{"A": "b"}}))
	require.NoError(t, err)
	_, err = sb.Exec(t.Context(), "true #"+strings.Repeat("x", 200<<10), nil)
	require.NoError(t, err)
	result, err := sb.Exec(t.Context(), "ls -A /tmp", nil)
	require.NoError(t, err)
	assert.Empty(t, result.Stdout)
}

func TestRawCommandsAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	result, err := sb.Exec(t.Context(), `echo "$A.B in $(basename "$(pwd)")"`, &sandflare.ExecOptions{Raw: true, Dir: "/tmp", Env: map[string]string{"A": "x"}})
	require.NoError(t, err)
	assert.Equal(t, "x.B in tmp\n", result.Stdout)
	result, err = sandflare.CollectExec(sb.ExecStream(t.Context(), "basename $PWD", &sandflare.ExecOptions{Raw: true, Dir: "/tmp"}))
	require.NoError(t, err)
	assert.Equal(t, "tmp\n", result.Stdout)
}

func TestTimeoutIsTheCommands(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	result, err := sb.Exec(t.Context(), "echo before; setsid sleep 1000 & sleep 1000", &sandflare.ExecOptions{Timeout: 3 * time.Second})
	require.NoError(t, err)
	assert.Equal(t, 124, result.ExitCode)
	assert.Equal(t, "before\n", result.Stdout)
	processes, err := sb.Processes(t.Context())
	require.NoError(t, err)
	assert.Empty(t, processes, "the whole tree is gone")

	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = sb.Exec(ctx, "sleep 1000", nil)
	require.ErrorIs(t, err, context.DeadlineExceeded, "a nearer deadline is told apart from the command's timeout")
}

func TestFaults_F1_F2_F8_FilesRoundTrip(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	big := make([]byte, 5<<20+1)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = byte(rnd.Uint32())
	}
	for path, data := range map[string][]byte{
		"/tmp/empty": {}, "/tmp/every": every, "/tmp/big": big, "relative.txt": []byte("r"), "/home/user/made/on/the way": []byte("x"),
		"/tmp/a b+c%2f?d#e&f=g;h": []byte("1"), "/tmp/é (NFC)": []byte("2"), "/tmp/e\u0301 (NFD)": []byte("3"),
		"/tmp/new\nline\ttab": []byte("4"), "/tmp/\xff\xfe": []byte("5"), "/tmp/./x/../dots": []byte("6"), "/tmp/-rf": []byte("7"),
		"/tmp/" + strings.Repeat("deep/", 100) + "x": []byte("8"), "/tmp/" + strings.Repeat("n", 255): []byte("9"), `/tmp/'"$(id)\`: []byte("10"),
	} {
		require.NoError(t, sb.WriteFile(t.Context(), path, data), "%.60q", path)
		back, err := sb.ReadFile(t.Context(), path)
		require.NoError(t, err, "%.60q", path)
		assert.True(t, bytes.Equal(data, back), "%.60q", path)
		require.NoError(t, sb.WriteFile(t.Context(), path, []byte("short")))
		back, err = sb.ReadFile(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, "short", string(back), "replaced, not overwritten in place")
	}
	entries, err := sb.ReadDir(t.Context(), "/tmp")
	require.NoError(t, err)
	names := map[string]sandflare.FileEntry{}
	for _, e := range entries {
		names[e.Name] = e
	}
	assert.Contains(t, names, "é (NFC)")
	assert.Contains(t, names, "new\nline\ttab")
	assert.True(t, names["deep"].IsDir)
	assert.Equal(t, sandflare.FileEntry{Name: "-rf", Path: "/tmp/-rf", Size: 5, ModTime: names["-rf"].ModTime}, names["-rf"])
	assert.WithinDuration(t, time.Now(), names["-rf"].ModTime, time.Minute)
}

func TestFaults_F10_FileErrorsAreToldApart(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	_, err := sb.ReadFile(t.Context(), "/no/such/file")
	require.ErrorIs(t, err, sandflare.ErrNotFound)
	_, err = sb.ReadDir(t.Context(), "/no/such/folder")
	require.ErrorIs(t, err, sandflare.ErrNotFound)
	var api *sandflare.APIError
	_, err = sb.ReadFile(t.Context(), "/tmp")
	require.ErrorAs(t, err, &api)
	assert.Equal(t, 400, api.StatusCode)
	assert.Contains(t, api.Message, "directory")
	require.NoError(t, sb.WriteFile(t.Context(), "/tmp/file", nil))
	_, err = sb.ReadDir(t.Context(), "/tmp/file")
	require.ErrorAs(t, err, &api)
	assert.Equal(t, 400, api.StatusCode)
	err = sb.WriteFile(t.Context(), "/tmp/file/below", nil)
	require.ErrorAs(t, err, &api)
	assert.Equal(t, 400, api.StatusCode)
	assert.NotErrorIs(t, err, sandflare.ErrUnauthorized)
}

func TestWorksOverTLS(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t, sandflaretest.WithTLS())
	require.True(t, strings.HasPrefix(server.URL(), "https://"))
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	result, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "echo a; echo b >&2", nil))
	require.NoError(t, err)
	assert.Equal(t, &sandflare.ExecResult{Stdout: "a\n", Stderr: "b\n"}, result)

	stranger, err := sandflare.NewClient(sandflare.WithAPIKey(server.APIKey()), sandflare.WithBaseURL(server.URL()))
	require.NoError(t, err)
	defer stranger.CloseIdleConnections()
	_, err = stranger.ListSandboxes(t.Context(), nil)
	require.ErrorContains(t, err, "certificate", "a private authority is not trusted by chance")
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	_, err := server.Client(sandflare.WithAPIKey("wrong")).ListSandboxes(t.Context(), nil)
	require.ErrorIs(t, err, sandflare.ErrUnauthorized)
}

func TestMissingInterpreterIsNamed(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	require.NoError(t, sb.SetEnv(t.Context(), map[string]string{"PATH": "/nowhere"}))
	for program, run := range map[string]func() (*sandflare.ExecResult, error){
		"python3": func() (*sandflare.ExecResult, error) { return sb.RunPython(t.Context(), "1", nil) },
		"node":    func() (*sandflare.ExecResult, error) { return sb.RunNode(t.Context(), "1", nil) },
	} {
		_, err := run()
		var api *sandflare.APIError
		require.ErrorAs(t, err, &api)
		assert.Contains(t, api.Message, program)
		assert.NotErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	}
}

func TestStreamIsLive(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	const command = "mkfifo go; echo first; read line < go; echo second"
	released := false
	for event, err := range sb.ExecStream(t.Context(), command, nil) {
		require.NoError(t, err)
		if event.Data == "first" { // the command waits for this, so the line is here before its end
			released = true
			_, err := sb.Exec(t.Context(), "echo > go", nil)
			require.NoError(t, err)
		}
	}
	assert.True(t, released)
}

func TestBreakEndsTheCommand(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	for range sb.ExecStream(t.Context(), "echo a; nohup sleep 1000 > /dev/null 2>&1", nil) {
		break
	}
	require.Eventually(t, func() bool {
		processes, err := sb.Processes(t.Context())
		return err == nil && len(processes) == 0
	}, 10*time.Second, 10*time.Millisecond)
}

func TestSandboxesAreKeptApart(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	client := server.Client()
	one, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	two, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, one.WriteFile(t.Context(), "/tmp/secret", []byte("1")))
	_, err = two.ReadFile(t.Context(), "/tmp/secret")
	require.ErrorIs(t, err, sandflare.ErrNotFound)
}

func TestJournalShowsWhatWasSent(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: "l"})
	require.NoError(t, err)
	_, err = sb.Exec(t.Context(), "true", nil)
	require.NoError(t, err)
	requests := server.Requests()
	require.Len(t, requests, 2)
	assert.Equal(t, "sandbox.create", requests[0].Operation)
	assert.Equal(t, http.StatusOK, requests[1].Status)
	assert.Contains(t, string(requests[1].Body), "bash -lc")
	for _, r := range requests {
		for _, values := range r.Header {
			assert.NotContains(t, strings.Join(values, ""), server.APIKey())
		}
	}
}

func TestErrorsNameOperationAndSandbox(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	require.NoError(t, sb.Delete(t.Context()))
	_, err := sb.Exec(t.Context(), "true", nil)
	require.ErrorIs(t, err, sandflare.ErrNotFound)
	assert.True(t, strings.HasPrefix(err.Error(), `sandflare: exec in "`+sb.Name()+`": `), err)
	require.ErrorIs(t, sb.Delete(t.Context()), sandflare.ErrNotFound)
	assert.NoError(t, sb.Close(), "Close takes gone for done")
	assert.False(t, errors.Is(err, sandflare.ErrOutcomeUnknown))
}

// Values of the environment are often secrets: logs show names only, however
// the command got there.
func TestLogsHideEnvironment(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	opts := &sandflare.ExecOptions{Dir: "/tmp", Env: map[string]string{"TOKEN": "hunter2 it's\n' || exit\n", "X": "hunter2"}}
	_, err := sb.Exec(t.Context(), "true after", opts)
	require.NoError(t, err)
	_, err = sandflare.CollectExec(sb.ExecStream(t.Context(), "true stream", opts))
	require.NoError(t, err)
	cmd := sb.Command("true command")
	cmd.Dir, cmd.Env = opts.Dir, opts.Env
	require.NoError(t, cmd.Run(t.Context()))
	lines, err := sb.Logs(t.Context())
	require.NoError(t, err)
	logs := strings.Join(lines, "\n")
	assert.NotContains(t, logs, "hunter2")
	assert.Contains(t, logs, "$ cd -- '/tmp' || exit\nexport TOKEN=[hidden]\nexport X=[hidden]\ntrue after")
}

// atCommand cancels a caller's context when the request that runs a script
// file is on its way: before it leaves, or when its answer has begun.
type atCommand struct {
	http.RoundTripper
	cancel func()
	before bool
}

func (rt atCommand) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil && req.ContentLength > 0 && strings.HasSuffix(req.URL.Path, "/exec") {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if !strings.Contains(string(body)+req.URL.Query().Get("cmd"), "bash -l /tmp/.sandflare-") {
		return rt.RoundTripper.RoundTrip(req)
	}
	if rt.before {
		rt.cancel()
	}
	resp, err := rt.RoundTripper.RoundTrip(req)
	rt.cancel()
	return resp, err
}

func TestNoScriptIsLeftBehindAfterACancel(t *testing.T) {
	t.Parallel()
	long := "true #" + strings.Repeat("x", 100<<10)
	secret := &sandflare.ExecOptions{Env: map[string]string{"TOKEN": "secret"}}
	for name, c := range map[string]struct {
		before bool
		run    func(context.Context, *sandflare.Sandbox) error
	}{
		"exec": {true, func(ctx context.Context, sb *sandflare.Sandbox) error {
			return only(sb.Exec(ctx, long, nil))
		}},
		"stream": {true, func(ctx context.Context, sb *sandflare.Sandbox) error {
			return only(sandflare.CollectExec(sb.ExecStream(ctx, "true", secret)))
		}},
		"stream, before its first line": {false, func(ctx context.Context, sb *sandflare.Sandbox) error {
			return only(sandflare.CollectExec(sb.ExecStream(ctx, "true", secret)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sandflaretest.Start(t)
			direct, err := server.Client().CreateSandbox(t.Context(), nil)
			require.NoError(t, err)
			const slow = "[ -e slow ] || { touch slow; sleep 1000; }\n" // the first shell, which will be cancelled
			require.NoError(t, direct.WriteFile(t.Context(), ".bash_profile", []byte(slow)))
			ctx, cancel := context.WithCancel(t.Context())
			atSlow := func() {
				assert.Eventually(t, func() bool { return only(direct.ReadFile(t.Context(), "slow")) == nil }, 20*time.Second, 5*time.Millisecond)
				cancel()
			}
			if c.before {
				require.NoError(t, direct.WriteFile(t.Context(), "slow", nil))
			}
			rt := http.DefaultTransport.(*http.Transport).Clone()
			t.Cleanup(rt.CloseIdleConnections)
			client := server.Client(sandflare.WithHTTPClient(&http.Client{Transport: atCommand{rt, atSlow, c.before}}))
			require.ErrorIs(t, c.run(ctx, client.Sandbox(direct.Name())), context.Canceled)
			tidy(t, direct)
		})
	}
}
