//go:build linux || darwin

package main_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/leaks"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(leaks.Run(func() int {
		dir, err := os.MkdirTemp("", "test-of-sandflare-local-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "program")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}))
}

// program is the program under way, with a temp folder of its own.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	temp   string
	stdout *bufio.Reader
	stderr safeBuffer
	env    map[string]string // what serve printed
}

// safeBuffer can be read while the program still writes.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func begin(t *testing.T, temp string, args ...string) *program {
	t.Helper()
	p := &program{t: t, temp: temp, cmd: exec.Command(binary, args...), env: map[string]string{}}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+temp, "SANDFLARE_API_KEY=another", "AGENTBOX_API_KEY=another")
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdout = bufio.NewReader(out)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// serve starts a server and reads the lines that it prints.
func serve(t *testing.T, temp string, lines int, args ...string) *program {
	t.Helper()
	p := begin(t, temp, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	for range lines {
		line, err := p.stdout.ReadString('\n')
		require.NoError(t, err, "%s", &p.stderr)
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		p.env[name] = value
	}
	return p
}

// end waits for the end and returns the rest of stdout and the exit code.
func (p *program) end() (string, int) {
	p.t.Helper()
	out, err := io.ReadAll(p.stdout)
	require.NoError(p.t, err)
	_ = p.cmd.Wait()
	return string(out), p.cmd.ProcessState.ExitCode()
}

func (p *program) call(client *http.Client, method, path, body string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.env["SANDFLARE_API_URL"]+path, strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("X-API-Key", p.env["SANDFLARE_API_KEY"])
	resp, err := client.Do(req)
	require.NoError(p.t, err)
	p.t.Cleanup(func() { resp.Body.Close() })
	require.Equal(p.t, 200, resp.StatusCode)
	return resp
}

func (p *program) create(client *http.Client) string {
	p.t.Helper()
	var sb struct{ Name string }
	require.NoError(p.t, json.NewDecoder(p.call(client, "POST", "/sandboxes", "").Body).Decode(&sb))
	return "/sandboxes/" + sb.Name
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// running reports a process of this machine with a word in its command line.
func running(word string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if data, _ := os.ReadFile(file); bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

func TestServe(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := serve(t, t.TempDir(), 2, "--key", "given")
		assert.Equal(t, "given", p.env["SANDFLARE_API_KEY"])
		sb := p.create(http.DefaultClient)
		s := p.call(http.DefaultClient, "GET", sb+"/exec/stream?cmd=echo+on%3Bsleep+1000", "")
		_, err := bufio.NewReader(s.Body).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, p.cmd.Process.Signal(sig))
		rest, code := p.end()
		assert.Zero(t, code, "%s", &p.stderr)
		assert.Empty(t, rest, "nothing but the lines on stdout")
		assert.Contains(t, p.stderr.String(), "isolation ")
		empty(t, p.temp)
	}
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), 3, "--tls")
	require.True(t, strings.HasPrefix(p.env["SANDFLARE_API_URL"], "https://127.0.0.1:"))
	bundle, err := os.ReadFile(p.env["SSL_CERT_FILE"])
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(bundle))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	sb := p.create(client)
	resp := p.call(client, "GET", sb+"/exec/stream?cmd=echo+on%3Bsleep+1000", "")
	assert.Equal(t, "HTTP/2.0", resp.Proto)
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "event: stdout\n", line)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_, code := p.end()
	assert.Zero(t, code)
	empty(t, p.temp)
}

func TestRun(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args   []string
		code   int
		stdout string
	}{
		"exit code":      {[]string{"--", "sh", "-c", "echo hi; exit 7"}, 7, "hi\n"},
		"signal":         {[]string{"--", "sh", "-c", "kill -9 $$"}, 137, ""},
		"not found":      {[]string{"--", "no-such-program"}, 127, ""},
		"not executable": {[]string{"--", "/dev/null"}, 126, ""},
		"variables":      {[]string{"--key", "k", "--", "sh", "-c", `echo "$SANDFLARE_API_KEY $AGENTBOX_API_KEY ${SANDFLARE_API_URL%:*}"`}, 0, "k  http://127.0.0.1\n"},
		"tls":            {[]string{"--tls", "sh", "-c", `test -r "$SSL_CERT_FILE" && echo "${SANDFLARE_API_URL%:*}"`}, 0, "https://127.0.0.1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, t.TempDir(), append([]string{"run"}, row.args...)...)
			out, code := p.end()
			assert.Equal(t, row.code, code, "%s", &p.stderr)
			assert.Equal(t, row.stdout, out)
			empty(t, p.temp)
		})
	}
}

func TestRunPassesSignalsOn(t *testing.T) {
	t.Parallel()
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 3, syscall.SIGINT: 4, syscall.SIGUSR1: 5, syscall.SIGHUP: 6} {
		p := begin(t, t.TempDir(), "run", "--", "bash", "-c", `trap 'exit 3' TERM; trap 'exit 4' INT; trap 'exit 5' USR1; trap 'exit 6' HUP
echo ready; while :; do sleep 0.01; done`)
		line, err := p.stdout.ReadString('\n')
		require.NoError(t, err, "%s", &p.stderr)
		require.Equal(t, "ready\n", line)
		require.NoError(t, p.cmd.Process.Signal(sig))
		_, got := p.end()
		assert.Equal(t, code, got, "%v", sig)
		empty(t, p.temp)
	}
}

// A call that nothing can end does not keep the server either: the kernel's log
// is a file whose reader waits for more.
func TestStopWithAStuckCall(t *testing.T) {
	t.Parallel()
	if log, err := os.Open("/proc/kmsg"); err != nil {
		t.Skip("the kernel's log is not for us:", err)
	} else {
		log.Close()
	}
	p := serve(t, t.TempDir(), 2, "--isolation", "process")
	sb := p.create(http.DefaultClient)
	go func() {
		req, _ := http.NewRequest("GET", p.env["SANDFLARE_API_URL"]+sb+"/files?path=/proc/kmsg", nil)
		req.Header.Set("X-API-Key", p.env["SANDFLARE_API_KEY"])
		if resp, err := http.DefaultClient.Do(req); err == nil { // it ends when the server does
			resp.Body.Close()
		}
	}()
	require.Eventually(t, func() bool {
		journal, _ := io.ReadAll(p.call(http.DefaultClient, "GET", "/_local/requests", "").Body)
		return strings.Contains(string(journal), "file.read")
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_, code := p.end()
	assert.Zero(t, code)
	empty(t, p.temp)
}

// SIGKILL leaves no process, and the next start removes the folder.
func TestKilled(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	p := serve(t, temp, 2)
	sb := p.create(http.DefaultClient)
	word := fmt.Sprintf("31%d", os.Getpid())
	s := p.call(http.DefaultClient, "GET", sb+"/exec/stream?cmd=setsid+sleep+"+word+"%26+echo+on%3Bsleep+"+word, "")
	_, err := bufio.NewReader(s.Body).ReadString('\n')
	require.NoError(t, err)
	require.Eventually(t, func() bool { return running(word) }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, p.cmd.Process.Kill())
	p.end()
	require.Eventually(t, func() bool { return !running(word) }, 10*time.Second, 5*time.Millisecond, "processes stay")

	p = serve(t, temp, 2)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Len(t, left, 1, "its own")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_, code := p.end()
	assert.Zero(t, code)
	assert.Contains(t, p.stderr.String(), "left by a server that was killed")
	empty(t, temp)
}

// What was acknowledged before a SIGKILL is there after it.
func TestKilledWithData(t *testing.T) {
	t.Parallel()
	temp, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	p := serve(t, temp, 2, "--data", data)
	sb := p.create(http.DefaultClient)
	p.call(http.DefaultClient, "POST", sb+"/files?path=f", "kept")
	var snap struct{ ID string }
	require.NoError(t, json.NewDecoder(p.call(http.DefaultClient, "POST", sb+"/snapshot", "{}").Body).Decode(&snap))
	p.call(http.DefaultClient, "POST", "/volumes", `{"name":"v"}`)
	require.NoError(t, p.cmd.Process.Kill())
	p.end()

	p = serve(t, temp, 2, "--data", data)
	var restored struct{ Name string }
	body := fmt.Sprintf(`{"snapshot_id":%q,"volumes":{"/home/user/v":"v"}}`, snap.ID)
	require.NoError(t, json.NewDecoder(p.call(http.DefaultClient, "POST", "/sandboxes", body).Body).Decode(&restored))
	text, err := io.ReadAll(p.call(http.DefaultClient, "GET", "/sandboxes/"+restored.Name+"/files?path=f", "").Body)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(text))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.end()
	empty(t, temp)
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "doctor")
	out, code := p.end()
	assert.Zero(t, code, "%s", &p.stderr)
	assert.Contains(t, out, "isolation: ")
	assert.Contains(t, out, "python3")
	if strings.Contains(out, "isolation: namespace") {
		assert.NotRegexp(t, `/(root|home)/`, out, "what the sandbox finds, not what this machine has elsewhere")
	}
	empty(t, p.temp)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		code int
		text string
	}{
		{nil, 2, "usage:"},
		{[]string{"nonsense"}, 2, "usage:"},
		{[]string{"--help"}, 0, "sandflare-local serve"},
		{[]string{"--version"}, 0, "sandflare-local 0.1.0"},
		{[]string{"serve", "--help"}, 0, "-isolation"},
		{[]string{"serve", "extra"}, 2, "takes no arguments"},
		{[]string{"serve", "--isolation", "vm"}, 2, "auto, namespace or process"},
		{[]string{"serve", "--nonsense"}, 2, "nonsense"},
		{[]string{"serve", "--addr", "0.0.0.0:0"}, 1, "loopback only"},
		{[]string{"run"}, 2, "needs a command"},
		{[]string{"doctor", "extra"}, 2, "usage:"},
	} {
		p := begin(t, t.TempDir(), row.args...)
		out, code := p.end()
		assert.Equal(t, row.code, code, row.args)
		assert.Contains(t, out+p.stderr.String(), row.text, row.args)
		empty(t, p.temp)
	}
}
