package local

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// Config is what a local Sandflare is started with. The zero value is a fresh
// one on a free port.
type Config struct {
	Addr         string     // loopback only; default 127.0.0.1 and a free port
	Key          string     // default: a random one
	TLS          bool       // with a private authority
	Isolation    guest.Tier // exactly this one; default: the best there is
	DataDir      string     // keeps snapshots, templates, volumes and user memory
	MaxSandboxes int        // default 100; more are answered with a plan limit
	Seed         uint64     // makes names and ids repeatable; 0: random
}

// Server is a running local Sandflare.
type Server struct {
	key, url string
	certFile string
	caPEM    []byte
	support  guest.Support
	swept    []string

	state   *lockedDir
	engine  *engine
	journal journal
	faults  faults
	mux     *http.ServeMux
	// operations are the names of the registered calls, sorted.
	operations []string
	http       *http.Server
	calls      sync.RWMutex // held by each call while it runs
	cancel     context.CancelFunc
	close      func() error
}

// Start returns once the server listens.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	support, err := probe(ctx, cfg.Isolation)
	if err != nil {
		return nil, fmt.Errorf("isolation: %w", err)
	}
	s := &Server{key: cfg.Key, support: support, swept: sweep(os.TempDir())}
	if s.key == "" {
		s.key = randomKey()
	}
	if s.state, err = newStateDir(os.TempDir()); err != nil {
		return nil, err
	}
	if err := s.start(cfg); err != nil {
		return nil, errors.Join(err, s.state.remove())
	}
	s.close = sync.OnceValue(s.stop)
	return s, nil
}

func (s *Server) start(cfg Config) (err error) {
	listener, err := listenLoopback(cfg.Addr)
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	if cfg.TLS {
		if listener, err = s.secure(listener); err != nil {
			return err
		}
	}
	if s.engine, err = newEngine(s.state, s.support, cfg); err != nil {
		return errors.Join(err, listener.Close())
	}
	s.routes()
	s.serve(listener)
	return nil
}

func (s *Server) serve(listener net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.dispatch),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       3 * time.Minute,
		MaxHeaderBytes:    4 << 20, // commands of streams travel in the URL
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go s.http.Serve(listener)
}

// secure puts TLS before a listener, HTTP/2 included.
func (s *Server) secure(listener net.Listener) (net.Listener, error) {
	cert, caPEM, err := newCertificate()
	if err == nil {
		s.certFile, err = writeBundle(s.state.path, caPEM)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.caPEM = caPEM
	s.url = "https://" + listener.Addr().String()
	return tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{cert},
		NextProtos:   []string{"h2", "http/1.1"},
	}), nil
}

// listenLoopback refuses addresses that others can reach.
func listenLoopback(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	if !loopbackHost(host) {
		return nil, fmt.Errorf("address %q: the local Sandflare listens on loopback only, as 127.0.0.1:8787", addr)
	}
	return net.Listen("tcp", addr)
}

func randomKey() string {
	var key [24]byte
	rand.Read(key[:]) // never fails
	return "local-" + hex.EncodeToString(key[:])
}

// Close ends all calls and sandboxes and removes the state folder. What is
// under way is cut off.
func (s *Server) Close() error { return s.close() }

func (s *Server) stop() error {
	s.cancel()
	err := s.http.Close()
	s.engine.close()
	if s.awaitCalls() {
		defer s.calls.Unlock()
	}
	return errors.Join(err, s.engine.release(), s.state.remove())
}

// awaitCalls waits until all calls have ended, and then keeps others out: true.
// One that nothing can end, as a read of the kernel's log, is left to the end
// of the process.
func (s *Server) awaitCalls() bool {
	ended := make(chan struct{})
	go func() {
		s.calls.Lock()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

// URL is the base URL for clients.
func (s *Server) URL() string { return s.url }

// Key is the key that clients send.
func (s *Server) Key() string { return s.key }

// CertFile holds the authorities that clients must trust; empty without TLS.
func (s *Server) CertFile() string { return s.certFile }

// Authority is the private authority alone, as PEM; nil without TLS.
func (s *Server) Authority() []byte { return s.caPEM }

// Isolation is the active tier, and why it is not the better one.
func (s *Server) Isolation() guest.Support { return s.support }

// Swept lists the state folders of killed servers that were removed at start.
func (s *Server) Swept() []string { return s.swept }

// Requests lists the requests so far.
func (s *Server) Requests() []Request { return s.journal.list() }

// Advance moves the clock ahead and returns when what was due then is done.
func (s *Server) Advance(d time.Duration) { s.engine.clock.advance(d) }

// Env is what clients find the server by.
func (s *Server) Env() []string {
	env := []string{"SANDFLARE_API_URL=" + s.url, "SANDFLARE_API_KEY=" + s.key}
	if s.certFile != "" {
		env = append(env, "SSL_CERT_FILE="+s.certFile)
	}
	return env
}
