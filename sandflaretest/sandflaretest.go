// Package sandflaretest gives tests a local Sandflare: the whole API on
// loopback, running real commands, without account or network.
//
//	func TestAgent(t *testing.T) {
//		srv := sandflaretest.Start(t)
//		sb, err := srv.Client().CreateSandbox(t.Context(), nil)
//		…
//	}
//
// Each server has sandboxes, clock and request journal of its own, so that
// tests run side by side. What it is not: a security boundary. Sandboxes share
// the machine's kernel.
package sandflaretest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// Isolation is how far sandboxes are kept apart from the machine.
type Isolation string

const (
	// IsolationAuto is the best tier that works here.
	IsolationAuto Isolation = "auto"
	// IsolationNamespace gives each sandbox its own file tree, processes and
	// users, by Linux namespaces.
	IsolationNamespace Isolation = "namespace"
	// IsolationProcess gives each sandbox its own folders only.
	IsolationProcess Isolation = "process"
)

// Server is a running local Sandflare. It is safe for concurrent use.
type Server struct {
	tb    testing.TB
	local *local.Server
}

// Option changes how a [Server] is started.
type Option func(*config)

type config struct{ local.Config }

// WithTLS has the server speak HTTPS, with a private authority that
// [Server.Client] trusts and the SSL_CERT_FILE of [Server.Env] names.
func WithTLS() Option {
	return func(c *config) { c.TLS = true }
}

// WithIsolation has sandboxes kept apart by exactly this tier, or [Start]
// fails; the default is [IsolationAuto].
func WithIsolation(tier Isolation) Option {
	return func(c *config) {
		c.Isolation = ""
		if tier != IsolationAuto {
			c.Isolation = guest.Tier(tier)
		}
	}
}

// Start starts a local Sandflare. It is stopped when the test and its subtests
// are over; nothing of it is left then. A failure ends the test.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	var cfg config
	for _, opt := range opts {
		opt(&cfg)
	}
	server, err := local.Start(tb.Context(), cfg.Config)
	if err != nil {
		tb.Fatalf("start a local Sandflare: %v", err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Errorf("stop the local Sandflare: %v", err)
		}
	})
	return &Server{tb: tb, local: server}
}

// URL is the base URL, for clients that [Server.Client] does not make.
func (s *Server) URL() string { return s.local.URL() }

// APIKey is the key that the server asks for.
func (s *Server) APIKey() string { return s.local.Key() }

// Client returns a client of the server. The options come after those that
// make it one, and win.
func (s *Server) Client(opts ...sandflare.Option) *sandflare.Client {
	s.tb.Helper()
	own := []sandflare.Option{sandflare.WithAPIKey(s.APIKey()), sandflare.WithBaseURL(s.URL())}
	if authority := s.local.Authority(); authority != nil {
		own = append(own, sandflare.WithHTTPClient(&http.Client{Transport: trusting(authority)}))
	}
	client, err := sandflare.NewClient(append(own, opts...)...)
	if err != nil {
		s.tb.Fatalf("make a client: %v", err)
	}
	s.tb.Cleanup(client.CloseIdleConnections)
	return client
}

// trusting is a transport that trusts one authority only.
func trusting(authority []byte) *http.Transport {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	transport.ForceAttemptHTTP2 = true
	transport.MaxIdleConnsPerHost = 100
	return transport
}

// Env lists the variables by which any client finds the server, as NAME=value:
// SANDFLARE_API_URL, SANDFLARE_API_KEY and, with TLS, SSL_CERT_FILE.
func (s *Server) Env() []string { return s.local.Env() }

// Isolation is the tier that is active.
func (s *Server) Isolation() Isolation { return Isolation(s.local.Isolation().Tier) }

// Advance moves the server's clock ahead: it returns when the sandboxes whose
// time is over are gone and the auto-snapshots that were due are taken.
func (s *Server) Advance(d time.Duration) { s.local.Advance(d) }

// Request is one request as the server got it.
type Request struct {
	Operation, Method, Path string // Operation: "sandbox.create", "sandbox.exec", …
	Query                   url.Values
	Header                  http.Header // key redacted
	Body                    []byte      // first 64 KiB
	Status                  int         // 0 while it runs, and when the connection was reset
}

// Requests lists every request so far, in the order of arrival.
func (s *Server) Requests() []Request {
	journal := s.local.Requests()
	list := make([]Request, len(journal))
	for i, r := range journal {
		list[i] = Request(r)
	}
	return list
}
