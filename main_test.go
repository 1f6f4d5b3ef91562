package sandflare_test

import (
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
)

// TestMain fails when tests leave goroutines behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if code == 0 && leaked(before) {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
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
