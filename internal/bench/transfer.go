package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"time"

	"github.com/sandflare/sandflare-go"
)

// transferRows move a large file both ways, from a source that can be read only once.
func (b *bench) transferRows() ([]row, error) {
	size := int64(b.size(1<<30, 1<<28))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, `{"status":"written"}`)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		io.Copy(w, zeros(size))
	}))
	b.onClose(server.Close)
	client, err := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(server.URL))
	sb := client.Sandbox("sb-1")
	up := func() error { return sb.Upload(b.ctx, "/tmp/file", zeros(size), nil) }
	down := func() error {
		_, err := sb.Download(b.ctx, "/tmp/file", onlyWriter{io.Discard}, nil)
		return err
	}
	bareUp := func() error { return transferByHand(b.ctx, "POST", server.URL, zeros(size)) }
	bareDown := func() error { return transferByHand(b.ctx, "GET", server.URL, nil) }
	var rows []row
	for _, way := range []struct {
		name       string
		ours, bare func() error
	}{{"up", up, bareUp}, {"down", down, bareDown}} {
		name := fmt.Sprintf("%d MiB %s", size>>20, way.name)
		rows = append(rows,
			row{name: name + ", non-seekable", against: "net/http, streamed", rounds: 3, compare: perSecond, target: 0.90,
				ours: timed(1, way.ours), bare: timed(1, way.bare)},
			row{name: name + ", most memory", against: "net/http, streamed", rounds: 1, compare: more, unit: mebibytes, target: 16,
				ours: peak(way.ours), bare: peak(way.bare)})
	}
	return rows, err
}

// zeros is a source of n bytes that can be read, and nothing else.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type onlyWriter struct{ io.Writer }

func transferByHand(ctx context.Context, method, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(onlyWriter{io.Discard}, resp.Body)
	return err
}

// peak is the most memory that is in use while work goes on, beyond what was before.
func peak(work func() error) func() (float64, error) {
	return func() (float64, error) {
		runtime.GC()
		before, most := heap(), uint64(0)
		done := make(chan error)
		go func() { done <- work() }()
		for {
			select {
			case err := <-done:
				return float64(int64(most-before)) / (1 << 20), err
			case <-time.After(2 * time.Millisecond):
				most = max(most, heap())
			}
		}
	}
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse
}
