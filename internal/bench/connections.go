package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// connectionRows count the connections that short streams in a row need.
func (b *bench) connectionRows() ([]row, error) {
	const streams = 100
	var dials atomic.Int64
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	server, client, err := b.localSandflare(local.Config{TLS: true}, sandflare.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.Authority())
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	sb, err := client.CreateSandbox(b.ctx, nil)
	return []row{{
		name: "connections of 100 short streams, TLS", against: "none", rounds: 1, compare: more, unit: pieces, target: streams / 10, bare: none,
		ours: func() (float64, error) {
			dials.Store(0)
			for range streams {
				for _, err := range sb.ExecStream(b.ctx, "true", nil) {
					if err != nil {
						return 0, err
					}
				}
			}
			return float64(dials.Load()), nil
		},
	}}, err
}
