package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// doors lie between one client and its server. Each has one fault.
type doors struct {
	urls    map[string]string // by fault
	servers []*http.Server
	list    []net.Listener
}

// door passes requests on to a server, but for its fault.
type door struct {
	backend string
	client  *http.Transport
	fault   fault
	clear   atomic.Int64 // requests that brought the key without TLS

	mu   sync.Mutex
	seen map[string]bool
}

func openDoors(srv *server, authority *authority) (*doors, error) {
	d := &doors{urls: map[string]string{}}
	for name, f := range faults {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			d.close()
			return nil, err
		}
		h := &door{
			backend: srv.url, fault: f, seen: map[string]bool{},
			client: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.pool()}},
		}
		d.list = append(d.list, lis)
		d.urls[name] = "https://" + lis.Addr().String()
		d.serve(lis, h, authority)
	}
	return d, nil
}

// serve answers on one port with and without TLS, to see who forgets it.
func (d *doors) serve(lis net.Listener, h http.Handler, authority *authority) {
	quiet := log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{authority.cert}}
	conns := &sorted{addr: lis.Addr(), conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: h, ErrorLog: quiet}
	d.servers = append(d.servers, srv)
	go func() { _ = srv.Serve(conns) }()
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go conns.sort(conn, config)
		}
	}()
}

func (d *doors) close() {
	for _, lis := range d.list {
		_ = lis.Close()
	}
	for _, srv := range d.servers {
		_ = srv.Close()
	}
}

// sorted is a listener of connections whose first byte has told what they are.
type sorted struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

const tlsHandshake = 0x16

type peeked struct {
	net.Conn
	r io.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

func (s *sorted) sort(conn net.Conn, config *tls.Config) {
	r := bufio.NewReader(conn)
	first, err := r.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	var next net.Conn = peeked{conn, r}
	if first[0] == tlsHandshake {
		next = tls.Server(next, config)
	}
	select {
	case s.conns <- next:
	case <-s.done:
		_ = conn.Close()
	}
}

func (s *sorted) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *sorted) Close() error { s.once.Do(func() { close(s.done) }); return nil }

func (s *sorted) Addr() net.Addr { return s.addr }

// seenPath tells how many requests brought the key in clear text.
const seenPath = "/_door/clear"

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == seenPath {
		_ = json.NewEncoder(w).Encode(d.clear.Load())
		return
	}
	if r.TLS == nil && r.Header.Get("X-API-Key") != "" {
		d.clear.Add(1)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	d.fault(d, w, r, body)
}

// pass sends a request on.
func (d *door) pass(r *http.Request, body []byte) *http.Response {
	next, err := http.NewRequestWithContext(r.Context(), r.Method, d.backend+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	next.Header = r.Header.Clone()
	next.Header.Del("Connection")
	resp, err := d.client.RoundTrip(next)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return resp
}

// first is true once for each request.
func (d *door) first(r *http.Request, body []byte) bool {
	key := r.Method + " " + r.URL.RequestURI() + "\n" + string(body)
	d.mu.Lock()
	defer d.mu.Unlock()
	again := d.seen[key]
	d.seen[key] = true
	return !again
}

// answer gives the server's answer, live.
func answer(w http.ResponseWriter, resp *http.Response) {
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				panic(http.ErrAbortHandler)
			}
			_ = http.NewResponseController(w).Flush()
		}
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}
