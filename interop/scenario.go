package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sandflare/sandflare-go"
)

// scenario is what the Python scenarios do, written with this SDK.
type scenario struct {
	ctx     context.Context
	client  *sandflare.Client
	out     *json.Encoder
	heading string
	doors   map[string]string
}

// runScenario runs in a process of its own and reports as the others do.
func runScenario(out io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s := &scenario{ctx: ctx, out: json.NewEncoder(out)}
	var err error
	if s.client, err = sandflare.NewClient(); err == nil {
		err = json.Unmarshal([]byte(os.Getenv("INTEROP_DOORS")), &s.doors)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, part := range []func(){s.basics, s.work, s.lifecycle, s.state, s.memories, s.bugs} {
		part()
	}
	return 0
}

// value is what a step reports.
type value func() (any, error)

// step reports what a call returns, or how it fails.
func (s *scenario) step(name string, call value) any {
	got, err := call()
	if err != nil {
		got = s.failure(err)
	}
	line := map[string]any{"step": s.heading + ": " + name, "value": got}
	if err := s.out.Encode(line); err != nil {
		panic(err)
	}
	return got
}

// failure is the status of an answer, or the kind of the error.
func (s *scenario) failure(err error) string {
	if os.Getenv("INTEROP_DEBUG") != "" {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.heading, err)
	}
	var api *sandflare.APIError
	var build *sandflare.BuildError
	switch {
	case errors.Is(err, sandflare.ErrOutcomeUnknown):
		return "error ErrOutcomeUnknown"
	case errors.Is(err, sandflare.ErrStreamInterrupted):
		return "error ErrStreamInterrupted"
	case errors.Is(err, sandflare.ErrInvalidArgument):
		return "error ValueError"
	case errors.As(err, &api):
		return fmt.Sprint("error ", api.StatusCode)
	case errors.As(err, &build):
		return "error BuildError"
	}
	return "error " + err.Error()
}

// attempt turns an error into a value, for steps of several calls.
func (s *scenario) attempt(got any, err error) any {
	if err != nil {
		return s.failure(err)
	}
	return got
}

// create makes a sandbox that a part of the scenario works in. Nothing after
// it can run without: its rows will be missing.
func (s *scenario) create(opts *sandflare.CreateOptions) *sandflare.Sandbox {
	sb, err := s.client.CreateSandbox(s.ctx, opts)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", s.heading, err))
	}
	return sb
}

func (s *scenario) labelled(label string) *sandflare.Sandbox {
	return s.create(&sandflare.CreateOptions{Label: label})
}

// ghost is a handle on a sandbox that is gone.
func (s *scenario) ghost() *sandflare.Sandbox {
	sb := s.labelled("ghost")
	_ = sb.Close()
	return sb
}

// at is a client that goes through the door with a fault.
func (s *scenario) at(fault string) *sandflare.Client {
	url, ok := s.doors[fault]
	if !ok {
		panic("no door " + fault)
	}
	client, err := sandflare.NewClient(sandflare.WithBaseURL(url))
	if err != nil {
		panic(err)
	}
	return client
}

// outcome is an ExecResult.
func outcome(r *sandflare.ExecResult, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return []any{r.ExitCode, r.Stdout, r.Stderr, r.OK()}, nil
}

func b64(data []byte, err error) (any, error) { return base64.StdEncoding.EncodeToString(data), err }

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func fixture(name string) string { return filepath.Join(os.Getenv("INTEROP_FIXTURES"), name) }

// local asks what only the local Sandflare knows.
func (s *scenario) local(method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.fetch(method, os.Getenv("SANDFLARE_API_URL")+path, text, answer)
}

func (s *scenario) fetch(method, url string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(s.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-API-Key", os.Getenv("SANDFLARE_API_KEY"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

func (s *scenario) advance(d time.Duration) error {
	var answer any
	return s.local("POST", "/_local/clock", map[string]string{"advance": d.String()}, &answer)
}
