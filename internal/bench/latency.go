package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/sandflare/sandflare-go"
)

// latencyRows compare how long an event is under way from the server's flush
// to the loop, with a read of the raw body: p50 of a few hundred.
func (b *bench) latencyRows() ([]row, error) {
	n, begin := b.size(400, 100), time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range n {
			fmt.Fprintf(w, "event: stdout\ndata: {\"line\": \"%d\"}\n\n", time.Since(begin).Nanoseconds())
			w.(http.Flusher).Flush()
			select {
			case <-time.After(time.Millisecond):
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprint(w, "event: done\ndata: {\"exit_code\": 0}\n\n")
	}))
	b.onClose(server.Close)
	client, err := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(server.URL))
	since := func(text string) float64 {
		sent, _ := strconv.ParseInt(text, 10, 64)
		return float64(time.Since(begin).Nanoseconds() - sent)
	}
	return []row{{
		name: "latency of an event, flush to loop, p50", against: "read of the raw body", rounds: b.size(5, 3), target: 1.2,
		ours: func() (float64, error) {
			var waits []float64
			for event, err := range client.Sandbox("sb-1").ExecStream(b.ctx, "work", nil) {
				if err != nil {
					return 0, err
				}
				if event.Type == sandflare.EventStdout {
					waits = append(waits, since(event.Data))
				}
			}
			return median(waits), nil
		},
		bare: func() (float64, error) {
			resp, err := http.Get(server.URL)
			if err != nil {
				return 0, err
			}
			defer resp.Body.Close()
			var waits []float64
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
				if text, ok := bytes.CutPrefix(lines.Bytes(), []byte(`data: {"line": "`)); ok {
					waits = append(waits, since(string(text[:len(text)-2])))
				}
			}
			return median(waits), nil
		},
	}}, err
}
