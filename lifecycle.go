package sandflare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Pause stops the sandbox's processes and keeps its state (POST …/pause).
func (s *Sandbox) Pause(ctx context.Context) error {
	return s.change(ctx, "pause", wire.SandboxPause, StatusPaused)
}

// Resume lets a paused sandbox go on (POST …/resume).
func (s *Sandbox) Resume(ctx context.Context) error {
	return s.change(ctx, "resume", wire.SandboxResume, StatusReady)
}

func (s *Sandbox) change(ctx context.Context, verb string, route wire.Route, to Status) error {
	if err := s.call(ctx, verb, route, jsonBody(struct{}{}), ignored); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Status = to
	return nil
}

// Delete ends the sandbox and everything in it (DELETE /sandboxes/{id}). The
// error Is [ErrNotFound] when there is none, unless an earlier try of this
// very call may have deleted it.
func (s *Sandbox) Delete(ctx context.Context) error {
	return s.call(ctx, "delete", wire.SandboxDelete, nil, ignored)
}

// Close deletes the sandbox on a context of its own of 30 seconds, so that it
// also works after a cancel: for defer and [testing.T.Cleanup]. A sandbox that
// is gone already is no error.
func (s *Sandbox) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Delete(ctx); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

const maxForks = 8

// Fork makes n copies, 1 to 8, of the sandbox as it is now (POST …/fork). One
// try takes at most 120 seconds.
//
// A fork is never sent twice when the first may have run: then the error Is
// [ErrOutcomeUnknown], and forks that were made are found by their metadata
// fork_parent_id. When fewer came than were asked for, they are returned
// beside the error.
func (s *Sandbox) Fork(ctx context.Context, n int) ([]*Sandbox, error) {
	const verb = "fork"
	if n < 1 || n > maxForks {
		return nil, invalid(s.opOrVerb(verb), "%d copies are not possible: ask for 1 to %d", n, maxForks)
	}
	var records []wire.Sandbox
	req := transport.Request{Route: wire.SandboxFork, Body: jsonBody(wire.Fork{N: n}), Timeout: createTimeout}
	err := s.send(ctx, verb, req, intoList(&records, "forks", "sandboxes"))
	var forks []*Sandbox
	for _, record := range records {
		if fork := s.client.adopt(record); fork.name != "" {
			forks = append(forks, fork)
		}
	}
	if err == nil && len(forks) != n {
		err = &callError{op: s.op(verb), kind: ErrOutcomeUnknown, err: fmt.Errorf("the answer has %d forks instead of %d", len(forks), n)}
	}
	if call := new(callError); errors.As(err, &call) && errors.Is(err, ErrOutcomeUnknown) {
		call.hint = fmt.Sprintf("forks may exist: look for them with ListSandboxes and metadata %s=%s", wire.ForkParentKey, s.name)
	}
	return forks, err
}

const maxKeepAlive = 24 * time.Hour

// KeepAlive lets the sandbox live for d from now, at most 24 hours, rounded up
// to seconds (POST …/timeout).
func (s *Sandbox) KeepAlive(ctx context.Context, d time.Duration) error {
	const verb = "keep alive"
	if d <= 0 || d > maxKeepAlive {
		return invalid(s.opOrVerb(verb), "%v is not possible: more than 0, at most %v", d, maxKeepAlive)
	}
	var answer wire.KeepAliveResult
	deadline := func(body []byte) error {
		if len(body) == 0 { // it is done, and nothing is told
			return nil
		}
		return into(&answer)(body)
	}
	body := jsonBody(wire.KeepAlive{Timeout: whole(d, time.Second)})
	if err := s.call(ctx, verb, wire.SandboxKeepAlive, body, deadline); err != nil {
		return err
	}
	if !answer.NewDeadline.IsZero() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.info.ExpiresAt = answer.NewDeadline.Time
	}
	return nil
}
