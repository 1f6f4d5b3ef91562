package local_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func TestExec(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	for name, row := range map[string]struct {
		body           map[string]any
		code           int
		stdout, stderr string
	}{
		"output":            {map[string]any{"cmd": "echo out; echo err >&2"}, 0, "out\n", "err\n"},
		"exit 1":            {map[string]any{"cmd": "exit 1"}, 1, "", ""},
		"exit 255":          {map[string]any{"cmd": "exit 255"}, 255, "", ""},
		"killed":            {map[string]any{"cmd": "kill -9 $$"}, 137, "", ""},
		"terminated":        {map[string]any{"cmd": "kill -TERM $$"}, 143, "", ""},
		"home":              {map[string]any{"cmd": "cd; echo $OLDPWD | grep -c /home/user"}, 0, "1\n", ""},
		"cwd":               {map[string]any{"cmd": "basename $PWD", "cwd": "/tmp"}, 0, "tmp\n", ""},
		"cwd and wrapper":   {map[string]any{"cmd": "bash -lc 'cd /tmp && basename $PWD'", "cwd": "/home/user"}, 0, "tmp\n", ""},
		"env":               {map[string]any{"cmd": `echo "$A"`, "env": map[string]string{"A": "x  y"}}, 0, "x  y\n", ""},
		"wrapper":           {map[string]any{"cmd": `bash -lc 'echo '\''a  b'\'' '"'"'c'"'"''`}, 0, "a  b c\n", ""},
		"more than wrapper": {map[string]any{"cmd": `bash -lc 'echo a' && echo b`}, 0, "a\nb\n", ""},
		"login shell":       {map[string]any{"cmd": "bash -lc 'shopt -q login_shell && echo login'"}, 0, "login\n", ""},
		"no stdin":          {map[string]any{"cmd": "cat; echo end"}, 0, "end\n", ""},
		"no bytes of UTF-8": {map[string]any{"cmd": `printf 'a\xff\xc3'`}, 0, "a\uFFFD\uFFFD", ""},
		"background child":  {map[string]any{"cmd": "sleep 1000 & echo started"}, 0, "started\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var res wire.ExecResult
			a.ok("POST", sb+"/exec", row.body, &res)
			assert.Equal(t, row.code, *res.ExitCode)
			assert.Equal(t, row.code == 0, *res.OK)
			assert.Equal(t, row.stdout, res.Stdout)
			assert.Equal(t, row.stderr, res.Stderr)
		})
	}
}

func TestExecCannotStart(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	res := a.exec(sb, "no-such-program")
	assert.Equal(t, 127, *res.ExitCode)
	assert.Contains(t, res.Stderr, "no-such-program")
	assert.Equal(t, 126, *a.exec(sb, "touch f; ./f").ExitCode)
	var bad wire.ExecResult
	a.ok("POST", sb+"/exec", map[string]any{"cmd": "touch /tmp/ran", "cwd": "/none"}, &bad)
	assert.Equal(t, 1, *bad.ExitCode)
	assert.Contains(t, bad.Stderr, "/none")
	assert.Empty(t, a.out(sb, "ls /tmp/ran 2>/dev/null || true"))
}

func TestExecRefuses(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	for _, body := range []map[string]any{
		{"cmd": " "}, {"cmd": "a\x00b"}, {"cmd": "true", "cwd": "\x00"}, {"cmd": "true", "timeout": -1},
		{"cmd": "true", "timeout": int64(1) << 40}, {"cmd": "true", "env": map[string]string{"": "x"}},
	} {
		a.fails(400, "POST", sb+"/exec", body)
	}
	a.fails(400, "GET", sb+"/exec/stream", nil)
	a.fails(400, "GET", sb+"/exec/stream?cmd=true&timeout=soon", nil)
	a.fails(400, "GET", sb+"/exec/stream?cmd=true&timeout=-1", nil)
	a.fails(400, "POST", sb+"/run/python", map[string]any{"code": "1", "timeout": -1})
	a.fails(404, "POST", "/sandboxes/sb-none/exec", map[string]any{"cmd": "true"})
	a.fails(404, "POST", "/sandboxes/sb-none/run/node", map[string]any{"code": "1"})
}

// The host's environment, with its secrets, is not the sandbox's.
func TestEnvironmentIsOurs(t *testing.T) {
	t.Setenv("SANDFLARE_TEST_SECRET", "hidden")
	t.Setenv("HTTPS_PROXY", "http://user:hidden@127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	a := start(t, local.Config{})
	env := a.out(a.create(nil), "env")
	assert.NotContains(t, env, "hidden")
	assert.Contains(t, env, "HTTP_PROXY=http://127.0.0.1:1\n")
	assert.Contains(t, env, "PIP_BREAK_SYSTEM_PACKAGES=1\n")
	assert.NotContains(t, env, a.srv.Key())
}

func TestTimeoutKillsTheTree(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	earlier := "sleep 2000 >/dev/null 2>&1 & echo"
	a.out(sb, earlier)
	var res wire.ExecResult
	a.ok("POST", sb+"/exec", map[string]any{
		"cmd":     "echo before; setsid sleep 1001 & nohup sleep 1002 & (sleep 1003 & ) ; sleep 1004",
		"timeout": 1,
	}, &res)
	assert.Equal(t, 124, *res.ExitCode)
	assert.Equal(t, "before\n", res.Stdout)
	assert.Equal(t, []string{"sleep 2000"}, a.commands(sb), "only what an earlier command left")

	s := a.stream(sb, "echo before; sleep 1005", "&timeout=1")
	assert.Equal(t, "stdout before", s.line())
	assert.Equal(t, 124, s.done())
	assert.Equal(t, []string{"sleep 2000"}, a.commands(sb))
}

// A caller that leaves takes the command's whole tree along.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	leave := func(method, path string, body any) {
		ctx, cancel := context.WithCancel(t.Context())
		req := a.request(method, sb+path, body).WithContext(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if resp, err := a.client.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
		require.Eventually(t, func() bool {
			return strings.Contains(strings.Join(a.commands(sb), "\n"), "sleep 1000")
		}, 10*time.Second, 5*time.Millisecond, path)
		cancel()
		<-ended
		a.quiet(sb)
	}
	const tree = "setsid sleep 1000 & sleep 1001"
	leave("POST", "/exec", map[string]any{"cmd": tree})
	leave("GET", "/exec/stream?cmd="+strings.ReplaceAll(strings.ReplaceAll(tree, " ", "+"), "&", "%26"), nil)
	const code = "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True); subprocess.run(['sleep', '1001'])"
	needs(t, "python3")
	leave("POST", "/run/python", map[string]any{"code": code})
	leave("POST", "/run/kernel", map[string]any{"code": code})
}

func TestOutputAboveTheLimit(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	status, data := a.call("POST", sb+"/exec", map[string]any{"cmd": "yes | head -c 67109000; echo small >&2"})
	require.Equal(t, 200, status)
	var res wire.ExecResult
	require.NoError(t, json.Unmarshal(data, &res))
	assert.Len(t, res.Stdout, 64<<20)
	assert.True(t, strings.HasPrefix(res.Stderr, "small\n"), res.Stderr)
	assert.Contains(t, res.Stderr, "cut by 136 bytes")
	assert.Zero(t, *res.ExitCode)
}

func TestRunCode(t *testing.T) {
	t.Parallel()
	needs(t, "python3", "node")
	a := shared(t)
	sb := a.create(nil)
	run := func(path, code string) wire.ExecResult {
		var res wire.ExecResult
		a.ok("POST", sb+path, map[string]any{"code": code, "timeout": 30}, &res)
		return res
	}
	res := run("/run/python", "import sys\nprint('a\"b')\nprint('e', file=sys.stderr)\nsys.exit(3)")
	assert.Equal(t, "a\"b\n", res.Stdout)
	assert.Equal(t, "e\n", res.Stderr)
	assert.Equal(t, 3, *res.ExitCode)
	res = run("/run/python", "x = '"+strings.Repeat("y", 1<<20)+"'\nprint(len(x))")
	assert.Equal(t, "1048576\n", res.Stdout, "longer than an argument may be: %s", res.Stderr)
	res = run("/run/node", "console.log(1 + 1); console.error('e'); process.exitCode = 4")
	assert.Equal(t, "2\n", res.Stdout)
	assert.Equal(t, "e\n", res.Stderr)
	assert.Equal(t, 4, *res.ExitCode)
	res = run("/run/python", "import sys; sys.exit(127)")
	assert.Empty(t, res.Stderr, "a program's own 127 is no missing interpreter")
}

func TestMissingInterpreter(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{"env_vars": map[string]string{"PATH": "/none"}})
	for path, program := range map[string]string{"/run/python": "python3", "/run/node": "node", "/run/kernel": "python3"} {
		text := a.fails(http.StatusNotImplemented, "POST", sb+path, map[string]any{"code": "1"})
		assert.Contains(t, text, program+" is not installed in this sandbox")
	}
}
