package transport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// BenchmarkSmallCalls compares calls through the client with bare net/http on the same transport.
func BenchmarkSmallCalls(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"stdout":"","exit_code":0}`)
	}))
	defer server.Close()
	rt := transport.NewTransport(0)
	defer rt.CloseIdleConnections()
	client, err := transport.New(transport.Config{BaseURL: server.URL, Key: testKey, HTTPClient: &http.Client{Transport: rt}})
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, call func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	run("client", func() error { _, err := client.Do(b.Context(), exec); return err })
	bare := &http.Client{Transport: rt}
	run("bare", func() error {
		body, _ := exec.Body.Open()
		resp, err := bare.Post(server.URL+"/sandboxes/sb-1/exec", "application/json", body)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	})
}
