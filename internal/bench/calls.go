package main

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const record = `{"name":"sb-1","status":"ready","size":"nano","label":"bench","metadata":{"a":"b"},"created_at":"2026-01-02T03:04:05Z"}`

func answerRecord(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, record)
}

// A pair makes the same small call through the SDK and by hand.
type pair struct {
	ours, bare func(context.Context) error
}

// A protocol is what a call travels over.
type protocol string

const (
	plain protocol = "plain"
	http1 protocol = "TLS, HTTP/1.1"
	http2 protocol = "TLS, HTTP/2" // what a client and a server of Go agree on, if nobody forbids it
)

// smallCalls serves small answers, and makes a pair of clients that trust the server.
func (b *bench) smallCalls(over protocol) (pair, error) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(answerRecord))
	if over != plain {
		server.EnableHTTP2 = over == http2
		server.StartTLS()
		if err := b.trust(server.Certificate().Raw); err != nil {
			return pair{}, err
		}
	} else {
		server.Start()
	}
	b.onClose(server.Close)
	client, err := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(server.URL))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 512, 128
	bare := &http.Client{Transport: transport}
	return pair{
		ours: func(ctx context.Context) error {
			_, err := client.GetSandbox(ctx, "sb-1")
			return err
		},
		bare: func(ctx context.Context) error { return getByHand(ctx, bare, server.URL+"/sandboxes/sb-1") },
	}, err
}

// trust makes a certificate one of the system's. The first caller wins: every
// server of httptest has the same.
func (b *bench) trust(certificate []byte) error {
	dir, err := b.tempDir()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	return errors.Join(os.WriteFile(file, text, 0o600), os.Setenv("SSL_CERT_FILE", file))
}

// callRows make small calls, one after the other and from 64 goroutines.
func (b *bench) callRows() ([]row, error) {
	calls := b.size(6400, 1280)
	var rows []row
	for _, over := range []protocol{plain, http1, http2} {
		pair, err := b.smallCalls(over)
		if err != nil {
			return nil, err
		}
		for _, goroutines := range []int{1, 64} {
			rows = append(rows, row{
				name:    fmt.Sprintf("small calls, %s, %d at once", over, goroutines),
				against: "net/http, tuned", rounds: b.size(15, 5), compare: perSecond, target: 0.90,
				ours: b.spread(goroutines, calls, pair.ours), bare: b.spread(goroutines, calls, pair.bare),
			})
		}
		if over == plain {
			rows = append(rows, row{
				name: "allocations of a small call", against: "net/http, same JSON", rounds: 3, compare: more, unit: pieces, target: 25,
				ours: b.allocations(calls, pair.ours), bare: b.allocations(calls, pair.bare),
			})
		}
	}
	return rows, nil
}

func getByHand(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-API-Key", "key")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var record wire.Sandbox
	return json.Unmarshal(body, &record)
}

// spread times calls made from n goroutines.
func (b *bench) spread(n, calls int, call func(context.Context) error) func() (float64, error) {
	return timed(calls, func() error {
		var wg sync.WaitGroup
		errs := make(chan error, calls)
		for range n {
			wg.Go(func() {
				for range calls / n {
					if err := call(b.ctx); err != nil {
						errs <- err
						return
					}
				}
			})
		}
		wg.Wait()
		close(errs)
		return <-errs
	})
}

// allocations counts what one call allocates, the server's share included: it is the same on both sides.
func (b *bench) allocations(calls int, call func(context.Context) error) func() (float64, error) {
	return func() (float64, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			if err := call(b.ctx); err != nil {
				return 0, err
			}
		}
		runtime.ReadMemStats(&after)
		return float64(after.Mallocs-before.Mallocs) / float64(calls), nil
	}
}
