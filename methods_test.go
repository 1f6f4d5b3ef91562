package sandflare_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// indirect are the methods that make their calls through others of the table.
var indirect = map[string]bool{
	"Sandbox.RunPlaywright": true, "Sandbox.FS": true, "Sandbox.UploadDir": true, "Sandbox.DownloadDir": true,
}

func TestSurfaceIsComplete(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, m := range methods {
		have[m.name] = true
	}
	ctx := reflect.TypeFor[context.Context]()
	for _, v := range []any{&sandflare.Client{}, &sandflare.Sandbox{}, &sandflare.SandboxMemory{}, &sandflare.UserMemory{}} {
		for i := range reflect.TypeOf(v).NumMethod() {
			m := reflect.TypeOf(v).Method(i)
			name := reflect.TypeOf(v).Elem().Name() + "." + m.Name
			if m.Type.NumIn() > 1 && m.Type.In(1) == ctx && !indirect[name] {
				assert.True(t, have[name], "%s is not in the table of methods", name)
			}
		}
	}
}

// forEach runs a test for every method.
func forEach(t *testing.T, test func(t *testing.T, m method)) {
	t.Parallel()
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// pattern matches the URLs of the method's call.
func (m method) pattern() string {
	path := m.route.Path
	for _, part := range strings.Split(path, "/") {
		if strings.HasPrefix(part, "{") {
			path = strings.Replace(path, part, `[^/]+`, 1)
		}
	}
	return `=~^` + testURL + path + `(\?.*)?$`
}

func TestEveryMethodSucceeds(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		client, mock := mocked(t)
		answer := m.answer
		if m.ignored {
			answer = `{"ok":true}`
		}
		mock.RegisterResponder(m.route.Method, m.pattern(), answers(200, answer))
		require.NoError(t, m.call(t.Context(), client))
		assert.Equal(t, 1, mock.GetTotalCallCount())
		if m.ignored {
			mock.RegisterResponder(m.route.Method, m.pattern(), answers(204, ""))
			require.NoError(t, m.call(t.Context(), client), "an empty answer means nothing to report")
		}
	})
}

func TestEveryMethodReportsAPIErrors(t *testing.T) {
	for _, status := range []int{400, 401, 404, 409, 422, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			forEach(t, func(t *testing.T, m method) {
				client, mock := mocked(t)
				response := &http.Response{StatusCode: status, Header: http.Header{"X-Request-Id": {"req-7"}}, Body: io.NopCloser(strings.NewReader(`{"error":"it is broken"}`))}
				mock.RegisterResponder(m.route.Method, m.pattern(), func(*http.Request) (*http.Response, error) { return response, nil })
				if m.route == wire.SandboxCreate { // looks for what it may have made
					mock.RegisterResponder("GET", testURL+"/sandboxes", answers(400, `{}`))
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if status == 500 && m.route == wire.SandboxCreate {
					cancelled(mock.RegisterResponder, cancel)
				}
				err := m.call(ctx, client)
				var api *sandflare.APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, status, api.StatusCode)
				assert.Equal(t, "it is broken", api.Message)
				assert.Equal(t, m.route.Method, api.Method)
				assert.Equal(t, "req-7", api.RequestID)
				assert.JSONEq(t, `{"error":"it is broken"}`, string(api.Body))
				assert.Equal(t, status == 401, errors.Is(err, sandflare.ErrUnauthorized))
				assert.Equal(t, status == 404, errors.Is(err, sandflare.ErrNotFound))
				assert.Equal(t, status == 409, errors.Is(err, sandflare.ErrConflict))
				assert.Equal(t, status == 500 && m.route.Class == wire.Effect, errors.Is(err, sandflare.ErrOutcomeUnknown))
				assert.True(t, strings.HasPrefix(err.Error(), "sandflare: "), err)
				assert.Contains(t, err.Error(), "it is broken")
				assert.NotContains(t, err.Error(), testKey)
				assert.Equal(t, 1, strings.Count(err.Error(), "sandflare:"), err)
			})
		})
	}
}

// cancelled ends the search of a create for what it may have made.
func cancelled(register func(string, string, httpmock.Responder), cancel func()) {
	register("GET", testURL+"/sandboxes", func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	})
}

func TestEveryMethodReportsMalformedAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"html": "<!DOCTYPE html>\n<title>Just a moment</title>", "text": "welcome", "empty": "",
		"number": "7", "trailing": `{"name":"sb-1"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			forEach(t, func(t *testing.T, m method) {
				if m.raw || m.ignored && name != "html" || m.route == wire.SandboxKeepAlive && name == "empty" {
					t.Skip("such a body will do")
				}
				client, mock := mocked(t)
				mock.RegisterResponder(m.route.Method, m.pattern(), answers(200, body))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if m.route == wire.SandboxCreate {
					cancelled(mock.RegisterResponder, cancel)
				}
				err := m.call(ctx, client)
				require.Error(t, err)
				assert.Equal(t, m.route.Class == wire.Effect, errors.Is(err, sandflare.ErrOutcomeUnknown), err)
				if name == "html" {
					assert.NotContains(t, err.Error(), "invalid character")
					assert.Contains(t, err.Error(), "<!DOCTYPE html>")
					assert.Contains(t, err.Error(), "status 200")
				}
			})
		})
	}
}

func TestEveryMethodReportsCutAnswers(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		if m.raw || m.ignored {
			t.Skip("no JSON is expected")
		}
		client, mock := mocked(t)
		mock.RegisterResponder(m.route.Method, m.pattern(), answers(200, `{"name":"sb-1","da`))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if m.route == wire.SandboxCreate {
			cancelled(mock.RegisterResponder, cancel)
		}
		err := m.call(ctx, client)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, m.route.Class == wire.Effect, errors.Is(err, sandflare.ErrOutcomeUnknown), err)
	})
}

func TestEveryMethodSendsNothingOnAnEndedContext(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		client, mock := mocked(t)
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := m.call(ctx, client)
		require.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, cause)
		assert.NotErrorIs(t, err, sandflare.ErrOutcomeUnknown)
		assert.Zero(t, mock.GetTotalCallCount())
	})
}

// noContext is a mistake that callers make.
var noContext context.Context

func TestEveryMethodRefusesMisuse(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		assert.ErrorIs(t, m.call(t.Context(), &sandflare.Client{}), sandflare.ErrInvalidArgument, "zero client")
		assert.ErrorIs(t, m.call(t.Context(), nil), sandflare.ErrInvalidArgument, "nil client")
		client, mock := mocked(t)
		assert.ErrorIs(t, m.call(noContext, client), sandflare.ErrInvalidArgument, "nil context")
		assert.Zero(t, mock.GetTotalCallCount())
	})
}
