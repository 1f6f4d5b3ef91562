package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// api is a server and a plain HTTP client of it.
type api struct {
	t      *testing.T
	srv    *local.Server
	client *http.Client
}

// common is a server for the tests that need none of their own.
var common *local.Server

func TestMain(m *testing.M) {
	os.Exit(leaks.Run(func() int {
		var err error
		if common, err = local.Start(context.Background(), local.Config{MaxSandboxes: 1000}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := common.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}))
}

func shared(t *testing.T) *api {
	transport := &http.Transport{MaxIdleConnsPerHost: 10}
	t.Cleanup(transport.CloseIdleConnections)
	return &api{t: t, srv: common, client: &http.Client{Transport: transport}}
}

func start(t *testing.T, cfg local.Config) *api {
	t.Helper()
	srv, err := local.Start(t.Context(), cfg)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 10}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		assert.NoError(t, srv.Close())
	})
	return &api{t: t, srv: srv, client: &http.Client{Transport: transport}}
}

// request makes one with the key; bodies that are no reader are sent as JSON.
func (a *api) request(method, path string, body any) *http.Request {
	a.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		reader = b
	case string:
		reader = strings.NewReader(b)
	default:
		data, err := json.Marshal(body)
		require.NoError(a.t, err)
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.srv.URL()+path, reader)
	require.NoError(a.t, err)
	req.Header.Set("X-API-Key", a.srv.Key())
	return req
}

func (a *api) do(req *http.Request) (int, []byte) {
	a.t.Helper()
	resp, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	return resp.StatusCode, data
}

func (a *api) call(method, path string, body any) (int, []byte) {
	a.t.Helper()
	return a.do(a.request(method, path, body))
}

// ok makes a call that must succeed and decodes its answer, which is JSON.
func (a *api) ok(method, path string, body, into any) {
	a.t.Helper()
	status, data := a.call(method, path, body)
	require.Equal(a.t, 200, status, "%s %s: %s", method, path, data)
	if into == nil {
		into = new(map[string]any)
	}
	require.NoError(a.t, json.Unmarshal(data, into), "%s", data)
}

// fails makes a call that must be refused with a status, and returns the error's text.
func (a *api) fails(status int, method, path string, body any) string {
	a.t.Helper()
	got, data := a.call(method, path, body)
	require.Equal(a.t, status, got, "%s %s: %s", method, path, data)
	return errorText(a.t, data)
}

func errorText(t *testing.T, data []byte) string {
	t.Helper()
	var answer wire.Error
	require.NoError(t, json.Unmarshal(data, &answer), "%s", data)
	require.NotEmpty(t, answer.Error)
	return answer.Error
}

// create makes a sandbox and returns its path.
func (a *api) create(body any) string {
	a.t.Helper()
	var sb wire.Sandbox
	a.ok("POST", "/sandboxes", body, &sb)
	require.Regexp(a.t, `^sb-[a-z0-9]+$`, sb.Name)
	return "/sandboxes/" + sb.Name
}

func (a *api) exec(sb, cmd string) wire.ExecResult {
	a.t.Helper()
	var res wire.ExecResult
	a.ok("POST", sb+"/exec", map[string]any{"cmd": cmd}, &res)
	require.NotNil(a.t, res.ExitCode)
	require.NotNil(a.t, res.OK)
	require.Equal(a.t, *res.ExitCode == 0, *res.OK)
	return res
}

// out runs a command that must succeed.
func (a *api) out(sb, cmd string) string {
	a.t.Helper()
	res := a.exec(sb, cmd)
	require.Zero(a.t, *res.ExitCode, "%s: %s", cmd, res.Stderr)
	return res.Stdout
}

func (a *api) write(sb, path, data string) {
	a.t.Helper()
	a.ok("POST", sb+"/files?path="+url.QueryEscape(path), data, nil)
}

func (a *api) read(sb, path string) string {
	a.t.Helper()
	status, data := a.call("GET", sb+"/files?path="+url.QueryEscape(path), nil)
	require.Equal(a.t, 200, status, "%s", data)
	return string(data)
}

// commands lists what runs in a sandbox.
func (a *api) commands(sb string) []string {
	a.t.Helper()
	var list []wire.Process
	a.ok("GET", sb+"/agent/processes", nil, &list)
	var names []string
	for _, proc := range list {
		names = append(names, proc.Command)
	}
	return names
}

// quiet waits until nothing runs in a sandbox.
func (a *api) quiet(sb string) {
	a.t.Helper()
	require.Eventually(a.t, func() bool { return len(a.commands(sb)) == 0 }, 10*time.Second, 5*time.Millisecond)
}

// stream is a running stream of events.
type stream struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Reader
}

func (a *api) stream(sb, cmd string, query ...string) *stream {
	a.t.Helper()
	path := sb + "/exec/stream?cmd=" + url.QueryEscape(cmd) + strings.Join(query, "")
	return a.open(path)
}

func (a *api) open(path string) *stream {
	a.t.Helper()
	resp, err := a.client.Do(a.request("GET", path, nil))
	require.NoError(a.t, err)
	a.t.Cleanup(func() { resp.Body.Close() })
	require.Equal(a.t, 200, resp.StatusCode)
	require.Equal(a.t, "text/event-stream", resp.Header.Get("Content-Type"))
	return &stream{a.t, resp.Body, bufio.NewReader(resp.Body)}
}

// next reads one event as it is on the wire: two lines and an empty one.
func (s *stream) next() (event, data string) {
	s.t.Helper()
	var lines []string
	for range 3 {
		text, err := s.in.ReadString('\n')
		require.NoError(s.t, err)
		lines = append(lines, strings.TrimSuffix(text, "\n"))
	}
	event, isEvent := strings.CutPrefix(lines[0], "event: ")
	data, isData := strings.CutPrefix(lines[1], "data: ")
	require.True(s.t, isEvent && isData && lines[2] == "", "%q", lines)
	return event, data
}

// line reads an event that is a line of a stream.
func (s *stream) line() string {
	s.t.Helper()
	event, data := s.next()
	var body map[string]string
	require.NoError(s.t, json.Unmarshal([]byte(data), &body), "%s: %s", event, data)
	return event + " " + body["line"]
}

// done reads the last event, and that it is the last.
func (s *stream) done() int {
	s.t.Helper()
	event, data := s.next()
	require.Equal(s.t, "done", event, data)
	var body wire.ExecResult
	require.NoError(s.t, json.Unmarshal([]byte(data), &body))
	rest, err := io.ReadAll(s.in)
	require.NoError(s.t, err)
	require.Empty(s.t, rest)
	require.Equal(s.t, *body.ExitCode == 0, *body.OK)
	return *body.ExitCode
}

// needs skips a test for programs that this machine does not have.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
