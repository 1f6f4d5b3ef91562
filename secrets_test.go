package sandflare_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// The markers stand for what must be seen nowhere.
const (
	markedKey     = "marker-of-the-key"
	markedEnv     = "marker-of-an-env-value"
	markedCommand = "marker-of-a-command"
	markedCode    = "marker-of-code"
	markedToken   = "marker-of-a-token"
	markedContent = "marker-of-a-file"
)

// markedCalls are the calls that carry secrets, with all of their options.
var markedCalls = map[string]func(ctx context.Context, c *sandflare.Client) error{
	"create": func(ctx context.Context, c *sandflare.Client) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{Env: map[string]string{"A": markedEnv}, Metadata: map[string]string{"a": "b"}, Label: "l"}))
	},
	"set env": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.SetEnv(ctx, map[string]string{"A": markedEnv})
	}),
	"exec": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, markedCommand, &sandflare.ExecOptions{Env: map[string]string{"A": markedEnv}, Dir: "/tmp", Timeout: time.Second}))
	}),
	"exec raw": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, markedCommand, &sandflare.ExecOptions{Env: map[string]string{"A": markedEnv}, Raw: true}))
	}),
	"exec through a file": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, markedCommand+"\n# "+strings.Repeat("x", 100<<10), nil))
	}),
	"stream": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, markedCommand+" | wc", nil)))
	}),
	"stream with env": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, markedCommand, &sandflare.ExecOptions{Env: map[string]string{"A": markedEnv}})))
	}),
	"command": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		cmd := sb.Command(markedCommand)
		cmd.Env, cmd.Stdin = map[string]string{"A": markedEnv}, strings.NewReader("streamed: nobody keeps it to compare")
		return cmd.Run(ctx)
	}),
	"python": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunPython(ctx, markedCode, nil))
	}),
	"node":   onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error { return only(sb.RunNode(ctx, markedCode, nil)) }),
	"kernel": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error { return only(sb.RunCode(ctx, markedCode, nil)) }),
	"playwright": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunPlaywright(ctx, markedCode, nil))
	}),
	"clone with token": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "https://user:"+markedToken+"@git.test/r", &sandflare.GitCloneOptions{Token: markedToken, SSHKey: markedToken, Branch: "b"}))
	}),
	"write": onMarked(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.WriteFile(ctx, "/tmp/a", []byte(markedContent))
	}),
}

func onMarked(call func(ctx context.Context, sb *sandflare.Sandbox) error) func(context.Context, *sandflare.Client) error {
	return func(ctx context.Context, c *sandflare.Client) error { return call(ctx, c.Sandbox("sb-1")) }
}

// An echo repeats all that a request says, as a debug page would.
func echo(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	query := r.URL.Query().Encode() + " " + fmt.Sprint(r.URL.Query())
	var fields any
	if json.Unmarshal(body, &fields) == nil {
		body = fmt.Appendf(body, " %v", fields)
	}
	return strings.ToValidUTF8(fmt.Sprintf("no: %s %s %s %v %s", r.Method, r.URL, query, r.Header, body[:min(len(body), 8<<10)]), "")
}

func jsonOf(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// badServers fail in every way and say whatever they know.
var badServers = map[string]http.HandlerFunc{
	"closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"garbage": func(w http.ResponseWriter, r *http.Request) {
		text := echo(r)
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, text+"\r\n\r\n")
		conn.Close()
	},
	"cut": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		io.WriteString(w, `{"error":`+jsonOf(echo(r)))
	},
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://elsewhere.test/"+r.URL.RawQuery+"?"+r.URL.RawQuery)
		w.WriteHeader(302)
	},
	"text page": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x; key="+r.Header.Get("X-API-Key"))
		io.WriteString(w, echo(r))
	},
	"html page":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<p>"+html.EscapeString(echo(r))) },
	"wrong types": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, wrongly(echo(r))) },
	"refused": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", r.Header.Get("X-API-Key"))
		io.WriteString(w, `{"error":`+jsonOf(echo(r))+`}`)
	},
	"error event": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "event: error\ndata: "+jsonOf(map[string]string{"line": echo(r)})+"\n\n")
	},
	"odd done": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "event: done\ndata: {\"exit_code\":"+jsonOf(r.URL.Query().Get("cmd"))+"}\n\n")
	},
}

// wrongly has a text where any field should be something else.
func wrongly(text string) string {
	text = jsonOf(text[max(strings.LastIndex(text, "marker-of"), 0):])
	fields := []string{}
	for _, name := range []string{"exit_code", "memory_mb", "size_gb", "stdout", "metadata", "forks", "results", "ok"} {
		fields = append(fields, `"`+name+`":`+text)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func init() {
	for _, status := range []int{400, 401, 404, 408, 409, 429, 500, 502, 503} {
		badServers[fmt.Sprint("status ", status)] = func(w http.ResponseWriter, r *http.Request) {
			text := echo(r)
			w.WriteHeader(status)
			io.WriteString(w, `{"error":`+jsonOf(text)+`,"message":"x"}`)
		}
	}
}

// safeLog can be written to from many goroutines.
type safeLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	for kind, handler := range badServers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(handler)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.Start()
			defer server.Close()
			log := &safeLog{}
			client := at(t, server.URL, sandflare.WithAPIKey(markedKey), sandflare.WithMaxRetries(1), sandflare.WithUserAgent("agent"),
				sandflare.WithLogger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))))
			for _, m := range methods {
				discreet(t, m.name, leaving(t, func(ctx context.Context) error { return m.call(ctx, client) }))
			}
			for name, call := range markedCalls {
				err := leaving(t, func(ctx context.Context) error { return call(ctx, client) })
				discreet(t, name, err)
				if name != "create" && kind != "refused" && kind != "odd done" && kind != "error event" && kind != "text page" && kind != "wrong types" {
					assert.Error(t, err, name)
				}
			}
			assert.NotContains(t, log.buf.String(), "marker-of", "the log")
			assert.Contains(t, log.buf.String(), "sandbox.exec")
		})
	}
}

// leaving makes a call that looks around for a while after a failure, and leaves early.
func leaving(t *testing.T, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	return call(ctx)
}

// discreet asserts that an error shows no marker, however it is looked at.
func discreet(t *testing.T, name string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	shown := err.Error() + fmt.Sprintf("%v %+v %q", err, err, err)
	var api *sandflare.APIError
	if errors.As(err, &api) {
		shown += api.Message + string(api.Body) + api.Path + api.UpgradeURL + api.RequestID
	}
	for err := err; err != nil; err = errors.Unwrap(err) {
		shown += err.Error()
	}
	assert.NotContains(t, shown, "marker-of", name)
}

// What the local Sandflare keeps of requests shows all but the key.
func TestJournalHidesTheKey(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	client := server.Client(sandflare.WithMaxRetries(0))
	for _, m := range methods {
		_ = leaving(t, func(ctx context.Context) error { return m.call(ctx, client) })
	}
	_ = only(client.BuildTemplate(t.Context(), &sandflare.BuildTemplateOptions{Name: "t", Dockerfile: "FROM x", Context: fstest.MapFS{}}))
	requests := server.Requests()
	require.Greater(t, len(requests), len(methods)-5)
	text, err := json.Marshal(requests)
	require.NoError(t, err)
	assert.NotContains(t, string(text), server.APIKey())
}
