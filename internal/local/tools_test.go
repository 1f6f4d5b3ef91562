package local_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func (a *api) cell(sb, id, code string, timeout int) wire.KernelResult {
	a.t.Helper()
	var res wire.KernelResult
	a.ok("POST", sb+"/run/kernel", map[string]any{"code": code, "context_id": id, "timeout": timeout}, &res)
	require.NotNil(a.t, res.OK)
	require.Equal(a.t, res.Error == "", *res.OK)
	return res
}

func TestKernel(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	a := shared(t)
	sb := a.create(nil)
	cell := func(code string) wire.KernelResult { return a.cell(sb, "default", code, 30) }

	res := cell("import os, sys\nx = 20\nprint('out'); print('err', file=sys.stderr); os.system('echo child')\nx + 1")
	assert.Equal(t, []string{"21", "out\nchild\n", "err\n", ""}, []string{res.Text, res.Stdout, res.Stderr, res.Error})
	assert.Equal(t, "40", cell("x * 2").Text, "variables stay")
	assert.Empty(t, cell("y = x").Text, "a statement has no value")
	assert.Equal(t, "'é'", cell("'é'").Text)

	res = cell("def f():\n    return 1 / 0\nf()")
	assert.True(t, strings.HasPrefix(res.Error, "Traceback"), res.Error)
	assert.Contains(t, res.Error, "return 1 / 0")
	assert.Contains(t, res.Error, "ZeroDivisionError: division by zero")
	assert.NotContains(t, res.Error, "evaluate", "none of the driver's own lines")
	assert.Contains(t, cell("if").Error, "SyntaxError")
	assert.Contains(t, cell("import sys; sys.exit(3)").Error, "SystemExit: 3")
	assert.Equal(t, "20", cell("x").Text, "errors lose nothing")

	assert.Contains(t, a.cell(sb, "other", "x", 30).Error, "NameError")
	assert.Equal(t, "<b>v</b>", cell("class V:\n    def _repr_html_(self): return '<b>v</b>'\nV()").HTML)
	a.ok("POST", sb+"/agent/envs", map[string]string{"LATE": "1"}, nil)
	assert.Equal(t, "'1'", cell("os.environ['LATE']").Text)
	assert.Equal(t, "''", cell("input.__name__; sys.stdin.read()").Text, "no input, and not the driver's")

	res = cell("print('last words'); os._exit(7)")
	assert.Contains(t, res.Error, "exit code 7")
	assert.Contains(t, res.Error, "lost")
	assert.Contains(t, cell("x").Error, "NameError", "a new process")
}

// A cell whose sandbox is deleted is told that, not that its kernel broke.
func TestKernelOfADeletedSandbox(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	for _, tier := range []guest.Tier{"", guest.ProcessTier} {
		a := start(t, local.Config{Isolation: tier})
		sb := a.create(nil)
		req := a.request("POST", sb+"/run/kernel", map[string]any{"code": "__import__('os').system('sleep 1000')"})
		answered := make(chan int, 1)
		go func() {
			defer close(answered)
			if resp, err := a.client.Do(req); assert.NoError(t, err) {
				answered <- resp.StatusCode
				resp.Body.Close()
			}
		}()
		sleeps := func(command string) bool { return strings.HasSuffix(command, "sleep 1000") }
		require.Eventually(t, func() bool { return slices.ContainsFunc(a.commands(sb), sleeps) }, 20*time.Second, 10*time.Millisecond)
		a.ok("DELETE", sb, nil, nil)
		assert.Equal(t, 409, <-answered)
	}
}

func TestKernelTimeout(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	a := shared(t)
	sb := a.create(nil)
	a.cell(sb, "c", "x = 1", 30)
	res := a.cell(sb, "c", "print('before')\nwhile True: pass", 1)
	assert.Contains(t, res.Error, "timed out after 1s")
	assert.Contains(t, res.Error, "are kept")
	assert.Contains(t, res.Error, "KeyboardInterrupt")
	assert.Equal(t, "before\n", res.Stdout)
	assert.Equal(t, "1", a.cell(sb, "c", "x", 30).Text)

	res = a.cell(sb, "c", "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(1000)", 1)
	assert.Contains(t, res.Error, "are lost")
	assert.Empty(t, a.commands(sb))
	assert.Contains(t, a.cell(sb, "c", "x", 30).Error, "NameError", "works again, empty")
}

func TestGitClone(t *testing.T) {
	t.Parallel()
	needs(t, "git")
	a := shared(t)
	sb := a.create(nil)
	a.out(sb, `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main origin.git && cd origin.git && echo 1 >f && git add f && git commit -q -m 1 && echo 2 >f && git commit -q -a -m 2 && git checkout -q -b side && echo 3 >f && git commit -q -a -m 3 && git checkout -q main`)
	var res wire.CloneResult
	const repo = "file:///home/user/origin.git"
	a.ok("POST", sb+"/git/clone", map[string]any{"repo": repo, "depth": 1, "path": "work/tree"}, &res)
	assert.Equal(t, []string{"/home/user/work/tree", repo, "main"}, []string{res.Path, res.Repo, res.Branch})
	assert.Contains(t, res.Output, "Cloning")
	assert.Equal(t, "2\n1\n", a.out(sb, "cd work/tree; cat f; git rev-list --count HEAD"))
	a.ok("POST", sb+"/git/clone", map[string]any{"url": repo, "depth": 5, "branch": "side", "path": "/tmp/side"}, &res)
	assert.Equal(t, "side", res.Branch)
	assert.Equal(t, "3\n3\n", a.out(sb, "cd /tmp/side; cat f; git rev-list --count HEAD"))

	text := a.fails(400, "POST", sb+"/git/clone", map[string]any{"repo": "file:///none.git"})
	assert.Contains(t, text, "/none.git")
	for _, body := range []map[string]any{
		{"repo": "--upload-pack=touch ran"}, {"repo": "ext::sh -c touch% ran"}, {"repo": "ssh://git:hunter2@127.0.0.1:1/x.git"}, {"repo": "git://u:hunter2@127.0.0.1:1/x"}, {"repo": "file://u:hunter2@localhost/x"}, {"repo": "nonsense"}, {"repo": ""},
		{"repo": repo, "branch": "--upload-pack=x"}, {"repo": repo, "path": "-x"}, {"repo": repo, "depth": -1},
	} {
		assert.NotContains(t, a.fails(400, "POST", sb+"/git/clone", body), "hunter2")
	}
	assert.NotContains(t, strings.Join(a.commands(sb), "\n"), "hunter2")
}

// Credentials reach the server and stay out of logs, errors, arguments and the
// clone's configuration.
func TestGitCredentials(t *testing.T) {
	t.Parallel()
	needs(t, "git", "python3")
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, `python3 -u -c '
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.headers.get("Authorization"), flush=True)
        self.send_response(403)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(("no token-s3cret, no " + self.headers["Authorization"]).encode())
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True)
s.serve_forever()'`)
	port := strings.TrimPrefix(s.line(), "stdout ")
	for _, body := range []map[string]any{
		{"repo": "http://127.0.0.1:" + port + "/r.git", "token": "token-s3cret"},
		{"repo": "http://x-access-token:token-s3cret@127.0.0.1:" + port + "/r.git"},
	} {
		text := a.fails(400, "POST", sb+"/git/clone", body)
		assert.NotContains(t, text, "s3cret")
		assert.Contains(t, text, "remote: no [hidden], no Basic [hidden]", "what git shows of the server's words")
		assert.Equal(t, "stdout Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4tczNjcmV0", s.line())
	}
	var logs wire.Logs
	a.ok("GET", sb+"/logs", nil, &logs)
	ofGit := 0
	for _, line := range logs.Logs {
		if strings.Contains(line, "git clone") || strings.Contains(line, "fatal") || strings.Contains(line, "remote") {
			ofGit++
			assert.NotContains(t, line, "s3cret")
			assert.NotContains(t, line, "eC1hY2Nlc3MtdG9rZW46dG9rZW4tczNjcmV0")
		}
	}
	assert.Positive(t, ofGit)
}

func TestGitSSHKey(t *testing.T) {
	t.Parallel()
	needs(t, "git")
	a := shared(t)
	sb := a.create(nil)
	a.write(sb, ".local/bin/ssh", "#!/bin/sh\ncat \"$2\" >~/seen; stat -c %a \"$2\" >>~/seen; exit 1\n")
	a.out(sb, "chmod +x .local/bin/ssh")
	a.fails(400, "POST", sb+"/git/clone", map[string]any{"repo": "git@host.invalid:o/r.git", "ssh_key": "the key"})
	assert.Equal(t, "the key\n600\n", a.read(sb, "seen"))
	assert.Empty(t, a.out(sb, "ls -A /tmp"), "the key is gone")
}

func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	for _, body := range []map[string]string{
		{"pkg": "x", "runtime": "brew"}, {"pkg": "", "runtime": "pip"}, {"pkg": "--index-url=x", "runtime": "pip"},
	} {
		a.fails(400, "POST", sb+"/install", body)
	}
}

// A package made here is installed where code finds it, without an index.
func TestInstallPip(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	a := shared(t)
	sb := a.create(nil)
	if *a.exec(sb, "python3 -m pip --version").ExitCode != 0 {
		t.Skip("python3 has no pip")
	}
	a.out(sb, `python3 -c '
import zipfile
with zipfile.ZipFile("tiny-1.0-py3-none-any.whl", "w") as z:
    z.writestr("tiny.py", "answer = 42\n")
    z.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    z.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr("tiny-1.0.dist-info/RECORD", "")
'`)
	var res wire.ExecResult
	a.ok("POST", sb+"/install", map[string]string{"pkg": "/home/user/tiny-1.0-py3-none-any.whl", "runtime": "pip"}, &res)
	require.Zero(t, *res.ExitCode, res.Stderr)
	a.ok("POST", sb+"/run/python", map[string]any{"code": "import tiny; print(tiny.answer)"}, &res)
	assert.Equal(t, "42\n", res.Stdout, res.Stderr)
}

func TestInstallNPM(t *testing.T) {
	t.Parallel()
	needs(t, "node", "npm")
	a := shared(t)
	sb := a.create(nil)
	a.write(sb, "tiny/package.json", `{"name":"tiny","version":"1.0.0","main":"i.js"}`)
	a.write(sb, "tiny/i.js", "module.exports = 42")
	var res wire.ExecResult
	a.ok("POST", sb+"/install", map[string]string{"pkg": "/home/user/tiny", "runtime": "npm"}, &res)
	require.Zero(t, *res.ExitCode, res.Stderr)
	a.ok("POST", sb+"/run/node", map[string]any{"code": "console.log(require('tiny'))"}, &res)
	assert.Equal(t, "42\n", res.Stdout, res.Stderr)
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{"size": "small"})
	s := a.stream(sb, "echo on; exec sleep 1000")
	require.Equal(t, "stdout on", s.line())
	require.Eventually(t, func() bool { return strings.Join(a.commands(sb), "") == "sleep 1000" }, 10*time.Second, time.Millisecond)
	var list, same []wire.Process
	a.ok("GET", sb+"/agent/processes", nil, &list)
	a.ok("GET", sb+"/processes", nil, &same)
	require.Len(t, list, 1)
	require.Len(t, same, 1)
	assert.Equal(t, list[0].PID, same[0].PID)
	assert.Equal(t, "sleep 1000", same[0].Cmd)
	assert.Positive(t, list[0].MemMB)
	assert.InDelta(t, 100*list[0].MemMB/1024, list[0].MemoryPercent, 0.01)

	for _, pid := range []string{"0", "1", "-1", "-5", "x"} {
		a.fails(400, "DELETE", sb+"/processes/"+pid, nil)
	}
	a.fails(404, "DELETE", sb+"/processes/4000000", nil)
	a.ok("DELETE", sb+"/processes/"+itoa(list[0].PID), nil, nil)
	assert.Equal(t, 137, s.done())
	a.fails(404, "DELETE", sb+"/processes/"+itoa(list[0].PID), nil)
}

// The process of another sandbox, or of the host, is not there to be killed.
func TestFaults_E8_KillStaysInside(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb, other := a.create(nil), a.create(nil)
	for range 20 { // pids are the sandbox's own: take one that the other has not
		a.out(other, "true")
	}
	s := a.stream(other, "echo $$; exec sleep 1000")
	pid := strings.TrimPrefix(s.line(), "stdout ")
	a.fails(404, "DELETE", sb+"/processes/"+pid, nil)
	assert.Len(t, a.commands(other), 1, "it lives")
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{"size": "large"})
	a.out(sb, "head -c 3000000 /dev/zero >f")
	s := a.stream(sb, "echo on; while :; do :; done")
	require.Equal(t, "stdout on", s.line())
	var m wire.MetricsReport
	require.Eventually(t, func() bool {
		a.ok("GET", sb+"/metrics", nil, &m)
		return m.CPUUsedPct > 0
	}, 10*time.Second, 20*time.Millisecond)
	assert.LessOrEqual(t, m.CPUUsedPct, 100.0)
	assert.Equal(t, []any{"ready", 4, int64(4096 << 20), int64(40 << 30)}, []any{m.Status, m.CPUCount, m.MemTotal, m.DiskTotal})
	assert.Positive(t, m.MemUsed)
	assert.GreaterOrEqual(t, m.DiskUsed, int64(3_000_000))
	assert.Equal(t, sb, "/sandboxes/"+m.SandboxID)
	assert.WithinDuration(t, time.Now(), m.TS.Time, time.Minute)
}
