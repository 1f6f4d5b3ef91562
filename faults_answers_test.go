package sandflare_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// saying is a server that answers everything alike.
func saying(t *testing.T, status int, kind, body string) *sandflare.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{kind}
		if kind == "" {
			w.Header()["Content-Type"] = nil
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return at(t, server.URL)
}

func TestFaults_B4_PagesInsteadOfJSON(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 502} {
		client := saying(t, status, "text/html; charset=utf-8", "<!DOCTYPE html>\n<title>Just a moment</title>")
		for _, err := range []error{only(client.ListVolumes(t.Context())), only(client.Sandbox("sb-1").Exec(t.Context(), "true", nil))} {
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "invalid character")
			for _, want := range []string{"text/html", map[int]string{200: "status 200", 502: "502"}[status], "<!DOCTYPE html>"} {
				assert.Contains(t, err.Error(), want)
			}
		}
	}
}

func TestFaults_B5_TypeOfTheContentDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "text/plain", "text/html", "application/octet-stream", "application/json; charset=latin1", "broken/"} {
		client := saying(t, 200, kind, `[{"id":"vol-1"}]`)
		volumes, err := client.ListVolumes(t.Context())
		require.NoError(t, err, kind)
		assert.Equal(t, "vol-1", volumes[0].ID)
	}
}

// needed are the fields without which an answer says nothing; all others may be missing.
var needed = map[wire.Route][]string{
	wire.Exec: {"exit_code", "ok"}, wire.RunPython: {"exit_code", "ok"}, wire.RunNode: {"exit_code", "ok"}, wire.Install: {"exit_code", "ok"},
	wire.SandboxCreate: {"name"}, wire.SandboxFork: {"forks"}, wire.SnapshotCreate: {"snapshot_id"}, wire.TemplateBuild: {"id"}, wire.VolumeCreate: {"id"}, wire.VolumeGet: {"id"},
}

func TestFaults_B9_FieldsMissingAndNull(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		var whole map[string]any
		if m.raw || json.Unmarshal([]byte(m.answer), &whole) != nil {
			t.Skip("the answer is no object")
		}
		for field := range whole {
			for _, null := range []bool{false, true} {
				part := maps.Clone(whole)
				delete(part, field)
				if null {
					part[field] = nil
				}
				body, err := json.Marshal(part)
				require.NoError(t, err)
				assert.NotPanics(t, func() { err = m.answeredBy(t, string(body)) })
				if m.route == wire.TemplateStatus && field == "status" {
					continue // waits for the status
				}
				switch {
				case len(needed[m.route]) == 1 && needed[m.route][0] == field:
					assert.Error(t, err, "%s", body)
					assert.Equal(t, m.route.Class == wire.Effect, errors.Is(err, sandflare.ErrOutcomeUnknown), "%s", body)
				case null:
					assert.NoError(t, err, "%s", body)
				}
			}
		}
		if len(needed[m.route]) > 0 {
			assert.Error(t, m.answeredBy(t, `{}`), "it says nothing of itself")
		}
	})
}

// answeredBy calls the method and answers with a body; what waits or looks is ended.
func (m method) answeredBy(t *testing.T, body string) error {
	client, mock := mocked(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	mock.RegisterResponder(m.route.Method, m.pattern(), answers(200, body))
	if m.route == wire.SandboxCreate {
		cancelled(mock.RegisterResponder, cancel)
	}
	return m.call(ctx, client)
}

// inMemory is a client whose connections are pipes, for bubbles of time.
func inMemory(t *testing.T, serve func(conn net.Conn, r *http.Request)) *sandflare.Client {
	t.Helper()
	rt := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			if r, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
				serve(server, r)
			}
		}()
		return client, nil
	}}
	t.Cleanup(rt.CloseIdleConnections)
	return at(t, "http://127.0.0.1", sandflare.WithHTTPClient(&http.Client{Transport: rt}))
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

// A command may be silent as long as it may run; then the stream ends, whatever the server does.
func TestFaults_S10_SilenceIsNoTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sb := inMemory(t, func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, streamHead+"data: begun\n\n")
			time.Sleep(59 * time.Minute)
			io.WriteString(conn, doneFrame)
		}).Sandbox("sb-1")
		result, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "sleep 3540", &sandflare.ExecOptions{Timeout: time.Hour}))
		require.NoError(t, err)
		assert.Equal(t, "begun\n", result.Stdout)
	})
	synctest.Test(t, func(t *testing.T) {
		sb := inMemory(t, func(conn net.Conn, _ *http.Request) {
			io.WriteString(conn, streamHead)
			for err := error(nil); err == nil; _, err = io.WriteString(conn, ": still here\n\n") {
				time.Sleep(time.Second)
			}
		}).Sandbox("sb-1")
		start := time.Now()
		_, err := sandflare.CollectExec(sb.ExecStream(t.Context(), "sleep 3540", nil))
		require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 310*time.Second, time.Since(start), "the command's timeout and 10 seconds")
		time.Sleep(time.Minute)
	})
}

// What waits for something to be ready ends with its context, at once.
func TestFaults_X2_CancelWhileWaiting(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(ctx context.Context, c *sandflare.Client) error{
		"create": func(ctx context.Context, c *sandflare.Client) error { return only(c.CreateSandbox(ctx, nil)) },
		"build":  func(ctx context.Context, c *sandflare.Client) error { return only(c.WaitForBuild(ctx, "t-1", nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, mock := mocked(t)
				mock.RegisterResponder("POST", "=~.", answers(200, `{"name":"sb-1","status":"starting"}`))
				mock.RegisterResponder("GET", "=~.", answers(200, `{"id":"t-1","name":"sb-1","status":"starting"}`))
				mock.RegisterResponder("GET", "=~build-status$", answers(200, `{"id":"t-1","status":"building"}`))
				cause := errors.New("enough")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(10*time.Minute+time.Millisecond, func() { cancel(cause) })
				start := time.Now()
				err := call(ctx, client)
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorIs(t, err, cause)
				assert.Less(t, time.Since(start), 10*time.Minute+100*time.Millisecond)
			})
		})
	}
}

// Who cancels does not wait for the tidying up, which here gets no answer.
func TestCancelOfACommandInAFileIsPrompt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sb := inMemory(t, func(conn net.Conn, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/files") {
				io.Copy(io.Discard, r.Body)
				respond(conn, 200, `{}`)
			}
			io.Copy(io.Discard, conn)
		}).Sandbox("sb-1")
		for name, call := range map[string]func(context.Context, *sandflare.ExecOptions) error{
			"exec": func(ctx context.Context, opts *sandflare.ExecOptions) error { return only(sb.Exec(ctx, "true", opts)) },
			"stream": func(ctx context.Context, opts *sandflare.ExecOptions) error {
				return only(sandflare.CollectExec(sb.ExecStream(ctx, "true", opts)))
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			err := call(ctx, &sandflare.ExecOptions{Env: map[string]string{"A": "b"}})
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			assert.Equal(t, time.Second, time.Since(start), name)
		}
		time.Sleep(time.Minute)
	})
}

// Whose command has to be ended waits for that, but not for ever.
func TestTidyingUpAfterACmdIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sb := inMemory(t, func(conn net.Conn, _ *http.Request) { io.Copy(io.Discard, conn) }).Sandbox("sb-1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, sb.Command("sleep 1000").Run(ctx), context.DeadlineExceeded)
		assert.Equal(t, 11*time.Second, time.Since(start))
	})
}
