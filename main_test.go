package sandflare_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/internal/local"
)

// TestMain runs all tests beside one local Sandflare, which the environment
// names for the examples, and fails when something is left behind.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(leaks.Run(func() int {
		server, err := local.Start(context.Background(), local.Config{})
		if err != nil {
			fmt.Fprintln(os.Stderr, "no local Sandflare, so no examples:", err)
			skipExamples("^Example")
			return m.Run()
		}
		defer server.Close()
		for _, entry := range server.Env() {
			name, value, _ := strings.Cut(entry, "=")
			os.Setenv(name, value)
		}
		skipExamples(missingPrograms()...)
		return m.Run()
	}))
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
