// Package soak_test loads one client and one local Sandflare, and cuts their
// connections. By itself it runs for seconds; SANDFLARE_SOAK=full, which `make
// soak` sets, runs it whole and prints figures for docs/reliability.md.
package soak_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/internal/local"
)

// TestMain fails when the load leaves something behind.
func TestMain(m *testing.M) { leaks.Main(m) }

// full is a number for the whole load, or a part of it.
func full(n, part int) int {
	if os.Getenv("SANDFLARE_SOAK") == "full" {
		return n
	}
	return part
}

// start runs a local Sandflare.
func start(t *testing.T) *local.Server {
	t.Helper()
	srv, err := local.Start(context.Background(), local.Config{MaxSandboxes: 1000})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	return srv
}

func clientOf(t *testing.T, srv *local.Server, opts ...sandflare.Option) *sandflare.Client {
	t.Helper()
	client, err := sandflare.NewClient(append(opts, sandflare.WithAPIKey(srv.Key()), sandflare.WithBaseURL(srv.URL()))...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// figures prints how long something took, and what it took.
func figures(t *testing.T, what string, n int, begin time.Time) {
	t.Helper()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	took := time.Since(begin)
	t.Logf("%d %s in %v, %.0f a second; heap %d MiB, %d goroutines",
		n, what, took.Round(time.Millisecond), float64(n)/took.Seconds(), stats.HeapInuse>>20, runtime.NumGoroutine())
}

func numbered(i int) string { return fmt.Sprintf("line %d\n", i) }
