package sandflare_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// TestMain runs all tests beside one local Sandflare, which the environment
// names for the examples, and fails when goroutines are left behind.
func TestMain(m *testing.M) {
	flag.Parse()
	before := runtime.NumGoroutine()
	server, err := local.Start(context.Background(), local.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "no local Sandflare, so no examples:", err)
		skipExamples("^Example")
	} else {
		for _, entry := range server.Env() {
			name, value, _ := strings.Cut(entry, "=")
			os.Setenv(name, value)
		}
		skipExamples(missingPrograms()...)
	}
	code := m.Run()
	if server != nil {
		server.Close()
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if code == 0 && leaked(before) {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// missingPrograms are the examples that need what is not on this machine.
func missingPrograms() (patterns []string) {
	client, err := sandflare.NewClient()
	if err != nil {
		panic(err)
	}
	defer client.CloseIdleConnections()
	sb, err := client.CreateSandbox(context.Background(), nil)
	if err != nil {
		panic(err)
	}
	defer sb.Close()
	for program, pattern := range map[string]string{
		"python3": "^ExampleSandbox_Run(Python|Code)$", "node": "^ExampleSandbox_RunNode$", "git": "^ExampleSandbox_GitClone$",
	} {
		if result, err := sb.Exec(context.Background(), "command -v "+program, nil); err != nil || !result.OK() {
			fmt.Fprintln(os.Stderr, "skipped for want of", program+":", pattern)
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

func skipExamples(patterns ...string) {
	if skip := flag.Lookup("test.skip"); len(patterns) > 0 && skip.Value.String() == "" {
		_ = skip.Value.Set(strings.Join(patterns, "|"))
	}
}

func leaked(before int) bool {
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

const (
	testKey = "test-key-never-shown"
	testURL = "https://api.sandflare.test"
)

// mocked is a client whose calls end in a mock transport of its own.
func mocked(t testing.TB, opts ...sandflare.Option) (*sandflare.Client, *httpmock.MockTransport) {
	t.Helper()
	mock := httpmock.NewMockTransport()
	opts = append([]sandflare.Option{
		sandflare.WithAPIKey(testKey), sandflare.WithBaseURL(testURL),
		sandflare.WithHTTPClient(&http.Client{Transport: mock}), sandflare.WithMaxRetryDelay(time.Millisecond),
	}, opts...)
	client, err := sandflare.NewClient(opts...)
	require.NoError(t, err)
	return client, mock
}

// at is a client of a real server.
func at(t testing.TB, url string, opts ...sandflare.Option) *sandflare.Client {
	t.Helper()
	opts = append([]sandflare.Option{
		sandflare.WithAPIKey(testKey), sandflare.WithBaseURL(url), sandflare.WithMaxRetryDelay(time.Millisecond),
	}, opts...)
	client, err := sandflare.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// answers is a responder with one JSON body.
func answers(status int, body string) httpmock.Responder {
	kind := "application/json"
	if strings.HasPrefix(body, "event:") {
		kind = "text/event-stream; charset=utf-8"
	}
	return httpmock.ResponderFromResponse(&http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: httpmock.NewRespBodyFromString(body), ContentLength: -1,
	})
}
