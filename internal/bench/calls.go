package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const callsPerRound = 6400

// callRows make small calls, one after the other and from 64 goroutines.
func (b *bench) callRows() []row {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"name":"sb-1","status":"ready","size":"nano","label":"bench","metadata":{"a":"b"},"created_at":"2026-01-02T03:04:05Z"}`)
	}))
	b.onClose(server.Close)
	client, _ := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(server.URL))
	tuned := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	ours := func() error {
		_, err := client.GetSandbox(b.ctx, "sb-1")
		return err
	}
	bare := func() error { return getByHand(tuned, server.URL+"/sandboxes/sb-1") }
	var rows []row
	for _, goroutines := range []int{1, 64} {
		rows = append(rows, row{
			name: fmt.Sprintf("small calls, %d goroutines, per second", goroutines), against: "net/http, tuned", target: "≥ 0.90×",
			rounds: 7, perCall: callsPerRound, rate: true,
			ours: spread(goroutines, ours), bare: spread(goroutines, bare),
		})
	}
	return rows
}

func getByHand(client *http.Client, url string) error {
	req, err := http.NewRequest("GET", url, nil)
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

// spread makes callsPerRound calls from n goroutines.
func spread(n int, call func() error) func() error {
	return func() error {
		var wg sync.WaitGroup
		errs := make([]error, n)
		for i := range n {
			wg.Go(func() { errs[i] = times(callsPerRound/n, call)() })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
