package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// server is a local Sandflare in a process of its own.
type server struct {
	cmd     *exec.Cmd
	url     string
	key     string
	ca      []byte
	log     bytes.Buffer
	stopped chan error
}

// startServer returns when the server listens.
func startServer(ctx context.Context, binary, tier string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, binary, "serve", "--tls", "--addr", "127.0.0.1:0", "--isolation", tier), stopped: make(chan error, 1)}
	s.cmd.Stderr = &s.log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 10 * time.Second
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for s.ca == nil && lines.Scan() {
		if err := s.learn(lines.Text()); err != nil {
			break
		}
	}
	go func() { s.stopped <- s.cmd.Wait() }()
	if s.ca == nil {
		s.stop()
		return nil, fmt.Errorf("sandflare-local did not start:\n%s", s.log.String())
	}
	return s, nil
}

// pool is what a client must trust.
func (s *server) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.ca)
	return pool
}

// isolation asks how the server keeps sandboxes apart.
func (s *server) isolation(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_local/info", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-API-Key", s.key)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.pool()}}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var info struct{ Isolation string }
	err = json.NewDecoder(resp.Body).Decode(&info)
	return info.Isolation, err
}

// learn reads one line of how to reach the server.
func (s *server) learn(line string) (err error) {
	name, value, _ := strings.Cut(line, "=")
	switch name {
	case "SANDFLARE_API_URL":
		s.url = value
	case "SANDFLARE_API_KEY":
		s.key = value
	case "SSL_CERT_FILE":
		s.ca, err = os.ReadFile(value)
	}
	return err
}

// stop ends the process, by its id, and waits for its end.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.stopped:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.stopped
	}
}
